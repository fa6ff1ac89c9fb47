"""Layout of a buffer in the memory of the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import copysign, prod

import numpy as np
from xdsl.ir import Operation, SSAValue

from cmir.elaboration.program import Buffer, Load
from cmir.simulator.regular import RegularBuffer, RingOrder
from cmir.simulator.window import Margin, StridedWindow
from cmir.support.numerics import ravel


@dataclass(frozen=True)
class Layout:
    """Layout of a buffer in memory: its slots with a margin around them, then a cell for each pad value.

    regular: the arrangement of slots, if it is regular. windows: windows of the loads that are read as such; their
    lanes outside the array fall on the margin, which holds `margin_value`. All other loads gather, with lanes outside
    the array taken from the pad cells.
    """

    buffer: Buffer
    regular: RegularBuffer | None
    margin: Margin
    margin_value: float
    pads: tuple[float, ...]
    windows: Mapping[Operation, StridedWindow]

    @staticmethod
    def of(
        value: SSAValue,
        buffer: Buffer,
        loads: Sequence[Load],
        pads: Mapping[Operation, float],
        array: tuple[int, ...],
    ) -> Layout:
        """Return the layout of a buffer that `loads` read.

        pads: pad value of each load, as memory holds it. array: shape of the array in the buffer.
        """
        accesses = [(ld, access) for ld in loads for v, access in ld.sources if v is value]
        cells = tuple(sorted({pads[ld.op] for ld, _ in accesses}))
        regular = RegularBuffer.of(buffer, array)
        none: Margin = ((0, 0),) * len(array)
        windows: dict[Operation, StridedWindow] = {}
        margin, margin_value = none, None
        if regular is not None:
            for load, access in accesses:
                windowed = load.apart and not load.across
                window = StridedWindow.of(access, array) if windowed else None
                if window is None or window.is_constant:
                    continue
                around = window.margin(regular.low, regular.sizes, regular.axis)
                if around is None:
                    continue
                if not window.fits(regular.low, regular.sizes):
                    if margin_value not in (None, pads[load.op]):
                        continue  # the margin already holds another value
                    margin_value = pads[load.op]
                    pairs = zip(margin, around, strict=True)
                    margin = tuple((max(a, c), max(b, d)) for (a, b), (c, d) in pairs)
                windows[load.op] = window
        margin_value = 0.0 if margin_value is None else margin_value
        # Slots that are not regular may differ from the array in rank, and have no margin.
        outer = ((0, 0),) * len(buffer.shape) if regular is None else ((0, 0),) * regular.outer
        margin = outer if regular is None else (*outer, *margin)
        return Layout(buffer, regular, margin, margin_value, cells, windows)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape of the slots with their margin."""
        pairs = zip(self.buffer.shape, self.margin, strict=True)
        return tuple(size + before + after for size, (before, after) in pairs)

    def allocate(
        self,
        content: np.ndarray | None = None,
        inference: int = 0,
        dtype: np.dtype[np.generic] | None = None,
        width: int = 1,
    ) -> np.ndarray:
        """Return flat memory for the buffer, shape (cells, width), filled with `content` or with zeros.

        content: an array of an inference, shape (*shape of the array, width). dtype: type of the cells, if it is not
        that of the elements.
        """
        slots = prod(self.shape)
        memory = np.zeros((slots + len(self.pads), width), dtype or self.buffer.dtype)
        if self.margin_value != 0 or copysign(1, self.margin_value) < 0:
            memory[:slots] = self.margin_value
            self._used(memory)[...] = 0
        memory[slots:].T[...] = self.pads
        if content is not None:
            self.fill(memory, content, inference)
        return memory

    def fill(self, memory: np.ndarray, content: np.ndarray, inference: int) -> None:
        """Set the slots to an array of an inference. content: see `allocate`."""
        if self.buffer.storage is None:
            inside = self.inside(memory)
            inside[...] = content.reshape(inside.shape)
            return
        shape = content.shape[:-1]
        location = list(np.ix_(*(np.arange(size) for size in shape)))
        slots, kept = self.index(inference, location)
        slots = np.broadcast_to(slots, shape)
        kept = np.broadcast_to(np.asarray(True) if kept is None else kept, shape)
        memory[slots[kept]] = content[kept]

    def padded(self, memory: np.ndarray) -> np.ndarray:
        """Return the slots with their margin, shape (*slots, width)."""
        return memory[: prod(self.shape)].reshape(*self.shape, memory.shape[-1])

    def inside(self, memory: np.ndarray) -> np.ndarray:
        """Return the slots without their margin, shape (*slots, width)."""
        pairs = zip(self.margin, self.buffer.shape, strict=True)
        return self.padded(memory)[(*(slice(b, b + size) for (b, _), size in pairs), ...)]

    def _used(self, memory: np.ndarray) -> np.ndarray:
        """Return the slots that elements can have, shape (*slots, width); the others belong to the margin.

        Parts of a stage have buffers of one size, and the array may end before the last of them does.
        """
        inside = self.inside(memory)
        if self.regular is None:
            return inside
        return inside[..., *(slice(size) for size in self.regular.sizes), :]

    def rows(
        self, memory: np.ndarray, ring_order: RingOrder, first: int, last: int
    ) -> tuple[np.ndarray, list[int]]:
        """Return (cells with rows first ≤ x ≤ last of the ring, position of location 0 in them by dimension).

        The cells are a view of the memory unless the rows run past the end of the ring or lie outside the array. Rows
        outside the array hold the margin value.
        """
        cells, before = self._of_inference(memory, ring_order)
        regular = self.regular
        assert regular is not None
        if (axis := regular.axis) is None:
            return cells, before
        low, size = regular.low[axis], regular.sizes[axis]
        inside = range(max(first, low), min(last + 1, low + size))
        pieces = [_part(cells, axis, run) for run in self._runs(ring_order, inside)]

        def outside(count: int) -> list[np.ndarray]:
            shape = (*cells.shape[:axis], count, *cells.shape[axis + 1 :])
            return [np.full(shape, self.margin_value, cells.dtype)] if count > 0 else []

        pieces = [*outside(inside.start - first), *pieces, *outside(last + 1 - inside.stop)]
        before[axis] = -first
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=axis), before

    def rows_in_place(
        self, memory: np.ndarray, ring_order: RingOrder, first: int, last: int
    ) -> tuple[np.ndarray, list[int]] | None:
        """Return the rows as `rows` does, but always as a view of the memory; None if they run past the ring's end."""
        cells, before = self._of_inference(memory, ring_order)
        regular = self.regular
        assert regular is not None
        if (axis := regular.axis) is None:
            return cells, before
        runs = self._runs(ring_order, range(first, last + 1))
        if len(runs) > 1:
            return None
        before[axis] = -first
        return _part(cells, axis, runs[0]), before

    def _of_inference(
        self, memory: np.ndarray, ring_order: RingOrder
    ) -> tuple[np.ndarray, list[int]]:
        regular = self.regular
        assert regular is not None
        margin = self.margin[regular.outer :]
        before = [m - low for (m, _), low in zip(margin, regular.low, strict=True)]
        return self.padded(memory)[(*ring_order.outer, ...)], before

    def _runs(self, ring_order: RingOrder, rows: range) -> list[slice]:
        """Return the slices of the ring that hold consecutive rows."""
        regular = self.regular
        assert regular is not None and regular.axis is not None
        size = self.buffer.shape[regular.outer + regular.axis]
        runs: list[slice] = []
        at, left = (
            ring_order.first + ring_order.step * (rows.start - regular.low[regular.axis]),
            len(rows),
        )
        while left > 0:
            at %= size
            count = min(left, size - at if ring_order.step > 0 else at + 1)
            stop = at + ring_order.step * count
            runs.append(slice(at, stop if stop >= 0 else None, ring_order.step))
            at, left = stop, left - count
        return runs

    def index(
        self, inference: int | np.ndarray, location: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return (positions of elements of inferences in the flat memory, mask of those stored or None for all)."""
        slots, kept = self.buffer.slot(inference, location)
        shifted = [s + before for s, (before, _) in zip(slots, self.margin, strict=True)]
        return ravel(shifted, self.shape), kept

    def pad_cell(self, pad: float) -> int:
        """Return the position of the pad value of a gathered load in the flat memory."""
        return prod(self.shape) + self.pads.index(pad)


def _part(cells: np.ndarray, axis: int, run: slice) -> np.ndarray:
    """Return a run of rows along an axis."""
    return cells[(*[slice(None)] * axis, run)]
