"""Timing of a long stream extrapolated from a short one: once inferences repeat, all later ones repeat them.

Claim. Let everything that iterations wait for be at most D ≥ 1 inferences old. Consider D + 1 consecutive inferences
after those whose waits differ from all others. If in each of them every core starts each iteration λ cycles later than
in the preceding inference, where λ is specific to the core, and no core waits for one with a larger λ, then the same
holds for the next inference.

Proof, by induction on the order in which iterations start. A start t is the maximum of several terms: the preceding
start plus the interval, and starts of other cores plus delays. In the next inference each term is larger by the λ of
the core that it comes from, so t grows by at most the core's own λ. It also grows by at least that, since a term that
equals t comes from a core with the same λ: a term with a smaller one, μ, would have been t − μ in the preceding
inference, where the start was t − λ < t − μ.

Stalls repeat for the same reason: the term that equals t grows by λ, and the others grow by at most λ.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import ALWAYS
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.recurrence import Actor, Recurrence, check_times
from cmir.timing.report import RunReport

_FIRST = 4
"""Minimum number of inferences that are timed; it is doubled until they repeat."""


def time_stream(
    actors: Mapping[CoreName, Actor], inferences: int, chunk: int | None = None
) -> RunReport:
    """Return the timing of a stream of inferences, identical to that of the recurrence over the whole stream.

    Raises DeadlockError if no actor can continue.
    """
    check_times(actors, inferences)
    count = min(_FIRST, inferences)
    while True:
        recurrence = Recurrence(actors, count, chunk)
        report = recurrence.run()
        if count == inferences:
            return report
        if repeats(actors, report):
            return _continued(recurrence, report, inferences)
        count = min(2 * count, inferences)


def repeats(actors: Mapping[CoreName, Actor], report: RunReport) -> bool:
    """Return True if the last inferences satisfy the hypothesis of the claim, so that all later ones repeat them."""
    inferences = report.inferences
    oldest, odd = 1, 0
    for actor in actors.values():
        for dependence in actor.dependences:
            odd = max(odd, len(dependence.first))
            needs = dependence.needs[dependence.needs > ALWAYS]
            oldest = max(oldest, -int(needs.min(initial=0) // actors[dependence.source].iterations))
    if odd + oldest + 2 > inferences:
        return False
    shifts: dict[CoreName, int] = {}
    for core in report.cores:
        steps = np.diff(core.start[-oldest - 2 :], axis=0)
        if (steps != steps[0, 0]).any():
            return False
        shifts[core.name] = int(steps[0, 0])
    return all(
        shifts[dependence.source] <= shifts[actor.name]
        for actor in actors.values()
        for dependence in actor.dependences
    )


def _continued(recurrence: Recurrence, report: RunReport, inferences: int) -> RunReport:
    """Return the report extended to this many inferences, the additional ones repeating the last one."""
    more = np.arange(1, inferences - report.inferences + 1)
    cores = []
    for core in report.cores:
        shift = core.start[-1, 0] - core.start[-2, 0]
        stalls = recurrence.states[core.name].stalls
        cores.append(
            dataclasses.replace(
                core,
                start=np.concatenate((core.start, core.start[-1] + shift * more[:, None])),
                data_stalls=core.data_stalls + len(more) * int(stalls[DependenceKind.RAW][-1]),
                credit_stalls=core.credit_stalls + len(more) * int(stalls[DependenceKind.WAR][-1]),
            )
        )
    return RunReport(cores, [])
