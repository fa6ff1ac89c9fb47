"""Copies and ways for a short latency: those of a plan, and more where the latency gains most for what they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cmir.analysis.copy_plan import Budget, PlanChoice, StageWork, choices_for, has_room
from cmir.analysis.flow import Flow

_FASTER = tuple(Fraction(tenths, 10) for tenths in range(9, 0, -1))
"""Parts of its time that a step of the search leaves a stage."""

_TRIED = 6
"""Number of stages that a step considers: those with which the latency falls most if they get a tenth faster."""

_LONGER = tuple(Fraction(n, 10) for n in (11, 13, 16, 20, 30))
"""Factors of its time by which a step makes a stage slower."""

_EXCHANGED = 10
"""Number of ways to make a stage slower that are tried together with each way to make another faster."""

_CHEAP = 1e-4
"""Part of the budget that a change counts at least, so that what is almost free is ordered by its gain."""

_WORTHWHILE = 1e-4
"""Part of the latency that a step must gain."""


def latency_of(work: Sequence[StageWork], chosen: Sequence[PlanChoice], flow: Flow) -> float:
    """Return the cycles that an inference takes from its start to its end, by the model of `flow`."""
    return float(flow.latency(_durations(work, chosen, flow)[:, None])[0])


def quicker(
    work: Sequence[StageWork],
    chosen: Sequence[PlanChoice],
    budget: Budget,
    flow: Flow,
    interval: Fraction,
) -> list[PlanChoice]:
    """Return choices within the budget with which an inference takes no longer, by the model of `flow`.

    A local search: each step makes one stage faster, or one faster and another slower, whichever gains most for its
    part of the budget. Stages that the global control unit runs, which are in `flow` alone, stay as they are.

    interval: λ at which the given choices have room on shared cores; it may grow.
    """
    search = _Search(work, list(chosen), budget, flow, interval)
    while search.step(search.faster()) or search.step(search.exchanges()):
        pass
    return search.chosen


_Change = list[tuple[int, PlanChoice]]
"""New choices, by the number of their stage."""


@dataclass
class _Search:
    """State of a search. chosen: the best choices so far."""

    work: Sequence[StageWork]
    chosen: list[PlanChoice]
    budget: Budget
    flow: Flow
    interval: Fraction

    def step(self, changes: Sequence[_Change]) -> bool:
        """Make the change that gains most for its price; False if none is worthwhile."""
        latency = self._latencies([[]])[0]
        gains = latency - self._latencies(changes)
        prices = np.array([max(_CHEAP, self._price(change)) for change in changes])
        for trial in np.argsort(-gains / prices, kind="stable").tolist():
            after = self._after(changes[trial])
            if gains[trial] > _WORTHWHILE * latency and self._is_within(after):
                self.chosen = after
                return True
        return False

    def faster(self) -> list[_Change]:
        """Return changes that make a stage faster."""
        return [
            [(k, choice)]
            for k in self._critical(0.9)[:_TRIED]
            for part in _FASTER
            for choice in choices_for(self.work[k], part * self.chosen[k].interval)
        ]

    def exchanges(self) -> list[_Change]:
        """Return changes that make a stage faster, and one slower that matters little for what it takes."""
        slower: list[_Change] = [
            [(k, choice)]
            for k, stage in enumerate(self.work)
            for factor in _LONGER
            for choice in choices_for(stage, factor * self.chosen[k].interval)[:1]
        ]
        slower = [change for change in slower if self._price(change) < 0]
        losses = self._latencies(slower) - self._latencies([[]])[0]
        by_loss = np.argsort(
            [loss / -self._price(change) for loss, change in zip(losses, slower, strict=True)],
            kind="stable",
        )
        released = [slower[trial] for trial in by_loss[:_EXCHANGED].tolist()]
        return [
            [*less, *more]
            for more in self.faster()
            for less in released
            if less[0][0] != more[0][0]
        ]

    def _critical(self, part: float) -> list[int]:
        """Return the stages that shorten the latency if they take this part of their time, the most important first."""
        now = self._durations([[]])
        trials = now * (1 - (1 - part) * np.eye(len(now)))
        gains = self.flow.latency(now)[0] - self.flow.latency(trials)
        number = {stage.name: k for k, stage in enumerate(self.work)}
        ordered: list[int] = np.argsort(-gains, kind="stable").tolist()
        names = [self.flow.stages[j] for j in ordered if gains[j] > 0]
        return [number[name] for name in names if name in number]

    def _latencies(self, changes: Sequence[_Change]) -> np.ndarray:
        return self.flow.latency(self._durations(changes))

    def _durations(self, changes: Sequence[_Change]) -> np.ndarray:
        now = _durations(self.work, self.chosen, self.flow)
        place = {name: j for j, name in enumerate(self.flow.stages)}
        durations = np.repeat(now[:, None], len(changes), axis=1)
        for trial, change in enumerate(changes):
            for k, choice in change:
                durations[place[self.work[k].name], trial] = choice.interval
        return durations

    def _after(self, change: _Change) -> list[PlanChoice]:
        after = list(self.chosen)
        for k, choice in change:
            after[k] = choice
        return after

    def _is_within(self, chosen: Sequence[PlanChoice]) -> bool:
        budget = self.budget
        cores, crossbars = sum(c.cores for c in chosen), sum(c.crossbars for c in chosen)
        if budget.crossbars is not None and crossbars > budget.crossbars:
            return False
        if budget.share:
            longest = max(self.interval, *(choice.interval for choice in chosen))
            return has_room(self.work, chosen, longest, budget)
        return budget.cores is None or cores <= budget.cores

    def _price(self, change: _Change) -> float:
        """Return the part of the budget that a change takes."""
        price = 0.0
        for k, choice in change:
            if self.budget.crossbars is not None:
                price += (choice.crossbars - self.chosen[k].crossbars) / self.budget.crossbars
            if self.budget.cores is not None:
                price += (choice.cores - self.chosen[k].cores) / self.budget.cores
        return price


def _durations(work: Sequence[StageWork], chosen: Sequence[PlanChoice], flow: Flow) -> np.ndarray:
    """Return the cycles that the stages of `flow` take for an inference; none on the global control unit."""
    taken = {each.name: float(c.interval) for each, c in zip(work, chosen, strict=True)}
    return np.array([taken.get(name, 0.0) for name in flow.stages])
