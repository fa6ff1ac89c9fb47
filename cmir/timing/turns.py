"""Iterations that several copies of a core run in turn: iteration i of an inference runs on copy i mod turns.

The copies are one actor here, whose iterations are those of all copies, in the order of the undivided program. Two
things differ from a single core:

- Iteration i follows iteration i − turns of its inference, and the first iteration of a copy follows the last one of
  this copy in the inference before.
- Whoever waits for iteration j follows the iterations in order, and so waits for all up to j. These started in any
  order. The last that each copy has started until then is among the last 2·turns iterations up to j.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmir.cost.pace import Pace

_LEAST = -(2**62)
"""Lower bound of all times."""


@dataclass(frozen=True)
class Turns:
    """Bounds on the starts of iterations that copies run in turn; it is to such an actor what `Pace` is to a core.

    pace: that of each copy, or of the slowest. copies: their number. iterations: number of iterations of an inference,
    on all copies. paces: of each copy, where they differ, as on cores that give them different shares.
    """

    pace: Pace
    copies: int
    iterations: int
    paces: tuple[Pace, ...] | None = None

    def pace_of(self, copy: int) -> Pace:
        """Return the pace of a copy."""
        return self.pace if self.paces is None else self.paces[copy]

    @cached_property
    def _by_pace(self) -> list[tuple[Pace, np.ndarray]]:
        """Each pace, and the copies that have it."""
        if self.paces is None:
            return [(self.pace, np.arange(self.copies))]
        return [
            (pace, np.flatnonzero([other == pace for other in self.paces]))
            for pace in dict.fromkeys(self.paces)
        ]

    def of_copy(self, copy: int) -> int:
        """Return the number of iterations of a copy in an inference."""
        return -(-(self.iterations - copy) // self.copies)

    def last_of(self, copy: int, event: np.ndarray) -> np.ndarray:
        """Return the last iteration of a copy among all up to `event`; both are counted through the inferences."""
        inference, i = np.divmod(event, self.iterations)
        each = np.where(i >= copy, (i - copy) // self.copies, self.of_copy(copy) - 1)
        return (inference - (i < copy)) * self.iterations + each * self.copies + copy

    def most_of_one(self, iterations: np.ndarray) -> np.ndarray:
        """Return the most iterations of one copy among so many consecutive ones."""
        most = -(-iterations // self.copies)
        # Where an inference begins, turns start again: a copy may run two iterations that are closer than that.
        return (
            most if self.iterations % self.copies == 0 else most - (-iterations // self.iterations)
        )

    def ready(self, start: np.ndarray, first: int, last: int) -> np.ndarray:
        """Like `Pace.ready`."""
        ready = np.zeros(last - first, np.int64)
        for at, before, cycles in self._followed(first, last):
            ready[at - first] = np.maximum(ready[at - first], start[before] + cycles)
        return ready

    def hold(self, bounds: np.ndarray, start: np.ndarray, first: int) -> None:
        """Like `Pace.hold`. All iterations are of one inference."""
        reach = self.copies * max(back for pace, _ in self._by_pace for back, _ in pace.bounds)
        for at, before, cycles in self._followed(first, first + min(reach, len(bounds))):
            earlier = before < first
            at, before = at[earlier] - first, before[earlier]
            bounds[at] = np.maximum(bounds[at], start[before] + cycles)

    def _followed(self, first: int, last: int) -> Sequence[tuple[np.ndarray, np.ndarray, int]]:
        """Return (iterations, those of the same copy that they follow, the cycles between) for each bound."""
        inference, i = np.divmod(np.arange(first, last), self.iterations)
        each, copy = np.divmod(i, self.copies)
        count = -(-(self.iterations - copy) // self.copies)
        found = []
        for pace, copies in self._by_pace:
            having = np.isin(np.arange(self.copies), copies)[copy]
            for back, cycles in pace.bounds:
                earlier, place = np.divmod(inference * count + each - back, count)
                before = earlier * self.iterations + place * self.copies + copy
                there = np.flatnonzero(having & (earlier >= 0))
                found.append((first + there, before[there], cycles))
        return found

    def earliest(self, bounds: np.ndarray, first: int) -> np.ndarray:
        """Like `Pace.earliest`, for iterations of one inference from `first` on."""
        grid, run = self._by_copy(bounds, first)
        for pace, copies in self._by_pace:
            grid[:, copies] = pace.earliest(grid[:, copies])
        return grid.reshape(-1)[run]

    def caused(self, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Like `Pace.caused`, for all iterations of an inference."""
        grid, run = self._by_copy(bounds, 0)
        starts, cause = np.empty_like(grid), np.empty_like(grid)
        for pace, copies in self._by_pace:
            starts[:, copies], each = pace.caused(grid[:, copies])
            cause[:, copies] = each * self.copies + copies
        return starts.reshape(-1)[run], cause.reshape(-1)[run]

    def _by_copy(self, bounds: np.ndarray, first: int) -> tuple[np.ndarray, slice]:
        """Return the bounds as an array of shape (rows, copies), and where they are in it, flattened."""
        skipped = first % self.iterations % self.copies
        rows = -(-(skipped + len(bounds)) // self.copies)
        padded = np.full(rows * self.copies, _LEAST)
        run = slice(skipped, skipped + len(bounds))
        padded[run] = bounds
        return padded.reshape(rows, self.copies), run


def latest_starts(start: np.ndarray, before: int = 0) -> np.ndarray:
    """Return, for each iteration, the latest start of those up to it, and of `before`."""
    return np.maximum(np.maximum.accumulate(start), before)


def arrivals(
    start: np.ndarray, event: np.ndarray, copy: np.ndarray, source: Turns, delays: np.ndarray
) -> np.ndarray:
    """Return when iterations of copies see events of other copies, if the delays between two copies differ.

    start: of the source's iterations, as far as they have run. event: the last iteration waited for, 0 or more, in all
    inferences. copy: the copy that waits. delays: cycles, by the copy that waits and by the copy of the source.
    """
    back = np.arange(2 * source.copies if source.copies > 1 else 1)
    which = event[:, None] - back
    there = np.maximum(which, 0)
    seen = start[there] + delays[copy[:, None], there % source.iterations % source.copies]
    return np.where(which >= 0, seen, 0).max(axis=1)
