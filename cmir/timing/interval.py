"""The steady-state interval: cycles between successive inferences of an endless stream.

Self-timed execution starts each iteration as soon as it may. In the long run, it is as fast as the slowest cycle of
waits allows (Reiter, Scheduling Parallel Computations, JACM 1968):

    λ = max over cycles of (total delay / total tokens)

A search for a schedule (`cmir.timing.periodic`) with a shorter interval finds a cycle that takes longer, so λ is
reached by raising the interval to the ratio of each cycle that is found, until there is a schedule. There are finitely
many cycles, and each has a larger ratio than the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil

from cmir.dialects.core_name import CoreName
from cmir.support.diagnostics import CompileError
from cmir.support.graphs import in_order
from cmir.timing.actors import Actor
from cmir.timing.control import DeadlockError
from cmir.timing.periodic import InfeasiblePeriodError, PeriodicSearch


def steady_interval(actors: Mapping[CoreName, Actor]) -> Fraction:
    """Return λ, in cycles; it is a fraction if several inferences are under way in a cycle.

    It may be less than a cycle too short if times that are multiplied by its denominator exceed the bound of
    `check_times`. Raises DeadlockError, and CompileError if times exceed that bound as they are.
    """
    interval = max(actor.cycles for actor in actors.values())
    sources = {name: {d.source for d in actor.dependences} for name, actor in actors.items()}
    if in_order(sources) is not None:
        return interval  # an actor by itself forms the only cycles
    while True:
        search, times = _search(actors, interval)
        try:
            search.run()
        except InfeasiblePeriodError as cycle:
            if cycle.tokens <= 0:
                raise DeadlockError([link.wait for link in cycle.links]) from None
            interval = Fraction(cycle.delay, cycle.tokens * times)
        else:
            return interval


def _search(actors: Mapping[CoreName, Actor], interval: Fraction) -> tuple[PeriodicSearch, int]:
    """Return the search for a schedule with this interval, or the next whole one, and the factor of its times."""
    period, times = interval.as_integer_ratio()
    try:
        slower = {name: actor.slower(times) for name, actor in actors.items()}
        return PeriodicSearch(slower, period), times
    except CompileError:
        return PeriodicSearch(actors, ceil(interval)), 1
