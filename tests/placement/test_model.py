"""The placement of some cores, the others staying where they are, against all placements that there are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmir.cost.traffic import Flow
from cmir.hardware.topology import topology
from cmir.placement.model import Limits, size_of, solve
from cmir.placement.problem import Problem

LIMITS = Limits(seconds=60)
TOPOLOGIES = [
    topology("mesh", (2, 3)),
    topology("ring", (5,)),
    topology("mesh", (1, 3), (2, 1), crossing=3),
]


@dataclass(frozen=True)
class Task:
    """Cores 0 … m−1 may move, to the places in `allowed`."""

    problem: Problem
    placement: np.ndarray
    movable: list[int]
    allowed: list[int]

    def candidates(self) -> list[np.ndarray]:
        """All placements that are allowed."""
        found = []
        for places in permutations(self.allowed, len(self.movable)):
            placement = self.placement.copy()
            placement[self.movable] = places
            found.append(placement)
        return found


@st.composite
def tasks(draw: st.DrawFn, limited: bool) -> Task:
    where = draw(st.sampled_from(TOPOLOGIES))
    places = len(where.places)
    cores = draw(st.integers(2, places))
    core = st.integers(0, cores - 1)
    flows = [
        Flow(source, tuple(sorted(targets)), draw(st.integers(1, 9)))
        for source in draw(st.lists(core, max_size=6))
        if (targets := draw(st.sets(core.filter(lambda k, s=source: k != s), max_size=3)))
    ]
    capacity = draw(st.integers(1, 25)) if limited else None
    placement = np.array(draw(st.permutations(range(places)))[:cores])
    movable = draw(st.lists(core, min_size=1, max_size=4, unique=True))
    free = sorted(set(range(places)) - set(placement.tolist()))
    more = draw(st.lists(st.sampled_from(free), unique=True)) if free else []
    allowed = sorted({*placement[movable].tolist(), *more})
    return Task(Problem(where, cores, flows, capacity), placement, movable, allowed)


@settings(deadline=None, max_examples=40)
@given(tasks(limited=False))
def test_cheapest(task: Task) -> None:
    answer = solve(task.problem, task.placement, task.movable, task.allowed, LIMITS)
    cheapest = min(map(task.problem.cost, task.candidates()))
    assert answer.proved and answer.bound == cheapest
    assert answer.placement is not None and task.problem.cost(answer.placement) == cheapest
    assert any((answer.placement == placement).all() for placement in task.candidates())


@settings(deadline=None, max_examples=40)
@given(tasks(limited=True))
def test_cheapest_within_capacities(task: Task) -> None:
    answer = solve(task.problem, task.placement, task.movable, task.allowed, LIMITS)
    fit = [p for p in task.candidates() if task.problem.overload(p) == 0]
    assert answer.proved
    if not fit:
        assert answer.placement is None
        return
    assert answer.placement is not None and task.problem.overload(answer.placement) == 0
    assert task.problem.cost(answer.placement) == min(map(task.problem.cost, fit)) == answer.bound


@settings(deadline=None, max_examples=40)
@given(tasks(limited=True))
def test_least_overload(task: Task) -> None:
    answer = solve(task.problem, task.placement, task.movable, task.allowed, LIMITS, overload=True)
    least = min(map(task.problem.overload, task.candidates()))
    assert answer.proved and answer.placement is not None
    assert task.problem.overload(answer.placement) == least == answer.bound


@pytest.mark.parametrize(
    ("flows", "size"),
    [
        ([], 3 * 4),
        # One pair talks, both ways: 4 · 3 truth values for the two places of its cores.
        ([Flow(0, (1,), 5), Flow(1, (0,), 2)], 3 * 4 + 4 * 3),
        ([Flow(0, (1, 2), 5)], 3 * 4 + 2 * 4 * 3),
    ],
)
def test_size(flows: list[Flow], size: int) -> None:
    """A truth value for each core and place, and for each two places of each pair that talks."""
    assert size_of(Problem(topology("mesh", (4,)), 3, flows)) == size
