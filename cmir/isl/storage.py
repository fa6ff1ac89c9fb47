"""Storage maps: the slot of a buffer that holds an element of an inference.

A ring buffer keeps R rows of an array. Rows are numbered consecutively through the stream of inferences, g = H·n + h
for row h of the H rows of inference n, and row g is stored in row g mod R of the buffer. Rows run along the dimension
in which the array is produced; an array that is written at once is a single row.

Cores that write the rows of an array in turn are not ordered with respect to each other. Their rows are kept apart: the
buffer has a bank for each core, and each bank is a ring of its own. Stages that write parts of one array, such as the
pieces of a concatenation, share a ring if they agree on its rows and no slot belongs to two of them. Otherwise each
part has a ring of its own, with as many rows as it needs, and the rings are stacked in the buffer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import ceil, prod

import islpy as isl

from cmir.isl.dependences import maximum, minimum
from cmir.isl.text import read_map, read_set


@dataclass(frozen=True)
class Rows:
    """Rows of an array along dimension `axis` of its `shape`; without an axis, the whole array is one row.

    descending: rows are produced from the last to the first.
    banks: number of cores that produce the rows in turn; `dealt` row by row, or else each core a run of rows.
    first, step: the indices of the axis that are rows, first, first + step, …; `shape` counts only these.
    """

    shape: tuple[int, ...]
    axis: int | None
    descending: bool = False
    banks: int = 1
    dealt: bool = True
    first: int = 0
    step: int = 1

    @property
    def count(self) -> int:
        """Number H of rows of one inference in one bank."""
        return 1 if self.axis is None else ceil(self.shape[self.axis] / self.banks)

    @property
    def alone(self) -> Rows:
        """Rows of the one-dimensional array that consists of the axis alone."""
        assert self.axis is not None
        return replace(self, shape=(self.shape[self.axis],), axis=0)

    @property
    def indices(self) -> slice:
        """Indices of the rows along the axis."""
        assert self.axis is not None
        return slice(self.first, self.first + self.step * self.shape[self.axis], self.step)

    def buffer_shape(self, rows: int, kept: Sequence[int] | None = None) -> tuple[int, ...]:
        """Return the shape of a buffer with `rows` rows in each bank.

        kept: extents of the part of the array that is kept.
        """
        sizes = tuple(kept or self.shape)
        if self.axis is None:
            return (rows, *sizes)
        ring = (*sizes[: self.axis], rows, *sizes[self.axis + 1 :])
        return ring if self.banks == 1 else (self.banks, *ring)


@dataclass(frozen=True)
class BoundingBox:
    """Bounding box of the elements of an array that one core reads and must keep.

    low: first element in each dimension, `[p0] -> { [x] }`, for core p0. sizes: extents. They are the same for all
    cores, so a box may hold more than its core reads.
    """

    low: tuple[isl.Set, ...]
    sizes: tuple[int, ...]

    @staticmethod
    def of(read: isl.Map) -> BoundingBox:
        """Return the bounding box of `read`, `[p0] -> { iteration -> location }` for each core."""
        points = read.range()
        lows, sizes = [], []
        for d in range(points.dim(isl.dim_type.set)):
            one = points.project_out(isl.dim_type.set, d + 1, points.dim(isl.dim_type.set) - d - 1)
            one = one.project_out(isl.dim_type.set, 0, d).reset_tuple_id()
            low = minimum(isl.Map.from_range(one)).range()
            high = maximum(isl.Map.from_range(one)).range()
            lows.append(low)
            extent = low.apply(isl.Map("{ [x] -> [-x] }")).sum(high)
            sizes.append(extent.dim_max_val(0).to_python() + 1)
        return BoundingBox(tuple(lows), tuple(sizes))

    def box(self, name: str) -> isl.Set:
        """Return the elements in the box, `[p0] -> { name[x] : low <= x < low + size }`."""
        dims = [f"d{d}" for d in range(len(self.sizes))]
        inside = read_set(f"{{ {name}[{', '.join(dims)}] }}")
        for d, (low, size) in enumerate(zip(self.low, self.sizes, strict=True)):
            at = read_map(f"{{ [x] -> {name}[{', '.join(dims)}] : x <= {dims[d]} < x + {size} }}")
            inside = inside.intersect(low.apply(at))
        return inside

    def shifted(self, slots: isl.Map, dims: Mapping[int, int]) -> isl.Map:
        """Return storage with slots relative to the first element of the box.

        dims: the array dimension of each slot dimension.
        """
        names = [f"s{d}" for d in range(slots.dim(isl.dim_type.out))]
        for slot, d in dims.items():
            moved = [f"{name} - x" if k == slot else name for k, name in enumerate(names)]
            shift = read_map(f"{{ [x] -> [slot[{', '.join(names)}] -> slot[{', '.join(moved)}]] }}")
            slots = slots.apply_range(self.low[d].apply(shift).unwrap())
        return slots


def rows_of(shape: Sequence[int], write: isl.Map, order: isl.Map) -> Rows:
    """Return the rows in which an array is produced.

    write: iteration -> location; order: iteration -> time, on each core. The axis is the first one along which a later
    time in the writer's outermost dimension never means an earlier row (or never a later one).
    """
    by_time = order.reverse().apply_range(write)
    outer = by_time.dim(isl.dim_type.in_)
    for level in range(outer):
        outermost = by_time.project_out(isl.dim_type.in_, level + 1, outer - level - 1)
        outermost = outermost.project_out(isl.dim_type.in_, 0, level)
        if isl.Map.from_range(outermost.domain()).is_single_valued():
            continue  # a loop with one trip imposes no order
        for axis in range(len(shape)):
            row = outermost.project_out(isl.dim_type.out, axis + 1, len(shape) - axis - 1)
            row = row.project_out(isl.dim_type.out, 0, axis)
            row = row.reset_tuple_id(isl.dim_type.out)
            for descending in (False, True):
                if _advances(row, descending):
                    return Rows(tuple(shape), axis, descending)
        break
    return Rows(tuple(shape), None)


def _advances(row: isl.Map, descending: bool) -> bool:
    """Return True if rows increase (or, descending, decrease) weakly with time and are not all the same."""
    rows = row.range()
    if rows.is_singleton():
        return False
    later = isl.Map.lex_lt(row.domain().get_space())
    goes = row.reverse().apply_range(later).apply_range(row)  # row -> row at a later time
    back = isl.Map.lex_lt(rows.get_space()) if descending else isl.Map.lex_gt(rows.get_space())
    return bool(goes.intersect(back).is_empty())


def ring_storage(array: str, rows: Rows, size: int, kept: BoundingBox | None = None) -> isl.Map:
    """Return a ring of `size` rows: `{ b[n, c, h, w] -> slot[c, (H·n + h) mod R, w] }`.

    With several banks, the bank is an additional first dimension of the slots. Only the elements in `kept` have slots.
    """
    dims = [f"d{i}" for i in range(len(rows.shape))]
    if rows.axis is None:
        slot, first = [f"n mod {size}", *dims], 1
    else:
        dim, last = dims[rows.axis], rows.shape[rows.axis] - 1
        row = (
            dim
            if (rows.first, rows.step) == (0, 1)
            else f"floor(({dim} - {rows.first}) / {rows.step})"
        )
        row = f"({last} - {row})" if rows.descending else row
        bank, place = f"floor({row} / {rows.count})", f"{row} mod {rows.count}"
        if rows.dealt:
            bank, place = f"{row} mod {rows.banks}", f"floor({row} / {rows.banks})"
        slot, first = list(dims), int(rows.banks > 1)
        place = place if rows.banks > 1 else row
        slot[rows.axis] = f"({rows.count}*n + {place}) mod {size}"
        slot = [bank, *slot] if rows.banks > 1 else slot
    ring = read_map(f"{{ {array}[{', '.join(['n', *dims])}] -> slot[{', '.join(slot)}] }}")
    if kept is None:
        return ring
    inside = kept.box(array).insert_dims(isl.dim_type.set, 0, 1).set_tuple_name(array)
    others = {first + d: d for d in range(len(dims)) if d != rows.axis}
    return kept.shifted(ring.intersect_domain(inside), others).coalesce()


def box_storage(array: str, kept: BoundingBox) -> isl.Map:
    """Return a slot for each kept element of one inference: `[p0] -> { b[n, c, h] -> slot[c - 4p0, h] }`."""
    dims = [f"d{i}" for i in range(len(kept.sizes))]
    whole = read_map(f"{{ {array}[{', '.join(['n', *dims])}] -> slot[{', '.join(dims)}] }}")
    inside = kept.box(array).insert_dims(isl.dim_type.set, 0, 1).set_tuple_name(array)
    return kept.shifted(whole.intersect_domain(inside), {d: d for d in range(len(dims))}).coalesce()


def stacked(rings: Sequence[tuple[isl.Map, Sequence[int]]]) -> tuple[isl.Map, tuple[int, ...]]:
    """Return the storage and shape of one buffer that holds the rings of parts of an array, one after the other.

    rings: (storage, shape) of each. A single ring is returned as it is. The shapes of several may differ, so their
    slots are numbered consecutively in row-major order: `{ b[n, h, c] -> slot[4((8n + h) mod 3) + c] : h < 8; … }`.
    """
    if len(rings) == 1:
        ((storage, shape),) = rings
        return storage, tuple(shape)
    pieces, total = [], 0
    for storage, shape in rings:
        names = [f"s{d}" for d in range(len(shape))]
        inside = " and ".join(f"0 <= {s} < {size}" for s, size in zip(names, shape, strict=True))
        place = " + ".join(f"{prod(shape[d + 1 :])}*{s}" for d, s in enumerate(names))
        number = f"{{ slot[{', '.join(names)}] -> slot[{total} + {place}] : {inside} }}"
        pieces.append(storage.apply_range(read_map(number)))
        total += prod(shape)
    return reduce(isl.Map.union, pieces).coalesce(), (total,)
