"""Timing of streams whose inferences repeat, against the recurrence over all of them."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from timing.measured_interval import measured_interval
from timing.paces import paces

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import ALWAYS
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.limits import TooLargeError
from cmir.timing.actors import Actor, Dependence
from cmir.timing.control import DeadlockError
from cmir.timing.recurrence import Recurrence
from cmir.timing.report import RunReport
from cmir.timing.steady import StreamTimes, repeats, time_stream


@st.composite
def networks(draw: st.DrawFn) -> dict[CoreName, Actor]:
    """Actors in order, each waiting for those before it, and for earlier inferences of itself and of those after it."""
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    actors: dict[CoreName, Actor] = {}
    for here, count in enumerate(counts):
        dependences: list[Dependence] = []
        for there, theirs in enumerate(counts):
            if draw(st.booleans()):
                continue
            low, high = draw(st.sampled_from((0, -2 * theirs))), theirs - 1
            if there >= here:
                low, high = -3 * theirs, -1
            waits = st.lists(st.integers(low, high), min_size=count, max_size=count)
            needs = np.array(sorted(draw(waits)), np.int64)
            needs[: draw(st.integers(0, count))] = ALWAYS
            kind = draw(st.sampled_from(DependenceKind))
            delay = draw(st.integers(0, 9))
            dependences.append(Dependence(kind, CoreName(f"s{there}"), f"b{there}", needs, delay))
        pace, latency = draw(paces), draw(st.integers(1, 9))
        name = CoreName(f"s{here}")
        actors[name] = Actor(name, count, pace, latency, dependences)
    return actors


@given(networks(), st.integers(1, 40))
def test_streams_are_timed_as_the_recurrence_times_them(
    actors: dict[CoreName, Actor], inferences: int
) -> None:
    expected = check_stream(actors, inferences)
    if expected is not None:
        event(f"repeats: {repeats(actors, expected)}")


def check_stream(actors: dict[CoreName, Actor], inferences: int) -> RunReport | None:
    """Compare a stream's times with those of the recurrence, and return the latter; None if both deadlock."""
    try:
        expected = Recurrence(actors, inferences).run()
    except DeadlockError:
        with pytest.raises(DeadlockError):
            time_stream(actors, inferences)
        return None
    found = time_stream(actors, inferences)
    for core, wanted in zip(found.cores, expected.cores, strict=True):
        np.testing.assert_array_equal(core.start, wanted.start)
        assert (core.data_stalls, core.credit_stalls) == (wanted.data_stalls, wanted.credit_stalls)
        assert (core.busy, core.starts.size) == (wanted.firing.sum(), wanted.start.size)
        np.testing.assert_array_equal(core.starts.of_iteration(-1), wanted.start[:, -1])
    assert found.cycles == expected.cycles
    assert found.inference_latency == expected.inference_latency
    assert found.ends.tolist() == expected.ends.tolist()
    changes = sorted([(t, 1) for t in expected.begins] + [(t, -1) for t in expected.ends])
    assert found.overlap == max(accumulate(change for _, change in changes))
    return expected


@given(networks(), st.lists(st.integers(1, 40), min_size=2, max_size=5))
def test_streams_of_several_lengths_in_any_order(
    actors: dict[CoreName, Actor], lengths: list[int]
) -> None:
    """What is known of other streams changes nothing."""
    times = StreamTimes(actors)
    for inferences in lengths:
        try:
            expected = Recurrence(actors, inferences).run()
        except DeadlockError:
            with pytest.raises(DeadlockError):
                times.of(inferences)
            continue
        for core, wanted in zip(times.of(inferences).cores, expected.cores, strict=True):
            np.testing.assert_array_equal(core.start, wanted.start)
            stalls = core.data_stalls, core.credit_stalls
            assert stalls == (wanted.data_stalls, wanted.credit_stalls)


def test_a_stream_that_repeats_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = CoreName("one")
    times = StreamTimes({one: Actor(one, 3, Pace(2), 2, [])})
    assert times.of(50).cycles == 3 * 50 * 2
    monkeypatch.delattr(Recurrence, "run")
    assert times.of(50).cycles == 3 * 50 * 2 and times.of(10**6).cycles == 3 * 10**6 * 2


def test_a_long_stream_keeps_the_starts_of_a_few_inferences() -> None:
    """As many as before they repeat, however long the stream is."""
    one, two = CoreName("one"), CoreName("two")
    waits = [Dependence(DependenceKind.RAW, one, "a", np.arange(3), 2)]
    actors = {one: Actor(one, 3, Pace(2), 2, []), two: Actor(two, 3, Pace(5), 4, waits)}
    short, long = (time_stream(actors, count) for count in (50, 10**6))
    for a, b in zip(short.cores, long.cores, strict=True):
        assert a.starts.prefix.size == b.starts.prefix.size <= 3 * 16
        np.testing.assert_array_equal(a.start, b.starts.shorter(50).whole())
    assert long.cycles == 2 + 10**6 * 15 - 5 + 4 and measured_interval(long) == 15
    assert [core.busy for core in long.cores] == [6 * 10**6, 15 * 10**6]


def test_inferences_that_alternate() -> None:
    """Two inferences are under way in a circle of two cores that takes seven cycles."""
    one, two = CoreName("one"), CoreName("two")
    earlier, same = np.full(1, -2), np.zeros(1, np.int64)
    actors = {
        one: Actor(one, 1, Pace(1), 3, [Dependence(DependenceKind.RAW, two, "b", earlier, 3)]),
        two: Actor(two, 1, Pace(1), 4, [Dependence(DependenceKind.RAW, one, "a", same, 4)]),
    }
    short = Recurrence(actors, 7).run()
    assert np.diff(short.ends).tolist() == [1, 6, 1, 6, 1, 6]
    assert repeats(actors, short) == 2
    stream = time_stream(actors, 400)
    np.testing.assert_array_equal(stream.ends, Recurrence(actors, 400).run().ends)
    assert measured_interval(stream) == 3.5


def test_what_overtakes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that waits for a slower one as well is ahead of it for a while, and inferences are alike till then."""
    slow_one, fast_one, follower = map(CoreName, ("slow", "fast", "reader"))
    slow = Actor(slow_one, 1, Pace(10), 1, ())
    fast = Actor(fast_one, 1, Pace(9), 1, ())
    late = [Dependence(DependenceKind.RAW, fast_one, "b", np.zeros(1, np.int64), 60)]
    soon = [Dependence(DependenceKind.RAW, slow_one, "c", np.zeros(1, np.int64), 1)]
    reader = Actor(follower, 1, Pace(1), 1, [*late, *soon])
    actors = {actor.name: actor for actor in (slow, fast, reader)}
    short = Recurrence(actors, 16).run()
    assert {core.name: int(core.start[-1, 0] - core.start[-2, 0]) for core in short.cores} == {
        slow_one: 10,
        fast_one: 9,
        follower: 9,
    }
    assert not repeats(actors, short)
    starts: dict[CoreName, np.ndarray] = {c.name: c.start for c in time_stream(actors, 99).cores}
    reference: RunReport = Recurrence(actors, 99).run()
    for core in reference.cores:
        np.testing.assert_array_equal(starts[core.name], core.start)
    monkeypatch.setenv("CMIR_MEMORY", "1KiB")
    with pytest.raises(TooLargeError, match="times of 16 inferences do not repeat"):
        time_stream(actors, 99)
