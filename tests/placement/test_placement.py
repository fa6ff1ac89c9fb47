"""Placements against all that there are."""

from __future__ import annotations

from itertools import permutations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmir.cost.traffic import Flow
from cmir.hardware.topology import Topology, graph, topology
from cmir.placement.bound import hop_bound
from cmir.placement.problem import Problem, greedy, improved, lower_bound, snake
from cmir.placement.search import optimize

SECONDS = 60.0

TOPOLOGIES = [
    topology("mesh", (2, 3)),
    topology("mesh", (7,)),
    topology("torus", (3, 2)),
    topology("ring", (6,)),
    topology("all-to-all", (6,)),
    topology("mesh", (1, 3), (2, 1), crossing=3),
    graph([((k,), ((k + 1) % 5,)) for k in range(5)] + [((3,), (1,))]),
]


@st.composite
def problems(draw: st.DrawFn, limited: bool = False) -> Problem:
    """At most six cores, on a few more places at most; five where links are limited, which takes longer to check."""
    where = draw(st.sampled_from(TOPOLOGIES))
    cores = draw(st.integers(1, min(5 if limited else 6, len(where.places))))
    flows: list[Flow] = []
    for _ in range(draw(st.integers(0, 8)) if cores > 1 else 0):
        source = draw(st.integers(0, cores - 1))
        others = st.sampled_from([k for k in range(cores) if k != source])
        targets = draw(st.lists(others, min_size=1, max_size=3, unique=True))
        flows.append(Flow(source, tuple(sorted(targets)), draw(st.integers(1, 20))))
    if not limited:
        return Problem(where, cores, flows)
    return Problem(
        where, cores, flows, draw(st.integers(1, 40)), draw(st.none() | st.integers(1, 40))
    )


def everywhere(problem: Problem) -> list[np.ndarray]:
    """All placements."""
    return [np.array(p, np.int64) for p in permutations(range(problem.places), problem.cores)]


def cheapest(problem: Problem) -> int:
    """The least cost of all placements, with none of the code that is tested."""
    where = problem.topology
    return min(
        sum(
            flow.bytes * where.hops(where.places[p[flow.source]], where.places[p[target]])
            for flow in problem.flows
            for target in flow.targets
        )
        for p in permutations(range(problem.places), problem.cores)
    )


def is_placement(problem: Problem, placement: np.ndarray) -> bool:
    """Whether each core has a place of its own."""
    distinct = len(set(placement.tolist())) == problem.cores == len(placement)
    return distinct and set(placement.tolist()) <= set(range(problem.places))


@settings(max_examples=40)
@given(problems())
def test_the_optimum_is_found_and_proved(problem: Problem):
    found = optimize(problem, SECONDS)
    assert is_placement(problem, found.placement)
    assert found.settled and not found.overload
    assert found.cost == problem.cost(found.placement) == found.bound == cheapest(problem)


@settings(max_examples=25)
@given(problems(limited=True))
def test_links_are_kept_within_their_capacity_if_they_can_be(problem: Problem):
    found = optimize(problem, SECONDS)
    assert is_placement(problem, found.placement)
    assert found.overload == problem.overload(found.placement)
    fitting = [p for p in everywhere(problem) if problem.overload(p) == 0]
    assert found.impossible == bool(found.overload) == (not fitting)
    if fitting:
        assert found.cost == found.bound == min(map(problem.cost, fitting))


def test_links_between_chips_have_a_capacity_of_their_own():
    """Three on a line, the last on another chip: 5 bytes to both others go over both links."""
    where = topology("mesh", (2,), (2,))
    problem = Problem(where, 3, [Flow(0, (1, 2), 5)], link_capacity=4, chip_link_capacity=3)
    placement = np.arange(3)
    assert problem.loads(placement) == {((0,), (1,)): 5, ((1,), (2,)): 5}
    assert problem.excesses(placement) == {((1,), (2,)): 2, ((0,), (1,)): 1}
    assert problem.overload(placement) == 3
    alone = Problem(where, 3, problem.flows, chip_link_capacity=3)
    assert alone.excesses(placement) == {((1,), (2,)): 2}


@given(problems())
def test_bounds_and_heuristics_are_on_either_side_of_the_optimum(problem: Problem):
    best = cheapest(problem)
    assert max(lower_bound(problem), hop_bound(problem, SECONDS)) <= best
    for placement in (snake(problem), greedy(problem)):
        assert is_placement(problem, placement)
        assert problem.cost(placement) >= best
    assert problem.cost(greedy(problem)) <= problem.cost(snake(problem))


@given(problems(), st.randoms(use_true_random=False))
def test_no_move_or_exchange_helps_what_is_improved(problem: Problem, random: Random):
    start = np.array(random.sample(range(problem.places), problem.cores))
    placement = improved(problem, start)
    assert is_placement(problem, placement)
    least = problem.cost(placement)
    assert least <= problem.cost(start)
    for core in range(problem.cores):
        for place in range(problem.places):
            other = placement.copy()
            other[other == place] = placement[core]
            other[core] = place
            assert problem.cost(other) >= least


def random_problem(cores: int, side: int) -> Problem:
    random = np.random.default_rng(0)
    chain = [Flow(k, (k + 1,), int(random.integers(1, 100))) for k in range(cores - 1)]
    pairs = [sorted(random.choice(cores, 2, replace=False).tolist()) for _ in range(cores)]
    return Problem(
        topology("mesh", (side, side)),
        cores,
        [*chain, *(Flow(a, (b,), int(random.integers(1, 100))) for a, b in pairs)],
    )


def test_the_same_seed_gives_the_same_placement():
    problem = random_problem(7, 3)
    first, second = (optimize(problem, SECONDS, seed=3) for _ in range(2))
    assert first.settled and second.settled
    assert first.placement.tolist() == second.placement.tolist()
    assert first.bound == second.bound


def test_without_time_it_is_the_heuristic():
    problem = random_problem(30, 6)
    found = optimize(problem, 0.0)
    assert not found.settled
    assert found.placement.tolist() == greedy(problem).tolist()


def test_large_problems_become_better_than_the_heuristic():
    problem = random_problem(30, 6)
    found = optimize(problem, 2.0)
    assert found.bound <= found.cost < problem.cost(greedy(problem))
    assert is_placement(problem, found.placement)


def test_progress_tells_the_cost_and_the_bound():
    problem, told = random_problem(6, 3), []
    found = optimize(problem, SECONDS, progress=lambda cost, bound: told.append((cost, bound)))
    costs = [cost for cost, _ in told]
    assert costs == sorted(costs, reverse=True) and costs[-1] == found.cost
    assert all(bound <= found.bound for _, bound in told)


def test_too_few_places():
    with pytest.raises(
        ValueError, match="needs 70 cores, the chip, a mesh of 8×8, has 64: 6 missing"
    ):
        Problem(topology("mesh", (8, 8)), 70, [])


def test_hundreds_of_cores():
    problem = random_problem(400, 20)
    assert problem.cost(greedy(problem)) < problem.cost(snake(problem))


def test_topologies_are_of_all_kinds():
    assert all(isinstance(where, Topology) and len(where.places) <= 7 for where in TOPOLOGIES)
