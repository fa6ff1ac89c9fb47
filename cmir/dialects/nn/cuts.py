"""Cuts: where layout operators merge axes of an operand into one axis of their result.

An axis of 64 windows that a reshape makes of eight rows and eight columns has the cut 8: element i of the axis lies in
row ⌊i / 8⌋. The coordinate of such an axis is best written with two digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from operator import mul

from cmir.dialects.nn.operation import Shape

Cuts = tuple[frozenset[int], ...]
"""For each axis of a value, the strides at which axes of the values that it is made of begin."""


def cuts_of_reshape(operand: Shape, cuts: Cuts, result: Shape) -> Cuts:
    """Return the cuts of the result of a reshape. cuts: those of the operand.

    In row-major order, an axis of the operand begins at each multiple of the number of elements behind it.
    """
    begins = {
        stride * cut
        for stride, inner in zip(_strides(operand), cuts, strict=True)
        for cut in {1, *inner}
    }
    return tuple(
        frozenset(
            begin // stride
            for begin in begins
            if stride < begin < size * stride and begin % stride == 0
        )
        for stride, size in zip(_strides(result), result, strict=True)
    )


def cuts_of_pieces(pieces: Sequence[Cuts], rank: int) -> Cuts:
    """Return the cuts of a result with `rank` axes, each made of the axes at the same distance from the last."""
    empty = frozenset[int]()
    found = [empty] * rank
    for cuts in pieces:
        for axis in range(min(rank, len(cuts))):
            found[-1 - axis] |= cuts[-1 - axis]
    return tuple(found)


def _strides(shape: Shape) -> list[int]:
    """Return the distance of neighbours along each axis in row-major order."""
    return [*accumulate(reversed(shape[1:]), mul, initial=1)][::-1] if shape else []
