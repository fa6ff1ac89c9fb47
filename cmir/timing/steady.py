"""Timing of a long stream from that of a short one: once inferences repeat, so do all that follow.

Claim. Let everything that iterations wait for be at most D ≥ 1 inferences old. If in each of D + 1 inferences in a row,
after those whose waits are not like all others', every core starts each iteration λ cycles later than in the inference
before, λ being the core's own, and no core waits for one with a larger λ, then the next inference is like that too.

Proof, along the order in which iterations start. A start t is the maximum of terms: the start before it plus the
interval, and starts of others plus delays. In the next inference each term is larger by the λ of the core that it
comes from, so t grows by the core's own λ at most. And by no less, as a term that t equals comes from a core with that
λ: a term with a smaller one, μ, would have been t − μ in the inference before, where the start was t − λ < t − μ.

What iterations stall for repeats for the same reason: what t equals grows by λ, and the rest by no more.
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
"""The least inferences that are looked at; then twice as many, until they repeat."""


def time_stream(
    actors: Mapping[CoreName, Actor], inferences: int, chunk: int | None = None
) -> RunReport:
    """Return the timing of a stream of inferences, exactly as the recurrence gives it for all of them.

    Raises DeadlockError where no actor can go on.
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
    """Return True if the last inferences meet the hypothesis of the claim, so that all later ones repeat them."""
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
    """Return the report with as many inferences, the further ones like the last one."""
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
