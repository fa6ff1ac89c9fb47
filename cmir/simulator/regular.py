"""Buffers whose slots lie as the elements of the array do, but for a ring of rows along one dimension.

There a window on the array is a strided view of the slots, as long as its rows do not run past the end of the ring;
where they do, a few rows are copied one after the other first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmir.elaboration.program import Buffer


@dataclass(frozen=True)
class RingOrder:
    """Position of a ring in one inference: `first` keeps the row of the lowest location, `step` is 1 or −1.

    outer: where the slots of the inference are along dimensions that the array does not have.
    """

    outer: tuple[int, ...]
    first: int
    step: int


@dataclass(frozen=True, eq=False)
class RegularBuffer:
    """A buffer with a slot for each location `low` ≤ x < `low + sizes`, those of other inferences aside.

    axis: the dimension of the array whose rows run around a ring, or None. outer: how many dimensions of the buffer
    come in front of those of the array; they tell inferences apart.
    """

    buffer: Buffer
    low: tuple[int, ...]
    sizes: tuple[int, ...]
    axis: int | None
    outer: int

    @staticmethod
    def of(buffer: Buffer, shape: tuple[int, ...]) -> RegularBuffer | None:
        """shape: of the array. None if the slots lie in any other way."""
        if buffer.storage is None:
            return RegularBuffer(buffer, (0,) * len(shape), shape, None, 0)
        outer = len(buffer.shape) - len(shape)
        kept = _box(buffer, shape)
        if outer < 0 or kept is None:
            return None
        regular = RegularBuffer(buffer, *kept, None, outer)
        # A ring may happen to begin with its first slot in one inference, but not in two.
        along = {d for n in (0, 1) for d in regular._moved(n) or ()}
        if len(along) > 1 or any(regular._moved(n) is None for n in (0, 1)):
            return None
        return RegularBuffer(buffer, *kept, next(iter(along), None), outer)

    def ring_order(self, inference: int) -> RingOrder | None:
        """Return the position of the ring in an inference; None if that is not regular."""
        if self.buffer.storage is None:
            return RingOrder((), 0, 1)
        moved = self._moved(inference)
        if moved is None or not moved.keys() <= {self.axis}:
            return None
        outer, _ = self._slots(inference)
        first, step = moved.get(self.axis, (0, 1)) if self.axis is not None else (0, 1)
        return RingOrder(tuple(int(x) for x in outer), first, step)

    def _slots(self, inference: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Slots along the outer dimensions, and along those of the array, of the locations that have some."""
        box = zip(self.low, self.sizes, strict=True)
        location = list(np.ix_(*(np.arange(low, low + size) for low, size in box)))
        slots, _ = self.buffer.slot(inference, location)
        return slots[: self.outer], slots[self.outer :]

    def _moved(self, inference: int) -> dict[int, tuple[int, int]] | None:
        """(first slot, step) along the dimensions where slots do not count from 0; None if they are irregular."""
        outer, slots = self._slots(inference)
        moved: dict[int, tuple[int, int]] = {}
        if any(x.size > 1 for x in outer):
            return None
        for d, (slot, size) in enumerate(zip(slots, self.sizes, strict=True)):
            rows = self.buffer.shape[self.outer + d]
            along = slot.reshape(-1)
            if slot.size != (slot.shape[d] if slot.ndim else 1) or len(along) not in (1, size):
                return None
            along = np.broadcast_to(along, size)
            count = np.arange(size)
            if np.array_equal(along, count):
                continue
            first = int(along[0])
            for step in (1, -1):
                if np.array_equal(along, (first + step * count) % rows):
                    moved[d] = first, step
                    break
            else:
                return None
        return moved


def _box(buffer: Buffer, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """(first location, extents) of the box of locations that have a slot; None if they are no box."""
    location = list(np.ix_(*(np.arange(size) for size in shape)))
    _, kept = buffer.slot(0, location)
    if kept is None or (kept.size == 1 and kept.all()):
        return (0,) * len(shape), shape
    kept = np.broadcast_to(kept, shape)
    low: list[int] = []
    sizes: list[int] = []
    for axis in range(len(shape)):
        others = tuple(d for d in range(len(shape)) if d != axis)
        there = np.flatnonzero(kept.any(axis=others))
        if not len(there):
            return None
        low.append(int(there[0]))
        sizes.append(int(there[-1] - there[0]) + 1)
    return (tuple(low), tuple(sizes)) if int(kept.sum()) == np.prod(sizes) else None
