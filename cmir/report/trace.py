"""Export of a run as a trace in Chrome's JSON format, for Perfetto, chrome://tracing and other viewers.

The format is "Trace Event Format" (Google, 2016): complete events (`X`) on a thread for each core, counters (`C`) for
buffers, and metadata (`M`). One microsecond of the trace is one cycle, which is exact.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cmir.report.activity import Activity, activities
from cmir.report.occupancy import Occupancy, occupancies
from cmir.support.atomic import atomic_path
from cmir.support.counts import count_of
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport

CORES, BUFFERS = 1, 2
"""Process ids of the trace. Thread ids of cores follow after them, so each id has one meaning."""

MOST_SLICES = 200_000
"""Maximum total number of slices. A core that exceeds its share gets one slice per stretch."""

MOST_COUNTS = 100_000
"""Maximum total number of counter changes. A buffer that exceeds its share is reduced to maxima over parts."""

Event = dict[str, Any]


def write_trace(timed: TimedNetwork, report: RunReport, path: Path) -> None:
    """Write the trace of a run."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write('{"displayTimeUnit": "ms", "otherData": {"time": "1 us is 1 cycle"},\n')
        file.write('"traceEvents": [')
        for number, event in enumerate(trace_events(timed, report)):
            file.write((",\n" if number else "\n") + json.dumps(event, separators=(",", ":")))
        file.write("\n]}\n")


def trace_events(timed: TimedNetwork, report: RunReport) -> Iterator[Event]:
    """Yield the events of a run; those of a track are in order of time."""
    yield _metadata(CORES, CORES, "process_name", name=f"cores of {timed.hardware.name}")
    found = activities(timed.actors, report)
    for number, activity in enumerate(found, BUFFERS + 1):
        yield _metadata(CORES, number, "thread_name", name=str(activity.name))
        yield _metadata(CORES, number, "thread_sort_index", sort_index=number)
        yield from _slices(activity, number, MOST_SLICES // len(found))
    yield _metadata(BUFFERS, BUFFERS, "process_name", name="live elements of buffers")
    buffers = list(occupancies(timed, report))
    for occupancy in buffers:
        yield from _counts(occupancy, report.cycles, MOST_COUNTS // len(buffers))


def _metadata(process: int, thread: int, what: str, **args: Any) -> Event:
    return {"ph": "M", "pid": process, "tid": thread, "name": what, "ts": 0, "args": args}


def _slices(activity: Activity, thread: int, most: int) -> Iterator[Event]:
    """Yield the activity of a core as disjoint slices, or one slice per stretch if there are more than `most`."""
    stretches = activity.stretches()
    each = 2 * int(stretches.count.sum()) <= most
    columns = (stretches.begin, stretches.first, stretches.iterations, stretches.wait)
    for begin, first, iterations, wait, cause, fire, count in zip(
        *(c.tolist() for c in (*columns, stretches.cause, stretches.fire, stretches.count)),
        strict=True,
    ):
        why = activity.causes[cause] if wait else None
        args: dict[str, Any] = {}
        if why is not None:
            args = {"array": why.array, "source": str(why.source)}
        for k in range(count) if each else (0,):
            at, inference = begin + k * (wait + fire), first // activity.iterations
            if why is not None and each:
                yield _slice(thread, "stall", f"waits for {why.kind.awaited}", at, wait, args)
            start, length, name, ran = at + wait, fire, f"inference {inference}", iterations
            if not each:
                start, length, ran = at, count * (wait + fire), count * iterations
                name += f": fires {fire} of every {count_of(wait + fire, 'cycle')}" if wait else ""
            place = (first + k * iterations) % activity.iterations
            fired = {"inference": inference, "first": place, "last": place + ran - 1}
            yield _slice(
                thread, "firing", name, start, length, fired if each else {**fired, **args}
            )


def _slice(
    thread: int, category: str, name: str, start: int, cycles: int, args: dict[str, Any]
) -> Event:
    track = {"ph": "X", "pid": CORES, "tid": thread}
    return {**track, "cat": category, "name": name, "ts": start, "dur": cycles, "args": args}


def _counts(occupancy: Occupancy, cycles: int, most: int) -> Iterator[Event]:
    times: Sequence[float] = occupancy.live.times.tolist()
    values: Sequence[int] = occupancy.live.values.tolist()
    if len(times) > most:
        _, high = occupancy.live.bounds(cycles, most)
        times = np.linspace(0, cycles, most + 1)[:-1].round(3).tolist()
        values = high.tolist()
    name = f"{occupancy.array} at {occupancy.core}"
    for time, value in zip(times, values, strict=True):
        event = {"ph": "C", "pid": BUFFERS, "tid": BUFFERS, "name": name, "ts": time}
        yield {**event, "args": {"elements": value}}
