"""Search for a placement: iterated local search, then windows optimized by CP-SAT, then the whole problem.

Iterated local search (Lourenço, Martin and Stützle 2003) permutes some cores that are near each other, then makes moves
and exchanges until none reduces the cost; it escapes from local optima. A window is a few cores that are near each
other on the chip, or that communicate with each other. All others stay in place while CP-SAT finds the best places for
these (large-neighbourhood search, Shaw, CP 1998). The whole problem is given to CP-SAT if it is small enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cmir.placement.problem import Problem, greedy, improved, lower_bound

if TYPE_CHECKING:
    from cmir.placement.model import Answer

WINDOW = 7
"""Number of cores in a window."""

HOLES = 4
"""Number of free places, the nearest ones, that a window may use."""

PATIENCE = 300
"""Number of unsuccessful perturbations per core after which iterated local search ends."""

WORK = 2.0
"""Limit of the work on a window, in CP-SAT's deterministic units; most windows take a small part of it."""

SHAKE = 7e-4
SHAKE_PLACE = 1.6e-7
"""The work of shaking once, and in addition for each core and place, in the same units: about the seconds it takes."""

BOUND = 2.0
"""Limit of the work on a bound, in the same units."""

BOUND_SHARE = 1 / 24
"""Limit of the work on a bound, as a share of that of the search; CP-SAT finds the best bounds early."""

WHOLE = 20_000
"""Number of truth values up to which the whole problem is tried at the end."""

AT_ONCE = 5_000
"""Number of truth values up to which the whole problem is solved directly, without the other steps."""

Progress = Callable[[int, int], None]
"""Callback for progress, called from time to time with (cost so far, bound)."""


@dataclass(frozen=True, eq=False)
class PlacementSolution:
    """A placement with its cost and a lower bound of every placement.

    overload: load of links in excess of their capacity, in bytes. impossible: every placement is proved to overload
    links. settled: the search ended by itself, so a longer one gives the same result; the placement then depends on the
    seed alone, and not on the limits.
    """

    placement: np.ndarray
    cost: int
    bound: int
    overload: int
    impossible: bool
    settled: bool


def optimize(
    problem: Problem,
    seconds: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    work: float = float("inf"),
) -> PlacementSolution:
    """Return the best placement found within the limits, which is never worse than the heuristic's.

    seconds: None for no limit; if the search reaches it, the result depends on the speed of the computer.
    work: in CP-SAT's deterministic units, about seconds; 1/24 of it more may go into the bound.
    """
    return _Search(problem, seconds, seed, progress, work).run()


class _Search:
    def __init__(
        self,
        problem: Problem,
        seconds: float | None,
        seed: int,
        progress: Progress | None,
        work: float,
    ):
        from cmir.placement.bound import hop_bound

        self.problem, self.seed, self.progress = problem, seed, progress
        self.work_left = work
        seconds = float("inf") if seconds is None else seconds
        self.deadline = time.monotonic() + seconds
        self.random = np.random.default_rng(seed)
        self.best = greedy(problem)
        self.value = self._value(self.best)
        limits = seconds * BOUND_SHARE, min(BOUND, work * BOUND_SHARE)
        self.bound = max(lower_bound(problem), hop_bound(problem, *limits))
        self.impossible = False
        self.nearest = problem.distances[problem.distances > 0].min() if problem.places > 1 else 0
        self.tried: set[tuple[bytes, bytes, bytes]] = set()

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()

    @property
    def _over(self) -> bool:
        """True if a limit has been reached."""
        return self.work_left <= 0 or self.seconds_left <= 0

    def _value(self, placement: np.ndarray) -> tuple[int, int]:
        """Return the objective: first the load of links in excess of their capacity, then the cost."""
        return self.problem.overload(placement), self.problem.cost(placement)

    @property
    def _done(self) -> bool:
        return self.value == (0, self.bound)

    def run(self) -> PlacementSolution:
        from cmir.placement.model import size_of

        self._report()
        settled = (size_of(self.problem) <= AT_ONCE or self._nearby()) and self._whole()
        overload, cost = self.value
        return PlacementSolution(self.best, cost, self.bound, overload, self.impossible, settled)

    def _nearby(self) -> bool:
        """Improve the placement until neither perturbations nor windows do; return False at a limit."""
        before = None
        while self.value != before:
            before = self.value
            if not self._shake() or not self._windows():
                return False
        return True

    def _shake(self) -> bool:
        """Perturb and improve the placement until that has not helped for long; return False at a limit."""
        current, value, patience = self.best, self.value, PATIENCE * self.problem.cores
        while patience > 0 and not self._done:
            if self._over:
                return False
            patience -= 1
            self.work_left -= SHAKE + SHAKE_PLACE * self.problem.cores * self.problem.places
            shaken = improved(self.problem, self._shaken(current))
            if (found := self._value(shaken)) < self.value:
                self.best, self.value = shaken, found
                patience = PATIENCE * self.problem.cores
                self._report()
            # A slightly worse placement may lead to a better one.
            allowance = 1 + 0.01 * self.random.random() ** 3
            if found[0] <= value[0] and found[1] <= allowance * value[1]:
                current, value = shaken, found
        return True

    def _shaken(self, placement: np.ndarray) -> np.ndarray:
        """Return the placement with some cores near each other, and free places among them, permuted."""
        cores, places = self.problem.cores, self.problem.places
        count = int(self.random.integers(2, max(3, cores // 6) + 1)) + 2
        here = placement[self.random.integers(cores)]
        away = self.problem.distances[here] + 0.1 * self.random.random(places)
        near = np.argsort(away)[:count]
        chosen = np.flatnonzero(np.isin(placement, near))
        placement = placement.copy()
        placement[chosen] = self.random.permutation(near)[: len(chosen)]
        return placement

    def _windows(self) -> bool:
        """Improve windows until none can be improved; return False at a limit."""
        improving = True
        while improving and not self._done:
            improving = False
            for cores in self._rounds():
                if self._over:
                    return False
                improving |= self._solve(cores)
                if self._done:
                    break
        return True

    def _rounds(self) -> Iterator[np.ndarray]:
        """Yield windows around each core: its neighbours on the chip, and the cores that it communicates with."""
        for core in self.random.permutation(self.problem.cores):
            yield self._near(core)
            yield self._talking(core)

    def _near(self, core: int) -> np.ndarray:
        here = self.best[core]
        away = self.problem.distances[here, self.best] + self.problem.distances[self.best, here]
        return np.argsort(away, kind="stable")[:WINDOW]

    def _talking(self, core: int) -> np.ndarray:
        chosen = [core]
        while len(chosen) < min(WINDOW, self.problem.cores):
            each = self.problem.talk[chosen].sum(axis=0)
            each[chosen] = -1
            chosen.append(int(np.argmax(each)))
        return np.array(chosen)

    def _solve(self, cores: np.ndarray) -> bool:
        """Optimize the places of these cores; return True if that improves the placement."""
        free = np.setdiff1d(np.arange(self.problem.places), self.best)
        away = self.problem.distances[np.ix_(self.best[cores], free)].sum(axis=0)
        holes = free[np.argsort(away, kind="stable")[:HOLES]]
        allowed = np.concatenate((self.best[cores], holes))
        state = np.sort(cores).tobytes(), np.sort(allowed).tobytes(), self._around(cores).tobytes()
        if state in self.tried or not self._can_gain(cores):
            return False
        before = self.value
        self._improve(cores, allowed, WORK)
        if self.value == before:
            self.tried.add(state)
        return self.value < before

    def _around(self, cores: np.ndarray) -> np.ndarray:
        """Return the places of the cores that affect the best places of these cores."""
        if self.problem.limited:
            return self.best
        return self.best[self.problem.talk[cores].any(axis=0)]

    def _can_gain(self, cores: np.ndarray) -> bool:
        """Return True if links are overloaded, or some core sends further than to a neighbour."""
        if self.value[0]:
            return True
        apart = self.problem.distances[np.ix_(self.best[cores], self.best)]
        apart = np.minimum(apart, self.problem.distances[np.ix_(self.best, self.best[cores])].T)
        return bool((apart[self.problem.talk[cores] > 0] > self.nearest).any())

    def _improve(self, cores: np.ndarray, allowed: np.ndarray, work: float) -> Answer:
        """Place these cores at these places anew, if that improves the placement."""
        from cmir.placement.model import Limits, solve

        limits = Limits(self.seconds_left, min(work, self.work_left), self.seed)
        answer = solve(
            self.problem, self.best, cores.tolist(), allowed.tolist(), limits, self.value[0] > 0
        )
        self.work_left -= answer.work
        if answer.placement is not None and (value := self._value(answer.placement)) < self.value:
            self.best, self.value = answer.placement, value
        self._report()
        return answer

    def _report(self) -> None:
        if self.progress is not None:
            self.progress(self.value[1], self.bound)

    def _whole(self) -> bool:
        """Optimize the places of all cores; return True if the search ended by itself."""
        from cmir.placement.model import size_of

        problem = self.problem
        if self._done or size_of(problem) > WHOLE:
            return True
        if self._over:
            return False
        overloaded = self.value[0] > 0
        everything = np.arange(problem.cores), np.arange(problem.places)
        answer = self._improve(*everything, float("inf"))
        if not overloaded:
            self.bound = max(self.bound, answer.bound)
            return answer.proved
        if self.value[0]:
            self.impossible = answer.proved
            return answer.proved
        return self._whole()  # links are within their capacity; now minimize the cost
