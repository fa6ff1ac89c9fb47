"""Runs without times, against running one iteration at a time."""

from __future__ import annotations

import numpy as np
from hypothesis import event, given
from hypothesis import strategies as st

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.actors import Actor, Dependence
from cmir.timing.control import DeadlockError
from cmir.timing.liveness import UntimedRun


@st.composite
def networks(draw: st.DrawFn) -> dict[CoreName, Actor]:
    """Actors that wait for any iterations of each other, so about half of the networks deadlock."""
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    actors: dict[CoreName, Actor] = {}
    for here, count in enumerate(counts):
        dependences: list[Dependence] = []
        for there, theirs in enumerate(counts):
            if draw(st.booleans()):
                waits = st.lists(
                    st.integers(-2 * theirs, theirs - 1), min_size=count, max_size=count
                )
                needs = np.array(sorted(draw(waits)), np.int64)
                kind = draw(st.sampled_from(DependenceKind))
                dependences.append(Dependence(kind, CoreName(f"s{there}"), f"b{there}", needs, 1))
        actors[CoreName(f"s{here}")] = Actor(CoreName(f"s{here}"), count, Pace(1), 1, dependences)
    return actors


def iterations_run(actors: dict[CoreName, Actor], inferences: int) -> dict[CoreName, int]:
    """The iterations that each actor runs, if any of them that may run does."""
    done = dict.fromkeys(actors, 0)

    def may_run(actor: Actor) -> bool:
        inference, iteration = divmod(done[actor.name], actor.iterations)
        return inference < inferences and all(
            d.needs[iteration] + inference * actors[d.source].iterations < done[d.source]
            for d in actor.dependences
        )

    while ready := [actor for actor in actors.values() if may_run(actor)]:
        done[ready[0].name] += 1
    return done


@given(networks(), st.integers(1, 4))
def test_a_run_deadlocks_where_no_iteration_may_run(
    actors: dict[CoreName, Actor], inferences: int
) -> None:
    expected = iterations_run(actors, inferences)
    deadlocks = any(
        count < inferences * actors[name].iterations for name, count in expected.items()
    )
    run = UntimedRun(actors, inferences)
    try:
        run.run_all()
        found = False
    except DeadlockError as error:
        found = True
        names = [wait.source for wait in error.cycle]
        assert names[-1:] + names[:-1] == [wait.waiter for wait in error.cycle]
    event(f"deadlocks: {deadlocks}")
    assert found == deadlocks
    assert {name: state.done for name, state in run.states.items()} == expected
