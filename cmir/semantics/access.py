"""Access relations as functions on arrays: locations of the lanes of a vector, and their row-major indices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import prod

import islpy as isl
import numpy as np

from cmir.dialects.polyhedral import MapAttr
from cmir.isl import read_set
from cmir.isl.evaluate import Function, compile_function
from cmir.support.blocks import blocks
from cmir.support.numerics import ravel


@dataclass(frozen=True)
class SeparateLanes:
    """Axes of lanes that alone determine a coordinate of their locations, and determine nothing else.

    elements: this coordinate, for all lanes along these axes at which it is defined; lane: the first such lane. Whether
    a location is defined depends on these lanes and, independently, on the iteration and the lanes along other axes.
    """

    axes: tuple[int, ...]
    dimension: int
    elements: np.ndarray
    lane: tuple[int, ...]


@dataclass(frozen=True)
class CompiledAccess:
    """Locations of the lanes of a vector in an array, for any run of iterations.

    lanes: sizes of a box of the vector's lanes, whose first lane is `corner`. `locations` returns coordinates as arrays
    of shape (iterations, *lanes), with length 1 along each axis that they do not depend on.
    """

    function: Function
    points: np.ndarray
    lanes: tuple[int, ...]
    corner: tuple[int, ...]

    def of_run(self, run: slice) -> CompiledAccess:
        """Return the access for some of the iterations."""
        return replace(self, points=self.points[run])

    @staticmethod
    def compile(
        relation: MapAttr,
        points: np.ndarray,
        lanes: tuple[int, ...],
        corner: tuple[int, ...] | None = None,
    ) -> CompiledAccess:
        """Compile an access relation. points: the program's iterations in order, shape (iterations, coordinates)."""
        corner = corner or (0,) * len(lanes)
        bounds = [
            *zip(points.min(axis=0).tolist(), points.max(axis=0).tolist(), strict=True),
            *((first, first + size - 1) for first, size in zip(corner, lanes, strict=True)),
        ]
        return CompiledAccess(_function(relation, tuple(bounds)), points, lanes, corner)

    @cached_property
    def separate(self) -> list[SeparateLanes]:
        """The axes of lanes that run through a dimension of the array by themselves, such as those of channels."""
        first = self.points.shape[1]
        groups = {self.function.linked(first + a): None for a, n in enumerate(self.lanes) if n > 1}
        found: list[SeparateLanes] = []
        for inputs in groups:
            formula = self.function.factor(inputs) if min(inputs) >= first else None
            if formula is None:
                continue
            axes = tuple(index - first for index in sorted(inputs))
            corner = np.array([[self.corner[axis]] for axis in axes])
            lanes = corner + np.indices([self.lanes[axis] for axis in axes]).reshape(len(axes), -1)
            point = [np.zeros((), np.int64)] * formula.inputs
            for index, along in zip(sorted(inputs), lanes, strict=True):
                point[index] = along
            (elements,), defined = formula(point)
            if defined is not None:
                lanes, elements = lanes[:, defined], elements[defined]
            (dimension,) = self.function.depending_on(inputs)
            lane = tuple((lanes if lanes.size else corner)[:, 0].tolist())
            found.append(SeparateLanes(axes, dimension, elements, lane))
        return found

    def at_one_lane(self) -> CompiledAccess:
        """Return the access at one lane along all separate axes, a defined one if there is one."""
        lanes, corner = list(self.lanes), list(self.corner)
        for group in self.separate:
            for axis, lane in zip(group.axes, group.lane, strict=True):
                lanes[axis], corner[axis] = 1, lane
        return replace(self, lanes=tuple(lanes), corner=tuple(corner))

    @property
    def box(self) -> tuple[slice, ...]:
        """Box of the lanes, as an index of the vector."""
        return tuple(slice(c, c + n) for c, n in zip(self.corner, self.lanes, strict=True))

    @cached_property
    def is_invariant(self) -> bool:
        """True if all iterations have the same lanes."""
        location, defined = self.locations(0, len(self.points))
        parts = location if defined is None else [*location, defined]
        return len(self.points) == 1 or all(x.shape[:1] in ((), (1,)) for x in parts)

    def locations(self, start: int, stop: int) -> tuple[list[np.ndarray], np.ndarray | None]:
        """Return (coordinates, mask of the defined ones or None for all) of iterations start ≤ i < stop."""
        rank = len(self.lanes)
        iteration = [column.reshape(-1, *(1,) * rank) for column in self.points[start:stop].T]
        lane = [
            np.arange(lanes.start, lanes.stop).reshape(
                1, *(-1 if d == axis else 1 for d in range(rank))
            )
            for axis, lanes in enumerate(self.box)
        ]
        return self.function([*iteration, *lane])

    def last_use(self, shape: tuple[int, ...], first: int, last: int) -> np.ndarray:
        """Return the last of iterations `first` to `last - 1` that accesses each element of an array; −1 if none does.

        shape: of the array. The result has length 1 along dimensions of which all elements are accessed alike.
        """
        separate, access = self.separate, self.at_one_lane()
        # One element represents all along these dimensions.
        one = {group.dimension for group in separate}
        small = tuple(1 if d in one else size for d, size in enumerate(shape))
        result = np.full(prod(small) + 1, -1)  # the last entry is for lanes outside the array
        for start, stop in blocks(first, last, prod(access.lanes)):
            location, defined = access.locations(start, stop)
            location = [np.zeros((), np.int64) if d in one else x for d, x in enumerate(location)]
            index = ravel(location, small)
            if defined is not None:
                index = np.where(defined, index, len(result) - 1)
            iteration = along(np.arange(start, stop), 0, 1 + len(access.lanes))
            block = (stop - start, *access.lanes)
            index, iteration = np.broadcast_to(index, block), np.broadcast_to(iteration, block)
            # Iterations ascend, and the last of several assignments to one element wins.
            result[index.reshape(-1)] = iteration.reshape(-1)
        result = result[:-1].reshape(small)
        for group in separate:
            inside = np.zeros(shape[group.dimension], bool)
            inside[group.elements] = True
            if not inside.all():
                result = np.where(along(inside, group.dimension, len(shape)), result, -1)
        return result


def along(values: np.ndarray, axis: int, rank: int) -> np.ndarray:
    """Return values along one axis of an array of this rank."""
    return values.reshape([-1 if d == axis else 1 for d in range(rank)])


@lru_cache(maxsize=4096)
def _function(relation: MapAttr, bounds: tuple[tuple[int, int], ...]) -> Function:
    """Compile an access relation for coordinates within these bounds. Cached: several analyses need the same ones."""
    flat = relation.relation.flatten_domain().reset_tuple_id(isl.dim_type.in_)
    names = ", ".join(f"x{i}" for i in range(len(bounds)))
    within = " and ".join(f"{low} <= x{i} <= {high}" for i, (low, high) in enumerate(bounds))
    return compile_function(flat, read_set(f"{{ [{names}] : {within or '1 = 1'} }}"))
