"""Points of a set as an array."""

from __future__ import annotations

from math import prod

import islpy as isl
import numpy as np

from cmir.isl.evaluate import compile_function


def points_of(points: isl.Set) -> np.ndarray:
    """Return the points of a bounded set in lexicographic order, shape (points, coordinates)."""
    points = points.reset_tuple_id()
    dims = range(points.dim(isl.dim_type.set))
    if points.is_empty():
        return np.zeros((0, len(dims)), np.int64)
    low = [points.dim_min_val(d).to_python() for d in dims]
    high = [points.dim_max_val(d).to_python() for d in dims]
    box = isl.Set.universe(points.get_space())
    for d in dims:
        box = box.lower_bound_val(isl.dim_type.set, d, low[d])
        box = box.upper_bound_val(isl.dim_type.set, d, high[d])
    function = compile_function(isl.Map.from_domain(points), box)
    bounds = list(zip(low, high, strict=True))
    _, inside = function(np.ix_(*(np.arange(first, last + 1) for first, last in bounds)))
    shape = [last - first + 1 for first, last in bounds]
    kept = np.broadcast_to(np.asarray(True) if inside is None else inside, shape)
    return np.argwhere(kept) + np.array(low, np.int64)


def box_points(points: isl.Set) -> int:
    """Return the number of points of the smallest boxes around the parts of a set: no fewer than a bounded set has.

    Parts without bounds do not count.
    """
    parameters = points.dim(isl.dim_type.param)
    points = points.move_dims(isl.dim_type.set, 0, isl.dim_type.param, 0, parameters)
    parts = map(isl.Set.from_basic_set, points.get_basic_sets())
    return sum(_box(part) for part in parts if part.is_bounded() and not part.is_empty())


def _box(points: isl.Set) -> int:
    dims = range(points.dim(isl.dim_type.set))
    return prod(
        points.dim_max_val(d).to_python() - points.dim_min_val(d).to_python() + 1 for d in dims
    )
