"""Lanes of stages without an iteration order of their own: the axes that one iteration computes at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod

from cmir.dialects.nn.interface import Access
from cmir.dialects.nn.operation import Shape
from cmir.dialects.nn.relations import Box, element_box, element_names
from cmir.isl.axes import Axes


def choose_lanes(shape: Shape, free: Sequence[Axes]) -> Axes:
    """Return the axes of a result that become the lanes of its stage.

    free: the free axes of each operand. The lanes are the axes that all operands leave free. Where these hold one
    element, the lanes are the free axes of one operand, such that iterations are fewest; where no operand leaves an
    axis free, the first axis with several elements.
    """

    def count(axes: Collection[int]) -> int:
        return prod(shape[axis] for axis in axes)

    several = [axis for axis, size in enumerate(shape) if size > 1]
    candidates = [frozenset.intersection(*free)] if free else []
    if not any(count(axes) > 1 for axes in candidates):
        candidates = [*free]
    lanes = max(candidates, key=count, default=frozenset[int]())
    kept = lanes if count(lanes) > 1 else frozenset(several[:1])
    return kept | {axis for axis, size in enumerate(shape) if size == 1}


def iterations_of(shape: Shape, lanes: Collection[int]) -> Box:
    """Return the iterations that compute an array of this shape, each all elements along the lanes."""
    return {
        n: size for axis, (n, size) in enumerate(element_box(shape).items()) if axis not in lanes
    }


def write_of(shape: Shape, lanes: Collection[int]) -> Access:
    """Return the access by which these iterations write the array."""
    outer = iterations_of(shape, lanes)
    inner = {name: size for name, size in element_box(shape).items() if name not in outer}
    return Access.build(outer, inner, element_names(len(shape)), shape)
