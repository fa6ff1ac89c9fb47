"""Construction of relations as text: dimension names, bounds, and maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import islpy as isl

from cmir.isl.text import read_map, read_set

Box = Mapping[str, int]
"""Named dimensions with their sizes: the integer points from 0 up to each size."""


def spatial_names(rank: int) -> tuple[str, ...]:
    """Return names for the spatial dimensions of an array: the last `rank` of d, h, w."""
    return ("d", "h", "w")[-rank:] if 0 < rank <= 3 else tuple(f"s{i}" for i in range(rank))


def element_names(rank: int) -> tuple[str, ...]:
    """Return names for the coordinates of an element: channel, then spatial dimensions."""
    return ("c", *spatial_names(rank - 1)) if rank else ()


def element_box(shape: Sequence[int]) -> Box:
    """Return the box of the elements of an array."""
    return dict(zip(element_names(len(shape)), shape, strict=True))


def box_set(box: Box) -> isl.Set:
    """Return a box as a set, `{ [h, w] : 0 <= h < … }`."""
    return read_set(f"{{ [{', '.join(box)}] : {_within(box, box.values())} }}")


def access_map(
    iterations: Box, lanes: Box, location: Sequence[str], shape: Sequence[int]
) -> isl.Map:
    """Return `{ [[iteration] -> [lane]] -> [location] }`, for the lanes whose location is in an array of this shape.

    location: affine expressions in the names of the boxes.
    """
    domain = f"[[{', '.join(iterations)}] -> [{', '.join(lanes)}]]"
    return _map(domain, {**iterations, **lanes}, location, shape)


def element_map(box: Box, location: Sequence[str], shape: Sequence[int], *where: str) -> isl.Map:
    """Return `{ [element] -> [location] }`, for the elements whose location is in an array and that satisfy `where`."""
    return _map(f"[{', '.join(box)}]", box, location, shape, *where)


def row_major(names: Sequence[str], shape: Sequence[int]) -> str:
    """Return the position of an element in the flattened array, as an affine expression."""
    terms: list[str] = []
    stride = 1
    for name, size in zip(reversed(names), reversed(shape), strict=True):
        terms.append(f"{stride}*{name}")
        stride *= size
    return " + ".join(reversed(terms)) or "0"


def _map(
    domain: str, box: Box, location: Sequence[str], shape: Sequence[int], *where: str
) -> isl.Map:
    constraints = [_within(box, box.values()), _within(location, shape), *where]
    return read_map(f"{{ {domain} -> [{', '.join(location)}] : {' and '.join(constraints)} }}")


def _within(values: Iterable[str], sizes: Iterable[int]) -> str:
    bounds = [f"0 <= {value} < {size}" for value, size in zip(values, sizes, strict=True)]
    return " and ".join(bounds) or "true"
