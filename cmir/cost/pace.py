"""How soon an actor may start an iteration after its own earlier ones.

    t(i) ≥ t(i − 1) + step        what serves every iteration: the DPU, the SRAM port, the link
    t(i) ≥ t(i − ways) + busy     crossbars, of which a core has `ways` sets: iteration i uses set i mod ways

Iterations are counted through all inferences. The second bound matters only if busy > ways·step; then the d-th
iteration after another starts at least

    lead(d) = ⌊d / ways⌋·busy + (d mod ways)·step

later: of all ways to reach it in steps of 1 and of `ways`, that with the most of the latter takes longest. Without the
second bound, lead(d) = d·step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np


@dataclass(frozen=True)
class Pace:
    """Bounds on the starts of an actor's iterations, in cycles; see above."""

    step: int
    ways: int = 1
    busy: int = 0

    @property
    def in_turn(self) -> bool:
        """True if iterations wait for their set of crossbars."""
        return self.busy > self.ways * self.step

    def inferences(self, iterations: int) -> int:
        """Return how many inferences, of so many iterations each, the iterations waited for are old at most."""
        return -(-self.ways // iterations) if self.in_turn else 1

    @property
    def longest(self) -> int:
        """The longest time that an iteration waits for one earlier iteration."""
        return max(self.step, self.busy)

    @property
    def bounds(self) -> tuple[tuple[int, int], ...]:
        """Pairs (back, cycles): an iteration starts at least `cycles` after the one `back` iterations earlier."""
        by_step = (1, self.step)
        return (by_step, (self.ways, self.busy)) if self.in_turn else (by_step,)

    def cycles(self, iterations: int) -> Fraction:
        """Return the cycles between inferences of so many iterations each, in the steady state."""
        return iterations * max(Fraction(self.step), Fraction(self.busy, self.ways))

    def lead(self, iterations: int) -> int:
        """Return the least cycles from the start of an iteration to the start of one so many iterations later."""
        if not self.in_turn:
            return iterations * self.step
        rounds, rest = divmod(iterations, self.ways)
        return rounds * self.busy + rest * self.step

    def most_less(self, iterations: np.ndarray) -> np.ndarray:
        """Return the most cycles that `lead` loses if it covers so many iterations fewer."""
        if not self.in_turn:
            return iterations * self.step
        return -(-iterations // self.ways) * self.busy

    def slower(self, times: int) -> Pace:
        """Return the pace with all times multiplied."""
        return Pace(times * self.step, self.ways, times * self.busy)

    def ready(self, start: np.ndarray, first: int, last: int) -> np.ndarray:
        """Return when the actor itself is ready for the iterations first ≤ i < last.

        start: those of iterations 0, 1, ….
        """
        ready = np.zeros(last - first, np.int64)
        for back, cycles in self.bounds:
            begin = max(first, back)
            if begin < last:
                later = ready[begin - first :]
                np.maximum(later, start[begin - back : last - back] + cycles, out=later)
        return ready

    def hold(self, bounds: np.ndarray, start: np.ndarray, first: int) -> None:
        """Raise lower bounds of the starts of the iterations from `first` on to what those before `first` allow.

        start: of iterations 0, 1, …; those before `first` matter.
        """
        for back, cycles in self.bounds:
            begin, end = max(first, back), min(first + len(bounds), first + back)
            if begin < end:
                held = bounds[begin - first : end - first]
                np.maximum(held, start[begin - back : end - back] + cycles, out=held)

    def earliest(self, bounds: np.ndarray) -> np.ndarray:
        """Return the earliest starts of consecutive iterations that are no earlier than their `bounds`.

        Further axes of the bounds, and of the result, distinguish actors.
        """
        if not self.in_turn:
            steps = self.step * _rows(len(bounds), bounds)
            return np.maximum.accumulate(bounds - steps, axis=0) + steps
        chain, since = self._by_set(bounds)
        starts = np.maximum.accumulate(chain, axis=0) + self.busy * since
        starts = starts.reshape(-1, *bounds.shape[1:])[: len(bounds)]
        for back in self._windows():
            starts[back:] = np.maximum(starts[back:], starts[:-back] + back * self.step)
        return starts

    def caused(self, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the `earliest` starts, and for each an iteration k whose bound it follows from.

        That is, starts[i] = bounds[k] + lead(i − k). Further axes of the bounds distinguish actors.
        """
        if not self.in_turn:
            since = _rows(len(bounds), bounds)
            chain, cause = _running_maximum(bounds - self.step * since, since)
            return chain + self.step * since, cause
        chain, since = self._by_set(bounds)
        most, row = _running_maximum(chain, since)
        rows = (-1, *bounds.shape[1:])
        starts = (most + self.busy * since).reshape(rows)[: len(bounds)]
        cause = (row * self.ways + _rows(self.ways, bounds)).reshape(rows)[: len(bounds)]
        for back in self._windows():
            other, of = starts[:-back] + back * self.step, cause[:-back].copy()
            later = other > starts[back:]
            starts[back:][later], cause[back:][later] = other[later], of[later]
        return starts, cause

    def _by_set(self, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the bounds for each set of crossbars by itself, without the time that its iterations take until then.

        Their shape is (iterations of the set, sets, …); the second result is the number of iterations until then.
        """
        count, actors = len(bounds), bounds.shape[1:]
        rows = -(-count // self.ways)
        padded = np.zeros((rows * self.ways, *actors), np.int64)
        padded[:count] = bounds
        by_set = padded.reshape(rows, self.ways, *actors)
        since = _rows(rows, by_set)
        return by_set - self.busy * since, since

    def _windows(self) -> Iterator[int]:
        """Yield distances such that maxima with what lies so far back cover up to ways − 1 steps back."""
        width = 1
        while width < self.ways:
            back = min(width, self.ways - width)
            yield back
            width += back


def _running_maximum(values: np.ndarray, since: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the running maximum along the first axis, and the first row that attains it. since: the rows 0, 1, …."""
    most = np.maximum.accumulate(values, axis=0)
    rises = np.ones(most.shape, bool)
    np.greater(most[1:], most[:-1], out=rises[1:])
    return most, np.maximum.accumulate(np.where(rises, since, 0), axis=0)


def _rows(count: int, like: np.ndarray) -> np.ndarray:
    """Return 0, 1, … along the first of as many axes as those of an array."""
    return np.arange(count).reshape(-1, *(1,) * (like.ndim - 1))
