"""Strided views against gathering by index."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cmir.simulator.window import boxes


@given(st.lists(st.integers(1, 5), max_size=4), st.data())
def test_boxes_cut_a_run_in_order(grid: list[int], data: st.DataObject):
    total = prod(grid)
    start = data.draw(st.integers(0, total))
    stop = data.draw(st.integers(start, total))
    points = np.indices(grid).reshape(len(grid), total).T
    visited: list[tuple[int, ...]] = []
    for first, corner, sizes in boxes(tuple(grid), start, stop):
        assert first == start + len(visited)
        inside = np.indices(sizes).reshape(len(grid), prod(sizes)).T + np.array(corner, np.int64)
        visited += map(tuple, inside.tolist())
    assert visited == list(map(tuple, points[start:stop].tolist()))
