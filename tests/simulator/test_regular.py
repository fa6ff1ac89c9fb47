"""Rings of rows as views of memory, against the slots that storage relations give."""

from __future__ import annotations

from math import prod

import islpy as isl
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cmir.elaboration.program import Buffer
from cmir.isl.evaluate import compile_function
from cmir.isl.storage import Rows, ring_storage
from cmir.simulator.layout import Layout
from cmir.simulator.regular import RegularBuffer


def buffer_of(shape: tuple[int, ...], storage: isl.Map) -> Buffer:
    universe = isl.Set.universe(storage.domain().get_space())
    return Buffer("b", shape, np.dtype(np.float32), compile_function(storage, universe))


@st.composite
def rings(draw: st.DrawFn) -> tuple[Rows, int]:
    """Rows of an array, and how many a ring of them has."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    axis = draw(st.none() | st.integers(0, len(shape) - 1))
    rows = Rows(shape, axis, axis is not None and draw(st.booleans()))
    return rows, draw(st.integers(1, rows.count + 3))


@given(rings(), st.integers(0, 4), st.data())
def test_rows_are_where_the_storage_keeps_them(
    ring: tuple[Rows, int], inference: int, data: st.DataObject
):
    rows, size = ring
    shape, axis = rows.shape, rows.axis
    buffer = buffer_of(rows.buffer_shape(size), ring_storage("b", rows, size))
    regular = RegularBuffer.of(buffer, shape)
    assert regular is not None
    ring_order = regular.ring_order(inference)
    assert ring_order is not None
    # One row of margin along the dimensions that do not run around the ring.
    ring_at = regular.outer + axis if axis is not None and regular.axis is not None else None
    margin = tuple(
        (0, 0) if d < regular.outer or d == ring_at else (1, 1) for d in range(len(buffer.shape))
    )
    layout = Layout(buffer, regular, margin, -1.0, (), {})
    memory = layout.allocate()
    layout.inside(memory)[..., 0] = np.arange(1, prod(buffer.shape) + 1).reshape(buffer.shape)
    location = list(np.ix_(*(np.arange(extent) for extent in shape)))
    expected = np.broadcast_to(memory[layout.index(inference, location)[0], 0], shape)
    around = np.pad(expected, 1, constant_values=-1.0)
    if regular.axis is None:
        first, last = -1, 0
    else:
        first = data.draw(st.integers(-1, shape[regular.axis]))
        last = data.draw(st.integers(first, shape[regular.axis]))
        run = slice(first + 1, last + 2)
        around = around[(*[slice(None)] * regular.axis, run)]
    cells, before = layout.rows(memory, ring_order, first, last)
    np.testing.assert_array_equal(cells[..., 0], around)
    assert before == [1 if d != regular.axis else -first for d in range(len(shape))]
    if regular.axis is None or (first >= 0 and last < shape[regular.axis]):
        placed = layout.rows_in_place(memory, ring_order, first, last)
        if placed is not None:
            cells, before = placed
            assert np.shares_memory(cells, memory)
            np.testing.assert_array_equal(cells[..., 0], around)


def test_banks_are_not_regular():
    rows = Rows((4, 2), 0, banks=2)
    assert (
        RegularBuffer.of(buffer_of(rows.buffer_shape(1), ring_storage("b", rows, 1)), (4, 2))
        is None
    )


def test_only_what_is_kept_has_slots():
    storage = isl.Map("{ b[n, c, h] -> slot[c - 2, (5n + h) mod 3] : 2 <= c <= 3 }")
    regular = RegularBuffer.of(buffer_of((2, 3), storage), (6, 5))
    assert regular is not None
    assert (regular.low, regular.sizes, regular.axis) == ((2, 0), (2, 5), 1)
