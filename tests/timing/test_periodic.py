"""Periodic schedules against the definition: a graph of single iterations, and longest paths in it."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timing.longest_paths import edges, longest_paths
from timing.paces import paces

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import NEVER
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.diagnostics import CompileError
from cmir.timing.actors import Actor, Dependence
from cmir.timing.control import DeadlockError
from cmir.timing.interval import steady_interval
from cmir.timing.periodic import InfeasiblePeriodError, PeriodicSearch, periodic_schedule
from cmir.timing.recurrence import MOST_CYCLES, Recurrence
from cmir.timing.steady import repeats

Network = dict[CoreName, Actor]


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Some actors in any order; each follows others in this inference, and in inferences before.

    Data comes from actors that are before it in a line as a rule, so that many networks have schedules.
    """
    names = [CoreName(f"a{k}") for k in range(draw(st.integers(1, 5)))]
    counts = {name: draw(st.integers(1, 5)) for name in names}

    def dependence(kind: DependenceKind, target: CoreName, source: CoreName) -> Dependence:
        last = counts[source] - 1
        low, high = (
            (0, last)
            if kind is DependenceKind.RAW
            else (-2 * counts[source], draw(st.integers(-1, 1)))
        )
        steps = sorted(draw(st.integers(low - 1, high)) for _ in range(counts[target]))
        needs = np.array([-NEVER if step < low else step for step in steps], np.int64)
        return Dependence(kind, source, "b", needs, draw(st.integers(0, 6)))

    actors: Network = {}
    for k, name in enumerate(names):
        before = [
            dependence(DependenceKind.RAW, name, source)
            for source in names[:k]
            if draw(st.booleans())
        ]
        after = [
            dependence(DependenceKind.WAR, name, source)
            for source in names[k:]
            if draw(st.booleans())
        ]
        actors[name] = Actor(name, counts[name], draw(paces), 1, [*before, *after])
    return {name: actors[name] for name in draw(st.permutations(names))}


def check_cycle(actors: Network, period: int, error: InfeasiblePeriodError) -> None:
    """The cycle is one of the graph, and its sums are what the error says.

    With ways, the iterations of an actor that it passes through may take longer than the steps that the cycle takes.
    """
    assert error.delay > period * error.tokens
    delay = tokens = 0
    links = error.links
    for link, after in zip(links, [*links[1:], *links[:1]], strict=True):
        source = actors[link.dependence.source]
        assert link.dependence in actors[link.waiter].dependences
        assert source.name == after.waiter
        target, turns = link.target, source.turns
        assert link.event <= link.dependence.needs[target]
        assert turns > 1 or link.event == link.dependence.needs[target]
        inferences, iteration = divmod(link.event, source.iterations)
        each, turn = divmod(iteration, turns)
        delays = link.dependence.delays
        delay += (
            link.dependence.delay
            if delays is None
            else delays[target % actors[link.waiter].turns, turn]
        )
        delay += source.in_turn.pace_of(turn).lead(link.lead)
        around, entered = divmod(each - link.lead, len(range(turn, source.iterations, turns)))
        assert turn + turns * entered == after.target
        tokens += -inferences - around
    if links:
        assert tokens == error.tokens
        assert delay >= error.delay
        assert delay == error.delay or any(actor.alternates for actor in actors.values())
    else:  # a core that has too much to do
        ratio = Fraction(error.delay, error.tokens)
        assert any(a.cycles >= ratio for a in actors.values())


@settings(max_examples=200)
@given(networks(), st.integers(-4, 30), st.booleans())
def test_earliest_starts(actors: Network, more: int, arbitrary: bool) -> None:
    check_earliest_starts(actors, more, arbitrary)


def check_earliest_starts(actors: Network, more: int, arbitrary: bool) -> None:
    """There is a schedule if and only if no cycle is positive, wherever the search starts from."""
    busiest = max(actor.cycles for actor in actors.values())
    period = max(0, ceil(busiest) + more)
    expected = longest_paths(actors, period)
    nodes = sum(actor.iterations for actor in actors.values())
    start = np.random.default_rng(nodes).integers(0, 50, nodes) if arbitrary else None
    search = PeriodicSearch(actors, period, start)
    try:
        starts = search.run()
    except InfeasiblePeriodError as error:
        assert expected is None
        check_cycle(actors, period, error)
    else:
        assert expected is not None
        if not arbitrary:
            assert starts.tolist() == list(expected.values())
        assert periodic_schedule(actors, period, starts).tolist() == starts.tolist()
    assert search.work <= 10**4 * nodes**2


@given(networks())
def test_interval(actors: Network) -> None:
    check_interval(actors)


def check_interval(actors: Network) -> None:
    """λ is the least interval of the graph's schedules, and what self-timed execution settles to."""
    try:
        report = Recurrence(actors, 120).run()
    except DeadlockError:
        # Endless streams can wait for later inferences, and a schedule allows cycles that take no time.
        if all(delay > 0 and tokens >= 0 for *_, delay, tokens in edges(actors)):
            with pytest.raises(DeadlockError):
                steady_interval(actors)
        return
    interval = steady_interval(actors)
    # Two ratios differ by more than 1/finer, as no cycle passes through more inferences than all edges together.
    finer = interval.denominator * (1 + sum(abs(tokens) for *_, tokens in edges(actors)))
    scaled = {name: actor.slower(finer) for name, actor in actors.items()}
    assert longest_paths(scaled, int(finer * interval)) is not None
    assert longest_paths(scaled, int(finer * interval) - 1) is None
    ends = [core.start[:, -1] for core in report.cores]
    assert abs(max((end[-1] - end[59]) / 60 for end in ends) - interval) < 1
    if period := repeats(actors, report):
        assert max(Fraction(int(end[-1] - end[-1 - period]), period) for end in ends) == interval


def test_interval_of_times_near_the_bound() -> None:
    """Two inferences in a circle of two cores: a fraction of a cycle can only be found where times are smaller."""
    one, two = CoreName("one"), CoreName("two")

    def interval(delay: int) -> Fraction:
        waits = Dependence(DependenceKind.RAW, one, "a", np.zeros(1, np.int64), delay)
        credit = Dependence(DependenceKind.WAR, two, "a", np.full(1, -2), delay + 1)
        actors = {
            one: Actor(one, 1, Pace(1), 1, [credit]),
            two: Actor(two, 1, Pace(1), 1, [waits]),
        }
        return steady_interval(actors)

    assert interval(3) == Fraction(7, 2)
    large = MOST_CYCLES // 8
    assert interval(large) == Fraction(2 * large + 1, 2)
    with pytest.raises(CompileError, match="times may exceed"):
        interval(MOST_CYCLES)


def test_what_is_in_the_way() -> None:
    """Two actors with room for one element: a round trip of 5 + 7 cycles for each of 4 elements."""
    each, w, r = np.arange(4), CoreName("w"), CoreName("r")
    writer = Actor(w, 4, Pace(1), 5, [Dependence(DependenceKind.WAR, r, "b", each - 1, 7)])
    reader = Actor(r, 4, Pace(1), 7, [Dependence(DependenceKind.RAW, w, "b", each, 5)])
    actors = {w: writer, r: reader}
    assert periodic_schedule(actors, 48).tolist() == [0, 12, 24, 36, 5, 17, 29, 41]
    with pytest.raises(InfeasiblePeriodError) as refusal:
        periodic_schedule(actors, 47)
    assert (refusal.value.delay, refusal.value.tokens) == (48, 1)
    assert {link.wait.kind for link in refusal.value.links} == {*DependenceKind}
