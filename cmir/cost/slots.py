"""Slots of a table by which the programs of a core divide a resource, and the delay that they add.

A table has F slots, one for each cycle, and repeats. A use of the resource that owns s of them proceeds in these only.
The resource is then a latency-rate server (Stiliadis and Varma, Latency-rate servers, IEEE/ACM Transactions on
Networking 6(5), 1998): requests of b cycles each that arrive at least ⌈bF/s⌉ apart are done at most ⌈bF/s⌉ + Θ after
their arrival (docs/mathematics.md). Slots are spread evenly (Baruah et al., Proportionate progress, Algorithmica 15,
1996), so that Θ ≤ ⌈F/s⌉.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from heapq import heapify, heappop, heappush, heapreplace

TABLE_SLOTS = 64
"""Number of slots of a table, if nothing else is asked for."""


def slots_needed(uses: Sequence[int], each: int, size: int) -> int:
    """Return the slots of a table of `size` with which no use takes longer than `each` cycles, all slots at most.

    uses: cycles of each use of the resource in an iteration. A program that needs all slots is the only user.
    """
    return min(size, sum(-(-cycles * size // each) for cycles in uses if cycles))


@dataclass(frozen=True)
class Slots:
    """Slots of one use of a resource.

    count, size: s of F. delay: Θ, the most cycles by which k slots, for any k, take longer than ⌈kF/s⌉.
    """

    count: int
    size: int
    delay: int

    def interval(self, cycles: int) -> int:
        """Return the cycles between two requests of so many cycles each."""
        return -(-cycles * self.size // self.count)

    def latency(self, cycles: int) -> int:
        """Return the cycles after which so many cycles of a request are served, no matter when it arrives."""
        return self.interval(cycles) + self.delay if cycles else 0


@lru_cache(maxsize=4096)
def divided(counts: tuple[int, ...], size: int) -> tuple[Slots, ...]:
    """Return the slots of each of several uses of a resource, which own so many of the slots of its table."""
    places = table(counts, size)
    return tuple(
        Slots(count, size, delay_of(mine, size)) for count, mine in zip(counts, places, strict=True)
    )


def table(counts: Sequence[int], size: int) -> list[list[int]]:
    """Return the places of the slots of each use in a table of `size` slots, of which `counts` are at most all.

    Slot k of a use with s slots lies in the window [⌊kF/s⌋, ⌈(k + 1)F/s⌉). A place goes to the use whose window has
    begun and ends first. Jobs of equal length keep all deadlines in this order if any order keeps them, and there is
    one (Baruah et al. 1996).
    """
    waiting = [(0, use) for use, count in enumerate(counts) if count]
    ready: list[tuple[int, int]] = []
    heapify(waiting)
    places: list[list[int]] = [[] for _ in counts]
    for place in range(size):
        while waiting and waiting[0][0] <= place:
            _, use = heappop(waiting)
            number = len(places[use]) + 1
            heappush(ready, (-(-number * size // counts[use]), use))
        if ready:
            _, use = heappop(ready)
            places[use].append(place)
            if (number := len(places[use])) < counts[use]:
                heappush(waiting, (number * size // counts[use], use))
    return places


def delay_of(places: Sequence[int], size: int) -> int:
    """Return Θ: the most cycles by which getting k slots, from any cycle on, takes longer than ⌈kF/s⌉.

    places: of the s slots in the table of F = `size` slots, ascending. Waiting is longest from the cycle after a slot:
    the k slots after slot j take p(j + k) − p(j) cycles, where p continues through repetitions of the table. With
    q(j) = p(j) − jF/s, which repeats after s slots, the excess p(j + k) − p(j) − ⌈kF/s⌉ is ⌊q(j + k) − q(j)⌋. Its
    maximum over all j and k is the maximum of q minus its minimum, rounded down.
    """
    count = len(places)
    if not count:
        return 0
    deviations = [count * place - number * size for number, place in enumerate(places)]
    return (max(deviations) - min(deviations)) // count


def apportion(slots: int, cycles: Sequence[int], least: Sequence[int] | None = None) -> list[int]:
    """Divide slots among uses of a resource, such that the slowest is as fast as possible.

    cycles: of each use, at least 1. least: numbers of slots that uses get in any case, by default 1 each, and at most
    `slots` in total. Every further slot goes to the use with the most cycles for each slot so far (Adams's method of
    apportionment, which minimises that maximum).
    """
    given = [1] * len(cycles) if least is None else list(least)
    slowest = [(-Fraction(need, given[use]), use) for use, need in enumerate(cycles)]
    heapify(slowest)
    for _ in range(slots - sum(given)):
        use = slowest[0][1]
        given[use] += 1
        heapreplace(slowest, (-Fraction(cycles[use], given[use]), use))
    return given
