"""Stages spread over cores, whose relations are families with the coordinates of a core as parameters.

The leading coordinates of an iteration may identify the core of the stage that runs it. A relation that concerns one
core then has parameters: p0, p1, … are the coordinates of the core whose control logic it describes, q0, q1, … those
of the neighbour that this core follows. One relation, one automaton and one program thus serve all cores of a stage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

import islpy as isl
import numpy as np

from cmir.isl.points import box_points, points_of
from cmir.isl.text import CONTEXT, read_set

Who = Literal["p", "q"]
"""Owner of the coordinates that parameters stand for: p for the core itself, q for its neighbour."""

ANY_CORE = read_set("{ : }")
"""Cores of a stage that is not spread: a single core, no parameters."""

_Object = TypeVar("_Object", isl.Map, isl.Set, isl.Map | isl.Set)


def core_parameters(dims: int, who: Who = "p") -> list[str]:
    """Return the names of the parameters for the coordinates of a core."""
    return [f"{who}{d}" for d in range(dims)]


def parameters(value: isl.Map | isl.Set) -> list[str]:
    """Return the names of the parameters of an object."""
    count = value.dim(isl.dim_type.param)
    return [value.get_dim_name(isl.dim_type.param, d) or "" for d in range(count)]


def is_core_parameter(name: str) -> bool:
    return re.fullmatch(r"[pq][0-9]+", name) is not None


def with_parameters(value: _Object, names: Sequence[str]) -> _Object:
    """Return the object with these parameters first, in this order."""
    space = isl.Space.params_alloc(CONTEXT, len(names))
    for d, name in enumerate(names):
        space = space.set_dim_name(isl.dim_type.param, d, name)
    return value.align_params(space)


def on_core(relation: isl.Map, dims: int, who: Who = "p") -> isl.Map:
    """Restrict `{ s[c, i] -> … }` to the iterations of one core: `[p0] -> { s[c, i] -> … : c = p0 }`."""
    if not dims:
        return relation
    relation = with_parameters(relation, core_parameters(dims, who))
    for d in range(dims):
        relation = relation.equate(isl.dim_type.param, d, isl.dim_type.in_, d)
    return relation


def without_core(order: isl.Map) -> isl.Map:
    """Return the order of the iterations of one core without the times that are equal to a coordinate of the core.

    These are the same for all iterations of the core and do not affect their order.
    """
    for d in reversed(range(order.dim(isl.dim_type.out))):
        for k in range(order.dim(isl.dim_type.param)):
            if order.is_subset(order.equate(isl.dim_type.param, k, isl.dim_type.out, d)):
                order = order.project_out(isl.dim_type.out, d, 1)
                break
    return order


def cores_of(iterations: isl.Set, dims: int, who: Who = "p") -> isl.Set:
    """Return the cores that run the iterations: `[p0] -> { : 0 <= p0 < 4 }`."""
    return on_core(isl.Map.from_domain(iterations), dims, who).params()


def with_core_as_input(relation: isl.Map, dims: int) -> isl.Map:
    """Return `[p0] -> { s[i] -> … }` as `{ [p0, i] -> … }`, for relations that are evaluated for many cores."""
    relation = with_parameters(relation, core_parameters(dims)).reset_tuple_id(isl.dim_type.in_)
    return relation.move_dims(isl.dim_type.in_, 0, isl.dim_type.param, 0, dims)


def as_neighbour(value: _Object) -> _Object:
    """Rename the parameters of a core to those of a neighbour: p0 becomes q0."""
    for d, name in enumerate(parameters(value)):
        value = value.set_dim_name(isl.dim_type.param, d, f"q{name[1:]}")
    return value


def same_core(value: isl.Map) -> isl.Map:
    """Restrict a relation between the iterations of a core and of its neighbour to a core that is its own neighbour."""
    names = parameters(value)
    for name in names:
        if name.startswith("p") and (other := f"q{name[1:]}") in names:
            pair = names.index(name), names.index(other)
            value = value.equate(isl.dim_type.param, pair[0], isl.dim_type.param, pair[1])
    return value


def core_set(coordinates: Sequence[Sequence[int]]) -> isl.Set:
    """Return the set of cores with these coordinates: `[p0] -> { : 0 <= p0 < 4 }`."""
    points = np.array(coordinates, np.int64)
    names = core_parameters(points.shape[1])
    low, high = points.min(axis=0), points.max(axis=0)
    bounds = [f"{a} <= {name} <= {b}" for name, a, b in zip(names, low, high, strict=True)]
    pieces = [" and ".join(bounds)]
    if np.prod(high - low + 1) != len(points):  # the cores do not fill their bounding box
        each = ([f"{n} = {x}" for n, x in zip(names, core, strict=True)] for core in coordinates)
        pieces = [" and ".join(equations) for equations in each]
    inside = " or ".join(f"({piece})" for piece in pieces if piece)
    cores = read_set(f"[{', '.join(names)}] -> {{ : {inside} }}") if inside else ANY_CORE
    return cores.coalesce()


def parameter_values(context: isl.Set) -> np.ndarray:
    """Return the parameter values of a bounded set in lexicographic order, shape (values, parameters)."""
    return points_of(_as_points(context.params()))


def count_points(points: isl.Set) -> int:
    """Return the number of points of a bounded set, summed over all values of its parameters."""
    points = _with_parameters_as_dims(points)
    if box_points(points) < _MOST_COUNTED:
        return points.count_val().to_python()
    parts = map(isl.Set.from_basic_set, points.make_disjoint().get_basic_sets())
    return sum(map(_count_convex, parts))


def _count_convex(part: isl.Set) -> int:
    """Return the number of points of a basic set: by factors if it is a product, else by halves."""
    if box_points(part) < _MOST_COUNTED:
        return part.count_val().to_python()
    dims = range(part.dim(isl.dim_type.set))
    ends = [(part.dim_min_val(d).to_python(), part.dim_max_val(d).to_python()) for d in dims]
    for d, (low, high) in enumerate(ends):
        others = part.project_out(isl.dim_type.set, d, 1)
        if _between(others.insert_dims(isl.dim_type.set, d, 1), d, low, high).is_subset(part):
            return (high - low + 1) * count_points(others)
    widest = max(dims, key=lambda d: ends[d][1] - ends[d][0])
    low, high = ends[widest]
    middle = (low + high) // 2
    halves = _between(part, widest, low, middle), _between(part, widest, middle + 1, high)
    return sum(map(_count_convex, halves))


def _between(points: isl.Set, dim: int, low: int, high: int) -> isl.Set:
    points = points.lower_bound_val(isl.dim_type.set, dim, isl.Val(low))
    return points.upper_bound_val(isl.dim_type.set, dim, isl.Val(high))


_MOST_COUNTED = 1 << 31
"""ISL counts fewer points than this at once."""


def some_core(value: isl.Map | isl.Set) -> dict[str, int]:
    """Return values of the parameters for which an object is not empty."""
    point = _as_points(value.params()).sample_point()
    return {
        name: point.get_coordinate_val(isl.dim_type.set, d).to_python()
        for d, name in enumerate(parameters(value))
    }


def at(value: _Object, core: Mapping[str, int]) -> _Object:
    """Fix parameters to these values, and remove the parameters."""
    if not core:
        return value
    value = with_parameters(value, [*core])
    for d, number in enumerate(core.values()):
        value = value.fix_val(isl.dim_type.param, d, isl.Val(number))
    return value.project_out(isl.dim_type.param, 0, len(core))


def at_core(value: _Object, core: Sequence[int]) -> _Object:
    """Specialize an object, whose parameters are the coordinates of a core, to one core."""
    return at(value, dict(zip(core_parameters(len(core)), core, strict=True)))


def at_some_core(value: _Object) -> _Object:
    """Specialize an object to one of the cores, or pairs of cores, for which it is not empty."""
    return at(value, some_core(value))


def _as_points(context: isl.Set) -> isl.Set:
    """Return `[p0] -> { : … }` as `{ [p0] : … }`."""
    return _with_parameters_as_dims(context.from_params())


def _with_parameters_as_dims(points: isl.Set) -> isl.Set:
    """Return `[p0] -> { s[i] }` as `{ [p0, i] }`."""
    return points.reset_tuple_id().move_dims(
        isl.dim_type.set, 0, isl.dim_type.param, 0, points.dim(isl.dim_type.param)
    )
