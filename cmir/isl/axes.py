"""Axes of arrays that iterations compute or read at once."""

from __future__ import annotations

import islpy as isl

from cmir.isl.unions import is_single_valued

Axes = frozenset[int]


def free_axes(iteration: isl.Map) -> Axes:
    """Return the axes along which moving does not change the iterations.

    iteration: `{ [element] -> [iteration] }`. An axis is free if each iteration is related to all elements of a line
    along it, or to none of them. A function then stays one when the coordinate is forgotten.
    """
    if not is_single_valued(iteration):
        return whole_axes(iteration.reverse())
    axes = range(iteration.dim(isl.dim_type.in_))
    return frozenset(
        axis for axis in axes if is_single_valued(iteration.project_out(isl.dim_type.in_, axis, 1))
    )


def whole_axes(read: isl.Map) -> Axes:
    """Return the axes that iterations read whole: all elements of a line that any iteration reads, or none of them.

    read: `{ [iteration] -> [element] }`.
    """
    axes = range(read.dim(isl.dim_type.out))
    return frozenset(axis for axis in axes if _lines(read, axis).is_subset(read))


def _lines(read: isl.Map, axis: int) -> isl.Map:
    """Complete the elements of each iteration along an axis, by elements that other iterations read."""
    name = read.get_tuple_name(isl.dim_type.out) if read.has_tuple_name(isl.dim_type.out) else None
    lines = read.project_out(isl.dim_type.out, axis, 1).insert_dims(isl.dim_type.out, axis, 1)
    if name is not None:
        lines = lines.set_tuple_name(isl.dim_type.out, name)
    return lines.intersect_range(read.range())
