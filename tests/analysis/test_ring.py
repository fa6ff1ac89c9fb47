"""What rings ask of their writers, against buffers that are filled slot by slot."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cmir.analysis.ring import Ring, keeps_apart, rows_at_once
from cmir.elaboration.automata import NEVER

INFERENCES = 24


@st.composite
def rings(draw: st.DrawFn) -> Ring:
    """Columns written in any order, some in that of their rows; with holes, and several rows at once."""
    columns, rows = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    writes, reads = draw(st.integers(1, 12)), draw(st.integers(1, 9))

    def table(count: int) -> np.ndarray:
        values = [[draw(st.integers(-1, count - 1)) for _ in range(rows)] for _ in range(columns)]
        if draw(st.booleans()):
            values = [sorted(max(0, v) for v in column) for column in values]
        return np.array(values, np.int64)

    return Ring(table(writes), table(reads), writes, reads)


def clashes(ring: Ring, size: int) -> bool:
    """True if an iteration writes two elements into one slot."""
    for column in ring.written:
        slots = [(w, h % size) for h, w in enumerate(column.tolist()) if w >= 0]
        if len(set(slots)) < len(slots):
            return True
    return False


def needs_by_slots(ring: Ring, size: int) -> list[int]:
    """Of the last inference of a stream: what all occupants of slots that were overwritten so far are read by."""
    slots: dict[tuple[int, int], int | None] = {}
    needs: list[int] = []
    latest = -NEVER
    for inference in range(INFERENCES):
        for iteration in range(ring.writes):
            for column, row in np.argwhere(ring.written == iteration).tolist():
                slot = column, (ring.rows * inference + row) % size
                read = slots.get(slot)
                latest = latest if read is None else max(latest, read)
                last = int(ring.last_read[column, row])
                slots[slot] = None if last < 0 else ring.reads * inference + last
            needs.append(latest)
    last = needs[-ring.writes :]
    return [need if need < 0 else need - ring.reads * (INFERENCES - 1) for need in last]


@given(rings(), st.integers(1, 9))
def test_needs(ring: Ring, size: int) -> None:
    apart = keeps_apart(rows_at_once(ring.written), size)
    assert apart == (not clashes(ring, size))
    if apart:
        assert ring.needs(size).tolist() == needs_by_slots(ring, size)


@given(rings(), st.integers(0, 12), st.integers(1, 9))
def test_needs_of_one_iteration(ring: Ring, iteration: int, most: int) -> None:
    iteration %= ring.writes
    needs = [int(ring.needs(size)[iteration]) for size in range(1, most + 1)]
    assert ring.needs_of(iteration, most).tolist() == needs
    if ring.in_order:
        assert needs == sorted(needs, reverse=True)
