"""Cuts: where layout operators merge axes of an operand into one axis of their result.

An axis of 64 windows that a reshape makes of eight rows and eight columns has the cut 8: element i of the axis lies in
row ⌊i / 8⌋. The coordinate of such an axis is best written with two digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import mul

import islpy as isl

from cmir.dialects.nn.operation import Shape
from cmir.isl.text import read_map

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


def count_crossing(operand: Shape, cuts: Cuts, result: Shape, joined: Shape) -> int:
    """Return the number of axes that the axes of a reshape's operand and result divide in crossing ways.

    cuts: those of the operand. joined: a shape whose axes both divide. 28 = 4·7 and 28 = 7·4 cross, since no digits of
    the axis suit both; 28 = 4·7 and 28 = 2·14 do not.
    """
    whole = (frozenset[int](),) * len(result)
    before = cuts_of_reshape(operand, cuts, joined)
    after = cuts_of_reshape(result, whole, joined)
    return sum(
        any(larger % smaller for smaller, larger in pairwise(sorted(one | other)))
        for one, other in zip(before, after, strict=True)
    )


def within_cuts(read: isl.Map, cuts: Cuts) -> bool:
    """Return True if no iteration reads some elements of an axis from one side of a cut and some from the other.

    read: `{ [iteration] -> [element] }`. An iteration may also read from all intervals between cuts, as all others do.
    """
    rank = read.dim(isl.dim_type.out)
    names = [f"i{axis}" for axis in range(rank)]
    for axis, strides in enumerate(cuts):
        for stride in strides:
            interval = read_map(f"{{ [{', '.join(names)}] -> [floor({names[axis]} / {stride})] }}")
            read_from = read.apply_range(interval)
            everywhere = isl.Map.from_domain_and_range(read_from.domain(), read_from.range())
            if not read_from.is_single_valued() and not everywhere.is_subset(read_from):
                return False
    return True


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
