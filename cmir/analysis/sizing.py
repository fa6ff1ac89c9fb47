"""Buffers of a pipeline as rings of rows: the SRAM they take, and the timing that results from their sizes.

Every (array, writer, reader) is an edge of a cyclo-static dataflow graph, bounded by a ring of R rows. Sizes are chosen
for the whole graph at once (`cmir.analysis.size_search`): in a residual network, the skip edge needs as many rows as
the other path is deep.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from itertools import product
from math import ceil, prod

import islpy as isl
import numpy as np

from cmir.analysis.array_buffers import Edge, array_buffers, kept_box
from cmir.analysis.buffers import ReaderBuffer, rows_found
from cmir.analysis.footprint import Footprint
from cmir.analysis.ring import Ring
from cmir.analysis.size_cover import Key, Sizes
from cmir.analysis.workload import check_iterations
from cmir.cost.program_cost import Cost, program_cost
from cmir.dialects.core_name import CoreName
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import ArrayOp, PipelineOp, StageOp, symbol
from cmir.hardware.chip import Places, chip_of
from cmir.hardware.description import Hardware
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.inferences import inferences_back
from cmir.isl.storage import BoundingBox, stacked
from cmir.support.limits import check_memory, count_text
from cmir.timing.actors import Actor, Dependence
from cmir.timing.control import DeadlockError
from cmir.timing.interval import steady_interval
from cmir.timing.liveness import UntimedRun
from cmir.timing.periodic import InfeasiblePeriodError, PeriodicSearch, periodic_schedule
from cmir.timing.turns import Turns


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

    data, rings: see `ArrayBuffers`, for all arrays. keys: the buffer of each edge. row_bytes: bytes of one row of each
    buffer, in all banks. Until cores are placed, any two are assumed to be one hop apart.
    """

    def __init__(self, pipeline: PipelineOp, hardware: Hardware):
        check_iterations(pipeline)
        self.hardware = hardware
        self.pipeline, self.stages, self.arrays = pipeline, pipeline.stages, pipeline.arrays
        self.footprints = {name: Footprint(stage) for name, stage in self.stages.items()}
        self.buffers: dict[Key, ReaderBuffer] = {}
        self.row_bytes: dict[Key, int] = {}
        self.keys: dict[Edge, Key] = {}
        self.residents: dict[tuple[str, str], ResidentArray] = {}
        self.data: dict[Edge, np.ndarray] = {}
        self.rings: dict[Edge, Ring] = {}
        inputs = {symbol(ref) for ref in pipeline.inputs}
        reads = {name: stage.read_relations() for name, stage in self.stages.items()}
        writes = {name: stage.write_relations() for name, stage in self.stages.items()}
        for name, array in self.arrays.items():
            readers = {s: read[name] for s, read in reads.items() if name in read}
            if name in inputs or array.source is not None:
                for reader, read in readers.items():
                    self._keep_whole(array, reader, read)
            elif readers:
                written = [s for s, write in writes.items() if name in write]
                self._keep_rows(array, written, [*readers])
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
        for of_places in ("interval", "ticks", "_fastest"):
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
        self._unbounded = cache(self._unbounded_uncached)

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

    def _keep_whole(self, array: ArrayOp, reader: str, read: isl.Map) -> None:
        kept, name = kept_box(array, self.stages[reader], read), array.sym_name.data
        size = self._bytes(array, array.shape if kept is None else kept.sizes)
        self.residents[name, reader] = ResidentArray(name, reader, kept, size)

    def _bytes(self, array: ArrayOp, shape: Sequence[int]) -> int:
        return self.hardware.bytes_of(prod(shape), 8 * dtype_of(array.type).itemsize)

    def _keep_rows(self, array: ArrayOp, writers: Sequence[str], readers: Sequence[str]) -> None:
        count = prod(array.shape)
        check_memory(
            array,
            f"@{array.sym_name.data} has {count_text(count)} elements",
            _ELEMENT_BYTES * count * (len(writers) + len(readers)),
        )
        footprints = self.footprints
        found = array_buffers(
            array, [footprints[w] for w in writers], [footprints[r] for r in readers]
        )
        for buffer in found.buffers:
            self.buffers[buffer.key] = buffer
            self.row_bytes[buffer.key] = self._bytes(array, buffer.shape(1))
        self.data.update(found.data)
        self.rings.update(found.rings)

    def sram_bytes(self, sizes: Sizes) -> dict[CoreName, int]:
        """Return the bytes of the buffers of each core, each copy by itself."""
        stages = dict.fromkeys(self.footprints, 0)
        for resident in self.residents.values():
            if self.stages[resident.reader].gcu is None:  # the GCU has a memory of its own
                stages[resident.reader] += resident.bytes
        for key, rows in sizes.items():
            if self.stages[self.buffers[key].reader].gcu is None:
                stages[self.buffers[key].reader] += rows * self.row_bytes[key]
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
                kept = kept_box(array, stage, ring.part.of(read)) or ring.part.box
                sizes_kept = None if kept is None else kept.sizes
                shapes.append(ring.rows.buffer_shape(sizes[ring.key], sizes_kept))
            if not rings:
                kept = kept_box(array, stage, read)
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
        return 1 if self._whole else self._fastest.denominator

    @cached_property
    def interval(self) -> int:
        """Steady-state interval λ with unbounded buffers, in ticks: that of the busiest core, if data allow it."""
        return self._fastest.numerator

    @property
    def _whole(self) -> bool:
        """True if λ is a whole number of cycles."""
        across = any(read.across for stage in self.stages.values() for read in stage.reads())
        return not across and not any(cost.pace.in_turn for cost in self.costs.values())

    @cached_property
    def _fastest(self) -> Fraction:
        """Interval of unbounded buffers, in cycles."""
        interval = steady_interval(self._in_ticks({}, 1))
        return Fraction(ceil(interval)) if self._whole else interval

    def _unbounded_uncached(self, period: int, ticks: int) -> np.ndarray:
        """Return the starts of the fastest schedule of unbounded buffers with an interval of `period` ticks."""
        return periodic_schedule(self._in_ticks({}, ticks), period)

    def in_cycles(self, ticks: int) -> float:
        """Return a time in cycles, which is whole where possible."""
        return ticks // self.ticks if ticks % self.ticks == 0 else ticks / self.ticks

    def schedule(self, sizes: Sizes, period: int) -> tuple[int, np.ndarray]:
        """Return the interval and starts of the fastest periodic schedule with an interval of at least `period`.

        All are in ticks. Raises DeadlockError.
        """
        if not sizes:
            period = max(period, self.interval)
            return period, self._unbounded(period, self.ticks)
        actors, search = self.actors(sizes), None
        while True:
            search = PeriodicSearch(actors, period, like=search)
            try:
                return period, search.run()
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
        """Run the network until its behaviour repeats. Raises DeadlockError."""
        UntimedRun(self.actors(sizes), INFERENCES_TO_LIVE).run_all()


INFERENCES_TO_LIVE = 2
"""Number of inferences that show whether sizes deadlock: one from empty buffers, and one from the state it leaves."""
