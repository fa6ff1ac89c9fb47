"""Coordinates as numbers of several digits.

A reshape merges coordinates, or splits one: it maps i to (⌊i / 7⌋, i mod 7). Maxima of such relations are expensive,
and their texts long. If iterations have coordinates i0 and i1 with i = 7·i0 + i1 in the place of i, the relation is
affine. The order of the iterations stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import islpy as isl

from cmir.isl.text import read_map


def radices_of(strides: Iterable[int], size: int) -> list[int]:
    """Return the radices of the digits of a coordinate, the most significant first.

    size: the number of values of the coordinate. strides: the wanted values of digits. Those count that divide the size
    and the next larger one.
    """
    radices: list[int] = []
    for stride in sorted(set(strides), reverse=True):
        if 1 < stride < size and size % stride == 0:
            radices.append(size // stride)
            size = stride
    return [*radices, size]


def join_digits(radices: Sequence[Sequence[int]]) -> isl.Map:
    """Return `{ [digits of all coordinates] -> [coordinates] }`. radices: those of each coordinate."""
    digits: list[str] = []
    bounds: list[str] = []
    coordinates: list[str] = []
    for coordinate, sizes in enumerate(radices):
        names = [f"i{coordinate}_{digit}" for digit in range(len(sizes))]
        terms = [f"{prod(sizes[at + 1 :])}*{name}" for at, name in enumerate(names)]
        digits += names
        bounds += [f"0 <= {name} < {size}" for name, size in zip(names, sizes, strict=True)]
        coordinates.append(" + ".join(terms))
    where = " and ".join(bounds) or "true"
    return read_map(f"{{ [{', '.join(digits)}] -> [{', '.join(coordinates)}] : {where} }}")
