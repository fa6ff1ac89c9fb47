"""How many rows each buffer needs: to be live, and to lose no throughput.

Every (array, writer, reader) is an edge of a cyclo-static dataflow graph; a ring of R rows bounds it. Sizes are found
for the whole graph together: on a residual network the skip edge needs as many rows as the other path is deep.

Live sizes: from the rows of the readers' windows, which no ring can undercut, the run of one inference is tried; where
it deadlocks, the edge that blocks grows.

Lossless sizes: without bounds, an acyclic network has the interval λ of its busiest core, and a periodic schedule
t(n, i) = s(i) + λ·n with s the earliest starts. A bound that respects s respects λ: a self-timed execution starts
nothing later than a periodic schedule that satisfies the same constraints (Reiter, JACM 1968; Sriram and
Bhattacharyya, Embedded Multiprocessors, ch. 7). That gives sizes that suffice. They are then reduced, edge by
edge, as long as some periodic schedule of interval λ exists.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import islpy as isl
import numpy as np

from cmir.accelerator.automata import NEVER
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
from cmir.accelerator.recurrence import Actor, DeadlockError, Dependence, Recurrence
from cmir.dialects.polyhedral import ArrayOp, PipelineOp, symbol
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
    """What an edge does to the elements that are kept, by bank and row: who writes each, and reads it last."""

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

    def _kept(self, array: ArrayOp, reader: str, read: isl.Map) -> Kept | None:
        stage = self.stages[reader]
        if not stage.core_dims or read.is_empty():
            return None
        kept = Kept.of(on_core(read, stage.core_dims))
        return kept if kept.sizes != array.shape else None

    def _keep_whole(self, array: ArrayOp, reader: str, read: isl.Map) -> None:
        kept, name = self._kept(array, reader, read), array.sym_name.data
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
            kept, footprint = self._kept(array, reader, read), self.footprints[reader]
            edges: list[tuple[str, str]] = []
            for writer, table in tables.items():
                source = self.footprints[writer]
                for (core, other), needs in footprint.needs_data(array, source, table).items():
                    here, there = footprint.cores[core], source.cores[other]
                    delay = self.costs[writer].latency
                    self.raw[here].append(Dependence("raw", there, name, needs, delay))
                    edges.append((there, here))
                    first, last = source.starts[other], source.starts[other + 1]
                    own = np.where((table >= first) & (table < last), table - first, -1)
                    inside = _inside(kept, footprint.coordinates[core], rows)
                    self._tables[name, there, here] = _Table(
                        by_row(inside(own), rows),
                        by_row(inside(footprint.last_read(array, core)), rows),
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

    @property
    def interval(self) -> int:
        """λ: the steady-state interval without bounds, that of the busiest core. In cycles."""
        return max(
            footprint.count(core) * self.costs[name].interval
            for name, footprint in self.footprints.items()
            for core in range(len(footprint.cores))
        )

    def actors(self, sizes: Sizes) -> dict[str, Actor]:
        """The network with buffers of these sizes."""
        room: dict[str, list[Dependence]] = {core: [] for core in self.raw}
        for key, rows in sizes.items():
            for writer, reader in self.buffers[key].edges:
                needs = self._room((key[0], writer, reader), key[1], rows)
                room[writer].append(
                    Dependence("war", reader, key[0], needs, self.hardware.core.credit_latency)
                )
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

    def _room_uncached(self, edge: Edge, reader: str, rows: int) -> np.ndarray:
        table = self._tables[edge]
        ring = self.buffers[edge[0], reader].rows
        return needs_room(table.written, table.last_read, ring, rows, table.iterations)

    def check_live(self, sizes: Sizes) -> None:
        """Run the recurrence until it must repeat. Raises DeadlockError."""
        Recurrence(self.actors(sizes), _INFERENCES_TO_LIVE).run()

    def live(self) -> dict[tuple[str, str], int]:
        """Small sizes with which the network does not deadlock: where it would, the blocking edge grows.

        Of several buffers without room in a blocking cycle, the one with the smallest rows grows.
        """
        sizes = {key: buffer.least for key, buffer in self.buffers.items()}
        while True:
            try:
                self.check_live(sizes)
                return sizes
            except DeadlockError as deadlock:
                full = [
                    (w.array, w.source.partition("[")[0]) for w in deadlock.cycle if w.kind == "war"
                ]
                if not full:
                    raise  # no buffer is to blame: data itself is needed in a circle
                sizes[min(full, key=lambda key: self.buffers[key].row_bytes)] += 1

    def lossless(self, interval: int | None = None) -> dict[tuple[str, str], int]:
        """Small sizes with which the steady-state interval is `interval` (that without bounds, if not given).

        No single buffer could be smaller without the interval becoming longer, as far as the search for a periodic
        schedule can tell (it gives up on schedules that delay an iteration by more than two intervals).
        """
        period = max(interval or 0, self.interval)
        earliest = self._periodic({}, period, {})
        assert earliest is not None, (
            "an acyclic network has a schedule at the interval of its cores"
        )
        sizes = {
            key: self._least_rows(buffer, earliest, period) for key, buffer in self.buffers.items()
        }
        floor = self.live()
        by_bytes = sorted(
            sizes, key=lambda key: -(sizes[key] - floor[key]) * self.buffers[key].row_bytes
        )
        for key in by_bytes:

            def suffices(rows: int, key: tuple[str, str] = key) -> bool:
                return self._periodic({**sizes, key: rows}, period, earliest) is not None

            sizes[key] = _smallest(floor[key], sizes[key], suffices)
        return sizes

    def _least_rows(self, buffer: Buffer, starts: Mapping[str, np.ndarray], period: int) -> int:
        """The fewest rows with which no iteration of these periodic starts lacks room."""

        def suffices(rows: int) -> bool:
            for writer, reader in buffer.edges:
                needs = self._room((buffer.array, writer, reader), buffer.reader, rows)
                freed = _event_times(needs, starts[reader], period)
                if (starts[writer] < freed + self.hardware.core.credit_latency).any():
                    return False
            return True

        most = buffer.least
        while not suffices(most):
            most *= 2
        return _smallest(buffer.least, most, suffices)

    def _periodic(
        self, sizes: Sizes, period: int, start: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray] | None:
        """The earliest periodic schedule: starts in inference 0, or None if there seems to be none.

        start: a schedule that is nowhere later than it, to begin the search with.
        """
        actors = self.actors(sizes)
        starts = {
            name: start.get(name, np.zeros(actor.iterations, np.int64))
            for name, actor in actors.items()
        }
        horizon = 2 * period + max((int(s[-1]) for s in start.values()), default=NEVER // 4)
        waiters: dict[str, set[str]] = {name: set() for name in actors}
        for name, actor in actors.items():
            for dependence in actor.dependences:
                waiters[dependence.source].add(name)
        work = deque(actors)
        queued = set(actors)
        while work:
            name = work.popleft()
            queued.discard(name)
            actor = actors[name]
            bound = starts[name]
            for dependence in actor.dependences:
                event = _event_times(dependence.needs, starts[dependence.source], period)
                bound = np.maximum(bound, event + dependence.delay)
            later = _in_sequence(bound, actor.interval, period)
            if later[-1] > horizon:
                return None
            if not np.array_equal(later, starts[name]):
                starts[name] = later
                for waiter in waiters[name] - queued:
                    work.append(waiter)
                    queued.add(waiter)
        return starts


_INFERENCES_TO_LIVE = 2
"""One from empty buffers, and one that finds them as the first has left them."""


def _event_times(needs: np.ndarray, starts: np.ndarray, period: int) -> np.ndarray:
    """When the needed iterations of a periodic schedule start; −NEVER where none is needed."""
    inference, iteration = np.divmod(needs, len(starts))
    return np.where(needs <= -NEVER, -NEVER, starts[iteration] + inference * period)


def _in_sequence(bound: np.ndarray, interval: int, period: int) -> np.ndarray:
    """The earliest starts, none before its bound, of iterations that follow each other and repeat."""
    steps = interval * np.arange(len(bound))
    starts = np.maximum.accumulate(bound - steps) + steps
    wrapped = starts[-1] + interval - period  # the last one of the inference before comes first
    return np.maximum(starts, wrapped + steps)


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
        first = at_core(low, core).dim_min_val(0).to_python()
        cut.append(slice(None) if d == rows.axis else slice(first, first + size))
        if d == rows.axis:
            row = np.arange(rows.shape[d]).reshape(-1, *(1,) * (len(kept.sizes) - d - 1))
            outside = (row < first) | (row >= first + size)
    return lambda table: np.where(outside, -1, table[tuple(cut)])


def _common_rows(rows: list[Rows], shape: tuple[int, ...]) -> Rows:
    """The rows of an array with several writers: those that all agree on, else the array as one row."""
    return rows[0] if len(set(rows)) == 1 else Rows(shape, None)
