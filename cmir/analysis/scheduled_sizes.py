"""Sizes of buffers with which a periodic schedule can run.

A schedule says when each element is written and last read, and so how many rows a ring must have. The sizes are
sufficient because the schedule keeps all waits for room. They need not be the smallest: another schedule may need less.
Five schedules are tried: the earliest, the latest, in which each iteration starts just before its results are needed,
and three between them. The weighted mean of two schedules, rounded down, is one, because delays are whole ticks. Where
SRAM has room, rings get a few rows more, with which they repeat sooner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import gcd

import numpy as np

from cmir.analysis.buffers import ReaderBuffer
from cmir.analysis.size_cover import Key
from cmir.analysis.sizing import Sizing
from cmir.dialects.core_name import CoreName
from cmir.timing.latest import latest_schedule, places_of

_PARTS = 4
"""Number of steps from the earliest schedule to the latest."""


def scheduled_sizes(sizing: Sizing, interval: int) -> dict[Key, int]:
    """Return sizes with an interval of at most `interval` ticks, which is at least that of unbounded buffers.

    Of several, the smallest that fit the SRAM of the cores, or else those that exceed it least.
    """
    room = sizing.hardware.core.sram_bytes

    def cost(sizes: dict[Key, int]) -> tuple[int, int]:
        taken = sizing.sram_bytes(sizes).values()
        most = max(taken, default=0)
        return (0 if room is None else max(0, most - room)), sum(taken)

    fewest = min(_candidates(sizing, interval), key=cost)
    regular = {key: _regular(sizing, key, rows) for key, rows in fewest.items()}
    return regular if sizing.fits(regular) else fewest


def _regular(sizing: Sizing, key: Key, rows: int) -> int:
    """Return at most half as many rows more, with which the ring is in the same state after fewest inferences.

    With R rows, a ring of an array of H rows is at its first row again after R / gcd(R, H) inferences. The proof of
    control enumerates as many.
    """
    buffer = sizing.buffers[key]
    if not all(sizing.rings[buffer.array, *edge].in_order for edge in buffer.edges):
        return rows  # more rows might wait longer
    possible = filter(buffer.can_have, range(rows, rows + max(1, rows // 2) + 1))
    return min(possible, key=lambda count: count // gcd(count, buffer.rows.count))


def _candidates(sizing: Sizing, interval: int) -> Iterator[dict[Key, int]]:
    actors = sizing.actors({})
    interval, earliest = sizing.schedule({}, interval)
    places = places_of(actors)
    latest = latest_schedule(actors, interval, earliest)
    for part in range(_PARTS + 1):
        starts = ((_PARTS - part) * earliest + part * latest) // _PARTS
        by_core = {core: starts[place] for core, place in places.items()}
        yield {
            key: _fewest(sizing, buffer, by_core, interval)
            for key, buffer in sizing.buffers.items()
        }


def _fewest(
    sizing: Sizing, buffer: ReaderBuffer, starts: Mapping[CoreName, np.ndarray], interval: int
) -> int:
    """Return the fewest rows of a buffer with which no write has to start later. starts: of each core."""
    edges = [(sizing.rings[buffer.array, *edge], edge) for edge in buffer.edges]

    def suffice(rows: int) -> bool:
        for ring, (writer, reader) in edges:
            waits, inference, iteration = ring.waits(rows)
            free = starts[reader][iteration] + interval * inference
            if (starts[writer][waits] < free + sizing.credit_delay(reader, writer)).any():
                return False
        return True

    low = buffer.least
    if all(ring.in_order for ring, _ in edges):  # more rows never wait longer
        high = low
        while not suffice(high):
            low, high = high + 1, 2 * high
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if suffice(middle) else (middle + 1, high)
    while not (buffer.can_have(low) and suffice(low)):
        low += 1
    return low
