"""How many rows each buffer needs: to be live, and to lose no throughput.

Every (array, writer, reader) is an edge of a cyclo-static dataflow graph; a ring of R rows bounds it. Sizes are found
for the whole graph together: on a residual network the skip edge needs as many rows as the other path is deep.

Live sizes: from the rows of the readers' windows, which no ring can undercut, the run of one inference is tried; where
it deadlocks, the edge that blocks grows.

Lossless sizes: without bounds, the network has an interval λ, as a rule that of its busiest core. From the live sizes,
where a cycle of waits takes longer than λ an inference, and so no periodic schedule of interval λ exists, the edge that
blocks grows; what grew is then reduced, edge by edge, as long as there is one (`cmir.accelerator.periodic`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from math import ceil, prod

import islpy as isl
import numpy as np

from cmir.accelerator.cost import program_cost
from cmir.accelerator.elements import dtype_of
from cmir.accelerator.footprint import (
    Footprint,
    by_row,
    needs_room,
    rows_of_banks,
    window_rows,
)
from cmir.accelerator.hardware import Hardware
from cmir.accelerator.periodic import TooFastError, periodic_schedule
from cmir.accelerator.recurrence import Actor, DeadlockError, Dependence, Recurrence, Wait
from cmir.dialects.polyhedral import ArrayOp, PipelineOp, StageOp, symbol
from cmir.isl.cores import at_core, on_core
from cmir.isl.storage import Kept, Rows, ring_storage, rows_of

Edge = tuple[str, str, str]
"""(array, core that writes it, core that reads it)"""

Sizes = Mapping[tuple[str, str], int]
"""The rows of each buffer, by (array, reader); a buffer that is absent is unbounded."""


@dataclass(frozen=True, eq=False)
class Buffer:
    """An array kept by a reader, in the same way on each of its cores.

    least: the rows of the reader's window. kept: what a core keeps of the array, None for all. row_bytes: bytes of one
    row, in all banks. edges: the pairs of a core that writes it and one that reads what that has written.
    """

    array: str
    reader: str
    rows: Rows
    least: int
    kept: Kept | None
    row_bytes: int
    edges: tuple[tuple[str, str], ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.array, self.reader

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


@dataclass(frozen=True, eq=False)
class _Table:
    """What an edge does to the elements that are kept, by bank and row: who writes each, and reads it last.

    One element stands for all along dimensions in which they are alike.
    """

    written: np.ndarray
    last_read: np.ndarray
    iterations: tuple[int, int]


class Sizing:
    """The buffers of a pipeline and the searches for their sizes."""

    def __init__(self, pipeline: PipelineOp, hardware: Hardware):
        self.hardware = hardware
        self.stages, self.arrays = pipeline.stages, pipeline.arrays
        self.costs = {name: program_cost(stage, hardware) for name, stage in self.stages.items()}
        self.footprints = {name: Footprint(stage) for name, stage in self.stages.items()}
        self.buffers: dict[tuple[str, str], Buffer] = {}
        self.wholes: dict[tuple[str, str], Whole] = {}
        self.raw: dict[str, list[Dependence]] = {
            core: [] for footprint in self.footprints.values() for core in footprint.cores
        }
        self._tables: dict[Edge, _Table] = {}
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
        self._room = lru_cache(maxsize=None)(self._room_uncached)

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
                    here, there = footprint.cores[core], source.cores[other]
                    delay = self.costs[writer].latency
                    self.raw[here].append(Dependence("raw", there, name, needs, delay))
                    edges.append((there, here))
                    first, last = source.starts[other], source.starts[other + 1]
                    places = written[writer][core]
                    mine = (places >= first) & (places < last)
                    self._tables[name, there, here] = _Table(
                        np.where(mine, places - first, -1),
                        last_read[core],
                        (last - first, footprint.count(core)),
                    )
            shape = rows.buffer_shape(1, None if kept is None else kept.sizes)
            self.buffers[name, reader] = Buffer(
                name,
                reader,
                rows,
                window_rows(footprint, array, rows),
                kept,
                self._bytes(array, shape),
                tuple(edges),
            )

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
        busiest = max(
            footprint.count(core) * self.costs[name].interval
            for name, footprint in self.footprints.items()
            for core in range(len(footprint.cores))
        )
        return self._schedule({}, busiest)[0]

    def _schedule(self, sizes: Sizes, period: int) -> tuple[int, np.ndarray]:
        """The fastest periodic schedule that is no faster than `period`: its interval, and its starts."""
        actors = self.actors(sizes)
        while True:
            try:
                return period, periodic_schedule(actors, period)
            except TooFastError as cycle:
                period = ceil(cycle.delay / cycle.tokens)

    def actors(self, sizes: Sizes) -> dict[str, Actor]:
        """The network with buffers of these sizes."""
        room: dict[str, list[Dependence]] = {core: [] for core in self.raw}
        for key, rows in sizes.items():
            for writer, reader in self.buffers[key].edges:
                room[writer].append(self._room((key[0], writer, reader), key[1], rows))
        return {
            core: Actor(
                core,
                footprint.count(number),
                self.costs[footprint.name].interval,
                self.costs[footprint.name].latency,
                [*self.raw[core], *room[core]],
            )
            for footprint in self.footprints.values()
            for number, core in enumerate(footprint.cores)
        }

    def _room_uncached(self, edge: Edge, stage: str, rows: int) -> Dependence:
        array, _, reader = edge
        table, ring = self._tables[edge], self.buffers[array, stage].rows
        needs = needs_room(table.written, table.last_read, ring, rows, table.iterations)
        return Dependence("war", reader, array, needs, self.hardware.core.credit_latency)

    def check_live(self, sizes: Sizes) -> None:
        """Run the recurrence until it must repeat. Raises DeadlockError."""
        Recurrence(self.actors(sizes), _INFERENCES_TO_LIVE).run()

    def live(self) -> dict[tuple[str, str], int]:
        """Small sizes with which the network does not deadlock: where it would, the blocking buffer grows."""
        return dict(self._live)

    @cached_property
    def _live(self) -> dict[tuple[str, str], int]:
        sizes = {key: buffer.least for key, buffer in self.buffers.items()}
        run = Recurrence(self.actors(sizes), _INFERENCES_TO_LIVE)
        while True:
            try:
                run.run()
                return sizes
            except DeadlockError as deadlock:
                if (blocking := self._blocking(deadlock.cycle)) is None:
                    raise  # no buffer is to blame: data itself is needed in a circle
                sizes[blocking] += 1
                run.allow(self.actors(sizes))

    def lossless(self, interval: int | None = None) -> dict[tuple[str, str], int]:
        """Small sizes with which the steady-state interval is `interval` (that without bounds, if not given).

        No single buffer could be smaller without the interval becoming longer.
        """
        period, earliest = self._schedule({}, max(interval or 0, self.interval))
        floor = self.live()
        sizes, steps = dict(floor), dict.fromkeys(floor, 1)
        while (cycle := self._too_fast(sizes, period, earliest)) is not None:
            blocking = self._blocking(cycle)
            assert blocking is not None, "without bounds there is a schedule"
            sizes[blocking] += steps[blocking]
            steps[blocking] *= 2
        for key in sorted(sizes, key=lambda key: -self.buffers[key].row_bytes):

            def suffices(rows: int, key: tuple[str, str] = key) -> bool:
                return self._too_fast({**sizes, key: rows}, period, earliest) is None

            sizes[key] = _smallest(floor[key], sizes[key], suffices)
        return sizes

    def fitting(self) -> tuple[int, dict[tuple[str, str], int]]:
        """The shortest interval with buffers that fit the SRAM of all cores, and their sizes, as `lossless` has them.

        Found by bisection, to a hundredth. Live sizes where not even these fit.
        """
        fastest, sizes = self.interval, self.lossless()
        if self._fits(sizes):
            return fastest, sizes
        sizes = self.live()
        if not self._fits(sizes):
            return fastest, sizes
        interval, _ = self._schedule(sizes, fastest)
        while interval - fastest > max(1, fastest // 100):
            middle = (fastest + interval) // 2
            found = self.lossless(middle)
            if self._fits(found):
                interval, sizes = middle, found
            else:
                fastest = middle
        return interval, sizes

    def _fits(self, sizes: Sizes) -> bool:
        room = self.hardware.core.sram_bytes
        return room is None or max(self.sram_bytes(sizes).values()) <= room

    def _blocking(self, cycle: Sequence[Wait]) -> tuple[str, str] | None:
        """Of several buffers without room in a cycle of waits, the one with the smallest rows."""
        full = [(w.array, w.source.partition("[")[0]) for w in cycle if w.kind == "war"]
        return min(full, key=lambda key: self.buffers[key].row_bytes, default=None)

    def _too_fast(self, sizes: Sizes, period: int, earliest: np.ndarray) -> Sequence[Wait] | None:
        """A cycle of waits that takes longer than this interval, with buffers of these sizes; None without one.

        earliest: the schedule of this interval without bounds.
        """
        try:
            periodic_schedule(self.actors(sizes), period, earliest)
        except TooFastError as error:
            return [link.wait for link in error.links]
        return None


_INFERENCES_TO_LIVE = 2
"""One from empty buffers, and one that finds them as the first has left them."""


def _smallest(low: int, high: int, suffices: Callable[[int], bool]) -> int:
    """The smallest number from low to high that suffices; high is known to."""
    while low < high:
        middle = (low + high) // 2
        if suffices(middle):
            high = middle
        else:
            low = middle + 1
    return high


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
