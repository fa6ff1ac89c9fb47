"""Buffers whose slots are arranged like the elements of the array, except for a ring of rows along one dimension.

In such a buffer, a window on the array is a strided view of the slots as long as its rows do not run past the end of
the ring. Otherwise, its few rows are copied into consecutive order first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmir.elaboration.program import Buffer


@dataclass(frozen=True)
class RingOrder:
    """Position of a ring in one inference: `first` is the slot of the row of the lowest location, `step` is 1 or −1.

    outer: position of the inference's slots along the dimensions that the array does not have.
    """

    outer: tuple[int, ...]
    first: int
    step: int


@dataclass(frozen=True, eq=False)
class RegularBuffer:
    """A buffer with one slot per inference for each location `low` ≤ x < `low + sizes`.

    axis: the dimension of the array whose rows form a ring, or None. outer: number of leading dimensions of the buffer,
    before those of the array, that distinguish inferences.
    """

    buffer: Buffer
    low: tuple[int, ...]
    sizes: tuple[int, ...]
    axis: int | None
    outer: int

    @staticmethod
    def of(buffer: Buffer, shape: tuple[int, ...]) -> RegularBuffer | None:
        """Return the regular form of a buffer of an array of this shape; None if its slots are not regular."""
        if buffer.storage is None:
            return RegularBuffer(buffer, (0,) * len(shape), shape, None, 0)
        outer = len(buffer.shape) - len(shape)
        kept = _box(buffer, shape)
        if outer < 0 or kept is None:
            return None
        regular = RegularBuffer(buffer, *kept, None, outer)
        # A ring can happen to begin with its first slot in one inference, but not in two.
        along = {d for n in (0, 1) for d in regular._moved(n) or ()}
        if len(along) > 1 or any(regular._moved(n) is None for n in (0, 1)):
            return None
        return RegularBuffer(buffer, *kept, next(iter(along), None), outer)

    def ring_order(self, inference: int) -> RingOrder | None:
        """Return the position of the ring in an inference; None if it is not regular."""
        if self.buffer.storage is None:
            return RingOrder((), 0, 1)
        moved = self._moved(inference)
        if moved is None or not moved.keys() <= {self.axis}:
            return None
        outer, _ = self._slots(inference)
        first, step = moved.get(self.axis, (0, 1)) if self.axis is not None else (0, 1)
        return RingOrder(tuple(int(x) for x in outer), first, step)

    def _slots(self, inference: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the slots of the kept locations along the outer dimensions, and along those of the array."""
        box = zip(self.low, self.sizes, strict=True)
        location = list(np.ix_(*(np.arange(low, low + size) for low, size in box)))
        slots, _ = self.buffer.slot(inference, location)
        return slots[: self.outer], slots[self.outer :]

    def _moved(self, inference: int) -> dict[int, tuple[int, int]] | None:
        """Return (first slot, step) by dimension in which slots do not count from 0; None if slots are irregular."""
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
    """Return (first location, extents) of the box of locations that have a slot; None if they do not form a box."""
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
