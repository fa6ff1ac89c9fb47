"""Activity of a core in each cycle of a run: firing, or waiting for another core.

A run records the start of each iteration. This module derives the causes of waits from the starts and the dependences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.actors import Actor, Dependence
from cmir.timing.report import CoreReport, RunReport
from cmir.timing.turns import latest_starts


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
    """A core's time as stretches: `count` times, wait for `wait` cycles due to `cause`, then fire for `fire` cycles.

    All fields are arrays with a number for each stretch, in order of time from cycle 0. A stretch lies in one
    inference.
    first: the first iteration, counted over all inferences. iterations: number of them each time. cause: index into
    `Activity.causes`, −1 for no wait. begin: the first cycle of a stretch.
    """

    first: np.ndarray
    iterations: np.ndarray
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

    start: first cycle of each iteration, inference by inference, shape (inferences · iterations,). firing: cycles until
    the core is ready for the next one. wait: idle cycles before each iteration. cause: index into `causes` of the cause
    of the wait, −1 for no wait.
    """

    name: CoreName
    iterations: int
    start: np.ndarray
    firing: np.ndarray
    wait: np.ndarray
    cause: np.ndarray
    causes: tuple[Cause, ...]

    @property
    def end(self) -> int:
        """The first cycle after the core's last iteration."""
        return int(self.start[-1] + self.firing[-1])

    def fired(self, iterations: np.ndarray) -> np.ndarray:
        """Return the cycles of firing of the first so many iterations."""
        return np.concatenate(([0], np.cumsum(self.firing)))[iterations]

    def waited(self) -> dict[Cause, int]:
        """Return the cycles waited for each cause, the longest wait first."""
        waiting = self.cause >= 0
        cycles = np.bincount(
            self.cause[waiting], weights=self.wait[waiting], minlength=len(self.causes)
        )
        total = {cause: int(c) for cause, c in zip(self.causes, cycles, strict=True) if c}
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    def stretches(self) -> Stretches:
        """Return the core's time as stretches.

        Iterations of an inference without a wait between them form one stretch; consecutive stretches of the same kind
        are merged.
        """
        breaks = self.wait > 0
        breaks[:: self.iterations] = True
        first = np.flatnonzero(breaks)
        iterations = np.diff(np.append(first, len(self.start)))
        fire = np.add.reduceat(self.firing, first)
        wait, cause, inference = self.wait[first], self.cause[first], first // self.iterations
        changes = np.any(
            [np.diff(x) != 0 for x in (wait, cause, fire, iterations, inference)], axis=0
        )
        heads = np.concatenate(([0], np.flatnonzero(changes) + 1))
        count = np.diff(np.append(heads, len(first)))
        first, iterations, wait, cause, fire = (
            x[heads] for x in (first, iterations, wait, cause, fire)
        )
        return Stretches(first, iterations, wait, cause, fire, count)

    def until(self, cycles: np.ndarray) -> np.ndarray:
        """Return the cycles of firing, waiting for data and for credit before each of `cycles`, shape (3, …)."""
        for_room = [cause.kind is DependenceKind.WAR for cause in self.causes]
        kinds = np.array([*for_room, False])[self.cause]
        before = [
            np.concatenate(([0], np.cumsum(np.where(k, self.wait, 0)))) for k in (~kinds, kinds)
        ]
        at = np.searchsorted(self.start, cycles, side="right")  # number of started iterations
        ended = np.where(at > 0, self.start[at - 1] + self.firing[at - 1], 0)
        fired = self.fired(at) - np.maximum(ended - cycles, 0)
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
    """Return the activity of each core, in the order of the report. actors: the actors of the run."""
    starts = {name: report.starts_of(name, actor.turns) for name, actor in actors.items()}
    return [_activity(actors, core, starts) for core in report.cores]


def _activity(
    actors: Mapping[CoreName, Actor], core: CoreReport, starts: Mapping[CoreName, np.ndarray]
) -> Activity:
    actor = actors[core.name.undivided]
    start = core.start.reshape(-1)
    wait = start - core.pace.ready(start, 0, len(start))
    waiting = np.flatnonzero(wait)
    # If data and credit arrive last together, the cause is data, as in the simulator's count of stalls.
    dependences = sorted(actor.dependences, key=lambda d: d.kind is not DependenceKind.RAW)
    latest = np.full(len(waiting), -1, np.int64)
    cause = np.full(len(start), -1)
    for number, dependence in enumerate(dependences):
        seen = _arrival(
            dependence, waiting, core, actor, actors[dependence.source], starts[dependence.source]
        )
        later = seen > latest
        latest[later] = seen[later]
        cause[waiting[later]] = number
    causes = tuple(Cause(d.kind, d.source, d.array) for d in dependences)
    return Activity(core.name, core.iterations, start, core.firing, wait, cause, causes)


def _arrival(
    dependence: Dependence,
    which: np.ndarray,
    core: CoreReport,
    actor: Actor,
    source: Actor,
    starts: np.ndarray,
) -> np.ndarray:
    """Return the cycles in which the events that some iterations of a core wait for arrive; 0 for no event.

    which: numbers of the iterations, through all inferences. starts: those of the source, in order.
    """
    inference, each = np.divmod(which, core.iterations)
    iteration = (core.name.turn or 0) + each * actor.turns
    event = dependence.needs[iteration]
    for n, needs in enumerate(dependence.first):
        event = np.where(inference == n, needs[iteration], event)
    event = event + inference * source.iterations
    return dependence.seen(event, iteration % actor.turns, source, starts, latest_starts(starts))
