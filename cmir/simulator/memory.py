"""Data of a run: buffers of the cores, network inputs and outputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.ir import Operation, SSAValue

from cmir.dialects.core_name import CoreName
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import symbol
from cmir.elaboration.network import ElaboratedNetwork
from cmir.elaboration.program import Core, Load, Store
from cmir.semantics.access import CompiledAccess
from cmir.simulator.layout import Layout
from cmir.simulator.numbers import Numbers
from cmir.simulator.regular import RingOrder
from cmir.simulator.stream import Stream
from cmir.simulator.weights import Weights
from cmir.simulator.window import (
    StridedWindow,
    View,
    iterations_first,
    iterations_last,
    read,
    write,
)
from cmir.support.numerics import ravel

CACHED_LANES = 1 << 21
"""Number of lanes up to which the slots of a gathered load are cached between inferences."""

CACHED_ORDERS = 1 << 12
"""Number of positions of rings that are cached, so that a stream of any length takes little memory."""

CACHED_VIEWS = 1 << 14
"""Number of runs of iterations whose views of buffers are cached: chunks and positions of rings recur."""


_Place = tuple[CoreName, SSAValue]
"""A buffer: the name of its core, and its value in the program."""

_ViewsKey = tuple[StridedWindow, _Place, RingOrder, int, int]
"""A window on a buffer with its ring in a position, for iterations start ≤ i < stop."""


class MemoryPlan:
    """Layouts of buffers in memory, and access methods of loads and stores, shared by all runs of a network.

    pads: pad value of each load, as memory holds it. stores: window of each store of a core, None for stores that
    scatter. gathered: cached slots of gathered loads. back: how many inferences loads of a network input reach back.
    Ring orders and `fits` are cached on demand, too.
    """

    def __init__(self, network: ElaboratedNetwork, numbers: Numbers):
        self.pads: dict[Operation, float] = {
            load.op: numbers.pad(load.op)
            for program in network.programs.values()
            for load in program.loads.values()
        }
        self.layouts: dict[_Place, Layout] = {}
        self.stores: dict[tuple[CoreName, Operation], StridedWindow | None] = {}
        self.gathered: dict[tuple[CoreName, Operation, SSAValue], np.ndarray] = {}
        self.back: dict[_Place, int] = {}
        self._ring_orders: dict[tuple[_Place, int], RingOrder | None] = {}
        self._fits: dict[tuple[CoreName, Operation, _Place], bool] = {}
        for core in network.cores.values():
            loads = list(core.loads.values())
            for value, buffer in core.buffers.items():
                shape = network.arrays[buffer.array].shape
                layout = Layout.of(value, buffer, loads, self.pads, shape)
                self.layouts[core.name, value] = layout
                if buffer.array in network.inputs:
                    self.back[core.name, value] = _most_back(value, loads)
            for store in core.stores.values():
                shape = network.arrays[store.array].shape
                window = StridedWindow.of(store.access, shape)
                fits = window is not None and window.fits((0,) * len(shape), shape)
                self.stores[core.name, store.op] = window if fits else None

    def ring_order(self, place: _Place, inference: int) -> RingOrder | None:
        """Return the position of the ring of a buffer in an inference; None if it is not regular."""
        key = place, inference
        if key not in self._ring_orders:
            if len(self._ring_orders) == CACHED_ORDERS:
                self._ring_orders.clear()
            regular = self.layouts[place].regular
            self._ring_orders[key] = None if regular is None else regular.ring_order(inference)
        return self._ring_orders[key]

    def fits(self, core: Core, store: Store, reader: _Place) -> bool:
        """Return True if everything that a core stores is a window on the slots of a buffer."""
        key = core.name, store.op, reader
        if key not in self._fits:
            window, regular = self.stores[core.name, store.op], self.layouts[reader].regular
            self._fits[key] = (
                window is not None
                and regular is not None
                and window.fits(regular.low, regular.sizes)
            )
        return self._fits[key]


class Memory:
    """All storage of a run. A store reaches every buffer that holds its array, and the network's outputs.

    Inferences run in groups, see `cmir.simulator.stream`; where an inference is asked for, that is the group. A cell
    has an element for each lane of the group, and lanes come last in memory. In values, they are the innermost
    coordinate of the iteration: a value has iterations · width entries, or 1 if they are all the same.

    width: number of inferences in a group. Network inputs have a memory for each group, as long as it is read. Reads
    that reach back before the first inference of a sequence give initial values.
    """

    def __init__(
        self, network: ElaboratedNetwork, plan: MemoryPlan, weights: Weights, stream: Stream
    ):
        self.plan, self._numbers, self.stream = plan, weights.numbers, stream
        self.width = stream.lanes
        self.initial = {
            name: weights.elements(network.arrays[symbol(array.initial)])
            for name, array in network.arrays.items()
            if array.initial is not None
        }
        self.layouts, self.windows, self.gathered = plan.layouts, plan.stores, plan.gathered
        self.cells: dict[_Place, np.ndarray] = {}
        self.streams: dict[_Place, dict[int, np.ndarray]] = {}
        self.readers: dict[str, list[_Place]] = defaultdict(list)
        for place, layout in self.layouts.items():
            name, dtype = layout.buffer.array, self._numbers.cell(layout.buffer.dtype)
            if name in network.inputs:
                self.streams[place] = {}
            elif network.arrays[name].source is not None:
                content = weights.elements(network.arrays[name])
                self.cells[place] = layout.allocate(content[..., None], dtype=dtype)
            else:
                self.cells[place] = layout.allocate(dtype=dtype, width=self.width)
                self.readers[name].append(place)
        outputs = {name: network.arrays[name] for name in network.outputs}
        self.results = {
            name: (array.shape, self._numbers.cell(dtype_of(array.type)))
            for name, array in outputs.items()
        }
        self._outputs: dict[int, dict[str, np.ndarray]] = {}
        self._views: dict[_ViewsKey, Sequence[View]] = {}

    def outputs(self, inference: int) -> dict[str, np.ndarray]:
        """Return the output arrays of a group, shape (*shape, width)."""
        if inference not in self._outputs:
            self._outputs[inference] = {
                name: np.zeros((*shape, self.width), dtype)
                for name, (shape, dtype) in self.results.items()
            }
        return self._outputs[inference]

    def forget(self, inference: int) -> None:
        """Let go of the inputs and outputs of a group."""
        self.stream.forget(inference)
        self._outputs.pop(inference, None)

    def load(self, core: Core, load: Load, inference: int, start: int, stop: int) -> np.ndarray:
        """Return the lanes of iterations start ≤ i < stop, shape (iterations · width or 1, *lanes)."""
        parts = [
            self._part(core, load, value, access, inference, start, stop)
            for value, access in load.sources
        ]
        ((_, access), *others), (lanes, _) = load.sources, parts[0]
        if not others and access.lanes == load.lanes:
            return lanes
        # Iterations come last, as in reads of windows.
        count = max(len(lanes) for lanes, _ in parts)
        result = np.full((*load.lanes, count), self.plan.pads[load.op], lanes.dtype)
        for (_, access), (lanes, defined) in zip(load.sources, parts, strict=True):
            here = np.asarray(True) if defined is None else iterations_last(defined)
            np.copyto(result[access.box], iterations_last(lanes), where=here)
        return iterations_first(result)

    def _part(
        self,
        core: Core,
        load: Load,
        value: SSAValue,
        access: CompiledAccess,
        inference: int,
        start: int,
        stop: int,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return (lanes of a source, mask of the lanes that belong to it or None for all)."""
        place = (core.name, value)
        if load.across:
            return self._across(place, load, access, inference, start, stop)
        layout, cells = self.layouts[place], self._cells(place, inference)
        if (window := layout.windows.get(load.op)) is not None and (
            ring_order := self.plan.ring_order(place, inference)
        ) is not None:
            views = self._read_views(window, place, cells, ring_order, start, stop)
            return read(views, len(window.lanes)), None
        pad = layout.pad_cell(self.plan.pads[load.op])
        slots = self._slots(core, load, value, access, pad, inference, start, stop)
        lanes = self._columns(cells.take(slots, axis=0), stop - start)
        return lanes, None if load.apart else self._columns((slots != pad)[..., None], stop - start)

    def _read_views(
        self,
        window: StridedWindow,
        place: _Place,
        cells: np.ndarray,
        ring_order: RingOrder,
        start: int,
        stop: int,
    ) -> Sequence[View]:
        """Return the lanes of a window on a buffer; views of the buffer itself are cached."""
        key = window, place, ring_order, start, stop
        if (kept := self._views.get(key)) is not None:
            return kept
        layout = self.layouts[place]
        first, last = _rows_of(window, layout, start, stop)
        rows, before = layout.rows(cells, ring_order, first, last)
        views = window.views(rows, before, start, stop, self.width)
        if place not in self.streams and np.may_share_memory(rows, cells):
            self._keep(key, views)
        return views

    def _keep(self, key: _ViewsKey, views: Sequence[View]) -> None:
        if len(self._views) >= CACHED_VIEWS:
            self._views.clear()
        self._views[key] = views

    def _columns(self, lanes: np.ndarray, iterations: int) -> np.ndarray:
        """Return lanes of shape (iterations or 1, *lanes, width or 1) in the shape of values."""
        count, *shape, width = lanes.shape
        if count == width == 1:
            return lanes[..., 0]
        last = lanes.transpose(*range(1, lanes.ndim - 1), 0, lanes.ndim - 1)
        last = np.broadcast_to(last, (*shape, iterations, self.width))
        return iterations_first(last.reshape(*shape, iterations * self.width))

    def _across(
        self,
        place: _Place,
        load: Load,
        access: CompiledAccess,
        inference: int,
        start: int,
        stop: int,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Like `_part`, for a load across inferences."""
        layout, begin = self.layouts[place], self.stream.first(inference)
        (back, *location), defined = access.locations(start, stop)
        there = True if defined is None else defined
        parts = (inference + back, *location, there)
        axes = np.empty((1,) * (1 + len(access.lanes)))  # constant coordinates have none
        of, *location, there, _ = np.broadcast_arrays(*parts, axes)
        shape, dtype = (*of.shape, self.width), self._cells(place, inference).dtype
        lanes = np.full(shape, self.plan.pads[load.op], dtype)
        before = there & (of < begin)
        inside = there & ~before
        for n in np.unique(of[inside]).tolist() if place in self.streams else (inference,):
            here = inside & (of == n) if place in self.streams else inside
            slots, _ = layout.index(of[here], [x[here] for x in location])
            lanes[here] = self._cells(place, n).take(slots, axis=0)
        if before.any():
            initial = self.initial[layout.buffer.array]
            entry = len(initial) + of[before] - begin
            lanes[before] = initial[(entry, *(x[before] for x in location))][..., None]
        lanes = np.broadcast_to(lanes, (len(lanes), *access.lanes, self.width))
        mask = None if load.apart else self._columns(there[..., None], stop - start)
        return self._columns(lanes, stop - start), mask

    def _cells(self, place: _Place, inference: int) -> np.ndarray:
        if (of_groups := self.streams.get(place)) is None:
            return self.cells[place]
        if inference not in of_groups:
            layout = self.layouts[place]
            content = self.stream.content(layout.buffer.array, inference)
            dtype = self._numbers.cell(layout.buffer.dtype)
            for group in [n for n in of_groups if n < inference - self.plan.back[place]]:
                del of_groups[group]
            of_groups[inference] = layout.allocate(content, inference, dtype, self.width)
        return of_groups[inference]

    def _slots(
        self,
        core: Core,
        load: Load,
        value: SSAValue,
        access: CompiledAccess,
        pad: int,
        inference: int,
        start: int,
        stop: int,
    ) -> np.ndarray:
        """Return the positions of lanes in the memory of a buffer, cached if they are the same in all inferences."""
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
        """Write the lanes of iterations start ≤ i < stop to all buffers of the array.

        value: shape (iterations · width, *lanes).
        """
        window = self.windows[core.name, store.op]
        kept: _LocatedLanes | None = None
        for reader in self.readers[store.array]:
            views = self._written_views(core, store, reader, inference, start, stop)
            if views is not None:
                write(views, value)
            else:
                layout, memory = self.layouts[reader], self.cells[reader]
                kept = kept or _LocatedLanes.of(store.access, value, start, stop)
                kept.put(memory, *layout.index(inference, kept.location))
        if store.array in self.results:
            output = self.outputs(inference)[store.array]
            if window is not None:
                origin = (0,) * (output.ndim - 1)
                write(window.views(output, origin, start, stop, self.width), value)
            else:
                kept = kept or _LocatedLanes.of(store.access, value, start, stop)
                shape = output.shape[:-1]
                kept.put(output.reshape(-1, self.width), ravel(kept.location, shape))

    def _written_views(
        self, core: Core, store: Store, reader: _Place, inference: int, start: int, stop: int
    ) -> Sequence[View] | None:
        """Return the cells of a buffer that iterations write, cached; None if they do not write a window on them."""
        if not self.plan.fits(core, store, reader):
            return None
        window = self.windows[core.name, store.op]
        if window is None or (ring_order := self.plan.ring_order(reader, inference)) is None:
            return None
        key = window, reader, ring_order, start, stop
        if (kept := self._views.get(key)) is not None:
            return kept
        layout = self.layouts[reader]
        first, last = _rows_of(window, layout, start, stop)
        rows = layout.rows_in_place(self.cells[reader], ring_order, first, last)
        if rows is None:
            return None
        views = window.views(*rows, start, stop, self.width)
        self._keep(key, views)
        return views


def _rows_of(window: StridedWindow, layout: Layout, start: int, stop: int) -> tuple[int, int]:
    """Return the first and the last row of a ring that iterations start ≤ i < stop reach."""
    axis = None if layout.regular is None else layout.regular.axis
    return (0, 0) if axis is None else window.reach(axis, start, stop)


@dataclass(frozen=True, eq=False)
class _LocatedLanes:
    """Lanes of a store that have a location: coordinates, the mask of where they are defined, and the values there.

    shape: (iterations, *lanes). value: of the lanes that are defined, with the elements of a cell last.
    """

    location: list[np.ndarray]
    defined: np.ndarray | None
    shape: tuple[int, ...]
    value: np.ndarray

    @staticmethod
    def of(access: CompiledAccess, value: np.ndarray, start: int, stop: int) -> _LocatedLanes:
        shape = (stop - start, *value.shape[1:])
        width = len(value) // (stop - start)
        cells = np.moveaxis(value.reshape(stop - start, width, *value.shape[1:]), 1, -1)
        location, defined = access.locations(start, stop)
        if defined is not None:
            defined = np.broadcast_to(defined, shape)
        return _LocatedLanes(location, defined, shape, cells if defined is None else cells[defined])

    def put(self, memory: np.ndarray, slots: np.ndarray, kept: np.ndarray | None = None) -> None:
        """Write the lanes to these slots, which are given for all lanes; `kept` masks the lanes that have a slot."""
        slots, value = self._select(slots), self.value
        if kept is not None:
            here = self._select(kept)
            slots, value = slots[here], value[here]
        memory[slots] = value

    def _select(self, of_lanes: np.ndarray) -> np.ndarray:
        """Select the lanes that have a location."""
        of_lanes = np.broadcast_to(of_lanes, self.shape)
        return of_lanes if self.defined is None else of_lanes[self.defined]


def _gather(
    layout: Layout, access: CompiledAccess, pad: int, inference: int, start: int, stop: int
) -> np.ndarray:
    """Return the position of every lane in memory; lanes without a location are at the cell with the pad value.

    The iteration axis has length 1 if nothing depends on the iteration.
    """
    location, defined = access.locations(start, stop)
    slots, _ = layout.index(inference, location)  # every element that is read has a slot
    if defined is not None:
        slots = np.where(defined, slots, pad)
    rank = len(access.lanes)
    slots = slots.reshape((1,) * (rank + 1 - slots.ndim) + slots.shape)
    return np.broadcast_to(slots, (len(slots), *access.lanes))


def _most_back(value: SSAValue, loads: Sequence[Load]) -> int:
    """Return how many inferences loads reach back at most in a buffer."""
    accesses = [
        access
        for load in loads
        if load.across
        for buffer, access in load.sources
        if buffer is value
    ]
    return max((-_least_inference(access) for access in accesses), default=0)


def _least_inference(access: CompiledAccess) -> int:
    """Return the first inference that an access across inferences reads, relative to the iteration's."""
    (inference, *_), defined = access.locations(0, len(access.points))
    if defined is not None:
        inference = np.where(defined, inference, 0)
    return int(inference.min(initial=0))
