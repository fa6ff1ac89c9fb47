"""What stages read and write, iteration by iteration, as arrays: the numeric side of the dependence mathematics.

`cmir.isl.dependences` derives the same for all inferences at once, symbolically; control logic comes from there.
These arrays serve searches that try many buffer sizes, where deriving each anew would be slow.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from math import prod

import numpy as np
from xdsl.dialects.builtin import VectorType
from xdsl.ir import Block, Region

from cmir.accelerator.automata import NEVER
from cmir.accelerator.nest import in_order, visits
from cmir.accelerator.program import Access, ravel
from cmir.dialects.cmcore import FireOp
from cmir.dialects.polyhedral import ArrayOp, StageOp, symbol
from cmir.isl.ast import visit_in_order
from cmir.isl.storage import Rows

_LANES_AT_ONCE = 1 << 22


class Footprint:
    """The iterations of a stage in execution order, and the elements that each of them accesses."""

    def __init__(self, stage: StageOp):
        self.stage = stage
        self.name = stage.sym_name.data

    @cached_property
    def points(self) -> np.ndarray:
        """The iterations in execution order, shape (iterations, coordinates)."""
        block = Block()
        visit_in_order(self.stage.order, lambda b, point: b.insert(FireOp(point)), block)
        return in_order(visits(Region(block), FireOp), lambda fire: fire.operands)

    @property
    def iterations(self) -> int:
        return len(self.points)

    def reads(self, array: str) -> Iterable[Access]:
        """The accesses by which iterations read an array."""
        for op in self.stage.reads():
            assert isinstance(op.result.type, VectorType)
            for name, relation in op.arrays_and_maps():
                if name == array:
                    yield Access.compile(relation, self.points, op.result.type.get_shape())

    def _writes(self, array: str) -> Iterable[Access]:
        for op in self.stage.writes():
            assert isinstance(op.value.type, VectorType)
            if symbol(op.array) == array:
                yield Access.compile(op.map, self.points, op.value.type.get_shape())

    def writer(self, array: ArrayOp) -> np.ndarray:
        """The iteration that writes each element, −1 where none does; in the shape of the array."""
        return self._last(array, self._writes(array.sym_name.data))

    def last_read(self, array: ArrayOp) -> np.ndarray:
        """The last iteration that reads each element, −1 where none does; in the shape of the array."""
        return self._last(array, self.reads(array.sym_name.data))

    def _last(self, array: ArrayOp, accesses: Iterable[Access]) -> np.ndarray:
        result = np.full(prod(array.shape), -1, np.int64)
        for access in accesses:
            for start, stop in self._blocks(access):
                location, defined = access.locations(start, stop)
                shape = (stop - start, *access.lanes)
                index = np.broadcast_to(ravel(location, array.shape), shape)
                iteration = np.arange(start, stop).reshape(-1, *(1,) * len(access.lanes))
                iteration = np.broadcast_to(iteration, shape)
                if defined is not None:
                    kept = np.broadcast_to(defined, shape)
                    index, iteration = index[kept], iteration[kept]
                # Iterations ascend, and the last of several assignments to an element stays.
                result[index.reshape(-1)] = iteration.reshape(-1)
        return result.reshape(array.shape)

    def needs_data(self, array: ArrayOp, writer: np.ndarray) -> np.ndarray:
        """For each iteration, the last iteration of the writer that it or one before it reads from.

        writer: of each element, as `Footprint.writer` of the writing stage gives it. −NEVER: none is needed.
        """
        needs = np.full(self.iterations, -NEVER, np.int64)
        table = _without_repeats(writer)
        for access in self.reads(array.sym_name.data):
            for start, stop in self._blocks(access):
                location, defined = access.locations(start, stop)
                location = [
                    x if size > 1 else np.zeros((), np.int64)
                    for x, size in zip(location, table.shape, strict=True)
                ]
                if defined is not None:  # locations of lanes outside the array are meaningless
                    location = [
                        np.clip(x, 0, size - 1)
                        for x, size in zip(location, table.shape, strict=True)
                    ]
                written = table.reshape(-1)[ravel(location, table.shape)]
                if defined is not None:
                    written = np.where(defined, written, -1)
                axes = tuple(range(1, written.ndim))
                latest = np.broadcast_to(written.max(axis=axes), (stop - start,))
                latest = np.where(latest < 0, -NEVER, latest)
                np.maximum(needs[start:stop], latest, out=needs[start:stop])
        return np.maximum.accumulate(needs)

    def _blocks(self, access: Access) -> Iterable[tuple[int, int]]:
        step = max(1, _LANES_AT_ONCE // max(1, prod(access.lanes)))
        for start in range(0, self.iterations, step):
            yield start, min(self.iterations, start + step)


def _without_repeats(table: np.ndarray) -> np.ndarray:
    """The table with axes along which it does not vary reduced to one entry."""
    for axis in range(table.ndim):
        first = table.take([0], axis=axis)
        if (table == first).all():
            table = first
    return table


def needs_room(
    writer: np.ndarray, last_read: np.ndarray, rows: Rows, size: int, iterations: tuple[int, int]
) -> np.ndarray:
    """For each iteration of a writer, the last iteration of a reader that must have run before it.

    It overwrites, in a ring of `size` rows, what was stored `size` rows earlier in the stream.

    writer, last_read: of each element, by the writing and the reading stage; iterations: of the two in one inference.
    """
    writes, reads = iterations
    needs = np.full(writes, -NEVER, np.int64)
    if rows.axis is None:
        written, read = writer[None], last_read[None]
    else:
        written, read = (np.moveaxis(table, rows.axis, 0) for table in (writer, last_read))
        if rows.descending:
            written, read = written[::-1], read[::-1]
    earlier, row = np.divmod(np.arange(rows.count) - size, rows.count)
    old = read[row]
    shift = (earlier * reads).reshape(-1, *(1,) * (old.ndim - 1))
    needed = np.where((old < 0) | (written < 0), -NEVER, old + shift)
    kept = written >= 0
    np.maximum.at(needs, written[kept], needed[kept])
    return np.maximum.accumulate(needs)


def window_rows(reader: Footprint, array: ArrayOp, rows: Rows) -> int:
    """The most rows that one iteration reads: no smaller ring can serve it."""
    if rows.axis is None:
        return 1
    most = 1
    for access in reader.reads(array.sym_name.data):
        location, defined = access.locations(0, reader.iterations)
        row = location[rows.axis]
        axes = tuple(range(1, row.ndim))
        if not axes:
            continue
        if defined is not None:
            shape = np.broadcast_shapes(row.shape, defined.shape)
            row, inside = np.broadcast_to(row, shape), np.broadcast_to(defined, shape)
            axes = tuple(range(1, len(shape)))
            high = np.where(inside, row, -1).max(axis=axes)
            low = np.where(inside, row, rows.count).min(axis=axes)
        else:
            high, low = row.max(axis=axes), row.min(axis=axes)
        most = max(most, int((high - low).max()) + 1)
    return most
