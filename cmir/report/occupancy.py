"""Occupancy of buffers over time.

An element of a buffer is live from its arrival until the start of the reader's last iteration that loads it. No two
live elements share a slot, so a buffer never has more live elements than slots; the difference is unused room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.elaboration.program import Buffer, Core, Load
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.blocks import blocks
from cmir.support.numerics import ravel
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport
from cmir.timing.turns import arrivals


@dataclass(frozen=True)
class StepFunction:
    """A piecewise constant function of time: values[k] from times[k] on, and 0 before times[0]."""

    times: np.ndarray
    values: np.ndarray

    def bounds(self, end: int, buckets: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (minimum, maximum) in each of `buckets` equal parts of the cycles from 0 to `end`."""
        edges = np.linspace(0, end, buckets + 1)[:-1]
        at = np.searchsorted(self.times, edges, side="right") - 1
        entry = np.where(at < 0, 0, self.values[np.maximum(at, 0)])
        inside = self.times < end
        times = np.append(edges, self.times[inside])
        values = np.append(entry, self.values[inside])
        order = np.argsort(times, kind="stable")
        starts = np.flatnonzero(order < buckets)
        values = values[order]
        return np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)


@dataclass(frozen=True)
class Occupancy:
    """The live elements of a buffer of `array` at a core, in a run. slots: capacity of the buffer in elements."""

    core: CoreName
    array: str
    slots: int
    bytes: int
    live: StepFunction

    @property
    def most(self) -> int:
        return int(self.live.values.max())


def occupancies(timed: TimedNetwork, report: RunReport) -> Iterator[Occupancy]:
    """Yield the occupancy of each buffer that cores write; other buffers are full from the start."""
    writers: dict[str, list[str]] = {}
    for name, program in timed.network.programs.items():
        for array in sorted({store.array for store in program.stores.values()}):
            writers.setdefault(array, []).append(name)
    for core in timed.network.single_cores.values():
        for value, buffer in core.program.buffers.items():
            loads = [
                (load, number)
                for load in core.loads.values()
                for number, (source, _) in enumerate(load.sources)
                if source is value
            ]
            if buffer.array in writers and loads:
                yield _occupancy(timed, core, buffer, loads, writers[buffer.array], report)


def _occupancy(
    timed: TimedNetwork,
    core: Core,
    buffer: Buffer,
    loads: list[tuple[Load, int]],
    writers: list[str],
    report: RunReport,
) -> Occupancy:
    last = _last_reads(timed, core, buffer, loads)
    end = 1 + max(int(each.starts.of_iteration(-1)[-1]) for each in report.cores)
    own = next(each.start for each in report.cores if each.name == core.name)
    arrived: list[np.ndarray] = []
    departures: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    for name in writers:
        program = timed.network.programs[name]
        by = program.writer_of(buffer.array).reshape(-1)
        both = (by >= 0) & (last >= 0)
        span = 1 + int(last.max(initial=0))
        pairs, elements = np.unique(by[both] * span + last[both], return_counts=True)
        writers_of, readers_of = np.divmod(pairs, span)
        whose = program.core_of(writers_of)
        for number in np.unique(whose):
            source = CoreName(name, tuple(program.core_coordinates[number].tolist()))
            writer, reader = writers_of[whose == number], readers_of[whose == number]
            arrival = _arrivals(timed, report, core.name, source, writer - program.starts[number])
            arrived.append(arrival)
            departures.append(_departures(own, reader, end))
            counts.append(np.broadcast_to(elements[whose == number], arrival.shape))
    times = np.concatenate([x.reshape(-1) for x in (*arrived, *departures)])
    change = np.concatenate([c.reshape(-1) for c in counts])
    times, which = np.unique(times, return_inverse=True)
    net = np.bincount(which, weights=np.append(change, -change)).astype(np.int64)
    live = StepFunction(times[net != 0], np.cumsum(net)[net != 0])
    size = timed.hardware.bytes_of(buffer.slots, 8 * buffer.dtype.itemsize)
    return Occupancy(core.name, buffer.array, buffer.slots, size, live)


def _arrivals(
    timed: TimedNetwork, report: RunReport, core: CoreName, source: CoreName, iterations: np.ndarray
) -> np.ndarray:
    """Return when the results of iterations of a source are in a core's buffer, by inference and iteration."""
    actor = timed.actors[source]
    inferences = np.arange(report.inferences)[:, None]
    event = (iterations + inferences * actor.iterations).reshape(-1)
    copies = timed.network.copies(source)
    delays = np.array([[timed.delay(DependenceKind.RAW, core, copy) for copy in copies]])
    start = report.starts_of(source, actor.turns)
    seen = arrivals(start, event, np.zeros_like(event), actor.in_turn, delays)
    return seen.reshape(report.inferences, -1)


def _departures(start: np.ndarray, readers: np.ndarray, end: int) -> np.ndarray:
    """Return when elements are no longer needed, by inference that writes them and by reader.

    start: the starts of the core that reads. readers: its last iterations that read, counted from the first of the
    writing inference. end: the time for elements that inferences after the stream would read.
    """
    later, iteration = np.divmod(readers, start.shape[1])
    inference = np.arange(len(start))[:, None] + later
    time = start[np.minimum(inference, len(start) - 1), iteration] + 1
    return np.where(inference < len(start), time, end)


def _last_reads(
    timed: TimedNetwork, core: Core, buffer: Buffer, loads: list[tuple[Load, int]]
) -> np.ndarray:
    """Return, for each element of the flattened array, the core's last iteration that loads it, or −1.

    Iterations are counted from the first of the inference that writes the element; later inferences may load it, too.
    """
    shape = timed.network.arrays[buffer.array].shape
    last = np.full(int(np.prod(shape, dtype=np.int64)), -1, np.int64)
    for load, number in loads:
        _, access = load.sources[number]
        for start, stop in blocks(0, core.iterations, prod(access.lanes)):
            locations, defined = access.locations(start, stop)
            size = (stop - start, *access.lanes)
            back = np.zeros((), np.int64)
            if load.across:
                back, *locations = locations
            element = np.broadcast_to(ravel(locations, shape), size).reshape(-1)
            iteration = np.arange(start, stop).repeat(element.size // (stop - start))
            iteration = iteration - np.broadcast_to(back, size).reshape(-1) * core.iterations
            if defined is not None:
                kept = np.broadcast_to(defined, size).reshape(-1)
                element, iteration = element[kept], iteration[kept]
            np.maximum.at(last, element, iteration)
    return last
