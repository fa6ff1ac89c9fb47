"""A lower bound of placements, from the number of places around a place.

Where cores are is left out; what remains is how many hops each two that talk are apart. Of those a placement allows
no more than

- as many cores within r hops of one core as there are places within r hops of a place;
- as many within r hops of one core and s hops of another as there are places so near to both of two places;
- where the links can be coloured like a chessboard, as on a mesh: an even number of hops between cores on places of
  one colour, an odd number between others, so that three cores cannot all be neighbours of each other.

The cheapest hops with these properties are found by CP-SAT.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product

import numpy as np
from ortools.sat.python import cp_model

from cmir.placement.problem import Problem
from cmir.support.solving import deterministic_solver

LEVELS = 4
"""So many different distances are told apart."""

NEAR = 2
"""Number of distances considered for places near to two others."""

SHARED = 20_000
"""Places near to two others are left out of account if there are more such triples of cores."""


def hop_bound(problem: Problem, seconds: float, work: float = float("inf")) -> int:
    """Return a lower bound of the cost of any placement.

    seconds, work: the most that is done for it, work in CP-SAT's deterministic units; the bound is weaker if that is
    not enough.
    """
    # Where there and back are not equally far, the shorter way is a bound for both.
    apart = np.minimum(problem.distances, problem.distances.T)
    talk = problem.talk
    pairs = [(int(i), int(j)) for i, j in np.argwhere(np.triu(talk, 1))]
    if not pairs:
        return 0
    told = np.unique(apart[apart > 0]).tolist()
    levels = told
    if len(told) > LEVELS:  # what is further is at least so far, by an even or odd number of hops
        told, further = told[:LEVELS], told[LEVELS]
        levels = [*told, further, further + 1]
    model = cp_model.CpModel()
    hops = {(pair, r): model.new_bool_var("") for pair in pairs for r in levels}
    within: dict[tuple[int, int, int], list[cp_model.IntVar]] = {}
    for pair in pairs:
        model.add_exactly_one(hops[pair, r] for r in levels)
        for r in told:
            i, j = pair
            within[i, j, r] = within[j, i, r] = [hops[pair, s] for s in told if s <= r]
    partners = [np.flatnonzero(row).tolist() for row in talk]
    for r in told:
        room = int((apart <= r).sum(axis=1).max()) - 1
        for i, others in enumerate(partners):
            if len(others) > room:
                model.add(sum(one for j in others for one in within[i, j, r]) <= room)
    shared = [(i, k, both) for i, k, both in _shared(partners) if len(both) > 1]
    if sum(len(both) for _, _, both in shared) <= SHARED:
        for r, s in product(told[:NEAR], repeat=2):
            room = _near_to_both(apart, r, s)
            for i, k, both in shared:
                if len(both) > room:
                    model.add(
                        sum(_both(model, within[i, j, r], within[k, j, s]) for j in both) <= room
                    )
    if (apart % 2 == (apart[0][:, None] + apart[0]) % 2).all():
        black = [model.new_bool_var("") for _ in range(problem.cores)]
        for ((i, j), r), apart_by_r in hops.items():
            other = black[j] if r % 2 == 0 else black[j].negated()
            model.add(black[i] == other).only_enforce_if(apart_by_r)
    weights = [int(talk[pair]) * r for pair, r in hops]
    model.minimize(cp_model.LinearExpr.weighted_sum(list(hops.values()), weights))
    solver = deterministic_solver(work, seconds)
    status = solver.solve(model)
    assert status != cp_model.INFEASIBLE, "any placement has such hops"
    return int(np.ceil(solver.best_objective_bound - 1e-6))


def _shared(partners: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, list[int]]]:
    """Two cores and those that both of them talk to."""
    for (i, one), (k, other) in combinations(enumerate(partners), 2):
        yield i, k, sorted(set(one) & set(other))


def _near_to_both(apart: np.ndarray, r: int, s: int) -> int:
    """Return the most places that are within r hops of one place and s hops of another."""
    others = ~np.eye(len(apart), dtype=bool)
    near, also = ((apart <= radius) & others for radius in (r, s))
    return int(((near.astype(np.float32) @ also.T.astype(np.float32)) * others).max())


def _both(
    model: cp_model.CpModel, one: Sequence[cp_model.IntVar], other: Sequence[cp_model.IntVar]
) -> cp_model.IntVar:
    """Return a variable that is true if one of `one` and one of `other` hold; at most one of each does."""
    both = model.new_bool_var("")
    model.add(both >= sum(one) + sum(other) - 1)
    return both
