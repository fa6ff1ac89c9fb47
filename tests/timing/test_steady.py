"""Timing of streams whose inferences repeat, against the recurrence over all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from cmir.elaboration.automata import ALWAYS
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.recurrence import Actor, DeadlockError, Dependence, Recurrence
from cmir.timing.report import RunReport
from cmir.timing.steady import repeats, time_stream


@st.composite
def networks(draw: st.DrawFn) -> dict[str, Actor]:
    """Actors in order, each waiting for data of those before it and for room at those after it."""
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    actors: dict[str, Actor] = {}
    for here, count in enumerate(counts):
        dependences: list[Dependence] = []
        for there, theirs in enumerate(counts):
            if there == here or draw(st.booleans()):
                continue
            low, high = (0, theirs - 1) if there < here else (-3 * theirs, -1)
            waits = st.lists(st.integers(low, high), min_size=count, max_size=count)
            needs = np.array(sorted(draw(waits)), np.int64)
            needs[: draw(st.integers(0, count))] = ALWAYS
            kind = DependenceKind.RAW if there < here else DependenceKind.WAR
            delay = draw(st.integers(0, 9))
            dependences.append(Dependence(kind, f"s{there}", f"b{there}", needs, delay))
        interval, latency = draw(st.integers(1, 9)), draw(st.integers(1, 9))
        actors[f"s{here}"] = Actor(f"s{here}", count, interval, latency, dependences)
    return actors


@given(networks(), st.integers(1, 40))
def test_streams_are_timed_as_the_recurrence_times_them(
    actors: dict[str, Actor], inferences: int
) -> None:
    try:
        expected = Recurrence(actors, inferences).run()
    except DeadlockError:
        with pytest.raises(DeadlockError):
            time_stream(actors, inferences)
        return
    found = time_stream(actors, inferences)
    event(f"repeats: {repeats(actors, expected)}")
    for core, wanted in zip(found.cores, expected.cores, strict=True):
        np.testing.assert_array_equal(core.start, wanted.start)
        assert (core.data_stalls, core.credit_stalls) == (wanted.data_stalls, wanted.credit_stalls)


def test_what_overtakes_is_waited_for() -> None:
    """A reader that waits for a slower one as well is ahead of it for a while, and inferences are alike till then."""
    slow = Actor("slow", 1, 10, 1, ())
    fast = Actor("fast", 1, 9, 1, ())
    late = [Dependence(DependenceKind.RAW, "fast", "b", np.zeros(1, np.int64), 60)]
    soon = [Dependence(DependenceKind.RAW, "slow", "c", np.zeros(1, np.int64), 1)]
    actors = {"slow": slow, "fast": fast, "reader": Actor("reader", 1, 1, 1, [*late, *soon])}
    short = Recurrence(actors, 16).run()
    assert {core.name: int(core.start[-1, 0] - core.start[-2, 0]) for core in short.cores} == {
        "slow": 10,
        "fast": 9,
        "reader": 9,
    }
    assert not repeats(actors, short)
    starts: dict[str, np.ndarray] = {c.name: c.start for c in time_stream(actors, 99).cores}
    reference: RunReport = Recurrence(actors, 99).run()
    for core in reference.cores:
        np.testing.assert_array_equal(starts[core.name], core.start)
