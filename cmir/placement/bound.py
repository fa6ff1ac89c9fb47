"""Lower bound of the cost of placements, from the number of places near a place.

The bound ignores the positions of cores and keeps the hop distance between each two cores that communicate. In any
placement,

- at most as many cores lie within r hops of a core as there are places within r hops of a place;
- at most as many cores lie within r hops of one core and s hops of another as there are places that close to two
  places;
- if the links can be two-coloured like a chessboard, as on a mesh, cores on places of one colour are an even number of
  hops apart and others an odd number, so three cores cannot all be neighbours of each other.

CP-SAT finds the cheapest distances with these properties.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

import numpy as np
from ortools.sat.python import cp_model

from cmir.placement.problem import Problem
from cmir.support.solving import deterministic_solver

LEVELS = 4
"""Number of different distances that the model distinguishes."""

NEAR = 2
"""Number of distances considered for places near to two others."""

SHARED = 20_000
"""Number of triples of cores above which places near to two others are not considered."""


def hop_bound(problem: Problem, seconds: float, work: float = float("inf")) -> int:
    """Return a lower bound of the cost of any placement.

    seconds, work: limits of the search, with work in CP-SAT's deterministic units. If they are too low, the bound is
    weaker.
    """
    # If distances differ by direction, the shorter one bounds both.
    apart = np.minimum(problem.distances, problem.distances.T)
    talk = problem.talk
    pairs = [(int(i), int(j)) for i, j in np.argwhere(np.triu(talk, 1))]
    if not pairs:
        return 0
    told, levels = _levels(apart)
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
    _limit_near_to_both(model, within, partners, apart, told)
    if (apart % 2 == (apart[0][:, None] + apart[0]) % 2).all():
        black = [model.new_bool_var("") for _ in range(problem.cores)]
        for ((i, j), r), apart_by_r in hops.items():
            other = black[j] if r % 2 == 0 else black[j].negated()
            model.add(black[i] == other).only_enforce_if(apart_by_r)
    weights = [int(talk[pair]) * r for pair, r in hops]
    model.minimize(cp_model.LinearExpr.weighted_sum(list(hops.values()), weights))
    return _best_bound(model, seconds, work)


def _levels(apart: np.ndarray) -> tuple[list[int], list[int]]:
    """Return the distances that the model distinguishes, and these with two levels for all longer ones."""
    told: list[int] = np.unique(apart[apart > 0]).tolist()
    if len(told) <= LEVELS:
        return told, told
    # Longer distances count as at least this long, with their parity kept.
    told, further = told[:LEVELS], told[LEVELS]
    return told, [*told, further, further + 1]


def _limit_near_to_both(
    model: cp_model.CpModel,
    within: Mapping[tuple[int, int, int], list[cp_model.IntVar]],
    partners: Sequence[Sequence[int]],
    apart: np.ndarray,
    told: Sequence[int],
) -> None:
    """Limit the cores near two cores to the places near two places.

    within: literals, one of which holds if (i, j, r).
    """
    shared = [(i, k, both) for i, k, both in _shared(partners) if len(both) > 1]
    if sum(len(both) for _, _, both in shared) > SHARED:
        return
    for r, s in product(told[:NEAR], repeat=2):
        room = _near_to_both(apart, r, s)
        for i, k, both in shared:
            if len(both) > room:
                model.add(sum(_both(model, within[i, j, r], within[k, j, s]) for j in both) <= room)


def _best_bound(model: cp_model.CpModel, seconds: float, work: float) -> int:
    solver = deterministic_solver(work, seconds)
    # Presolve takes half of the time, and most models get a better bound for the same work without it.
    solver.parameters.cp_model_presolve = False
    status = solver.solve(model)
    assert status != cp_model.INFEASIBLE, "any placement has such hops"
    return int(np.ceil(solver.best_objective_bound - 1e-6))


def _shared(partners: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, list[int]]]:
    """Yield each two cores with the cores that both of them communicate with."""
    for (i, one), (k, other) in combinations(enumerate(partners), 2):
        yield i, k, sorted(set(one) & set(other))


def _near_to_both(apart: np.ndarray, r: int, s: int) -> int:
    """Return the maximum number of places within r hops of one place and s hops of another."""
    others = ~np.eye(len(apart), dtype=bool)
    near, also = ((apart <= radius) & others for radius in (r, s))
    return int(((near.astype(np.float32) @ also.T.astype(np.float32)) * others).max())


def _both(
    model: cp_model.CpModel, one: Sequence[cp_model.IntVar], other: Sequence[cp_model.IntVar]
) -> cp_model.IntVar:
    """Return a variable that is true if one of `one` and one of `other` hold; at most one of each can hold."""
    both = model.new_bool_var("")
    model.add(both >= sum(one) + sum(other) - 1)
    return both
