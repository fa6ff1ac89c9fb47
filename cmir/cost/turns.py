"""Elements that each of several cores accesses which run the iterations of a program in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import VectorType

from cmir.dialects.cmcore import BufferOp, FireOp, LoadOp, ProgramOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import ArrayOp, MapAttr, symbol
from cmir.isl.visits import in_order, run_of, visits
from cmir.semantics.access import CompiledAccess
from cmir.support.blocks import blocks
from cmir.support.numerics import ravel


class AccessesInTurn:
    """Accesses of a program whose iterations several cores run in turn, by the order of its loop nest."""

    def __init__(self, op: ProgramOp, cores: Sequence[CoreName], turns: int):
        self.turns = turns
        coordinates = sorted({core.coordinates for core in cores})
        fired = visits(op.loop_nest.body, FireOp, np.array(coordinates, np.int64))
        self._points = in_order(fired, lambda fire: fire.operands)
        counts = np.bincount(run_of(fired) if fired else [], minlength=len(coordinates))
        ends = np.cumsum(counts).tolist()
        self._runs = {
            core: (end - int(count), end)
            for core, count, end in zip(coordinates, counts, ends, strict=True)
        }
        self._reads: dict[str, list[tuple[CompiledAccess, bool]]] = defaultdict(list)
        self._writes: dict[str, list[tuple[CompiledAccess, bool]]] = defaultdict(list)
        for item in op.iteration.body.block.ops:
            if isinstance(item, LoadOp):
                for buffer, access in item.buffers_and_maps():
                    assert isinstance(buffer.owner, BufferOp)
                    compiled = self._compile(access, item.result.type)
                    self._reads[symbol(buffer.owner.array)].append(
                        (compiled, item.across is not None)
                    )
        for store in op.stores():
            compiled = self._compile(store.map, store.value.type)
            self._writes[symbol(store.array)].append((compiled, False))

    def _compile(self, access: MapAttr, type: object) -> CompiledAccess:
        assert isinstance(type, VectorType)
        return CompiledAccess.compile(access, self._points, type.get_shape())

    def reads(self, core: CoreName, array: ArrayOp) -> np.ndarray | None:
        """Return the elements that a core reads, as a mask that broadcasts to the array's shape; None for no reads."""
        return self._mask(core, array, self._reads.get(array.sym_name.data, []))

    def writes(self, core: CoreName, array: ArrayOp) -> np.ndarray | None:
        """Like `reads`, for the elements that a core writes."""
        return self._mask(core, array, self._writes.get(array.sym_name.data, []))

    def _mask(
        self, core: CoreName, array: ArrayOp, accesses: Sequence[tuple[CompiledAccess, bool]]
    ) -> np.ndarray | None:
        if not accesses:
            return None
        first, last = self._runs[core.coordinates]
        run = slice(first + (core.turn or 0), last, self.turns)
        mask = np.zeros(prod(array.shape), bool)
        for access, across in accesses:
            for elements in _elements(access.of_run(run), array.shape, across):
                mask[elements] = True
        return _without_uniform_axes(mask.reshape(array.shape))


def _elements(access: CompiledAccess, shape: tuple[int, ...], across: bool) -> Iterator[np.ndarray]:
    """Yield the numbers of the elements of an array that iterations access, by blocks of iterations."""
    for start, stop in blocks(0, len(access.points), prod(access.lanes)):
        locations, defined = access.locations(start, stop)
        if across:
            locations = locations[1:]
        elements = np.asarray(ravel(locations, shape))
        if defined is None:
            yield elements.reshape(-1)
        else:
            elements, kept = np.broadcast_arrays(elements, defined)
            yield elements[kept]


def _without_uniform_axes(mask: np.ndarray) -> np.ndarray:
    """Return a mask that broadcasts to the given one, with length 1 along each axis along which it is constant."""
    for axis in range(mask.ndim):
        first = mask.take([0], axis=axis)
        if (mask == first).all():
            mask = first
    return mask
