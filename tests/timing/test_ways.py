"""Ways: a simulator with sets of crossbars that are free or not, against the recurrence and its closed form."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from timing.paces import paces
from timing.test_steady import networks

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.timing.actors import Actor
from cmir.timing.control import DeadlockError
from cmir.timing.interval import steady_interval
from cmir.timing.recurrence import Recurrence


class Core:
    """A core with sets of crossbars, each of which computes one product at a time."""

    def __init__(self, actor: Actor):
        self.actor = actor
        self.starts: list[int] = []
        self.free = [0] * actor.pace.ways
        self.unit_free = 0

    def fire(self, arrived: int) -> None:
        """Start the next iteration, as soon as its data and its set are there and the unit takes it."""
        turn = len(self.starts) % self.actor.pace.ways
        start = max(arrived, self.unit_free, self.free[turn])
        self.starts.append(start)
        self.unit_free = start + self.actor.pace.step
        self.free[turn] = start + self.actor.pace.busy


def simulated(actors: dict[CoreName, Actor], inferences: int) -> dict[CoreName, list[int]] | None:
    """The starts of all iterations; None for a deadlock."""
    cores = {name: Core(actor) for name, actor in actors.items()}
    moved = True
    while moved:
        moved = False
        for core in cores.values():
            count = core.actor.iterations
            inference, iteration = divmod(len(core.starts), count)
            if inference == inferences:
                continue
            arrived, ready = 0, True
            for dependence in core.actor.dependences:
                source = cores[dependence.source]
                event = int(dependence.needs[iteration]) + inference * source.actor.iterations
                if event >= len(source.starts):
                    ready = False
                elif event >= 0:
                    arrived = max(arrived, source.starts[event] + dependence.delay)
            if ready:
                core.fire(arrived)
                moved = True
    if any(len(core.starts) < inferences * core.actor.iterations for core in cores.values()):
        return None
    return {name: core.starts for name, core in cores.items()}


@settings(max_examples=300)
@given(networks(), st.integers(1, 12), st.none() | st.integers(1, 3))
def test_the_recurrence_is_the_simulator_with_sets(
    actors: dict[CoreName, Actor], inferences: int, chunk: int | None
) -> None:
    expected = simulated(actors, inferences)
    try:
        report = Recurrence(actors, inferences, chunk).run()
    except DeadlockError:
        assert expected is None
        return
    assert expected is not None
    for core in report.cores:
        assert core.start.reshape(-1).tolist() == expected[core.name]
        end = int(core.start[-1, -1]) + core.pace.step
        assert core.busy + core.data_stalls + core.credit_stalls == end


@settings(max_examples=300)
@given(paces, st.lists(st.integers(0, 40), max_size=40))
def test_earliest_starts_and_their_causes(pace: Pace, given_bounds: list[int]) -> None:
    bounds = np.array(given_bounds, np.int64)
    expected: list[int] = []
    for i, bound in enumerate(given_bounds):
        after = expected[i - 1] + pace.step if i else bound
        set_free = expected[i - pace.ways] + pace.busy if i >= pace.ways else bound
        expected.append(max(bound, after, set_free))
    assert pace.earliest(bounds).tolist() == expected
    starts, causes = pace.caused(bounds)
    assert starts.tolist() == expected
    for i, cause in enumerate(causes.tolist()):
        assert expected[i] == given_bounds[cause] + pace.lead(i - cause)


@given(paces, st.integers(0, 40), st.integers(0, 40))
def test_fewer_iterations_shorten_a_lead_by_no_more_than_is_said(
    pace: Pace, iterations: int, fewer: int
) -> None:
    fewer = min(fewer, iterations)
    lost = pace.lead(iterations) - pace.lead(iterations - fewer)
    assert lost <= int(pace.most_less(np.array([fewer]))[0])


def test_inferences_that_share_sets() -> None:
    """Five iterations an inference and three sets of ten cycles: 50 cycles for three inferences' fifteen thirds."""
    name = CoreName("a")
    report = Recurrence({name: Actor(name, 5, Pace(1, 3, 10), 12, [])}, 7).run()
    assert report.cores[0].start[0].tolist() == [0, 1, 2, 10, 11]
    assert report.cores[0].start[1].tolist() == [12, 20, 21, 22, 30]
    assert report.inference_latency == 11 + 12
    assert report.cores[0].pace.cycles(5) * 3 == 50


@given(
    paces | st.builds(Pace, st.integers(1, 3), st.integers(1, 200), st.integers(0, 400)),
    st.integers(1, 9),
)
def test_the_interval_of_a_core_is_that_of_a_stream_that_needs_all_sets_again(
    pace: Pace, iterations: int
) -> None:
    """A shorter stream, which ends before that, would be faster."""
    core = Core(Actor(CoreName("core"), iterations, pace, 1, []))
    inferences = 8 * pace.ways
    for _ in range((1 + inferences) * iterations):
        core.fire(0)
    cycles = core.starts[-1] - core.starts[iterations - 1]
    assert steady_interval({core.actor.name: core.actor}) == Fraction(cycles, inferences)
