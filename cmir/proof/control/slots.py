"""Slots of the elements of a buffer.

A storage map is quasi-affine, so it has a *period* P: each element has the same slot in inferences n and n + P. P
follows from the divisors in the map. Finitely many inferences thus determine which elements share a slot in the endless
stream.

Usually more holds: sharing is *alike* in all inferences, that is, elements share a slot if and only if their successors
in the next inference do. A sufficient condition: for each slot coordinate, the coordinate in inference n + 1 is an
injective function of that in inference n, the same function for all elements and all n of a period. The property then
holds for slots, and because of the period for all n. In addition, the set of elements with a slot must not depend on n.
"""

from __future__ import annotations

from functools import cached_property, reduce
from math import prod

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import MemRefType

from cmir.dialects.cmcore import BufferOp
from cmir.isl.cores import with_core_as_input
from cmir.proof.control.space import ElementSpace
from cmir.proof.control.stages import Budget, Stage, compiled


class AperiodicStorageError(Exception):
    """Error for a storage map whose slots do not repeat with the number of the inference."""


class Slots:
    """The storage map of a buffer, on all cores of a stage: (coordinates of the core, n, location) -> slot."""

    def __init__(self, op: BufferOp, stage: Stage):
        self.op, self.stage = op, stage
        assert isinstance(op.result.type, MemRefType)
        self.shape = op.result.type.get_shape()
        self.size = prod(self.shape)
        self.inference = stage.cores.shape[1]
        """The index of the input that is the number of the inference."""
        self.function = None
        if op.storage is not None:
            relation = with_core_as_input(op.storage.relation, self.inference)
            space = relation.domain().get_space()
            self.function = compiled(relation, isl.Set.universe(space))

    @cached_property
    def period(self) -> int:
        """The period P. Raises AperiodicStorageError."""
        period = 1 if self.function is None else self.function.cycle(self.inference)
        if period is None:
            raise AperiodicStorageError
        return period

    def members(self, axis: int, size: int) -> np.ndarray | None:
        """Return, for each core, the mask of the coordinates along an axis that have slots, shape (cores, size).

        None if the axis is not separate.
        """
        if self.function is None:
            return np.ones((1, size), bool)
        if size == 1:
            return np.ones((1, 1), bool)
        place = self.inference + 1 + axis
        own = frozenset((*range(self.inference), place))
        part = self.function.factor({place})
        if part is None or not all(used <= own for used in (*part.uses(), *part.constraints())):
            return None
        inputs = [column[:, None] for column in self.stage.cores.T]
        inputs += [np.zeros((1, 1), np.int64)] * (self.function.inputs - len(inputs))
        inputs[place] = np.arange(size)[None, :]
        (slot,), defined = part(inputs)
        shape = (len(self.stage.cores), size)
        kept = np.broadcast_to(True if defined is None else defined, shape)
        key = (
            np.broadcast_to(slot, shape) + (np.arange(shape[0]) * (int(np.ptp(slot)) + 1))[:, None]
        )
        if len(np.unique(key[kept])) != kept.sum():
            return None
        return kept

    def of(self, core: int, space: ElementSpace, inferences: int, budget: Budget) -> np.ndarray:
        """Return the slots of all elements in the first inferences, shape (inferences, elements); -1 for none.

        Slots are numbered in row-major order; -2 stands for a slot outside the buffer.
        """
        budget.spend(inferences * space.count)
        shape = (inferences, space.count)
        if self.function is None:
            grid = [
                f.reshape(-1, *(1,) * (len(space.first) - d - 1)) for d, f in enumerate(space.first)
            ]
            return np.broadcast_to(_number(grid, self.shape, space.sizes).reshape(1, -1), shape)
        inputs = self._grid(core, np.arange(inferences), space.first)
        slots, defined = self.function(inputs)
        full = (inferences, *space.sizes)
        number = _number(slots, self.shape, full)
        if defined is not None:
            number = np.where(np.broadcast_to(defined, full), number, -1)
        return number.reshape(shape)

    def _grid(self, core: int, inferences: np.ndarray, along: list[np.ndarray]) -> list[np.ndarray]:
        """Return the inputs of the function on a core: axis 0 for inferences, then the axes of the array."""
        axes = [inferences, *along]
        inputs = [np.asarray(x) for x in self.stage.cores[core]]
        for d, values in enumerate(axes):
            inputs.append(values.reshape(*(1,) * d, -1, *(1,) * (len(axes) - d - 1)))
        return inputs

    def alike(self, core: int, sizes: tuple[int, ...], budget: Budget) -> bool:
        """Return True only if sharing is alike in all inferences on this core. False if that cannot be shown."""
        if self.function is None or self.period == 1:
            return True
        if any(self.inference in inputs for inputs in self.function.constraints()):
            return False
        budget.spend(self.period + 1)
        inferences = np.arange(self.period + 1)
        for output, uses in enumerate(self.function.uses()):
            if self.inference not in uses:
                continue
            along = [
                np.arange(size if self.inference + 1 + d in uses else 1)
                for d, size in enumerate(sizes)
            ]
            budget.spend(len(inferences) * prod(map(len, along)))
            (slot,), _ = self.function.part([output])(self._grid(core, inferences, along))
            slot = np.broadcast_to(slot, (len(inferences), *slot.shape[1:]))
            pairs = slot[:-1].reshape(-1), slot[1:].reshape(-1)
            low, reach = int(slot.min()), int(np.ptp(slot)) + 1
            both = np.unique((pairs[0] - low) * reach + pairs[1] - low)
            if not len(both) == len(np.unique(both // reach)) == len(np.unique(both % reach)):
                return False
        return True


def _number(
    slots: list[np.ndarray], shape: tuple[int, ...], full: tuple[int, ...] | list[int]
) -> np.ndarray:
    """Return the row-major numbers of slots; -2 for slots outside the buffer."""
    number = np.zeros((1,) * len(full), np.int64)
    for slot, size in zip(slots, shape, strict=True):
        number = number * size + slot
    # Coordinates depend on few axes, so each by itself is small.
    outside = [(slot < 0) | (slot >= size) for slot, size in zip(slots, shape, strict=True)]
    if any(each.any() for each in outside):
        number = np.where(reduce(np.logical_or, outside), -2, number)
    return np.broadcast_to(number, full)
