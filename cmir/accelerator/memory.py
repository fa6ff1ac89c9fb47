"""The data of a run: buffers of the cores, network inputs and outputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from xdsl.ir import Operation, SSAValue

from cmir.accelerator.elements import dtype_of
from cmir.accelerator.program import Access, Buffer, Core, Load, Store, ravel
from cmir.accelerator.window import Margin, Window
from cmir.dialects.polyhedral import ArrayOp

if TYPE_CHECKING:
    from cmir.accelerator.engine import Machine

CACHED_LANES = 1 << 21
"""The slots of a gathered load are kept between inferences if they are at most this many."""


@dataclass(frozen=True)
class _Layout:
    """How a buffer lies in memory: its slots with a margin around them, then a cell for each pad value.

    windows: of the loads that are read as windows; their lanes outside the array fall on the margin, which holds
    `margin_value`. The others are gathered, with lanes outside the array taken from the pad cells.
    """

    buffer: Buffer
    margin: Margin
    margin_value: float
    pads: tuple[float, ...]
    windows: Mapping[Operation, Window]

    @staticmethod
    def of(value: SSAValue, buffer: Buffer, loads: Sequence[Load]) -> _Layout:
        accesses = [(ld, access) for ld in loads for v, access in ld.sources if v is value]
        pads = tuple(sorted({ld.pad for ld, _ in accesses}))
        none: Margin = ((0, 0),) * len(buffer.shape)
        windows: dict[Operation, Window] = {}
        margin, margin_value = none, 0.0
        if buffer.storage is None:
            for load, access in accesses:
                window = Window.of(access, buffer.shape) if load.apart else None
                around = window.margin(buffer.shape) if window is not None else None
                if window is None or around is None or window.is_constant:
                    continue
                if around != none:
                    if margin != none and margin_value != load.pad:
                        continue  # the margin already holds another value
                    margin_value = load.pad
                    pairs = zip(margin, around, strict=True)
                    margin = tuple((max(a, c), max(b, d)) for (a, b), (c, d) in pairs)
                windows[load.op] = window
        return _Layout(buffer, margin, margin_value, pads, windows)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the slots with their margin."""
        pairs = zip(self.buffer.shape, self.margin, strict=True)
        return tuple(size + before + after for size, (before, after) in pairs)

    def allocate(self, content: np.ndarray | None = None, inference: int = 0) -> np.ndarray:
        """Flat memory for the buffer, filled with an array, as one inference has it, or with zeros."""
        dtype, slots = self.buffer.dtype, prod(self.shape)
        memory = np.empty(slots + len(self.pads), dtype)
        memory[:slots] = self.margin_value
        memory[slots:] = self.pads
        if content is None or self.buffer.storage is not None:
            self.inside(memory)[...] = 0
        else:
            self.inside(memory)[...] = content.reshape(self.buffer.shape)
        if content is not None and self.buffer.storage is not None:
            location = list(np.ix_(*(np.arange(size) for size in content.shape)))
            slots, kept = self.index(inference, location)
            slots = np.broadcast_to(slots, content.shape)
            kept = np.broadcast_to(np.asarray(True) if kept is None else kept, content.shape)
            memory[slots[kept]] = content[kept]
        return memory

    def padded(self, memory: np.ndarray) -> np.ndarray:
        """The slots with their margin."""
        return memory[: prod(self.shape)].reshape(self.shape)

    def inside(self, memory: np.ndarray) -> np.ndarray:
        """The slots without their margin."""
        pairs = zip(self.margin, self.buffer.shape, strict=True)
        return self.padded(memory)[..., *(slice(b, b + size) for (b, _), size in pairs)]

    def index(
        self, inference: int, location: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """(where elements of an inference lie in the flat memory, which of them do or None for all)."""
        slots, kept = self.buffer.slot(inference, location)
        shifted = [s + before for s, (before, _) in zip(slots, self.margin, strict=True)]
        return ravel(shifted, self.shape), kept

    def pad_cell(self, pad: float) -> int:
        """Where the pad value of a gathered load lies in the flat memory."""
        return prod(self.shape) + self.pads.index(pad)


_Place = tuple[str, SSAValue]
"""A buffer: the name of the core that has it, and its value in the program."""


class MemoryPlan:
    """How buffers lie in memory and how loads and stores reach them: the same for every run of a machine.

    stores: the window of each store of a core, None for those that scatter. gathered: the slots of gathered loads, once
    known.
    """

    def __init__(self, cores: Iterable[Core], arrays: Mapping[str, ArrayOp]):
        self.layouts: dict[_Place, _Layout] = {}
        self.stores: dict[tuple[str, Operation], Window | None] = {}
        self.gathered: dict[tuple[str, Operation, SSAValue], np.ndarray] = {}
        for core in cores:
            loads = list(core.loads.values())
            for value, buffer in core.buffers.items():
                self.layouts[core.name, value] = _Layout.of(value, buffer, loads)
            for store in core.stores.values():
                shape = arrays[store.array].shape
                window = Window.of(store.access, shape)
                fits = window is not None and window.fits(shape)
                self.stores[core.name, store.op] = window if fits else None


class Memory:
    """All storage of a run. A store reaches every buffer that holds its array, and the network's outputs.

    A network input is there from the start, for every inference: its buffers are windows on it.
    """

    def __init__(self, machine: Machine, inputs: Sequence[Mapping[str, np.ndarray]]):
        plan = machine.memory_plan
        self.layouts, self.windows, self.gathered = plan.layouts, plan.stores, plan.gathered
        self.cells: dict[_Place, np.ndarray] = {}
        self.streams: dict[_Place, list[np.ndarray]] = {}
        self.readers: dict[str, list[_Place]] = defaultdict(list)
        for place, layout in self.layouts.items():
            name = layout.buffer.array
            if name in machine.inputs:
                self.streams[place] = [
                    layout.allocate(given[name], n) for n, given in enumerate(inputs)
                ]
            elif machine.arrays[name].source is not None:
                self.cells[place] = layout.allocate(machine.constant(machine.arrays[name]))
            else:
                self.cells[place] = layout.allocate()
                self.readers[name].append(place)
        self.outputs = [
            {
                name: np.zeros(machine.arrays[name].shape, dtype_of(machine.arrays[name].type))
                for name in machine.outputs
            }
            for _ in inputs
        ]

    def load(self, core: Core, load: Load, inference: int, start: int, stop: int) -> np.ndarray:
        """The lanes of iterations start ≤ i < stop, shape (iterations or 1, *lanes)."""
        parts = [
            self._part(core, load, value, access, inference, start, stop)
            for value, access in load.sources
        ]
        ((_, access), *others), (lanes, _) = load.sources, parts[0]
        if not others and access.lanes == load.lanes:
            return lanes
        # Iterations come last, as they do where windows are read.
        count = max(len(lanes) for lanes, _ in parts)
        result = np.full((*load.lanes, count), load.pad, lanes.dtype)
        for (_, access), (lanes, defined) in zip(load.sources, parts, strict=True):
            here = np.asarray(True) if defined is None else np.moveaxis(defined, 0, -1)
            np.copyto(result[access.box], np.moveaxis(lanes, 0, -1), where=here)
        return np.moveaxis(result, -1, 0)

    def _part(
        self,
        core: Core,
        load: Load,
        value: SSAValue,
        access: Access,
        inference: int,
        start: int,
        stop: int,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """(lanes of a source, which of them are its own or None for all)."""
        place = (core.name, value)
        layout, cells = self.layouts[place], self._cells(place, inference)
        if (window := layout.windows.get(load.op)) is not None:
            return window.read(layout.padded(cells), layout.margin, start, stop), None
        pad = layout.pad_cell(load.pad)
        slots = self._slots(core, load, value, access, pad, inference, start, stop)
        return cells.take(slots), None if load.apart else slots != pad

    def _cells(self, place: _Place, inference: int) -> np.ndarray:
        return self.streams[place][inference] if place in self.streams else self.cells[place]

    def _slots(
        self,
        core: Core,
        load: Load,
        value: SSAValue,
        access: Access,
        pad: int,
        inference: int,
        start: int,
        stop: int,
    ) -> np.ndarray:
        """Where the lanes lie in the memory of a buffer; kept between inferences where that is the same in all."""
        layout = self.layouts[core.name, value]
        key = (core.name, load.op, value)
        lanes = core.iterations * prod(access.lanes)
        if layout.buffer.storage is not None or lanes > CACHED_LANES:
            return _gather(layout, access, pad, inference, start, stop)
        if key not in self.gathered:
            self.gathered[key] = _gather(layout, access, pad, inference, 0, core.iterations)
        slots = self.gathered[key]
        return slots[start:stop] if len(slots) > 1 else slots

    def store(
        self, core: Core, store: Store, value: np.ndarray, inference: int, start: int, stop: int
    ) -> None:
        """Write the lanes of iterations start ≤ i < stop wherever the array is kept.

        value: shape (iterations, *lanes).
        """
        window = self.windows[core.name, store.op]
        kept = None if window is not None else _Kept.of(store.access, value, start, stop)
        for reader in self.readers[store.array]:
            layout, memory = self.layouts[reader], self.cells[reader]
            if window is not None and layout.buffer.storage is None:
                window.write(layout.padded(memory), layout.margin, value, start, stop)
            else:
                kept = kept or _Kept.of(store.access, value, start, stop)
                kept.put(memory, *layout.index(inference, kept.location))
        if (output := self.outputs[inference].get(store.array)) is not None:
            if window is not None:
                window.write(output, ((0, 0),) * output.ndim, value, start, stop)
            else:
                kept = kept or _Kept.of(store.access, value, start, stop)
                kept.put(output.reshape(-1), ravel(kept.location, output.shape))


@dataclass(frozen=True, eq=False)
class _Kept:
    """The lanes of a store that have a location: coordinates, where they are defined, and the values there."""

    location: list[np.ndarray]
    defined: np.ndarray | None
    shape: tuple[int, ...]
    value: np.ndarray

    @staticmethod
    def of(access: Access, value: np.ndarray, start: int, stop: int) -> _Kept:
        location, defined = access.locations(start, stop)
        if defined is not None:
            defined = np.broadcast_to(defined, value.shape)
        return _Kept(location, defined, value.shape, value if defined is None else value[defined])

    def put(self, memory: np.ndarray, slots: np.ndarray, kept: np.ndarray | None = None) -> None:
        """Write the lanes at these slots, given for all lanes, as far as they have one."""
        slots, value = self._select(slots), self.value
        if kept is not None:
            here = self._select(kept)
            slots, value = slots[here], value[here]
        memory[slots] = value

    def _select(self, of_lanes: np.ndarray) -> np.ndarray:
        """Of what there is for each lane, that of the lanes that have a location."""
        of_lanes = np.broadcast_to(of_lanes, self.shape)
        return of_lanes if self.defined is None else of_lanes[self.defined]


def _gather(
    layout: _Layout, access: Access, pad: int, inference: int, start: int, stop: int
) -> np.ndarray:
    """Where every lane lies in memory; lanes without a location are at the cell with the pad value.

    The iteration axis has length 1 where nothing depends on the iteration.
    """
    location, defined = access.locations(start, stop)
    slots, _ = layout.index(inference, location)  # whatever is read has a slot
    if defined is not None:
        slots = np.where(defined, slots, pad)
    rank = len(access.lanes)
    slots = slots.reshape((1,) * (rank + 1 - slots.ndim) + slots.shape)
    return np.broadcast_to(slots, (len(slots), *access.lanes))
