"""Assignment of programs to fewer cores than there are programs: vector bin packing.

A core has room for programs whose sizes add up to its capacity in each resource. Some resources hold things (crossbars,
SRAM); others serve programs in turn (DPU, SRAM port, link), and slow down whoever shares them. So programs are spread
over all cores, and share where that costs least:

    crowding = Σ over cores and resources that serve in turn: (Σ sizes of the programs of the core)² − Σ sizes²

Among equally crowded assignments, those with more traffic inside cores are better. Best-fit decreasing fills cores
first (Johnson et al., Worst-case performance bounds for simple one-dimensional packing algorithms, SIAM J. Computing
1974); CP-SAT is asked where it needs too many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cmir.support.solving import deterministic_solver

_WORK = 10.0
"""Limit of the work of CP-SAT, in its deterministic units of about a second."""


def first_fit(
    sizes: np.ndarray, counts: Sequence[int], capacities: Sequence[int], cores: int
) -> bool:
    """Return True if the first core with room for each program is one of so many, the largest programs first.

    sizes: what each kind of program takes of each resource, shape (kinds, resources). counts: programs of each kind.
    """
    free = np.tile(np.asarray(capacities, np.int64), (cores, 1))
    if (np.asarray(counts, np.int64) @ sizes > free.sum(axis=0)).any():
        return False
    for kind in np.argsort(-(sizes / free[0].clip(1)).max(axis=1, initial=0), kind="stable"):
        used = sizes[kind] > 0
        if not used.any():
            continue
        room = (free[:, used] // sizes[kind, used]).min(axis=1)
        before = np.cumsum(room) - room
        here = np.clip(counts[kind] - before, 0, room)
        if here.sum() < counts[kind]:
            return False
        free -= here[:, None] * sizes[kind]
    return True


class PackingError(Exception):
    """Programs for which there are too few cores. proved: there is no assignment, rather than that none was found."""

    def __init__(self, proved: bool):
        super().__init__("there are too few cores" if proved else "found no assignment")
        self.proved = proved


@dataclass(frozen=True, eq=False)
class PackingProblem:
    """Programs to be assigned to cores.

    sizes: what each program takes of each resource, shape (programs, resources). capacities: of a core, by resource; no
    program takes more. in_turn: for each resource, whether it serves programs in turn. talk: bytes that each two
    programs exchange, shape (programs, programs). cores: number of cores. apart: a number for each program; no two
    programs with one number may be on one core.
    """

    sizes: np.ndarray
    capacities: np.ndarray
    in_turn: np.ndarray
    talk: np.ndarray
    cores: int
    apart: np.ndarray

    @property
    def programs(self) -> int:
        return len(self.sizes)

    @property
    def fewest(self) -> np.ndarray:
        """Lower bounds of the number of cores, by resource."""
        return -(-self.sizes.sum(axis=0) // np.maximum(self.capacities, 1))


def pack(problem: PackingProblem) -> np.ndarray:
    """Return the core of each program. Raises PackingError."""
    if problem.programs <= problem.cores:
        return np.arange(problem.programs)
    if (problem.fewest > problem.cores).any() or np.bincount(problem.apart).max() > problem.cores:
        raise PackingError(proved=True)
    found = _Assignment(problem)
    if not found.spread():
        found = _Assignment(problem)
        if not found.fill():
            found = _Assignment(problem, _solved(problem))
        found.use_all_cores()
    found.improve()
    return found.core


class _Assignment:
    """An assignment under construction; −1 for a program without a core."""

    def __init__(self, problem: PackingProblem, core: np.ndarray | None = None):
        self.problem = problem
        self.core = np.full(problem.programs, -1)
        self.taken = np.zeros((problem.cores, len(problem.capacities)), np.int64)
        self.talk = np.zeros((problem.programs, problem.cores), np.int64)
        for program, chosen in enumerate([] if core is None else core.tolist()):
            self._put(program, chosen)

    def spread(self) -> bool:
        """Give the largest programs cores of their own, and let the others join where that crowds least."""
        for rank, program in enumerate(self._largest_first()):
            if rank < self.problem.cores:
                self._put(program, rank)
                continue
            room = self._room(program)
            if not len(room):
                return False
            self._put(program, self._best(program, room))
        return True

    def fill(self) -> bool:
        """Put the largest programs first, each on the fullest core that has room, so that few cores are used."""
        full = self.problem.capacities.clip(1)
        for program in self._largest_first():
            room = self._room(program)
            if not len(room):
                return False
            after = ((self.taken[room] + self.problem.sizes[program]) / full).max(axis=1)
            used = self.taken[room].any(axis=1)
            self._put(program, int(room[np.lexsort((-after, ~used))[0]]))
        return True

    def use_all_cores(self) -> None:
        """Move the programs that crowd most to empty cores."""
        for empty in np.setdiff1d(np.arange(self.problem.cores), self.core):
            gains = np.array([self._crowding(p, [self.core[p]])[0] for p in range(len(self.core))])
            shared = np.bincount(self.core, minlength=self.problem.cores)[self.core] > 1
            if not shared.any():
                return
            program = int(np.argmax(np.where(shared, gains, -1)))
            self._take(program)
            self._put(program, int(empty))

    def improve(self) -> None:
        """Move programs one by one as long as that makes cores less crowded or keeps more traffic inside them."""
        improving = True
        while improving:
            improving = False
            for program in range(len(self.core)):
                before = int(self.core[program])
                self._take(program)
                after = self._best(program, self._room(program), before)
                self._put(program, after)
                improving |= after != before

    def _largest_first(self) -> list[int]:
        fractions = self.problem.sizes / self.problem.capacities.clip(1)
        return np.lexsort((-fractions.sum(axis=1), -fractions.max(axis=1))).tolist()

    def _room(self, program: int) -> np.ndarray:
        """Return the cores that have room for a program."""
        free = self.problem.capacities - self.taken
        room = (self.problem.sizes[program] <= free).all(axis=1)
        others = self.core[self.problem.apart == self.problem.apart[program]]
        room[others[others >= 0]] = False
        return np.flatnonzero(room)

    def _crowding(self, program: int, cores: np.ndarray | list[int]) -> np.ndarray:
        """Return by how much a program crowds each of these cores: twice its sizes times those of the others."""
        in_turn, size = self.problem.in_turn, self.problem.sizes[program]
        others = self.taken[cores] - size * (self.core[program] == np.asarray(cores))[:, None]
        return 2 * (others * size)[:, in_turn].sum(axis=1)

    def _best(self, program: int, room: np.ndarray, kept: int = -1) -> int:
        """Return the core of those with room that a program crowds least; `kept` unless another is better."""
        crowding, inside = self._crowding(program, room), self.talk[program, room]
        return int(room[np.lexsort((room != kept, -inside, crowding))[0]])

    def _put(self, program: int, core: int) -> None:
        self.core[program] = core
        self.taken[core] += self.problem.sizes[program]
        self.talk[:, core] += self.problem.talk[program]

    def _take(self, program: int) -> None:
        core = self.core[program]
        self.taken[core] -= self.problem.sizes[program]
        self.talk[:, core] -= self.problem.talk[program]
        self.core[program] = -1


def _solved(problem: PackingProblem) -> np.ndarray:
    """Return an assignment found by CP-SAT. Raises PackingError."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    programs, cores = range(problem.programs), range(problem.cores)
    # Cores are alike: the k-th program can only be on one of the first k + 1.
    on = [[model.new_bool_var("") for _ in cores[: p + 1]] for p in programs]
    for p in programs:
        model.add_exactly_one(on[p])
    for core in cores:
        there = [p for p in programs if core < len(on[p])]
        for resource, capacity in enumerate(problem.capacities.tolist()):
            sizes = problem.sizes[there, resource].tolist()
            if sum(sizes) > capacity:
                taken = cp_model.LinearExpr.weighted_sum([on[p][core] for p in there], sizes)
                model.add(taken <= capacity)
        for number in np.flatnonzero(np.bincount(problem.apart[there]) > 1):
            model.add_at_most_one(on[p][core] for p in there if problem.apart[p] == number)
    solver = deterministic_solver(_WORK)
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise PackingError(proved=status == cp_model.INFEASIBLE)
    return np.array(
        [next(c for c, var in enumerate(on[p]) if solver.boolean_value(var)) for p in programs]
    )
