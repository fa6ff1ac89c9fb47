"""The search for a placement: shaken and improved, then by windows placed anew by CP-SAT, then as a whole.

Shaking (iterated local search, Lourenço, Martin and Stützle 2003) puts some cores that are near each other in another
order and makes moves and exchanges until none helps; it gets out of what is best only nearby. A window is a few
cores that are near each other on the chip, or that talk to each other; all others stay where they are while CP-SAT
finds the best places for these (large-neighbourhood search, Shaw, CP 1998). The whole problem is given to CP-SAT if
it is small enough.
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
"""Cores that are placed anew together."""

HOLES = 4
"""Free places, the nearest ones, that a window may use."""

PATIENCE = 300
"""Shaking ends when it has not helped so many times for each core."""

WORK = 2.0
"""The most work on a window, in CP-SAT's deterministic units; most take a small part of it."""

SHAKE = 7e-4
SHAKE_PLACE = 1.6e-7
"""The work of shaking once, and in addition for each core and place, in the same units: about the seconds it takes."""

BOUND = 2.0
"""The most work on a bound, in the same units."""

WHOLE = 20_000
"""The whole problem is tried in the end if its model has at most this many truth values."""

AT_ONCE = 5_000
"""It is tried at once, and nothing else, if its model has at most this many."""

Progress = Callable[[int, int], None]
"""Called with (cost so far, bound) now and then."""


@dataclass(frozen=True, eq=False)
class PlacementSolution:
    """A placement, what it costs, and what none can be below.

    overload: bytes that links would have to carry above their capacity. impossible: whether it is known that there is
    no placement without. settled: whether the search came to its end, so that a longer one gives the same; the
    placement then does not depend on the limit of work.
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
    """Return the best placement that is found within the limits; never worse than the heuristic's.

    seconds: None for no limit; otherwise the result depends on how fast the computer is, if they do not suffice.
    work: in CP-SAT's deterministic units, about seconds; a quarter more may go into the bound.
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
        self.bound = max(
            lower_bound(problem), hop_bound(problem, seconds / 4, min(BOUND, work / 4))
        )
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
        """Return the objective: first the load above the capacity of links, then the cost."""
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
        """Improve the placement until neither shaking nor windows do; False if a limit was reached before."""
        before = None
        while self.value != before:
            before = self.value
            if not self._shake() or not self._windows():
                return False
        return True

    def _shake(self) -> bool:
        """Put a few cores elsewhere and improve that, until it has not helped for long; False at a limit."""
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
            # Something a little worse may lead to something better.
            allowance = 1 + 0.01 * self.random.random() ** 3
            if found[0] <= value[0] and found[1] <= allowance * value[1]:
                current, value = shaken, found
        return True

    def _shaken(self, placement: np.ndarray) -> np.ndarray:
        """Return the placement with some cores that are near each other, and free places there, in another order."""
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
        """Improve windows until none can be; False if a limit was reached before."""
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
        """Windows around each core, of its neighbours on the chip and of those that it talks to."""
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
        """Place these cores anew; whether that is better."""
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
        """Return the places of what has a say in where these cores are best."""
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
        """Place these cores anew, at these places, if that is better."""
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
        """Place all cores anew; whether that came to its end."""
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
        return self._whole()  # links are within their capacity: now the cost
