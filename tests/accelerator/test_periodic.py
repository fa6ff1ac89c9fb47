"""Periodic schedules against the definition: a graph of single iterations, and longest paths in it."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.accelerator.automata import NEVER
from cmir.accelerator.periodic import TooFastError, periodic_schedule
from cmir.accelerator.recurrence import Actor, DeadlockError, Dependence, Recurrence

Network = dict[str, Actor]


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """A few actors in a line; each follows some before it in this inference, and some in inferences before."""
    names = [f"a{k}" for k in range(draw(st.integers(1, 4)))]
    counts = {name: draw(st.integers(1, 5)) for name in names}

    def dependence(kind: str, target: str, source: str) -> Dependence:
        last = counts[source] - 1
        low, high = (0, last) if kind == "raw" else (-2 * counts[source], -1)
        steps = sorted(draw(st.integers(low - 1, high)) for _ in range(counts[target]))
        needs = np.array([-NEVER if step < low else step for step in steps], np.int64)
        return Dependence(kind, source, "b", needs, draw(st.integers(0, 6)))

    actors: Network = {}
    for k, name in enumerate(names):
        before = [dependence("raw", name, source) for source in names[:k] if draw(st.booleans())]
        after = [dependence("war", name, source) for source in names[k:] if draw(st.booleans())]
        actors[name] = Actor(name, counts[name], draw(st.integers(1, 4)), 1, [*before, *after])
    return actors


def edges(actors: Network) -> list[tuple[tuple[str, int], tuple[str, int], int, int]]:
    """What each iteration must follow: source, target, cycles between them, inferences between them."""
    found: list[tuple[tuple[str, int], tuple[str, int], int, int]] = []
    for name, actor in actors.items():
        for i in range(actor.iterations):
            before = (name, (i - 1) % actor.iterations)
            found.append((before, (name, i), actor.interval, int(i == 0)))
            for dependence in actor.dependences:
                if dependence.needs[i] > -NEVER:
                    n, j = divmod(int(dependence.needs[i]), actors[dependence.source].iterations)
                    found.append(((dependence.source, j), (name, i), dependence.delay, -n))
    return found


def longest_paths(actors: Network, period: int) -> dict[tuple[str, int], int] | None:
    """The earliest starts, or None if a cycle is positive (Bellman and Ford)."""
    starts = {(name, i): 0 for name, actor in actors.items() for i in range(actor.iterations)}
    for _ in range(len(starts) + 1):
        changed = False
        for source, target, delay, tokens in edges(actors):
            bound = starts[source] + delay - period * tokens
            if bound > starts[target]:
                starts[target], changed = bound, True
        if not changed:
            return starts
    return None


@given(networks(), st.integers(0, 30))
def test_earliest_starts(actors: Network, more: int) -> None:
    period = max(actor.iterations * actor.interval for actor in actors.values()) + more
    expected = longest_paths(actors, period)
    try:
        starts = periodic_schedule(actors, period)
    except TooFastError as error:
        assert expected is None
        assert error.delay > period * error.tokens
        sources = [wait.source for wait in error.cycle]
        assert sorted(sources) == sorted(wait.waiter for wait in error.cycle)
    else:
        assert expected is not None
        assert starts.tolist() == list(expected.values())
        assert periodic_schedule(actors, period, starts).tolist() == starts.tolist()


@given(networks())
def test_smallest_interval_is_the_steady_one(actors: Network) -> None:
    """Raising λ to the interval of the cycle found ends at what self-timed execution settles to."""
    try:
        report = Recurrence(actors, 120).run()
    except DeadlockError:
        return
    period = max(actor.iterations * actor.interval for actor in actors.values())
    while True:
        try:
            periodic_schedule(actors, period)
            break
        except TooFastError as error:
            period = ceil(error.delay / error.tokens)
    ends = np.max([core.start[:, -1] for core in report.cores], axis=0)
    steady = (ends[-1] - ends[59]) / 60
    assert period - 1 < steady <= period


def test_what_is_in_the_way() -> None:
    """Two actors with room for one element: a round trip of 5 + 7 cycles for each of 4 elements."""
    each = np.arange(4)
    writer = Actor("w", 4, 1, 5, [Dependence("war", "r", "b", each - 1, 7)])
    reader = Actor("r", 4, 1, 7, [Dependence("raw", "w", "b", each, 5)])
    actors = {"w": writer, "r": reader}
    assert periodic_schedule(actors, 48).tolist() == [0, 12, 24, 36, 5, 17, 29, 41]
    with pytest.raises(TooFastError) as refusal:
        periodic_schedule(actors, 47)
    assert (refusal.value.delay, refusal.value.tokens) == (48, 1)
    assert {wait.kind for wait in refusal.value.cycle} == {"raw", "war"}
