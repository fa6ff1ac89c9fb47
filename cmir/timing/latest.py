"""Latest periodic schedules: the earliest ones of the network whose waits go backwards.

With r = −s, the iterations of every actor in reverse, and every wait reversed, the constraints s(i) ≥ s(j) + delay of
`cmir.timing.periodic` become r(j) ≥ r(i) + delay. What iteration j of a source delays first is the first iteration i
that needs it or a later one. All later iterations need it or a later one, too, in any inference: control units wait for
events in their order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import ALWAYS
from cmir.timing.actors import Actor, Dependence
from cmir.timing.periodic import periodic_schedule


def places_of(actors: Mapping[CoreName, Actor]) -> dict[CoreName, slice]:
    """Return the places of the iterations of each actor in a schedule."""
    ends = np.cumsum([0, *(actor.iterations for actor in actors.values())]).tolist()
    return dict(zip(actors, map(slice, ends, ends[1:]), strict=True))


def latest_schedule(
    actors: Mapping[CoreName, Actor], period: int, starts: np.ndarray
) -> np.ndarray:
    """Return the latest starts with which actors that no other one waits for start as in `starts`, a schedule.

    period: its interval. An actor that none of those waits for, at any distance, starts as in `starts`, too.
    """
    places, last = places_of(actors), int(starts.max(initial=0))
    kept = _not_before(actors)
    reverse = _reversed(actors)
    reverse_places = places_of(reverse)
    earliest = np.empty(len(starts), np.int64)
    # An actor that precedes one that is kept is held back by it, after as many inferences as waits go back at most.
    oldest = sum(_oldest(actors, wait) for actor in actors.values() for wait in _waits(actor))
    for name, place in places.items():
        kept_starts = (last - starts[place])[::-1]
        before = -period * (oldest + len(actors))
        earliest[reverse_places[name]] = kept_starts if name in kept else before
    found = periodic_schedule(reverse, period, earliest)
    latest = np.empty_like(starts)
    for name, place in places.items():
        latest[place] = last - found[reverse_places[name]][::-1]
    return latest


def _not_before(actors: Mapping[CoreName, Actor]) -> Collection[CoreName]:
    """Return the actors that no other one waits for, and those that none of these waits for, at any distance."""
    sources = {
        name: {wait.source for wait in _waits(actor)} - {name} for name, actor in actors.items()
    }
    ends = set(actors).difference(*sources.values())
    before, work = set[CoreName](), [*ends]
    while work:
        new = sources[work.pop()] - before
        before |= new
        work += new
    return set(actors) - before


def _waits(actor: Actor) -> list[Dependence]:
    """Return the dependences for which some iteration waits."""
    return [wait for wait in actor.dependences if wait.needs[-1] != ALWAYS]


def _oldest(actors: Mapping[CoreName, Actor], wait: Dependence) -> int:
    """Return the age in inferences of the oldest iteration that a dependence waits for, plus one."""
    least = int(wait.needs[wait.needs > ALWAYS].min())
    return 1 + max(0, -(least // actors[wait.source].iterations))


def _reversed(actors: Mapping[CoreName, Actor]) -> dict[CoreName, Actor]:
    """Return the network whose waits go backwards, the last actor first: usually, actors wait for those before them."""
    waits: dict[CoreName, list[Dependence]] = {name: [] for name in actors}
    for name, actor in actors.items():
        for wait in _waits(actor):
            count = actors[wait.source].iterations
            needs = _needs_reversed(wait.needs, actor.iterations, count)
            delays = wait.delays
            if delays is not None:
                delays = delays[
                    np.ix_(_copies_reversed(actor), _copies_reversed(actors[wait.source]))
                ].T
            waits[wait.source].append(
                replace(wait, source=name, needs=needs, first=(), delays=delays)
            )
    return {
        name: replace(
            actor,
            dependences=waits[name],
            paces=actor.paces and tuple(actor.paces[k] for k in _copies_reversed(actor)),
        )
        for name, actor in reversed([*actors.items()])
    }


def _copies_reversed(actor: Actor) -> np.ndarray:
    """Return, for each copy of an actor whose iterations are reversed, the copy that runs its iterations."""
    return (actor.iterations - 1 - np.arange(actor.turns)) % actor.turns


def _needs_reversed(needs: np.ndarray, waiters: int, sources: int) -> np.ndarray:
    """Return, for each iteration of the source in reverse, the iteration of the waiter that must precede it.

    needs: for each iteration of the waiter, that of the source. waiters, sources: numbers of iterations.
    """
    needs = np.maximum.accumulate(np.maximum(needs, needs[-1] - sources))
    before = 1 + max(0, int(needs[-1]) // sources)
    after = 1 - min(0, int(needs[0]) // sources)
    stream = np.concatenate([needs + n * sources for n in range(-before, after + 1)])
    first = np.searchsorted(stream, np.arange(sources)) - before * waiters
    return np.ascontiguousarray((waiters - 1 - first)[::-1])
