"""The buffers of a pipeline as rings of rows: what they take of SRAM, and what rings of some sizes do to its timing.

Every (array, writer, reader) is an edge of a cyclo-static dataflow graph; a ring of R rows bounds it. Sizes are found
for the whole graph together (`cmir.accelerator.size_search`): on a residual network the skip edge needs as many rows as
the other path is deep.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from math import ceil, prod

import islpy as isl
import numpy as np

from cmir.accelerator.chip import Places, chip_of
from cmir.accelerator.cost import Cost, program_cost
from cmir.accelerator.elements import dtype_of
from cmir.accelerator.footprint import Footprint, by_row, rows_of_banks
from cmir.accelerator.hardware import Hardware
from cmir.accelerator.periodic import TooFastError, periodic_schedule
from cmir.accelerator.recurrence import Actor, DeadlockError, Dependence, Recurrence
from cmir.accelerator.ring import Ring, columns_of, keeps_apart, rows_at_once
from cmir.accelerator.size_cover import Sizes
from cmir.dialects.polyhedral import ArrayOp, PipelineOp, StageOp, symbol
from cmir.isl.cores import at_core, on_core
from cmir.isl.storage import Kept, Rows, ring_storage, rows_of

Edge = tuple[str, str, str]
"""(array, core that writes it, core that reads it)"""


@dataclass(frozen=True, eq=False)
class Buffer:
    """An array kept by a reader, in the same way on each of its cores.

    least: the fewest rows with which the reader can run, whatever the rest of the network does. at_once: distances of
    rows that one iteration of a writer stores, which no ring may keep in one slot. kept: what a core keeps of the
    array, None for all. row_bytes: bytes of one row, in all banks. edges: the pairs of a core that writes it and one
    that reads what that has written.
    """

    array: str
    reader: str
    rows: Rows
    least: int
    at_once: frozenset[int]
    kept: Kept | None
    row_bytes: int
    edges: tuple[tuple[str, str], ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.array, self.reader

    def can_have(self, rows: int) -> bool:
        """True if so many rows keep apart what an iteration stores at once."""
        return keeps_apart(self.at_once, rows)

    def shape(self, rows: int) -> tuple[int, ...]:
        """The shape of the buffer with so many rows."""
        return self.rows.buffer_shape(rows, None if self.kept is None else self.kept.sizes)

    def storage(self, rows: int) -> isl.Map:
        """Where elements are, with so many rows."""
        return ring_storage(self.array, self.rows, rows, self.kept)


@dataclass(frozen=True, eq=False)
class Whole:
    """An input or a parameter that a reader keeps: all that a core needs of it, from the start."""

    array: str
    reader: str
    kept: Kept | None
    bytes: int


class Sizing:
    """The buffers of a pipeline, and the timing that sizes of them give.

    data: for each edge and iteration of the reading core, the last iteration of the writing core that it needs. rings:
    what buffers ask of their writers. Cores have no places yet; any two are taken to be one hop apart.
    """

    def __init__(self, pipeline: PipelineOp, hardware: Hardware):
        self.hardware = hardware
        self.stages, self.arrays = pipeline.stages, pipeline.arrays
        self.footprints = {name: Footprint(stage) for name, stage in self.stages.items()}
        self.buffers: dict[tuple[str, str], Buffer] = {}
        self.wholes: dict[tuple[str, str], Whole] = {}
        self.data: dict[Edge, np.ndarray] = {}
        self.rings: dict[Edge, Ring] = {}
        self._equal_rings: dict[tuple[bytes, bytes, int, int], Ring] = {}
        inputs = {symbol(ref) for ref in pipeline.inputs}
        reads = {name: stage.read_relations() for name, stage in self.stages.items()}
        writes = {name: stage.write_relations() for name, stage in self.stages.items()}
        for name, array in self.arrays.items():
            readers = {s: read[name] for s, read in reads.items() if name in read}
            if name in inputs or array.source is not None:
                for reader, read in readers.items():
                    self._keep_whole(array, reader, read)
            elif readers:
                written = {s: write[name] for s, write in writes.items() if name in write}
                self._keep_rows(array, written, readers)
        owners = [name for name, stage in self.stages.items() if stage.gcu is None]
        cores = chain.from_iterable(self.footprints[name].cores for name in owners)
        self._equal_rings.clear()
        self._fills: dict[str, list[tuple[tuple[str, str], Edge]]] = {}
        for key, buffer in self.buffers.items():
            for writer, reader in buffer.edges:
                self._fills.setdefault(writer, []).append((key, (key[0], writer, reader)))
        self._iterations = {
            core: footprint.count(k)
            for footprint in self.footprints.values()
            for k, core in enumerate(footprint.cores)
        }
        self._place(Places(None, {core: (k,) for k, core in enumerate(cores)}))

    def placed(self, positions: Mapping[str, tuple[int, ...]]) -> Sizing:
        """The same pipeline with its cores at these places of the machine; the global control unit has none."""
        sizing = copy.copy(self)
        sizing.__dict__.pop("interval", None)
        sizing._place(Places(chip_of(self.hardware), positions))
        return sizing

    def _place(self, places: Places) -> None:
        """Work out delays and costs that depend on the places of cores."""
        stage_of = {core: name for name, f in self.footprints.items() for core in f.cores}
        crossing: dict[str, set[str]] = {core: set() for core in stage_of}
        for array, writer, reader in self.data:
            if places.crosses(writer, reader):
                crossing[writer].add(array)
        cost: Callable[[str, frozenset[str]], Cost] = cache(
            lambda name, arrays: program_cost(self.stages[name], self.hardware, arrays)
        )
        self.costs = {
            core: cost(name, frozenset(crossing[core])) for core, name in stage_of.items()
        }
        self.places = places
        self.raw: dict[str, list[Dependence]] = {core: [] for core in stage_of}
        for (array, writer, reader), needs in self.data.items():
            delay = self.costs[writer].latency + self._travel(writer, reader)
            self.raw[reader].append(Dependence("raw", writer, array, needs, delay))
        self._room = cache(self._room_uncached)

    def _travel(self, source: str, target: str) -> int:
        """Cycles that a result or a credit takes from one core to another."""
        return self.places.hops(source, target) * self.hardware.network.hop_cycles

    @staticmethod
    def _kept(array: ArrayOp, stage: StageOp, read: isl.Map) -> Kept | None:
        if not stage.core_dims or read.is_empty():
            return None
        kept = Kept.of(on_core(read, stage.core_dims))
        return kept if kept.sizes != array.shape else None

    def _keep_whole(self, array: ArrayOp, reader: str, read: isl.Map) -> None:
        kept, name = self._kept(array, self.stages[reader], read), array.sym_name.data
        size = self._bytes(array, array.shape if kept is None else kept.sizes)
        self.wholes[name, reader] = Whole(name, reader, kept, size)

    def _bytes(self, array: ArrayOp, shape: Sequence[int]) -> int:
        return self.hardware.bytes_of(prod(shape), 8 * dtype_of(array.type).itemsize)

    def _keep_rows(
        self, array: ArrayOp, writes: Mapping[str, isl.Map], readers: Mapping[str, isl.Map]
    ) -> None:
        name = array.sym_name.data
        tables = {writer: self.footprints[writer].writer(array) for writer in writes}
        rows = _common_rows(
            [
                rows_of_banks(
                    rows_of(array.shape, write, self.stages[writer].order_on_core()),
                    self.footprints[writer].core_of(tables[writer]),
                )
                for writer, write in writes.items()
            ],
            array.shape,
        )
        for reader, read in readers.items():
            kept, footprint = self._kept(array, self.stages[reader], read), self.footprints[reader]
            inside = [_inside(kept, core, rows) for core in footprint.coordinates]
            last_read = [cut(footprint.last_read(array, k)) for k, cut in enumerate(inside)]
            written = {w: [cut(table) for cut in inside] for w, table in tables.items()}
            alike = _uniform_axes([*chain(last_read, *written.values())], rows)
            last_read = [by_row(table[alike], rows) for table in last_read]
            written = {w: [by_row(t[alike], rows) for t in cuts] for w, cuts in written.items()}
            edges: list[tuple[str, str]] = []
            for writer, table in tables.items():
                source = self.footprints[writer]
                for (core, other), needs in footprint.needs_data(array, source, table).items():
                    edge = name, source.cores[other], footprint.cores[core]
                    edges.append(edge[1:])
                    self.data[edge] = needs
                    first, last = source.starts[other], source.starts[other + 1]
                    places = written[writer][core]
                    mine = (places >= first) & (places < last)
                    self.rings[edge] = self._ring(
                        np.where(mine, places - first, -1),
                        last_read[core],
                        (last - first, footprint.count(core)),
                    )
            shape = rows.buffer_shape(1, None if kept is None else kept.sizes)
            pairs = [(self.rings[name, *e], self.data[name, *e]) for e in edges]
            stores = {id(table): table for cuts in written.values() for table in cuts}
            at_once = frozenset(
                chain.from_iterable(rows_at_once(columns_of(table)) for table in stores.values())
            )
            self.buffers[name, reader] = Buffer(
                name,
                reader,
                rows,
                _least(pairs, at_once),
                at_once,
                kept,
                self._bytes(array, shape),
                tuple(edges),
            )

    def _ring(
        self, written: np.ndarray, last_read: np.ndarray, iterations: tuple[int, int]
    ) -> Ring:
        """The ring of an edge; those that are alike, as of copies of a stage, are one.

        written, last_read: by bank and row.
        """
        columns = [columns_of(table) for table in (written, last_read)]
        kept = (columns[0] >= 0).any(axis=1)
        columns = [np.ascontiguousarray(table[kept]) for table in columns]
        key = (columns[0].tobytes(), columns[1].tobytes(), *iterations)
        if key not in self._equal_rings:
            self._equal_rings[key] = Ring(columns[0], columns[1], *iterations)
        return self._equal_rings[key]

    def sram_bytes(self, sizes: Sizes) -> dict[str, int]:
        """Bytes of the buffers of each core."""
        stages = dict.fromkeys(self.footprints, 0)
        for whole in self.wholes.values():
            if self.stages[whole.reader].gcu is None:  # it has a memory of its own
                stages[whole.reader] += whole.bytes
        for key, rows in sizes.items():
            if self.stages[self.buffers[key].reader].gcu is None:
                stages[self.buffers[key].reader] += rows * self.buffers[key].row_bytes
        return {
            core: stages[name]
            for name, footprint in self.footprints.items()
            for core in footprint.cores
        }

    def fits(self, sizes: Sizes) -> bool:
        """True if the buffers of each core fit its SRAM."""
        room = self.hardware.core.sram_bytes
        return room is None or max(self.sram_bytes(sizes).values()) <= room

    def bytes_of(self, stage: StageOp, sizes: Sizes) -> int:
        """Bytes of the buffers of one core, if a stage of this name were as given, spread over more cores."""
        total = 0
        for name, read in stage.read_relations().items():
            array, key = self.arrays[name], (name, stage.sym_name.data)
            kept = self._kept(array, stage, read)
            shape = array.shape if kept is None else kept.sizes
            if (buffer := self.buffers.get(key)) is not None:
                shape = buffer.rows.buffer_shape(sizes[key], None if kept is None else kept.sizes)
            total += self._bytes(array, shape)
        return total

    def full(self) -> dict[tuple[str, str], int]:
        """One inference each."""
        return {key: buffer.rows.count for key, buffer in self.buffers.items()}

    def given(self, pipeline: PipelineOp) -> dict[tuple[str, str], int]:
        """The sizes of the buffers that a pipeline has: those of its rings, and one inference for all others."""
        sizes = self.full()
        for key, storage in pipeline.storages.items():
            if (buffer := self.buffers.get(key)) is not None:
                shape, axis = storage.type.get_shape(), buffer.rows.axis or 0
                at = axis + (buffer.rows.banks > 1)
                rows = shape[at] if at < len(shape) else 0
                if rows and storage.map.relation.is_equal(buffer.storage(rows)):
                    sizes[key] = rows
        return sizes

    @cached_property
    def interval(self) -> int:
        """λ: the steady-state interval without bounds, in cycles: that of the busiest core, if data allow it."""
        busiest = max(n * self.costs[core].interval for core, n in self._iterations.items())
        return self.schedule({}, busiest)[0]

    def schedule(self, sizes: Sizes, period: int) -> tuple[int, np.ndarray]:
        """The fastest periodic schedule that is no faster than `period`: its interval, and its starts.

        Raises DeadlockError.
        """
        actors = self.actors(sizes)
        while True:
            try:
                return period, periodic_schedule(actors, period)
            except TooFastError as cycle:
                if cycle.tokens == 0:
                    raise DeadlockError([link.wait for link in cycle.links]) from None
                period = ceil(cycle.delay / cycle.tokens)

    def actors(self, sizes: Sizes) -> dict[str, Actor]:
        """The network with buffers of these sizes."""
        return {core: self.actor(core, sizes) for core in self.raw}

    def actor(self, core: str, sizes: Sizes) -> Actor:
        """One core of the network with buffers of these sizes."""
        room = (self._room(e, sizes[key]) for key, e in self._fills.get(core, ()) if key in sizes)
        cost = self.costs[core]
        dependences = [*self.raw[core], *room]
        return Actor(core, self._iterations[core], cost.interval, cost.latency, dependences)

    def _room_uncached(self, edge: Edge, rows: int) -> Dependence:
        array, writer, reader = edge
        delay = self.hardware.core.credit_latency + self._travel(reader, writer)
        return Dependence("war", reader, array, self.rings[edge].needs(rows), delay)

    def check_live(self, sizes: Sizes) -> None:
        """Run the recurrence until it must repeat. Raises DeadlockError."""
        Recurrence(self.actors(sizes), INFERENCES_TO_LIVE).run()


INFERENCES_TO_LIVE = 2
"""One from empty buffers, and one that finds them as the first has left them."""


def _least(pairs: Sequence[tuple[Ring, np.ndarray]], at_once: Collection[int]) -> int:
    """The fewest rows with which each writer and the reader could run if they were alone.

    pairs: for each writing and each reading core, the ring, and the iterations that the reader needs. at_once: as of
    `Buffer`.
    """
    different = {(id(ring), needs.tobytes()): (ring, needs) for ring, needs in pairs}.values()

    def can_run(rows: int) -> bool:
        return all(ring.can_run(rows, needs) for ring, needs in different)

    low, high = 1, max((ring.rows for ring, _ in different), default=1)
    if all(ring.in_order for ring, _ in different):  # more rows never do worse
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if can_run(middle) else (middle + 1, high)
    while not (keeps_apart(at_once, low) and can_run(low)):
        low += 1
    return low


def _inside(
    kept: Kept | None, core: tuple[int, ...], rows: Rows
) -> Callable[[np.ndarray], np.ndarray]:
    """A function that cuts what a core keeps out of a table; rows outside it stay, as if nothing were there."""
    if kept is None:
        return lambda table: table
    cut: list[slice] = []
    outside = np.zeros((), bool)
    for d, (low, size) in enumerate(zip(kept.low, kept.sizes, strict=True)):
        at = at_core(low, core)
        if at.is_empty():  # this core reads nothing of the array
            return lambda table: np.full(kept.sizes, -1, np.int64)
        first = at.dim_min_val(0).to_python()
        cut.append(slice(None) if d == rows.axis else slice(first, first + size))
        if d == rows.axis:
            row = np.arange(rows.shape[d]).reshape(-1, *(1,) * (len(kept.sizes) - d - 1))
            outside = (row < first) | (row >= first + size)
    return lambda table: np.where(outside, -1, table[tuple(cut)])


def _uniform_axes(tables: Sequence[np.ndarray], rows: Rows) -> tuple[slice, ...]:
    """An index that leaves one element of each dimension along which none of the tables varies, but for that of rows.

    As a rule channels are all written, and read, together.
    """
    uniform = (
        d != rows.axis and all((t == t.take([0], axis=d)).all() for t in tables)
        for d in range(len(rows.shape))
    )
    return tuple(slice(1) if alike else slice(None) for alike in uniform)


def _common_rows(rows: list[Rows], shape: tuple[int, ...]) -> Rows:
    """The rows of an array with several writers: those that all agree on, else the array as one row."""
    return rows[0] if len(set(rows)) == 1 else Rows(shape, None)
