"""Elements of an array, up to equivalence.

An axis of an array is *separate* for an access if, on each core, every iteration accesses a product: a set V of
coordinates along that axis, times the locations along the other axes. The compiled function shows this: the coordinate
depends only on the core and on lanes on which neither the other coordinates nor any constraint depend, except for
constraints on those lanes and the core alone. The inference that a lane reads is one of the other coordinates. An axis
is separate for a storage map if one slot coordinate depends only on the axis and the core and is injective in the axis,
and the other slot coordinates do not depend on the axis.

Let an axis be separate for all accesses to an array and for the storage maps of all of its buffers. Two coordinates x
and x' that lie in the same sets V (of all accesses, on all cores, and of the elements in each buffer) are alike:
exchanging them maps the accesses, and the sharing of slots, to themselves. Elements that differ by such an exchange
have the same writer, the same readers and corresponding slots, and an element at x never shares a slot with one at x'.
So one coordinate of each kind represents all. Usually there is one kind for all channels, or one per block of a split
matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Protocol

import numpy as np

from cmir.dialects.polyhedral import ArrayOp
from cmir.proof.control.stages import Budget, StageAccess
from cmir.support.diagnostics import CompileError

_CHUNK = 1 << 20
"""Approximate number of points that are evaluated together."""


class AxisMembers(Protocol):
    """An access or a storage map, which determines the coordinates along an axis that must be distinguished."""

    def members(self, axis: int, size: int) -> np.ndarray | None:
        """Return the mask of accessed or stored coordinates of each core, shape (cores, size); None if not separate."""
        ...


class ElementSpace:
    """The elements of one array, up to equivalence.

    alike: the axes along which one coordinate represents several. kind: for each axis, the kind of each coordinate.
    first: the first coordinate of each kind. Elements are numbered in row-major order of kinds.
    """

    def __init__(self, array: ArrayOp, users: Sequence[AxisMembers]):
        self.array, self.name, self.shape = array, array.sym_name.data, array.shape
        self.kind: list[np.ndarray] = []
        self.first: list[np.ndarray] = []
        self.alike: list[int] = []
        for axis, size in enumerate(self.shape):
            rows = [user.members(axis, size) for user in users]
            kind, first = np.arange(size), np.arange(size)
            if all(row is not None for row in rows):
                self.alike.append(axis)
                kind, first = _kinds([row for row in rows if row is not None], size)
            self.kind.append(kind)
            self.first.append(first)
        self.sizes = [len(first) for first in self.first]
        self.strides = [prod(self.sizes[axis + 1 :]) for axis in range(len(self.sizes))]
        self.count = prod(self.sizes)

    def text(self, element: int, inference: int | None = None) -> str:
        """Return the first of the elements with this number, as `b[0, 8]`; that of inference 1 as `b[1, 0, 8]`."""
        stream = [] if inference is None else [inference]
        return f"{self.name}{[*stream, *self.location(element)]}"

    def location(self, element: int) -> list[int]:
        at = np.unravel_index(element, self.sizes) if self.sizes else ()
        return [int(first[k]) for first, k in zip(self.first, at, strict=True)]

    def find(self, locations: np.ndarray) -> np.ndarray:
        """Return the numbers of the elements at these locations, shape (count, axes); -1 outside the array."""
        inside = ((locations >= 0) & (locations < np.array(self.shape, np.int64))).all(axis=1)
        found = np.zeros(len(locations), np.int64)
        for axis, (kind, stride) in enumerate(zip(self.kind, self.strides, strict=True)):
            found += kind[np.where(inside, locations[:, axis], 0)] * stride
        return np.where(inside, found, -1)


def _kinds(rows: Sequence[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the kind of each coordinate and the first of each kind. Coordinates with equal columns are alike."""
    rows = [row for row in rows if not row.all()]
    if not rows:
        return np.zeros(size, np.int64), np.zeros(min(size, 1), np.int64)
    columns = np.ascontiguousarray(np.packbits(np.concatenate(rows), axis=0).T)
    keys = columns.view(np.dtype((np.void, columns.shape[1]))).reshape(-1)
    _, first, kind = np.unique(keys, return_index=True, return_inverse=True)
    return kind.reshape(-1), first


class AccessMembers:
    """The members of an access."""

    def __init__(self, access: StageAccess, stores: bool):
        self.access, self.stores = access, stores
        self.uses = access.function.uses()
        self.first = access.axis
        self.constraints = access.function.constraints()

    def lanes(self, axis: int) -> frozenset[int]:
        """Return the lanes, as inputs, on which the coordinate along an axis depends."""
        return frozenset(x for x in self.uses[self.first + axis] if x >= self.access.rank)

    def separate(self, axis: int) -> bool:
        lanes = self.lanes(axis)
        own = lanes.union(range(self.access.core_dims))
        output = self.first + axis
        others = (uses for d, uses in enumerate(self.uses) if d != output)
        touching = [inputs for inputs in self.constraints if inputs & lanes]
        return (
            self.uses[output] <= own
            and not any(uses & lanes for uses in others)
            and all(inputs <= own for inputs in touching)
            and (self.access.function.convex or not touching)
            and self.access.function.sole(output) is not None
        )

    def members(self, axis: int, size: int) -> np.ndarray | None:
        access = self.access
        if not access.function.pieces:
            return np.zeros((1, size), bool)
        if not self.separate(axis):
            return None
        lanes = self.lanes(axis)
        if access.function.convex:
            own = lanes.union(range(access.core_dims))
            part = access.function.part([self.first + axis], lambda inputs: inputs <= own)
        else:
            part = access.function.sole(self.first + axis)
            assert part is not None, "an axis that is separate has one formula"
        found = np.zeros((len(access.stage.cores), size), bool)
        inputs = access.inputs(0, 0, [lane - access.rank for lane in lanes])
        firsts = access.stage.points[access.stage.starts[:-1]]
        for dim in range(access.rank):
            inputs[dim] = firsts[:, dim].reshape(-1, *(1,) * len(access.lanes))
        (values,), defined = part(inputs)
        shape = (
            len(firsts),
            *(n if access.rank + d in lanes else 1 for d, n in enumerate(access.lanes)),
        )
        values = np.broadcast_to(values, shape).reshape(len(firsts), -1)
        here = np.broadcast_to(True if defined is None else defined, shape).reshape(values.shape)
        if (here & ((values < 0) | (values >= size))).any():
            return None  # the other constraints may exclude it
        core = np.broadcast_to(np.arange(len(firsts))[:, None], values.shape)
        found[core[here], values[here]] = True
        if self.stores and found.sum() != here.sum():
            return None  # stored more than once; `ArrayUses` reports the elements
        return found


class Elements:
    """The elements that iterations access, by number in a space."""

    def __init__(self, access: StageAccess, space: ElementSpace, stores: bool, budget: Budget):
        self.access, self.space, self.stores, self.budget = access, space, stores, budget
        users = AccessMembers(access, stores)
        self.axes = [d for d in range(len(space.shape)) if d not in space.alike]
        self.cut = frozenset[int]().union(*(users.lanes(d) for d in space.alike))
        self.empty = not access.function.pieces
        if self.empty:
            return
        cut = self.cut
        touched = any(inputs & cut for inputs in users.constraints)
        self.function = access.function.part(
            [*range(access.axis), *(access.axis + d for d in self.axes)],
            (lambda inputs: not inputs & cut) if touched else None,
        )
        self.lanes = [d for d in range(len(access.lanes)) if access.rank + d not in cut]
        self._offsets(users)

    def _offsets(self, users: AccessMembers) -> None:
        """Compute the contribution of the reduced axes to the numbers of elements, for each core."""
        space, cores = self.space, len(self.access.stage.cores)
        self.offsets = np.zeros((cores, 1), np.int64)
        self.exists = np.ones((cores, 1), bool)
        for axis in space.alike:
            members = users.members(axis, space.shape[axis])
            assert members is not None, "the axis is separate for this access"
            has = members[:, space.first[axis]]
            width = int(has.sum(axis=1).max(initial=0))
            kinds = np.argsort(~has, axis=1, kind="stable")[:, :width]
            here = np.take_along_axis(has, kinds, axis=1)
            added = self.offsets[:, :, None] + (kinds * space.strides[axis])[:, None, :]
            self.offsets = added.reshape(cores, -1)
            self.exists = (self.exists[:, :, None] & here[:, None, :]).reshape(cores, -1)

    def chunks(
        self, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
        """Yield (first iteration, elements, inferences) of runs of iterations.

        elements: shape (iterations, lanes), -1 for none. inferences: of the same shape, relative to the iteration's
        own; None for accesses within an inference.
        """
        last = len(self.access.stage.points) if last is None else last
        if self.empty:
            return
        width = max(1, self.offsets.shape[1] * prod(self.access.lanes[d] for d in self.lanes))
        step = max(1, _CHUNK // width)
        for start in range(first, last, step):
            yield start, *self._run(start, min(start + step, last))

    def _run(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray | None]:
        access, space, count = self.access, self.space, last - first
        values, defined = self.function(access.inputs(first, last, self.lanes))
        inferences = None
        if access.across:
            inferences, *values = values
            self._check_inferences(first, inferences, defined)
        number: np.ndarray = np.zeros((1,) * (1 + len(access.lanes)), np.int64)
        for axis, value in zip(self.axes, values, strict=True):
            if value.size and (value.min() < 0 or value.max() >= space.shape[axis]):
                self._check(first, axis, value, defined)
            number = number + value * space.strides[axis]
        if defined is not None:
            number = np.where(defined, number, -1)
        if inferences is not None:
            number, inferences = np.broadcast_arrays(number, inferences)
        if self.stores:  # each lane is a separate store
            lanes = (n if d in self.lanes else 1 for d, n in enumerate(access.lanes))
            number = np.broadcast_to(number, (count, *lanes))
        number = np.broadcast_to(number, (count, *number.shape[1:])).reshape(count, -1)
        if inferences is not None:
            inferences = np.broadcast_to(inferences, (count, *inferences.shape[1:]))
            inferences = np.repeat(inferences.reshape(count, -1), self.offsets.shape[1], axis=1)
        if space.alike:
            core = access.stage.core_of[first:last]
            added = number[:, :, None] + self.offsets[core][:, None, :]
            here = (number >= 0)[:, :, None] & self.exists[core][:, None, :]
            number = np.where(here, added, -1).reshape(count, -1)
        self.budget.spend(number.size)
        return number, inferences

    def _check(self, first: int, axis: int, value: np.ndarray, defined: np.ndarray | None) -> None:
        """Raise CompileError if a defined location lies outside the array."""
        outside = (value < 0) | (value >= self.space.shape[axis])
        outside = outside & (True if defined is None else defined)
        if outside.any():
            at = np.argwhere(outside)[0]
            x = int(np.broadcast_to(value, outside.shape)[tuple(at)])
            raise _outside(self.access, first + int(at[0]), f"coordinate {x} of axis {axis}")

    def _check_inferences(
        self, first: int, inferences: np.ndarray, defined: np.ndarray | None
    ) -> None:
        """Raise CompileError for a read of a later inference, or of one before those with initial values."""
        held = self.space.array.initial_inferences()
        wrong = ((inferences > 0) | (inferences < -held)) & (True if defined is None else defined)
        if wrong.any():
            at = np.argwhere(wrong)[0]
            m = int(np.broadcast_to(inferences, wrong.shape)[tuple(at)])
            what = f"a later inference of @{self.space.name}"
            if m < 0:
                what = (
                    f"@{self.space.name} {-m} inferences back, which has initial values for {held}"
                )
            raise CompileError(
                self.access.op,
                f"iteration {self.access.stage.text(first + int(at[0]))} of @{self.access.stage.name} reads {what}",
            )


def _outside(access: StageAccess, iteration: int, what: str) -> CompileError:
    return CompileError(
        access.op,
        f"iteration {access.stage.text(iteration)} of @{access.stage.name} accesses {what}, outside the array",
    )
