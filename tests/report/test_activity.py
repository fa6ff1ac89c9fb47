"""Activity of cores, against the starts of iterations, the simulator's count of stalls, and accesses point by point."""

from __future__ import annotations

import numpy as np
import pytest
from enumeration import Point, pairs
from hypothesis import given
from hypothesis import strategies as st
from report.runs import IN_TURN, SLOW, WAYS, Drawn, residual_block

from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.report.activity import Activity, activities

SPREAD = "polyhedral-replicate{stage=conv1 copies=2},polyhedral-replicate{stage=conv2 copies=3}"

Case = tuple[tuple[int, ...], int, str, str, str]

CASES: list[Case] = [
    ((3, 3), 1, "full", "", ""),
    ((3, 3), 1, "live", "", ""),
    ((3, 3), 1, "live", SLOW, ""),
    ((3, 1), 2, "live", SLOW, ""),
    ((5, 3), 1, "lossless", SLOW, ""),
    ((3, 3), 1, "live", SLOW, SPREAD),
    ((3, 3), 1, "lossless", IN_TURN, WAYS),
]


def active(case: Case) -> tuple[Drawn, list[Activity]]:
    drawn = residual_block(*case)
    return drawn, activities(drawn.compiled.timed.actors, drawn.report)


@pytest.mark.parametrize("case", CASES)
def test_waits_are_the_stalls_of_the_engine(case: Case) -> None:
    drawn, found = active(case)
    for core, activity in zip(drawn.report.cores, found, strict=True):
        waited = activity.waited()
        assert core.data_stalls == sum(
            n for cause, n in waited.items() if cause.kind is DependenceKind.RAW
        )
        assert core.credit_stalls == sum(
            n for cause, n in waited.items() if cause.kind is DependenceKind.WAR
        )
        assert activity.end == core.busy + core.data_stalls + core.credit_stalls


def test_all_kinds_of_waiting_are_tested() -> None:
    kinds = {cause.kind for case in CASES for a in active(case)[1] for cause in a.waited()}
    assert kinds == {*DependenceKind}


@pytest.mark.parametrize("case", CASES)
def test_stretches_are_the_starts(case: Case) -> None:
    _, found = active(case)
    for activity in found:
        stretches = activity.stretches()
        time, starts, causes = 0, [], []
        for k in range(len(stretches)):
            assert stretches.begin[k] == time and stretches.first[k] == len(starts)
            for _ in range(stretches.count[k]):
                time += int(stretches.wait[k])
                for iteration in range(stretches.iterations[k]):
                    starts.append(time)
                    causes.append(-1 if iteration else stretches.cause[k])
                    time += int(activity.firing[len(starts) - 1])
        assert starts == activity.start.tolist()
        assert causes == activity.cause.tolist()


@pytest.mark.parametrize("case", CASES)
def test_what_is_waited_for_arrives_at_the_start(
    case: Case,
) -> None:
    """Data is an element that the iteration reads, written just then; room is not free a cycle before."""
    drawn, found = active(case)
    timed, pipeline = drawn.compiled.timed, drawn.compiled.pipeline
    start = {activity.name: activity.start for activity in found}
    for activity in found:
        core = timed.network.cores[activity.name]
        place = {tuple(point): k for k, point in enumerate(core.points.tolist())}
        reads: dict[tuple[str, int], set[Point]] = {}
        for read in pipeline.stages[core.program.name].reads():
            for array, relation in read.arrays_and_maps():
                for iteration, location in pairs(relation.relation.domain_factor_domain()):
                    if iteration in place:
                        reads.setdefault((array, place[iteration]), set()).add(location)
        for at in np.flatnonzero(activity.wait).tolist():
            cause = activity.causes[activity.cause[at]]
            inference, iteration = divmod(at, activity.iterations)
            source = timed.network.cores[cause.source]
            if cause.kind is DependenceKind.RAW:
                writer = source.program.writer_of(cause.array)
                needed = np.array([writer[x] for x in reads[cause.array, iteration]])
                needed = needed[source.program.core_of(needed) == source.number]
                needed = needed - source.program.starts[source.number]
                seen = start[cause.source][needed + inference * source.iterations]
                delay = timed.delay(DependenceKind.RAW, activity.name, cause.source)
                assert seen.max() + delay == activity.start[at]
            else:
                delay = timed.delay(DependenceKind.WAR, activity.name, cause.source)
                assert activity.start[at] - delay in start[cause.source]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.integers(1, 3), st.integers(1, 4))
def test_stretches_of_any_waits(waits: list[int], interval: int, iterations: int) -> None:
    waits = waits[: max(iterations, len(waits) // iterations * iterations)]
    iterations = min(iterations, len(waits))
    wait = np.array(waits)
    start = np.cumsum(wait + interval) - interval
    activity = Activity(
        CoreName("a"),
        iterations,
        start,
        np.full(len(wait), interval),
        wait,
        np.where(wait > 0, 0, -1),
        (),
    )
    stretches = activity.stretches()
    lengths = stretches.count * (stretches.wait + stretches.fire)
    assert stretches.begin.tolist() == (np.cumsum(lengths) - lengths).tolist()
    assert lengths.sum() == activity.end
    assert (stretches.count * stretches.fire).sum() == len(waits) * interval
    last = stretches.first + stretches.count * stretches.iterations - 1
    assert (stretches.first // iterations == last // iterations).all()
