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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from cmir.accelerator.automata import NEVER
from cmir.accelerator.elements import dtype_of
from cmir.accelerator.footprint import Footprint, needs_room, window_rows
from cmir.accelerator.hardware import Hardware
from cmir.accelerator.recurrence import Actor, DeadlockError, Dependence, Recurrence
from cmir.dialects.polyhedral import PipelineOp, symbol
from cmir.isl.storage import Rows, ring_storage, rows_of

Edge = tuple[str, str, str]
"""(array, writer, reader)"""

Sizes = Mapping[tuple[str, str], int]
"""The rows of each buffer, by (array, reader); a buffer that is absent is unbounded."""


@dataclass(frozen=True, eq=False)
class Buffer:
    """An array kept by a reader.

    least: the rows of the reader's window. row_bytes: bytes of one row.
    """

    array: str
    reader: str
    writers: tuple[str, ...]
    rows: Rows
    least: int
    row_bytes: int

    @property
    def key(self) -> tuple[str, str]:
        return self.array, self.reader


class Sizing:
    """The buffers of a pipeline and the searches for their sizes."""

    def __init__(self, pipeline: PipelineOp, hardware: Hardware):
        self.hardware = hardware
        stages, arrays = pipeline.stages, pipeline.arrays
        self.footprints = {name: Footprint(stage) for name, stage in stages.items()}
        inputs = {symbol(ref) for ref in pipeline.inputs}
        self.buffers: dict[tuple[str, str], Buffer] = {}
        self.raw: dict[str, list[Dependence]] = {name: [] for name in stages}
        self._tables: dict[Edge, tuple[np.ndarray, np.ndarray]] = {}
        self._whole_bytes = dict.fromkeys(stages, 0)
        writers = {name: stage.write_relations() for name, stage in stages.items()}
        for name, array in arrays.items():
            readers = [
                s
                for s, stage in stages.items()
                if any(name == a for op in stage.reads() for a, _ in op.arrays_and_maps())
            ]
            if name in inputs or array.source is not None:
                for reader in readers:
                    self._whole_bytes[reader] += prod(array.shape) * dtype_of(array.type).itemsize
                continue
            writes = {s: relations[name] for s, relations in writers.items() if name in relations}
            written = {s: self.footprints[s].writer(array) for s in writes if readers}
            rows = _common_rows(
                [rows_of(array.shape, w, stages[s].order) for s, w in writes.items()], array.shape
            )
            for reader in readers:
                footprint = self.footprints[reader]
                last_read = footprint.last_read(array)
                for writer, table in written.items():
                    needs = footprint.needs_data(array, table)
                    if needs[-1] < 0:
                        continue  # it reads nothing of what this stage writes
                    self.raw[reader].append(
                        Dependence("raw", writer, name, needs, hardware.latency)
                    )
                    self._tables[name, writer, reader] = table, last_read
                row_bytes = prod(rows.buffer_shape(1)) * dtype_of(array.type).itemsize
                least = window_rows(footprint, array, rows)
                self.buffers[name, reader] = Buffer(
                    name, reader, tuple(written), rows, least, row_bytes
                )
        self._room = lru_cache(maxsize=None)(self._room_uncached)

    def sram_bytes(self, sizes: Sizes) -> dict[str, int]:
        """Bytes of the buffers of each stage, with those of inputs and parameters, which are kept whole."""
        total = dict(self._whole_bytes)
        for key, rows in sizes.items():
            total[self.buffers[key].reader] += rows * self.buffers[key].row_bytes
        return total

    def full(self) -> dict[tuple[str, str], int]:
        """One inference each."""
        return {key: buffer.rows.count for key, buffer in self.buffers.items()}

    def given(self, pipeline: PipelineOp) -> dict[tuple[str, str], int]:
        """The sizes of the buffers that a pipeline has: those of its rings, and one inference for all others."""
        sizes = self.full()
        for key, storage in pipeline.storages.items():
            if (buffer := self.buffers.get(key)) is not None:
                shape = storage.type.get_shape()
                axis = buffer.rows.axis or 0
                rows = shape[axis] if axis < len(shape) else 0
                ring = rows > 0 and ring_storage(buffer.array, buffer.rows, rows)
                if ring and storage.map.relation.is_equal(ring):
                    sizes[key] = rows
        return sizes

    @property
    def interval(self) -> int:
        """λ: the steady-state interval without bounds, that of the busiest core. In cycles."""
        busiest = max(footprint.iterations for footprint in self.footprints.values())
        return busiest * self.hardware.initiation_interval

    def actors(self, sizes: Sizes) -> dict[str, Actor]:
        """The network with buffers of these sizes."""
        room: dict[str, list[Dependence]] = {name: [] for name in self.footprints}
        for (array, reader), rows in sizes.items():
            for writer in self.buffers[array, reader].writers:
                if (array, writer, reader) in self._tables:
                    needs = self._room((array, writer, reader), rows)
                    room[writer].append(
                        Dependence("war", reader, array, needs, self.hardware.credit_latency)
                    )
        return {
            name: Actor(
                name,
                footprint.iterations,
                self.hardware.initiation_interval,
                self.hardware.latency,
                [*self.raw[name], *room[name]],
            )
            for name, footprint in self.footprints.items()
        }

    def _room_uncached(self, edge: Edge, rows: int) -> np.ndarray:
        array, writer, reader = edge
        table, last_read = self._tables[edge]
        counts = self.footprints[writer].iterations, self.footprints[reader].iterations
        return needs_room(table, last_read, self.buffers[array, reader].rows, rows, counts)

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
                full = [(w.array, w.source) for w in deadlock.cycle if w.kind == "war"]
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
            for writer in buffer.writers:
                if (buffer.array, writer, buffer.reader) not in self._tables:
                    continue
                needs = self._room((buffer.array, writer, buffer.reader), rows)
                freed = _event_times(needs, starts[buffer.reader], period)
                if (starts[writer] < freed + self.hardware.credit_latency).any():
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


def _common_rows(rows: list[Rows], shape: tuple[int, ...]) -> Rows:
    """The rows of an array with several writers: those that all agree on, else the array as one row."""
    return rows[0] if len(set(rows)) == 1 else Rows(shape, None)
