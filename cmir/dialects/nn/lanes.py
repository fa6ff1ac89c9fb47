"""Lanes of stages without an iteration order of their own: the axes that one iteration computes at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import prod

from cmir.dialects.nn.operation import Shape
from cmir.isl.axes import Axes


def choose_lanes(shape: Shape, free: Sequence[Axes], smallest: Axes) -> Axes:
    """Return the axes of a result that become the lanes of its stage.

    free: the free axes of each operand. The lanes are the axes that all operands leave free. Where these hold one
    element, the lanes are the free axes of one operand, such that iterations are fewest; where no operand leaves an
    axis free, `smallest`.
    """

    def count(axes: Collection[int]) -> int:
        return prod(shape[axis] for axis in axes)

    candidates = [frozenset.intersection(*free)] if free else []
    if not any(count(axes) > 1 for axes in candidates):
        candidates = [*free]
    lanes = max(candidates, key=count, default=frozenset[int]())
    kept = lanes if count(lanes) > 1 else smallest
    return kept | {axis for axis, size in enumerate(shape) if size == 1}
