"""Report of a run: results, cycles, and utilization of cores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.timing.starts import Starts


@dataclass(frozen=True)
class CoreReport:
    """Activity of one core in a run.

    starts: cycle in which each iteration of each inference starts.
    pace: how soon iterations start after each other.
    latency: cycles from the start of an iteration to the arrival of its result.
    data_stalls, credit_stalls: cycles spent waiting for a write to arrive, or for room at a reader.
    """

    name: CoreName
    iterations: int
    starts: Starts
    pace: Pace
    latency: int
    data_stalls: int
    credit_stalls: int

    @property
    def start(self) -> np.ndarray:
        """Cycle in which each iteration starts, shape (inferences, iterations): a large array for a long stream."""
        return self.starts.whole()

    @property
    def firing(self) -> np.ndarray:
        """Cycles from the start of each iteration until the core itself is ready for the next, all in order."""
        return self._firing(self.starts)

    def _firing(self, starts: Starts) -> np.ndarray:
        start = starts.whole().reshape(-1)
        ready = self.pace.ready(start, 1, len(start))
        return np.append(ready - start[:-1], self.pace.step)

    @property
    def busy(self) -> int:
        """Cycles spent firing."""
        starts = self.starts
        if not self.pace.in_turn:
            return starts.size * self.pace.step
        rounds, rest = divmod(starts.count - len(starts.prefix), starts.period)
        few = len(starts.prefix) + rest
        busy = int(self._firing(starts.shorter(few)).sum())
        if rounds:
            of_round = int(self._firing(starts.shorter(few + starts.period)).sum()) - busy
            busy += rounds * of_round
        return busy


@dataclass(frozen=True)
class RunReport:
    """Report of an executed stream of inferences.

    outputs: for each inference, the output arrays of the network; empty if only the timing was computed.
    """

    cores: list[CoreReport]
    outputs: list[dict[str, np.ndarray]]

    @property
    def inferences(self) -> int:
        return self.cores[0].starts.count

    def starts_of(self, core: CoreName, turns: int) -> np.ndarray:
        """Return the starts of all iterations of the stream, in order; with turns, those of all copies of a core."""
        copies = set(core.copies(turns))
        found = [each.start for each in self.cores if each.name in copies]
        start = np.empty((self.inferences, sum(each.shape[1] for each in found)), np.int64)
        for turn, each in enumerate(found):
            start[:, turn::turns] = each
        return start.reshape(-1)

    @property
    def cycles(self) -> int:
        """Cycles from the start of the run to the arrival of the last result."""
        return int(self.ends.max())

    @property
    def begins(self) -> np.ndarray:
        """Cycle of the first start of an iteration, by inference."""
        return reduce(np.minimum, (core.starts.of_iteration(0) for core in self.cores))

    @property
    def ends(self) -> np.ndarray:
        """Cycle of the arrival of the last result, by inference."""
        ends = (core.starts.of_iteration(-1) + core.latency for core in self.cores)
        return reduce(np.maximum, ends)

    @property
    def inference_latency(self) -> int:
        """Cycles from the first iteration of the first inference to the arrival of its last result."""
        return int(self.ends[0] - self.begins[0])

    @property
    def overlap(self) -> int:
        """Maximum number of inferences in progress at the same time."""
        times = np.concatenate((self.begins, self.ends))
        changes = np.repeat([1, -1], self.inferences)
        in_order = np.lexsort(
            (changes, times)
        )  # an inference that ends makes room for one that begins
        return int(np.cumsum(changes[in_order]).max())
