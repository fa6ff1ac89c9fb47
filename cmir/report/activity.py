"""Activity of a core in each cycle of a run: it fired, or waited, and for whom.

A run keeps when each iteration started. Why it did not start earlier follows from that and from what iterations wait
for, so it is worked out here, for those who ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.recurrence import Actor, Dependence
from cmir.timing.report import CoreReport, RunReport


@dataclass(frozen=True)
class Cause:
    """Cause of a wait: data in the core's buffer of `array` from `source`, or room there at `source`."""

    kind: DependenceKind
    source: CoreName
    array: str

    def __str__(self) -> str:
        if self.kind is DependenceKind.RAW:
            return f"waits for data of {self.array} from {self.source}"
        return f"waits for room for {self.array} at {self.source}"


@dataclass(frozen=True)
class Stretches:
    """A core's time: `count` times, it waits for `wait` cycles because of `cause`, then fires for `fire` cycles.

    All are arrays with a number for each stretch, in order of time; together they begin with cycle 0. first: the first
    iteration, counted over all inferences; a stretch is in one inference. cause: which of `Activity.causes`, −1 where
    there is no wait. begin: the first cycle of a stretch.
    """

    first: np.ndarray
    wait: np.ndarray
    cause: np.ndarray
    fire: np.ndarray
    count: np.ndarray

    @property
    def begin(self) -> np.ndarray:
        lengths = self.count * (self.wait + self.fire)
        return np.cumsum(lengths) - lengths

    def __len__(self) -> int:
        return len(self.wait)


@dataclass(frozen=True)
class Activity:
    """Activity of a core in a run.

    start: of all iterations, inference by inference, shape (inferences · iterations,). wait, cause: the cycles before
    each one in which the core did nothing, and which of `causes` it waited for, −1 where it did not.
    """

    name: CoreName
    iterations: int
    interval: int
    start: np.ndarray
    wait: np.ndarray
    cause: np.ndarray
    causes: tuple[Cause, ...]

    @property
    def end(self) -> int:
        """The first cycle in which there is nothing left to do."""
        return int(self.start[-1]) + self.interval

    def waited(self) -> dict[Cause, int]:
        """Cycles waited for each cause, the longest first."""
        waiting = self.cause >= 0
        cycles = np.bincount(
            self.cause[waiting], weights=self.wait[waiting], minlength=len(self.causes)
        )
        total = {cause: int(c) for cause, c in zip(self.causes, cycles, strict=True) if c}
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    def stretches(self) -> Stretches:
        """Return the core's time.

        Iterations of an inference without a wait between them, then those of the same kind.
        """
        breaks = self.wait > 0
        breaks[:: self.iterations] = True
        first = np.flatnonzero(breaks)
        fire = np.diff(np.append(first, len(self.start))) * self.interval
        wait, cause, inference = self.wait[first], self.cause[first], first // self.iterations
        changes = np.any([np.diff(x) != 0 for x in (wait, cause, fire, inference)], axis=0)
        heads = np.concatenate(([0], np.flatnonzero(changes) + 1))
        count = np.diff(np.append(heads, len(first)))
        return Stretches(first[heads], wait[heads], cause[heads], fire[heads], count)

    def until(self, cycles: np.ndarray) -> np.ndarray:
        """Return the cycles of firing, waiting for data and for credit before each of `cycles`, shape (3, …)."""
        for_room = [cause.kind is DependenceKind.WAR for cause in self.causes]
        kinds = np.array([*for_room, False])[self.cause]
        before = [
            np.concatenate(([0], np.cumsum(np.where(k, self.wait, 0)))) for k in (~kinds, kinds)
        ]
        at = np.searchsorted(self.start, cycles, side="right")  # iterations that have started
        ended = np.where(at > 0, self.start[at - 1] + self.interval, 0)
        fired = at * self.interval - np.maximum(ended - cycles, 0)
        waiting, after = np.maximum(cycles - ended, 0), np.minimum(at, len(self.start) - 1)
        waiting = np.where(at < len(self.start), waiting, 0)
        credit = kinds[after]
        return np.stack(
            [
                fired,
                before[0][at] + np.where(credit, 0, waiting),
                before[1][at] + np.where(credit, waiting, 0),
            ]
        )


def activities(actors: Mapping[CoreName, Actor], report: RunReport) -> list[Activity]:
    """Return the activity of each core, in the order of the report. actors: those that the report is of."""
    reports = {core.name: core for core in report.cores}
    return [_activity(actors[core.name], core, reports) for core in report.cores]


def _activity(actor: Actor, core: CoreReport, reports: Mapping[CoreName, CoreReport]) -> Activity:
    start = core.start.reshape(-1)
    wait = np.diff(start, prepend=-core.interval) - core.interval
    waiting = np.flatnonzero(wait)
    # Of what arrives last, data comes first, as the engine counts its stalls.
    dependences = sorted(actor.dependences, key=lambda d: d.kind is not DependenceKind.RAW)
    latest = np.full(len(waiting), -1, np.int64)
    cause = np.full(len(start), -1)
    for number, dependence in enumerate(dependences):
        seen = _arrival(dependence, waiting, core, reports[dependence.source])
        later = seen > latest
        latest[later] = seen[later]
        cause[waiting[later]] = number
    causes = tuple(Cause(d.kind, d.source, d.array) for d in dependences)
    return Activity(core.name, core.iterations, core.interval, start, wait, cause, causes)


def _arrival(
    dependence: Dependence, which: np.ndarray, core: CoreReport, source: CoreReport
) -> np.ndarray:
    """Return the cycles in which some iterations of a core see what they wait for; 0 for nothing."""
    inference, iteration = np.divmod(which, core.iterations)
    event = dependence.needs[iteration]
    for n, needs in enumerate(dependence.first):
        event = np.where(inference == n, needs[iteration], event)
    event = event + inference * source.iterations
    seen = source.start.reshape(-1)[np.maximum(event, 0)] + dependence.delay
    return np.where(event < 0, 0, seen)
