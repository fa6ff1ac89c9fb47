"""Induction proofs that take up to minutes: `make induction`."""

from __future__ import annotations

import pytest
from networks import Builder, compile_network
from rtl.test_induction import LATE, assert_early, convolutions, pooled

from cmir.rtl.induction import prove_units
from cmir.timing.network import TimedNetwork


def residual(size: int) -> TimedNetwork:
    """A convolution with two readers, of which one reads the other's results, too."""
    net = Builder(1, size, size)
    x = net.conv("x", 1, pads=1)
    y = net.add(net.relu(net.conv(net.relu(net.conv(x, 1, pads=1)), 1, pads=1)), x)
    return compile_network(net.model(y), passes="polyhedral-assign-storage{sizes=live}").timed


LARGE = {
    "textbook": lambda: convolutions(8),
    "pool": lambda: pooled(6),
    "residual": lambda: residual(3),
    "turns of the reader": lambda: convolutions(
        passes="polyhedral-replicate{stage=conv2 copies=2 by=turns}"
    ),
    "streamed": lambda: convolutions(
        passes="polyhedral-stream-inputs,polyhedral-assign-storage{sizes=lossless}"
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_no_unit_starts_early(name: str) -> None:
    verdict = prove_units(LARGE[name]())
    assert verdict, str(verdict)


def test_the_last_mutant_starts_early() -> None:
    assert_early(LATE)
