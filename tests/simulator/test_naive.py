"""The naive simulator itself, on what the design says of two 3×3 convolutions."""

from __future__ import annotations

from functools import cache

import pytest
from enumeration import Point
from networks import Builder, Compiled, compile_network
from simulator.naive import Deadlock, Storage, simulate


@cache
def two_convolutions() -> Compiled:
    net = Builder(1, 16, 16)
    return compile_network(net.model(net.conv(net.conv("x", 1, pads=1), 1, pads=1)))


def ring(rows: int) -> Storage:
    def slot(array: str, inference: int, location: Point) -> Point:
        channel, row, column = location
        return channel, (16 * inference + row) % rows, column

    return slot


def test_unbounded_buffers() -> None:
    def no_reuse(array: str, inference: int, location: Point) -> tuple[int, Point]:
        return inference, location

    starts = simulate(two_convolutions().pipeline, 3, no_reuse)
    first, second = starts.values()
    assert first.ravel().tolist() == list(range(3 * 256))
    # A window's last row and column must be there, and take one cycle to be seen.
    assert second[0, 0] == 16 + 1 + 1
    assert second.max() + 1 == 786


def test_whole_arrays_are_as_good() -> None:
    starts = simulate(two_convolutions().pipeline, 3)
    assert max(start.max() for start in starts.values()) + 1 == 786


@pytest.mark.parametrize("rows", [3, 4, 5, 16])
def test_three_rows_run_at_full_speed(rows: int) -> None:
    starts = simulate(two_convolutions().pipeline, 3, ring(rows))
    assert max(start.max() for start in starts.values()) + 1 == 786


@pytest.mark.parametrize("rows", [1, 2])
def test_two_rows_deadlock(rows: int) -> None:
    with pytest.raises(Deadlock):
        simulate(two_convolutions().pipeline, 3, ring(rows))
