"""How long an inference takes, from how long it takes each stage: a model that is cheap enough for a search.

A stage j starts so that no iteration would wait if it ran evenly and had its first data at that time, and ends later if
its sources do:

    start_j = max over sources i:  t_i(needs(k)) − k / N_j·d_j  for the first k that needs anything
    end_j   = max(start_j + d_j, max over i and k:  t_i(needs(k)) + (1 − k / N_j)·d_j) + l_j

where d_j is the time that its iterations take, l_j the latency of one, needs(k) is the last of the M_i iterations of
stage i that iteration k needs, and t_i(m) = start_i + (m + 1) / M_i·(end_i − l_i − start_i) + l_i is the time at which
the results of iteration m arrive.
The times of copies of a stage are taken to be those of one that is as many times as fast. Buffers are unbounded, and
reads of earlier inferences take no time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cmir.analysis.sizing import Sizing

_POINTS = 64
"""Number of iterations of a reader at which its needs are looked at."""


@dataclass(frozen=True)
class Wait:
    """What a stage waits for: parts of the work of a stage `source`, before parts of its own. Both increase."""

    source: int
    done: np.ndarray
    before: np.ndarray


class Flow:
    """The stages of a pipeline and what they wait for.

    stages: their names, sources before their readers. latencies: cycles from the start of an iteration to its results.
    """

    def __init__(
        self, stages: Sequence[str], latencies: Sequence[int], waits: Sequence[Sequence[Wait]]
    ):
        self.stages, self.latencies, self._waits = stages, latencies, waits

    @staticmethod
    def of(sizing: Sizing) -> Flow:
        """Return the flow of a pipeline whose stages are not divided, or of the first core of each."""
        counts = {f.cores[0]: f.count(0) for f in sizing.footprints.values()}
        place = {core: k for k, core in enumerate(counts)}
        waits: list[list[Wait]] = [[] for _ in counts]
        for (_, writer, reader), needs in sizing.data.items():
            if writer in place and reader in place and writer != reader:
                wait = _wait(place[writer], needs, counts[writer])
                waits[place[reader]] += [] if wait is None else [wait]
        names = [core.program for core in counts]
        latencies = [sizing.costs[core].latency for core in counts]
        order = _sources_first(waits)
        moved = {k: at for at, k in enumerate(order)}
        return Flow(
            [names[k] for k in order],
            [latencies[k] for k in order],
            [[Wait(moved[w.source], w.done, w.before) for w in waits[k]] for k in order],
        )

    def latency(self, durations: np.ndarray) -> np.ndarray:
        """Return the cycles from the start of an inference to its last result, for each trial.

        durations: of each stage, in the order of `stages`, shape (stages, trials).
        """
        start, end = np.zeros_like(durations), np.zeros_like(durations)
        for j, (waits, latency) in enumerate(zip(self._waits, self.latencies, strict=True)):
            arrivals = [self._arrival(wait, start, end) for wait in waits]
            for wait, times in zip(waits, arrivals, strict=True):
                np.maximum(start[j], times[0] - wait.before[0] * durations[j], out=start[j])
            end[j] = start[j] + durations[j] + latency
            for wait, times in zip(waits, arrivals, strict=True):
                rest = np.multiply.outer(1.0 - wait.before, durations[j])
                np.maximum(end[j], (times + rest).max(axis=0) + latency, out=end[j])
        return end.max(axis=0)

    def _arrival(self, wait: Wait, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return the times of the results that a stage waits for, one row for each of its iterations."""
        i = wait.source
        even = end[i] - self.latencies[i] - start[i]
        return start[i] + np.multiply.outer(wait.done, even) + self.latencies[i]


def _wait(source: int, needs: np.ndarray, iterations: int) -> Wait | None:
    """Return what a reader waits for within the inference; None if nothing. needs: by iteration of the reader."""
    looked_at = np.unique(np.linspace(0, len(needs) - 1, _POINTS).astype(int))
    latest = np.maximum.accumulate(needs)[looked_at]
    within = latest >= 0
    if not within.any():
        return None
    done = (np.minimum(latest, iterations - 1) + 1.0) / iterations
    return Wait(source, done[within], looked_at[within] / len(needs))


def _sources_first(waits: Sequence[Sequence[Wait]]) -> list[int]:
    """Return the stages in an order in which sources precede their readers, where they do not wait for each other."""
    readers: dict[int, list[int]] = defaultdict(list)
    missing = [0] * len(waits)
    for j, each in enumerate(waits):
        for source in {wait.source for wait in each}:
            readers[source].append(j)
            missing[j] += 1
    order = [j for j, count in enumerate(missing) if not count]
    for j in order:
        for reader in readers[j]:
            missing[reader] -= 1
            if not missing[reader]:
                order.append(reader)
    return [*order, *(j for j, count in enumerate(missing) if count)]
