"""CP-SAT model for the placement of some cores while the others stay in place.

The truth value x[i, a] says that core i is at place a. For two cores that communicate, y[i, a, j, b] says that i is at
a and j at b. The sums of the y of a pair over either place equal x (Adams and Johnson 1994), which makes the cost
linear and gives a much better bound than a model of the products alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from ortools.sat.python import cp_model

from cmir.hardware.topology import Link
from cmir.placement.problem import Problem
from cmir.support.solving import deterministic_solver

BUILDING = 1e-5
"""The work of adding a truth value to a model, in CP-SAT's deterministic units."""


@dataclass(frozen=True, eq=False)
class Limits:
    """Limits of a search, in seconds and in CP-SAT's deterministic units of work (about seconds)."""

    seconds: float
    work: float = float("inf")
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Answer:
    """Best placement found, or None, and a lower bound of every placement.

    bound: lower bound of the objective. proved: the placement is optimal or, if there is none, none exists. work: work
    done, in CP-SAT's deterministic units.
    """

    placement: np.ndarray | None
    bound: int
    proved: bool
    work: float


def size_of(problem: Problem) -> int:
    """Return the number of truth values in the model of the whole problem."""
    pairs = int(np.count_nonzero(np.triu(problem.talk, 1)))
    return (problem.cores + pairs * (problem.places - 1)) * problem.places


def solve(
    problem: Problem,
    placement: np.ndarray,
    movable: Sequence[int],
    allowed: Sequence[int],
    limits: Limits,
    overload: bool = False,
) -> Answer:
    """Optimize the places of some of the cores.

    placement: places of all cores, from which the search starts. movable: cores that may move; allowed: places they may
    take, including their current ones. The objective is the cost, with links within their capacity; with `overload`, it
    is the load of links in excess of their capacity.
    """
    return _PlacementModel(problem, placement, movable, allowed, overload).solve(limits)


class _PlacementModel:
    def __init__(
        self,
        problem: Problem,
        placement: np.ndarray,
        movable: Sequence[int],
        allowed: Sequence[int],
        overload: bool,
    ):
        self.problem, self.placement = problem, placement
        self.movable, self.allowed = sorted(movable), sorted(allowed)
        self.model = cp_model.CpModel()
        self.x = {(i, a): self._literal(placement[i] == a) for i in movable for a in allowed}
        for i in self.movable:
            self.model.add_exactly_one(self.x[i, a] for a in self.allowed)
        for a in self.allowed:
            self.model.add_at_most_one(self.x[i, a] for i in self.movable)
        self.pairs = {
            (i, j): self._pair(i, j) for i, j in combinations(self.movable, 2) if problem.talk[i, j]
        }
        above = self._links(overload)
        self.model.minimize(sum(above) if overload else self._cost())

    def _literal(self, hint: bool) -> cp_model.IntVar:
        literal = self.model.new_bool_var("")
        self.model.add_hint(literal, int(hint))
        return literal

    def _pair(self, i: int, j: int) -> dict[tuple[int, int], cp_model.IntVar]:
        """Return y[i, a, j, b] by a and b."""
        at, there = self.placement[i], self.placement[j]
        y = {
            (a, b): self._literal(at == a and there == b)
            for a in self.allowed
            for b in self.allowed
            if a != b
        }
        for a in self.allowed:
            self.model.add(sum(y[a, b] for b in self.allowed if b != a) == self.x[i, a])
            self.model.add(sum(y[b, a] for b in self.allowed if b != a) == self.x[j, a])
        return y

    def _cost(self) -> cp_model.LinearExprT:
        """Return the cost of all traffic: to, from and between movable cores, and between the others."""
        traffic, distances = self.problem.traffic, self.problem.distances
        fixed = np.setdiff1d(np.arange(self.problem.cores), self.movable)
        places, allowed = self.placement[fixed], np.array(self.allowed)
        rest = traffic[np.ix_(fixed, fixed)] * distances[np.ix_(places, places)]
        variables: list[cp_model.IntVar] = []
        costs: list[int] = []
        for i in self.movable:
            out = distances[np.ix_(allowed, places)] @ traffic[i, fixed]
            back = distances[np.ix_(places, allowed)].T @ traffic[fixed, i]
            variables += [self.x[i, a] for a in self.allowed]
            costs += (out + back).tolist()
        for (i, j), y in self.pairs.items():
            there, back = int(traffic[i, j]), int(traffic[j, i])
            variables += y.values()
            costs += [int(there * distances[a, b] + back * distances[b, a]) for a, b in y]
        return cp_model.LinearExpr.weighted_sum(variables, costs) + int(rest.sum())

    def _links(self, overload: bool) -> list[cp_model.IntVar]:
        """Keep links within their capacity or, with `overload`, return their loads in excess of it.

        A flow uses a link if the route to any of its targets does.
        """
        if not self.problem.limited:
            return []
        loads: dict[Link, list[tuple[cp_model.LinearExprT, int]]] = {}
        for flow in self.problem.flows:
            used: dict[Link, cp_model.LinearExprT] = {}
            for target in flow.targets:
                for link, literals in self._routes(flow.source, target).items():
                    if literals is None:
                        used[link] = 1
                        continue
                    if link not in used:
                        used[link] = self.model.new_bool_var("")
                    self.model.add(sum(literals) <= used[link])
            for link, use in used.items():
                loads.setdefault(link, []).append((use, flow.bytes))
        above: list[cp_model.IntVar] = []
        for link, terms in loads.items():
            most, capacity = sum(size for _, size in terms), self.problem.capacity(link)
            if capacity is None or most <= capacity:
                continue
            load = sum(use * size for use, size in terms)
            if overload:
                above.append(self.model.new_int_var(0, most - capacity, ""))
                self.model.add(load <= capacity + above[-1])
            else:
                self.model.add(load <= capacity)
        return above

    def _routes(self, source: int, target: int) -> Mapping[Link, list[cp_model.IntVar] | None]:
        """Return the links that can be on the route between two cores, with their literals.

        One of the literals of a link holds if the link is on the route. The value is None if neither core moves.
        """
        start, end = int(self.placement[source]), int(self.placement[target])
        ways: list[tuple[tuple[int, int], cp_model.IntVar]]
        if source in self.movable and target in self.movable:
            first, second = sorted((source, target))
            y = self.pairs[first, second]
            ways = [
                ((a, b) if first == source else (b, a), literal) for (a, b), literal in y.items()
            ]
        elif source in self.movable:
            ways = [((a, end), self.x[source, a]) for a in self.allowed]
        elif target in self.movable:
            ways = [((start, b), self.x[target, b]) for b in self.allowed]
        else:
            return dict.fromkeys(self.problem.route(start, end))
        found: dict[Link, list[cp_model.IntVar]] = defaultdict(list)
        for (a, b), literal in ways:
            for link in self.problem.route(a, b):
                found[link].append(literal)
        return found

    def solve(self, limits: Limits) -> Answer:
        solver = deterministic_solver(limits.work, limits.seconds, limits.seed)
        solver.parameters.linearization_level = 2
        status = solver.solve(self.model)
        values = len(self.x) + sum(map(len, self.pairs.values()))
        work = solver.response_proto.deterministic_time + BUILDING * values
        if status == cp_model.INFEASIBLE:
            return Answer(None, 0, True, work)
        bound = int(np.ceil(solver.best_objective_bound - 1e-6))
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Answer(None, bound, False, work)
        placement = self.placement.copy()
        for (i, a), literal in self.x.items():
            if solver.value(literal):
                placement[i] = a
        return Answer(placement, bound, status == cp_model.OPTIMAL, work)
