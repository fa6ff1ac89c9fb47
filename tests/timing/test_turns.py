"""Turns: copies that are cores of their own, one iteration at a time, against the recurrence and periodic schedules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import test_latest, test_periodic, test_steady

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import ALWAYS
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.actors import Actor, Dependence
from cmir.timing.control import DeadlockError
from cmir.timing.periodic import periodic_schedule
from cmir.timing.recurrence import Recurrence

Network = dict[CoreName, Actor]


@st.composite
def in_turns(draw: st.DrawFn, networks: st.SearchStrategy[Network]) -> Network:
    """Networks some of whose actors are copies, with paces and delays that differ between copies or not."""
    actors = draw(networks)
    turns = {name: draw(st.integers(1, actor.iterations)) for name, actor in actors.items()}

    def dependence(of: Actor, was: Dependence) -> Dependence:
        shape = turns[of.name], turns[was.source]
        if shape == (1, 1) or draw(st.booleans()):
            return was
        count = shape[0] * shape[1]
        delays = draw(st.lists(st.integers(0, 9), min_size=count, max_size=count))
        return Dependence.of_copies(
            was.kind, was.source, was.array, was.needs, np.reshape(delays, shape), was.first
        )

    def divided(actor: Actor) -> Actor:
        count = turns[actor.name]
        waits = [dependence(actor, d) for d in actor.dependences]
        if count == 1 or draw(st.booleans()):
            return dataclasses.replace(actor, turns=count, dependences=waits)
        steps = draw(st.lists(st.integers(1, 6), min_size=count, max_size=count))
        paces = (dataclasses.replace(actor.pace, step=step) for step in steps)
        times = [(pace, actor.latency) for pace in paces]
        return Actor.of_copies(actor.name, actor.iterations, times, waits)

    return {name: divided(actor) for name, actor in actors.items()}


class Copy:
    """A core of its own, which runs every so many iterations of an inference.

    iterations: (inference, iteration) of all that it runs, in order. starts: of those that it has started.
    """

    def __init__(self, actor: Actor, turn: int, inferences: int):
        each = range(turn, actor.iterations, actor.turns)
        self.iterations = [(n, i) for n in range(inferences) for i in each]
        self.starts: list[int] = []
        self.pace = actor.in_turn.pace_of(turn)

    def fire(self, arrived: int) -> None:
        k = len(self.starts)
        bounds = [(1, self.pace.step), (self.pace.ways, self.pace.busy)]
        after = (self.starts[k - back] + cycles for back, cycles in bounds if k >= back)
        self.starts.append(max([arrived, *after]))


class Copies:
    """All copies of all actors."""

    def __init__(self, actors: Mapping[CoreName, Actor], inferences: int):
        self.actors = actors
        self.of = {
            name: [Copy(actor, turn, inferences) for turn in range(actor.turns)]
            for name, actor in actors.items()
        }

    def arrival(self, actor: Actor, turn: int, iteration: tuple[int, int]) -> int | None:
        """When the last event that an iteration waits for arrives; None if one has not happened.

        It waits for all iterations of a source up to the one that it needs.
        """
        inference, i = iteration
        latest = 0
        for d in actor.dependences:
            needs = d.first[inference] if inference < len(d.first) else d.needs
            count = self.actors[d.source].iterations
            awaited = divmod(int(needs[i]) + inference * count, count)
            for there, source in enumerate(self.of[d.source]):
                delay = d.delay if d.delays is None else int(d.delays[turn, there])
                happened = sum(each <= awaited for each in source.iterations)
                if happened > len(source.starts):
                    return None
                latest = max([latest, *(start + delay for start in source.starts[:happened])])
        return latest

    def step(self) -> bool:
        """Start what can start; return whether there is anything."""
        moved = False
        for name, copies in self.of.items():
            for turn, copy in enumerate(copies):
                if len(copy.starts) == len(copy.iterations):
                    continue
                iteration = copy.iterations[len(copy.starts)]
                arrived = self.arrival(self.actors[name], turn, iteration)
                if arrived is not None:
                    copy.fire(arrived)
                    moved = True
        return moved


def simulated(
    actors: Mapping[CoreName, Actor], inferences: int
) -> dict[CoreName, list[int]] | None:
    """The starts on each copy; None for a deadlock."""
    copies = Copies(actors, inferences)
    while copies.step():
        pass
    if any(len(c.starts) < len(c.iterations) for of in copies.of.values() for c in of):
        return None
    return {
        one: copy.starts
        for name, of in copies.of.items()
        for one, copy in zip(name.copies(len(of)), of, strict=True)
    }


@settings(max_examples=300)
@given(in_turns(test_steady.networks()), st.integers(1, 7), st.none() | st.integers(1, 3))
def test_the_recurrence_is_the_simulation_of_copies(
    actors: Network, inferences: int, chunk: int | None
) -> None:
    expected = simulated(actors, inferences)
    try:
        report = Recurrence(actors, inferences, chunk).run()
    except DeadlockError:
        assert expected is None
        return
    assert {core.name: core.start.reshape(-1).tolist() for core in report.cores} == expected
    assert all(core.start.shape == (inferences, core.iterations) for core in report.cores)
    for core in report.cores:
        start = core.start.reshape(-1)
        waited = start - core.pace.ready(start, 0, len(start))
        assert core.data_stalls + core.credit_stalls == waited.sum()


@given(in_turns(test_steady.networks()), st.integers(1, 40))
def test_streams_are_timed_as_the_recurrence_times_them(actors: Network, inferences: int) -> None:
    test_steady.check_stream(actors, inferences)


@settings(max_examples=200)
@given(in_turns(test_periodic.networks()), st.integers(-4, 30), st.booleans())
def test_earliest_starts(actors: Network, more: int, arbitrary: bool) -> None:
    test_periodic.check_earliest_starts(actors, more, arbitrary)


def test_copies_that_follow_each_other_without_a_cycle() -> None:
    """Both start at the latest start of both in the inference before: a later look for that one finds either."""
    name = CoreName("a")
    needs = np.array([-1, -1])
    wait = Dependence(DependenceKind.WAR, name, "b", needs, 3)
    actor = Actor(name, 2, Pace(1), 1, [wait], 2)
    starts = periodic_schedule({name: actor}, 3, np.array([5, 0]))
    assert starts.tolist() == [5, 5]


@given(in_turns(test_periodic.networks()))
def test_smallest_interval_is_the_steady_one(actors: Network) -> None:
    test_periodic.check_interval(actors)


@settings(max_examples=200)
@given(in_turns(test_periodic.networks()), st.integers(0, 30))
def test_latest_starts(actors: Network, more: int) -> None:
    """Control units wait for no earlier event than in the inference before (Lemma 5), on which reversal relies."""

    def through_the_stream(was: Dependence) -> Dependence:
        last = was.needs[-1] - (actors[was.source].iterations if was.needs[-1] != ALWAYS else 0)
        return dataclasses.replace(was, needs=np.maximum(was.needs, last))

    actors = {
        name: dataclasses.replace(actor, dependences=[*map(through_the_stream, actor.dependences)])
        for name, actor in actors.items()
    }
    test_latest.check_latest_starts(actors, more)
