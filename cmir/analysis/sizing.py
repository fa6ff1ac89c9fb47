"""Buffers of a pipeline as rings of rows: the SRAM they take, and the timing that results from their sizes.

Every (array, writer, reader) is an edge of a cyclo-static dataflow graph, bounded by a ring of R rows. Sizes are chosen
for the whole graph at once (`cmir.analysis.size_search`): in a residual network, the skip edge needs as many rows as
the other path is deep.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import chain, product
from math import ceil, prod

import islpy as isl
import numpy as np

from cmir.analysis.buffers import ReaderBuffer, rows_found
from cmir.analysis.footprint import Footprint, by_row
from cmir.analysis.parts import ArrayPart, array_parts
from cmir.analysis.ring import Ring, columns_of, keeps_apart, rows_at_once
from cmir.analysis.size_cover import Key, Sizes
from cmir.analysis.workload import check_iterations
from cmir.cost.program_cost import Cost, program_cost
from cmir.dialects.core_name import CoreName
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import ArrayOp, PipelineOp, StageOp, symbol
from cmir.hardware.chip import Places, chip_of
from cmir.hardware.description import Hardware
from cmir.isl.cores import at_core, on_core
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.inferences import inferences_back
from cmir.isl.storage import BoundingBox, Rows, stacked
from cmir.support.limits import check_memory, count_text
from cmir.timing.actors import Actor, Dependence
from cmir.timing.control import DeadlockError
from cmir.timing.periodic import InfeasiblePeriodError, periodic_schedule
from cmir.timing.recurrence import Recurrence
from cmir.timing.turns import Turns

Edge = tuple[str, CoreName, CoreName]
"""(array, core that writes it, core that reads it)."""


@dataclass(frozen=True, eq=False)
class ResidentArray:
    """An input or a parameter, of which each core of a reader keeps everything that it reads, from the start."""

    array: str
    reader: str
    kept: BoundingBox | None
    bytes: int


_ELEMENT_BYTES = 16
"""Bytes of an element for each writer and reader of its array: when it is written or read, and a part of that."""


class Sizing:
    """Buffers of a pipeline, and the timing that results from their sizes.

    data: for each edge and iteration of the reading core, the last iteration of the writing core that it needs. rings:
    the ring of each edge. keys: the buffer of each edge. Until cores are placed, any two are assumed to be one hop
    apart.
    """

    def __init__(self, pipeline: PipelineOp, hardware: Hardware):
        check_iterations(pipeline)
        self.hardware = hardware
        self.pipeline, self.stages, self.arrays = pipeline, pipeline.stages, pipeline.arrays
        self.footprints = {name: Footprint(stage) for name, stage in self.stages.items()}
        self.buffers: dict[Key, ReaderBuffer] = {}
        self.keys: dict[Edge, Key] = {}
        self.residents: dict[tuple[str, str], ResidentArray] = {}
        self.data: dict[Edge, np.ndarray] = {}
        self.rings: dict[Edge, Ring] = {}
        self._equal_rings: dict[tuple[bytes, bytes, int, int, bool], Ring] = {}
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
        self.turns = {
            core: self.stages[name].turns
            for name, footprint in self.footprints.items()
            for core in footprint.cores
        }
        cores = (
            copy
            for name in owners
            for core in self.footprints[name].cores
            for copy in self._copies(core)
        )
        self._equal_rings.clear()
        self._parts: dict[tuple[str, str], list[ReaderBuffer]] = defaultdict(list)
        self._fills: dict[CoreName, list[Edge]] = defaultdict(list)
        for buffer in self.buffers.values():
            self._parts[buffer.array, buffer.reader].append(buffer)
            for writer, reader in buffer.edges:
                edge = buffer.array, writer, reader
                self._fills[writer].append(edge)
                self.keys[edge] = buffer.key
        self._iterations = {
            core: footprint.count(k)
            for footprint in self.footprints.values()
            for k, core in enumerate(footprint.cores)
        }
        self._place(Places(None, {core: (k,) for k, core in enumerate(cores)}))

    def placed(
        self,
        positions: Mapping[CoreName, tuple[int, ...]],
        costs: Mapping[CoreName, Cost] | None = None,
    ) -> Sizing:
        """Return the same pipeline with its cores at these positions; the global control unit has none.

        costs: of an iteration, where programs share cores and so have one position.
        """
        sizing = copy.copy(self)
        for of_places in ("interval", "ticks"):
            sizing.__dict__.pop(of_places, None)
        sizing._place(Places(chip_of(self.hardware), positions), costs)
        return sizing

    def _place(self, places: Places, costs: Mapping[CoreName, Cost] | None = None) -> None:
        """Compute the delays that depend on the places of cores, and the costs if they are not given."""
        stage_of = {core: name for name, f in self.footprints.items() for core in f.cores}
        crossing: dict[CoreName, set[str]] = {core: set() for core in stage_of}
        for array, writer, reader in self.data:
            if any(places.crosses(a, b) for a, b in product(*map(self._copies, (writer, reader)))):
                crossing[writer].add(array)
        cost: Callable[[str, frozenset[str]], Cost] = cache(
            lambda name, arrays: program_cost(self.stages[name], self.hardware, arrays)
        )
        self.costs = costs or {
            core: cost(name, frozenset(crossing[core])) for core, name in stage_of.items()
        }
        self.places = places
        self.raw: dict[CoreName, list[Dependence]] = {core: [] for core in stage_of}
        for (array, writer, reader), needs in self.data.items():
            latency = self.costs[writer].latency
            found = self._wait(DependenceKind.RAW, reader, writer, array, needs, latency)
            self.raw[reader].append(found)
        self._room = cache(self._room_uncached)

    def count_cores(self, stage: str) -> int:
        """Return the number of cores of a stage, and of those on the global control unit."""
        return self.stages[stage].turns * len(self.footprints[stage].cores)

    def in_turn(self, core: CoreName) -> Turns | None:
        """Return the copies of a core that run its iterations in turn; None if it has no copies."""
        turns = self.turns[core]
        return Turns(self.costs[core].pace, turns, self._iterations[core]) if turns > 1 else None

    def _copies(self, core: CoreName) -> list[CoreName]:
        return core.copies(self.turns[core])

    def _wait(
        self,
        kind: DependenceKind,
        core: CoreName,
        source: CoreName,
        array: str,
        needs: np.ndarray,
        cycles: int,
    ) -> Dependence:
        """Return the dependence of a core on another, whose events take these cycles and those of the hops."""

        def delay(here: CoreName, there: CoreName) -> int:
            return cycles + self.places.hops(there, here) * self.hardware.interconnect.hop_cycles

        copies = self._copies(source)
        return Dependence.between(kind, self._copies(core), source, copies, array, needs, delay)

    @staticmethod
    def _kept(array: ArrayOp, stage: StageOp, read: isl.Map) -> BoundingBox | None:
        if not stage.core_dims or read.is_empty():
            return None
        kept = BoundingBox.of(on_core(read, stage.core_dims))
        return kept if kept.sizes != array.shape else None

    def _keep_whole(self, array: ArrayOp, reader: str, read: isl.Map) -> None:
        kept, name = self._kept(array, self.stages[reader], read), array.sym_name.data
        size = self._bytes(array, array.shape if kept is None else kept.sizes)
        self.residents[name, reader] = ResidentArray(name, reader, kept, size)

    def _bytes(self, array: ArrayOp, shape: Sequence[int]) -> int:
        return self.hardware.bytes_of(prod(shape), 8 * dtype_of(array.type).itemsize)

    def _keep_rows(
        self, array: ArrayOp, writes: Mapping[str, isl.Map], readers: Mapping[str, isl.Map]
    ) -> None:
        count = prod(array.shape)
        check_memory(
            array,
            f"@{array.sym_name.data} has {count_text(count)} elements",
            _ELEMENT_BYTES * count * (len(writes) + len(readers)),
        )
        tables = {writer: self.footprints[writer].writer(array) for writer in writes}
        for part in array_parts(array, writes, self.footprints, tables):
            written = {writer: tables[writer] for writer in part.writers}
            for reader, read in readers.items():
                self._keep_part(array, part, written, reader, part.of(read))

    def _keep_part(
        self,
        array: ArrayOp,
        part: ArrayPart,
        tables: Mapping[str, np.ndarray],
        reader: str,
        read: isl.Map,
    ) -> None:
        """Add the buffer of a part at a reader.

        tables: `Footprint.writer` of the stages that write the part. read: the reader's accesses to the part.
        """
        name, rows, footprint = array.sym_name.data, part.rows, self.footprints[reader]
        kept = self._kept(array, self.stages[reader], read) or part.box
        inside = [_inside(kept, core, rows) for core in footprint.coordinates]
        last_read = [cut(footprint.last_read(array, k)) for k, cut in enumerate(inside)]
        written = {w: [cut(table) for cut in inside] for w, table in tables.items()}
        alike = _uniform_axes([*chain(last_read, *written.values())], rows)
        last_read = [by_row(table[alike], rows) for table in last_read]
        written = {w: [by_row(t[alike], rows) for t in cuts] for w, cuts in written.items()}
        edges: list[tuple[CoreName, CoreName]] = []
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
                    source is footprint and core == other,
                )
        pairs = [(self.rings[name, *e], self.data[name, *e]) for e in edges]
        stores = {id(table): table for cuts in written.values() for table in cuts}
        at_once = frozenset(
            chain.from_iterable(rows_at_once(columns_of(table)) for table in stores.values())
        )
        shape = rows.buffer_shape(1, None if kept is None else kept.sizes)
        least, row_bytes = _least(pairs, at_once), self._bytes(array, shape)
        buffer = ReaderBuffer(name, reader, part, least, at_once, kept, row_bytes, tuple(edges))
        self.buffers[buffer.key] = buffer

    def _ring(
        self,
        written: np.ndarray,
        last_read: np.ndarray,
        iterations: tuple[int, int],
        itself: bool,
    ) -> Ring:
        """Return the ring of an edge. Equal rings, such as those of copies of a stage, are one object.

        written, last_read: by bank and row.
        """
        columns = [columns_of(table) for table in (written, last_read)]
        kept = (columns[0] >= 0).any(axis=1)
        columns = [np.ascontiguousarray(table[kept]) for table in columns]
        key = (columns[0].tobytes(), columns[1].tobytes(), *iterations, itself)
        if key not in self._equal_rings:
            self._equal_rings[key] = Ring(columns[0], columns[1], *iterations, itself)
        return self._equal_rings[key]

    def sram_bytes(self, sizes: Sizes) -> dict[CoreName, int]:
        """Return the bytes of the buffers of each core, each copy by itself."""
        stages = dict.fromkeys(self.footprints, 0)
        for resident in self.residents.values():
            if self.stages[resident.reader].gcu is None:  # the GCU has a memory of its own
                stages[resident.reader] += resident.bytes
        for key, rows in sizes.items():
            if self.stages[self.buffers[key].reader].gcu is None:
                stages[self.buffers[key].reader] += rows * self.buffers[key].row_bytes
        return {
            copy: stages[name]
            for name, footprint in self.footprints.items()
            for core in footprint.cores
            for copy in self._copies(core)
        }

    def fits(self, sizes: Sizes) -> bool:
        """Return True if the buffers of each core fit its SRAM, those of programs that share it together."""
        room = self.hardware.core.sram_bytes
        taken: Counter[object] = Counter()
        for core, size in self.sram_bytes(sizes).items():
            taken[self.places.positions.get(core, core)] += size
        return room is None or max(taken.values()) <= room

    def bytes_of(self, stage: StageOp, sizes: Sizes) -> int:
        """Return the bytes of the buffers of one core for a version of a stage that is spread over more cores."""
        total = 0
        for name, read in stage.read_relations().items():
            array, rings = self.arrays[name], self._parts.get((name, stage.sym_name.data), [])
            shapes = []
            for ring in rings:
                kept = self._kept(array, stage, ring.part.of(read)) or ring.part.box
                sizes_kept = None if kept is None else kept.sizes
                shapes.append(ring.rows.buffer_shape(sizes[ring.key], sizes_kept))
            if not rings:
                kept = self._kept(array, stage, read)
                shapes.append(array.shape if kept is None else kept.sizes)
            total += sum(self._bytes(array, shape) for shape in shapes)
        return total

    def storages(self, sizes: Sizes) -> dict[tuple[str, str], tuple[isl.Map, tuple[int, ...]]]:
        """Return the storage map and shape of buffers, by array and reader.

        sizes: for each buffer, the sizes of all of its rings or of none.
        """
        rings: dict[tuple[str, str], list[tuple[isl.Map, tuple[int, ...]]]] = defaultdict(list)
        for key, rows in sizes.items():
            ring = self.buffers[key]
            rings[ring.array, ring.reader].append((ring.storage(rows), ring.shape(rows)))
        return {place: stacked(found) for place, found in rings.items()}

    def full(self) -> dict[Key, int]:
        """Return the sizes of buffers that hold one inference each, and those before that are still to be read."""
        back = {name: stage.stream_reads() for name, stage in self.stages.items()}
        return {
            key: buffer.rows.count * (1 + inferences_back(back[buffer.reader][buffer.array]))
            for key, buffer in self.buffers.items()
        }

    def given(self, pipeline: PipelineOp) -> dict[Key, int]:
        """Return the sizes of the buffers of a pipeline: those of its rings, and one inference for all others."""
        sizes = self.full()
        for place, storage in pipeline.storages.items():
            relation, shape = storage.map.relation, storage.type.get_shape()
            found = rows_found(self._parts.get(place, []), relation, shape)
            if found and min(found.values()) > 0:
                (ours,) = self.storages(found).values()
                if ours[1] == shape and relation.is_equal(ours[0]):
                    sizes.update(found)
        return sizes

    @cached_property
    def ticks(self) -> int:
        """Number of ticks in a cycle: schedules count ticks, of which the interval λ is a whole number.

        With t ticks, starts are multiples of 1/t cycles. Rounded down, they are still a schedule, because delays are
        whole cycles. λ is whole unless several inferences are under way in a circle of cores or use different sets of
        crossbars, so t is 1 unless a stage reads across inferences or has ways.
        """
        across = any(read.across for stage in self.stages.values() for read in stage.reads())
        if not across and not any(cost.pace.in_turn for cost in self.costs.values()):
            return 1
        ratio = self._busiest
        while True:
            actors = self._in_ticks({}, ratio.denominator)
            try:
                periodic_schedule(actors, ratio.numerator)
                return ratio.denominator
            except InfeasiblePeriodError as cycle:
                if cycle.tokens == 0:
                    raise DeadlockError([link.wait for link in cycle.links]) from None
                ratio = Fraction(cycle.delay, cycle.tokens * ratio.denominator)

    @cached_property
    def interval(self) -> int:
        """Steady-state interval λ with unbounded buffers, in ticks: that of the busiest core, if data allow it."""
        return self.schedule({}, ceil(self.ticks * self._busiest))[0]

    @property
    def _busiest(self) -> Fraction:
        """Cycles that the iterations of the busiest core take in an inference."""
        return max(
            self.costs[core].pace.cycles(-(-n // self.turns[core]))
            for core, n in self._iterations.items()
        )

    def in_cycles(self, ticks: int) -> float:
        """Return a time in cycles, which is whole where possible."""
        return ticks // self.ticks if ticks % self.ticks == 0 else ticks / self.ticks

    def schedule(self, sizes: Sizes, period: int) -> tuple[int, np.ndarray]:
        """Return the interval and starts of the fastest periodic schedule with an interval of at least `period`.

        All are in ticks. Raises DeadlockError.
        """
        actors = self.actors(sizes)
        while True:
            try:
                return period, periodic_schedule(actors, period)
            except InfeasiblePeriodError as cycle:
                if cycle.tokens == 0:
                    raise DeadlockError([link.wait for link in cycle.links]) from None
                period = -(-cycle.delay // cycle.tokens)

    def actors(self, sizes: Sizes) -> dict[CoreName, Actor]:
        """Return the cores of the network with buffers of these sizes, with times in ticks."""
        return self._in_ticks(sizes, self.ticks)

    def _in_ticks(self, sizes: Sizes, ticks: int) -> dict[CoreName, Actor]:
        actors = {core: self.actor(core, sizes) for core in self.raw}
        return actors if ticks == 1 else {core: a.slower(ticks) for core, a in actors.items()}

    def actor(self, core: CoreName, sizes: Sizes) -> Actor:
        """Return one core of the network with buffers of these sizes, with times in cycles."""
        keys = ((edge, self.keys[edge]) for edge in self._fills.get(core, ()))
        room = (self._room(edge, sizes[key]) for edge, key in keys if key in sizes)
        cost = self.costs[core]
        dependences = [*self.raw[core], *room]
        iterations, turns = self._iterations[core], self.turns[core]
        return Actor(core, iterations, cost.pace, cost.latency, dependences, turns)

    def _room_uncached(self, edge: Edge, rows: int) -> Dependence:
        array, writer, reader = edge
        needs, latency = self.rings[edge].needs(rows), self.hardware.core.credit_latency
        return self._wait(DependenceKind.WAR, writer, reader, array, needs, latency)

    def credit_delay(self, reader: CoreName, writer: CoreName) -> int:
        """Return the ticks from the start of an iteration of a reader to its credit at a writer, both without turns."""
        hops = self.places.hops(reader, writer) * self.hardware.interconnect.hop_cycles
        return self.ticks * (self.hardware.core.credit_latency + hops)

    def check_live(self, sizes: Sizes) -> None:
        """Run the recurrence until its behaviour repeats. Raises DeadlockError."""
        Recurrence(self.actors(sizes), INFERENCES_TO_LIVE).run()


INFERENCES_TO_LIVE = 2
"""Number of inferences that show whether sizes deadlock: one from empty buffers, and one from the state it leaves."""


def _least(pairs: Sequence[tuple[Ring, np.ndarray]], at_once: Collection[int]) -> int:
    """Return the fewest rows with which each writer and the reader could run if they were alone.

    pairs: the ring, and the iterations that the reader needs, for each writing and reading core. at_once: as in
    `ReaderBuffer`.
    """
    different = {(id(ring), needs.tobytes()): (ring, needs) for ring, needs in pairs}.values()

    def can_run(rows: int) -> bool:
        return all(ring.can_run(rows, needs) for ring, needs in different)

    low, high = 1, max((ring.whole for ring, _ in different), default=1)
    if all(ring.in_order for ring, _ in different):  # more rows never wait longer
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if can_run(middle) else (middle + 1, high)
    while not (keeps_apart(at_once, low) and can_run(low)):
        low += 1
    return low


def _inside(
    kept: BoundingBox | None, core: tuple[int, ...], rows: Rows
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that cuts the part kept by a core out of a table; rows outside the part become −1."""
    if kept is None:
        return lambda table: table
    cut: list[slice] = []
    outside = np.zeros((), bool)
    for d, (low, size) in enumerate(zip(kept.low, kept.sizes, strict=True)):
        at = at_core(low, core)
        if at.is_empty():  # the core reads nothing of the array
            nothing = [rows.shape[i] if i == rows.axis else n for i, n in enumerate(kept.sizes)]
            return lambda table: np.full(nothing, -1, np.int64)
        first = at.dim_min_val(0).to_python()
        cut.append(rows.indices if d == rows.axis else slice(first, first + size))
        if d == rows.axis:
            row = np.arange(rows.indices.start, rows.indices.stop, rows.indices.step)
            row = row.reshape(-1, *(1,) * (len(kept.sizes) - d - 1))
            outside = (row < first) | (row >= first + size)
    return lambda table: np.where(outside, -1, table[tuple(cut)])


def _uniform_axes(tables: Sequence[np.ndarray], rows: Rows) -> tuple[slice, ...]:
    """Return an index that keeps one element of each dimension, other than rows, along which all tables are constant.

    Usually all channels are written, and read, together.
    """
    uniform = (
        d != rows.axis and all((t == t.take([0], axis=d)).all() for t in tables)
        for d in range(len(rows.shape))
    )
    return tuple(slice(1) if alike else slice(None) for alike in uniform)
