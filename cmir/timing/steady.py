"""Timing of a long stream extrapolated from a short one: once inferences repeat, all later ones repeat them.

Claim. Let everything that iterations wait for be at most D ≥ 1 inferences old. Consider D + q consecutive inferences
after those whose waits differ from all others. If in each of them every core starts each iteration λ cycles later than
q inferences before, where λ is specific to the core, and no core waits for one with a larger λ, then the same holds for
the next inference.

Proof, by induction on the order in which iterations start. A start t in the next inference is the maximum of several
terms: earlier starts of the core plus a constant, and starts of other cores plus delays, of this inference and D before
it. Each is larger than q inferences before by the λ of the core that it comes from, so t has grown by at most the λ of
its own core. It has also grown by at least that, since q inferences before, a term that equalled the start came from a
core with the same λ: one with a smaller λ, μ, would have exceeded the start by λ − μ another q inferences before.

Stalls repeat for the same reason: the term that equals t grows by λ, and the others grow by at most λ.

Inferences alternate (q > 1) if several of them are under way in a circle of cores whose steps do not divide evenly.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping

from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import ALWAYS
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.limits import check_memory, count_text
from cmir.timing.actors import Actor
from cmir.timing.recurrence import Recurrence, check_times
from cmir.timing.report import RunReport

_FIRST = 4
"""Minimum number of inferences that are timed; it is doubled until they repeat."""

_TIME_BYTES = 16
"""The bytes of an iteration: when it starts."""


def time_stream(
    actors: Mapping[CoreName, Actor], inferences: int, chunk: int | None = None
) -> RunReport:
    """Return the timing of a stream of inferences. See `StreamTimes.of`."""
    return StreamTimes(actors, chunk).of(inferences)


class StreamTimes:
    """Timing of streams of one network. Once inferences are known to repeat, longer streams take no further work.

    chunk: see `Control`.
    """

    def __init__(self, actors: Mapping[CoreName, Actor], chunk: int | None = None):
        self._actors, self._chunk = actors, chunk
        self._latest: RunReport | None = None
        self._repeating: tuple[Recurrence, RunReport, int] | None = None

    def of(self, inferences: int) -> RunReport:
        """Return the timing of a stream, identical to that of the recurrence over the whole stream.

        Raises DeadlockError if no actor can continue, and TooLargeError if inferences do not repeat before their times
        take more memory than there is.
        """
        if self._latest is None or self._latest.inferences != inferences:
            check_times(self._actors, inferences)
            self._latest = self._extended(inferences) or self._computed(inferences)
        return self._latest

    def _extended(self, inferences: int) -> RunReport | None:
        """Return the timing of a stream that is longer than the one that is known to repeat; None for any other."""
        if self._repeating is None or inferences < self._repeating[1].inferences:
            return None
        recurrence, report, period = self._repeating
        return _continued(recurrence, report, inferences, period)

    def _computed(self, inferences: int) -> RunReport:
        count = min(_FIRST, inferences)
        iterations = sum(actor.iterations for actor in self._actors.values())
        while True:
            if count > _FIRST:
                size = _TIME_BYTES * iterations * count
                check_memory(
                    None, f"times of {count_text(count // 2)} inferences do not repeat", size
                )
            recurrence = Recurrence(self._actors, count, self._chunk)
            report = recurrence.run()
            if count == inferences:
                return report
            if period := repeats(self._actors, report):
                self._repeating = recurrence, report, period
                return _continued(recurrence, report, inferences, period)
            count = min(2 * count, inferences)


def repeats(actors: Mapping[CoreName, Actor], report: RunReport) -> int | None:
    """Return the least q for which the last inferences satisfy the hypothesis of the claim; None if there is none.

    All later inferences repeat those q inferences before them.
    """
    oldest, odd = 1, 0
    for actor in actors.values():
        oldest = max(oldest, actor.inferences)
        for dependence in actor.dependences:
            odd = max(odd, len(dependence.first))
            needs, source = dependence.needs[dependence.needs > ALWAYS], actors[dependence.source]
            # With turns, all iterations before are waited for, and the last of a copy may be an inference older.
            older = int(source.turns > 1)
            oldest = max(oldest, older - int(needs.min(initial=0) // source.iterations))
    periods = range(1, (report.inferences - odd - oldest) // 2 + 1)
    return next((period for period in periods if _repeat(actors, report, period, oldest)), None)


def _repeat(actors: Mapping[CoreName, Actor], report: RunReport, period: int, oldest: int) -> bool:
    """Return True if the claim's hypothesis holds for q = `period`. oldest: D."""
    shifts: dict[CoreName, set[int]] = defaultdict(set)
    for core in report.cores:
        count, start = oldest + period, core.starts.prefix
        steps = start[-count:] - start[-count - period : -period]
        if (steps != steps[0, 0]).any():
            return False
        shifts[core.name.undivided].add(int(steps[0, 0]))
    return all(
        max(shifts[dependence.source]) <= min(shifts[actor.name])
        for actor in actors.values()
        for dependence in actor.dependences
    )


def _continued(
    recurrence: Recurrence, report: RunReport, inferences: int, period: int
) -> RunReport:
    """Return the report extended to this many inferences, the additional ones repeating the last `period` ones."""
    rounds, rest = divmod(inferences - report.inferences, period)
    cores = []
    for core in report.cores:
        stalls = recurrence.states[core.name.undivided].record.stalls
        data, room = (
            rounds * int(last.sum()) + int(last[:rest].sum())
            for kind in (DependenceKind.RAW, DependenceKind.WAR)
            for last in (stalls[kind][-period:, core.name.turn or 0],)
        )
        cores.append(
            dataclasses.replace(
                core,
                starts=core.starts.continued(inferences, period),
                data_stalls=core.data_stalls + data,
                credit_stalls=core.credit_stalls + room,
            )
        )
    return RunReport(cores, [])
