"""How many copies of a program there are, whatever else its cores differ in."""

from __future__ import annotations

import pytest
from networks import Builder
from proof.networks_to_prove import lower

from cmir.analysis.copies import copies_of


@pytest.mark.parametrize(
    ("passes", "copies"),
    [
        ("", {"conv1": 1, "max_pool1": 1}),
        ("polyhedral-replicate{stage=conv1 copies=3}", {"conv1": 3, "max_pool1": 1}),
        ("polyhedral-split-matrices{rows=18 columns=2}", {"conv1": 1, "max_pool1": 1}),
        (
            "polyhedral-split-matrices{rows=18 columns=2},polyhedral-replicate{stage=conv1 copies=3}",
            {"conv1": 3, "max_pool1": 1},
        ),
        ("polyhedral-replicate{stage=max_pool1 copies=2}", {"conv1": 1, "max_pool1": 2}),
        ("polyhedral-stream-inputs", {"conv1": 1, "max_pool1": 1}),
    ],
)
def test_copies(passes: str, copies: dict[str, int]) -> None:
    net = Builder(2, 6, 6)
    network = lower(net, net.pool(net.conv("x", 4, pads=1)), passes=passes)
    assert copies_of(network) == copies
