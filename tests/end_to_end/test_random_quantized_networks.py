"""Random quantised networks, as in `end_to_end.test_random_networks`: integers are equal to references."""

from __future__ import annotations

import pytest
from end_to_end.drawn_networks import Network
from end_to_end.drawn_quantized import STEPS, quantised_networks
from end_to_end.test_random_networks import check, chunks, compiled
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("step", sorted(STEPS))
def test_step(step: str) -> None:
    """Networks that end with the step; hypothesis complains if none of them is accepted."""

    @settings(max_examples=2)
    @given(quantised_networks(2, step))
    def runs(network: Network) -> None:
        check(network, compiled(network), None, 2)

    runs()


@given(quantised_networks(), chunks, st.integers(1, 3))
def test_random_networks(network: Network, chunk: int | None, inferences: int) -> None:
    check(network, compiled(network), chunk, inferences)


@settings(max_examples=30)
@given(quantised_networks(), chunks, st.integers(1, 3), st.sampled_from(["live", "lossless"]))
def test_random_networks_in_bounded_buffers(
    network: Network, chunk: int | None, inferences: int, sizes: str
) -> None:
    model = compiled(network, passes=f"polyhedral-assign-storage{{sizes={sizes}}}")
    check(network, model, chunk, inferences)
