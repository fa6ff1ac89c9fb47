"""The data of a run: buffers of the cores, network inputs and outputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from xdsl.ir import SSAValue

from cmir.accelerator.elements import dtype_of
from cmir.accelerator.program import Access, Buffer, Load, Program, Store, ravel

if TYPE_CHECKING:
    from cmir.accelerator.engine import Machine

CACHED_LANES = 1 << 21
"""The slots of a load are kept between inferences if they are at most this many."""


class Memory:
    """All storage of a run. A store reaches every buffer that holds its array, and the network's outputs.

    A network input is there from the start, for every inference: its buffers are windows on it.
    """

    def __init__(self, machine: Machine, inputs: Sequence[Mapping[str, np.ndarray]]):
        self.machine = machine
        self.buffers: dict[SSAValue, Buffer] = {}
        self.cells: dict[SSAValue, np.ndarray] = {}
        self.streams: dict[SSAValue, list[np.ndarray]] = {}
        self.pad_cells: dict[SSAValue, dict[float, int]] = {}
        self.readers: dict[str, list[SSAValue]] = defaultdict(list)
        self.slots: dict[tuple[SSAValue, SSAValue], np.ndarray] = {}
        for program in machine.programs.values():
            for value, buffer in program.buffers.items():
                self._allocate(program, value, buffer, inputs)
        self.outputs = [
            {
                name: np.zeros(machine.arrays[name].shape, dtype_of(machine.arrays[name].type))
                for name in machine.outputs
            }
            for _ in inputs
        ]

    def _allocate(
        self,
        program: Program,
        value: SSAValue,
        buffer: Buffer,
        inputs: Sequence[Mapping[str, np.ndarray]],
    ) -> None:
        self.buffers[value] = buffer
        pads = sorted({ld.pad for ld in program.loads.values() if value in dict(ld.sources)})
        self.pad_cells[value] = {pad: buffer.slots + i for i, pad in enumerate(pads)}
        tail = np.array(pads, buffer.dtype)
        if buffer.array in self.machine.inputs:
            self.streams[value] = [
                np.concatenate((np.asarray(given[buffer.array], buffer.dtype).reshape(-1), tail))
                for given in inputs
            ]
            return
        array = self.machine.arrays[buffer.array]
        if array.source is not None:
            filled = self.machine.constant(array).reshape(-1)
        else:
            filled = np.zeros(buffer.slots, buffer.dtype)
            self.readers[buffer.array].append(value)
        self.cells[value] = np.concatenate((filled, tail)).astype(buffer.dtype, copy=False)

    def load(
        self, program: Program, load: Load, inference: int, start: int, stop: int
    ) -> np.ndarray:
        """The lanes of iterations start ≤ i < stop, shape (iterations or 1, *lanes)."""
        result: np.ndarray | None = None
        for value, access in load.sources:
            cells = self.streams[value][inference] if value in self.streams else self.cells[value]
            pad = self.pad_cells[value][load.pad]
            slots = self._slots(program, load, value, access, pad, inference, start, stop)
            lanes = cells.take(slots)
            if result is None:
                result = lanes
            else:  # lanes that lie in no array read as the pad value from each
                result = np.where(slots == pad, result, lanes)
        assert result is not None
        return result

    def _slots(
        self,
        program: Program,
        load: Load,
        value: SSAValue,
        access: Access,
        pad: int,
        inference: int,
        start: int,
        stop: int,
    ) -> np.ndarray:
        buffer = self.buffers[value]
        key = (load.op.result, value)
        cacheable = buffer.storage is None and program.iterations * prod(load.lanes) <= CACHED_LANES
        if cacheable and key not in self.slots:
            self.slots[key] = _gather(buffer, access, pad, inference, 0, program.iterations)
        if cacheable:
            slots = self.slots[key]
            return slots[start:stop] if len(slots) > 1 else slots
        return _gather(buffer, access, pad, inference, start, stop)

    def store(self, store: Store, value: np.ndarray, inference: int, start: int, stop: int) -> None:
        """Write the lanes of iterations start ≤ i < stop wherever the array is kept."""
        location, defined = store.access.locations(start, stop)
        if defined is not None:
            defined = np.broadcast_to(defined, value.shape)
            value = value[defined]
        for reader in self.readers[store.array]:
            slot = self.buffers[reader].slot(inference, location)
            self._scatter(self.cells[reader], slot, defined, value)
        if store.array in self.outputs[inference]:
            output = self.outputs[inference][store.array]
            self._scatter(output.reshape(-1), ravel(location, output.shape), defined, value)

    @staticmethod
    def _scatter(
        cells: np.ndarray, slot: np.ndarray, defined: np.ndarray | None, value: np.ndarray
    ) -> None:
        if defined is None:
            cells[np.broadcast_to(slot, value.shape)] = value
        else:
            cells[np.broadcast_to(slot, defined.shape)[defined]] = value


def _gather(
    buffer: Buffer, access: Access, pad: int, inference: int, start: int, stop: int
) -> np.ndarray:
    """The flat slot of every lane; lanes without a location take the cell with the pad value.

    The iteration axis has length 1 where nothing depends on the iteration.
    """
    location, defined = access.locations(start, stop)
    slots = buffer.slot(inference, location)
    if defined is not None:
        slots = np.where(defined, slots, pad)
    rank = len(access.lanes)
    slots = slots.reshape((1,) * (rank + 1 - slots.ndim) + slots.shape)
    return np.broadcast_to(slots, (len(slots), *access.lanes))
