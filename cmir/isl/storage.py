"""Storage relations: which slot of a buffer holds which element of which inference.

A ring keeps R rows of an array. Rows are numbered through the stream of inferences, g = H·n + h for row h of H of
inference n, and row g is kept in row g mod R of the buffer. Rows run along the dimension in which the array is
produced; an array that is written at once is one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl

from cmir.isl.text import read_map


@dataclass(frozen=True)
class Rows:
    """The rows of an array: along dimension `axis` of its `shape`, or, without an axis, all of it as one.

    descending: whether rows are produced from the last to the first.
    """

    shape: tuple[int, ...]
    axis: int | None
    descending: bool = False

    @property
    def count(self) -> int:
        """H: the rows of one inference."""
        return 1 if self.axis is None else self.shape[self.axis]

    def buffer_shape(self, rows: int) -> tuple[int, ...]:
        """The shape of a buffer of this many rows."""
        if self.axis is None:
            return (rows, *self.shape)
        return (*self.shape[: self.axis], rows, *self.shape[self.axis + 1 :])


def rows_of(shape: Sequence[int], write: isl.Map, order: isl.Map) -> Rows:
    """The rows in which an array is produced.

    write: iteration -> location; order: iteration -> time. The axis is the first one along which a later time in
    the writer's outermost dimension is always a later row (or always an earlier one).
    """
    by_time = order.reverse().apply_range(write)
    outer = by_time.dim(isl.dim_type.in_)
    for level in range(outer):
        outermost = by_time.project_out(isl.dim_type.in_, level + 1, outer - level - 1)
        outermost = outermost.project_out(isl.dim_type.in_, 0, level)
        if outermost.domain().is_singleton():
            continue  # a loop of one trip orders nothing
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
    """Whether later times have rows that are later (or, descending, earlier) or the same, and not all the same."""
    rows = row.range()
    if rows.is_singleton():
        return False
    later = isl.Map.lex_lt(row.domain().get_space())
    goes = row.reverse().apply_range(later).apply_range(row)  # row -> row at a later time
    back = isl.Map.lex_lt(rows.get_space()) if descending else isl.Map.lex_gt(rows.get_space())
    return bool(goes.intersect(back).is_empty())


def ring_storage(array: str, rows: Rows, size: int) -> isl.Map:
    """A ring of `size` rows: `{ b[n, c, h, w] -> slot[c, (H·n + h) mod R, w] }`."""
    dims = [f"d{i}" for i in range(len(rows.shape))]
    if rows.axis is None:
        slot = [f"n mod {size}", *dims]
    else:
        dim, last = dims[rows.axis], rows.count - 1
        row = f"{last} - {dim}" if rows.descending else dim
        slot = list(dims)
        slot[rows.axis] = f"({rows.count}*n + {row}) mod {size}"
    return read_map(f"{{ {array}[{', '.join(['n', *dims])}] -> slot[{', '.join(slot)}] }}")
