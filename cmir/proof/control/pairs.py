"""Comparison of the waits of iterations with their needs, for one neighbour and array."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.ir import Operation

from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.proof.control.automata import AutomatonFamily
from cmir.proof.control.enumeration import NEVER, NOTHING, running_maxima
from cmir.proof.control.stages import Budget, Stage
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.timing.actors import Dependence


@dataclass(frozen=True)
class Need:
    """The needs of a stage for events of a neighbour, due to one array.

    at: the events that iterations of an inference themselves need, shape (cores of the source, iterations); counted
    from reset, or NOTHING. From inference `settled` on, they repeat every `period` inferences, shifted. elements: for
    messages,
    the elements because of which an iteration needs an event: (source core, iteration, inference, event) -> elements.
    """

    kind: DependenceKind
    array: str
    stage: Stage
    source: Stage
    at: Callable[[int], np.ndarray]
    settled: int
    period: int
    element: Callable[[int, int, int, int], str | None]


class Pair:
    """A stage and a neighbour that it waits for because of an array."""

    def __init__(
        self, need: Need, automata: Sequence[AutomatonFamily], where: Operation, budget: Budget
    ):
        self.need, self.automata, self.where = need, automata, where
        self.stage, self.source = need.stage, need.source
        reach = max((automaton.reach for automaton in automata), default=0)
        # From this inference on, needs and waits repeat (see the docstring of the package).
        self.settled = max(reach + 1, need.settled + need.period, 1)
        self.inferences = self.settled + need.period + 1
        budget.spend(self.inferences * len(self.source.cores) * len(self.stage.points))

    def check(self) -> None:
        """Raise CompileError unless each iteration waits for exactly the event that it needs."""
        stage, events = self.stage, self.source.counts[:, None]
        rows = [self._rows(automaton) for automaton in self.automata]
        before = np.full((len(self.source.cores), len(stage.cores)), NOTHING)
        needed = repeated = before
        self.first: list[np.ndarray] = []
        for n in range(self.inferences):
            needed = running_maxima(self.need.at(n), stage.starts, before)
            allowed = self._allowed(rows, n)
            if not np.array_equal(needed, allowed):
                raise self._fault(n, needed, allowed)
            before = needed[:, stage.starts[1:] - 1]
            if n == self.settled:
                repeated = needed
            elif n < self.settled:
                self.first.append(needed)
        shift = self.need.period * events
        if not np.array_equal(needed, np.where(repeated == NOTHING, NOTHING, repeated + shift)):
            raise CompileError(
                self.where,
                f"control logic cannot be proved: what @{stage.name} needs of @{self.source.name} in "
                f"@{self.need.array} does not repeat",
            )
        self.steady = repeated
        while self.first and np.array_equal(self.first[-1], self._as_later(len(self.first) - 1)):
            self.first.pop()

    def _as_later(self, inference: int) -> np.ndarray:
        """Return the events needed in an inference, extrapolated from settled ones; NOTHING for those before reset."""
        shift = (inference - self.settled) * self.source.counts[:, None]
        events = np.where(self.steady == NOTHING, NOTHING, self.steady + shift)
        return np.where(events >= 0, events, NOTHING)

    def _rows(self, automaton: AutomatonFamily) -> list[tuple[int, slice, np.ndarray]]:
        """Return (core of the source, iterations, the events that they wait for) of each pair of cores."""
        stage = self.stage
        return [
            (
                int(automaton.source_core[pair]),
                slice(stage.starts[automaton.core[pair]], stage.starts[automaton.core[pair] + 1]),
                automaton.waits(pair, self.inferences),
            )
            for pair in automaton.pairs.tolist()
        ]

    def _allowed(self, rows: list[list[tuple[int, slice, np.ndarray]]], n: int) -> np.ndarray:
        allowed = np.full((len(self.source.cores), len(self.stage.points)), NOTHING)
        for automaton in rows:
            for source, run, waits in automaton:
                np.maximum(allowed[source, run], waits[n], out=allowed[source, run])
        return allowed

    def _fault(self, n: int, needed: np.ndarray, allowed: np.ndarray) -> CompileError:
        """Return the error for the first iteration whose wait differs from its need."""
        iteration = int(np.argmax((needed != allowed).any(axis=0)))
        core = int(np.argmax(needed[:, iteration] != allowed[:, iteration]))
        has, wants = int(allowed[core, iteration]), int(needed[core, iteration])
        stage, source, need = self.stage, self.source, self.need
        who = f"iteration {stage.text(iteration)} of @{stage.name}"
        when = f" (in inference {n})" * (n != 0)
        if has >= NEVER:
            text = (
                f"not live: {who} is never released by @{source.name} on account of @{need.array}"
            )
            return CompileError(self.where, text + when)
        count, start = int(source.counts[core]), int(source.starts[core])
        m, position = divmod(has if has > wants else wants, count)
        event = f"{source.text(start + position)} of @{source.name}{_inferences(m - n)}"
        if has > wants:
            text = f"waits for iteration {event} and needs nothing of it in @{need.array}"
            if wants == NOTHING and self._starts_late(core, iteration):
                text += "; no step without `at` releases it"
            return CompileError(self.where, f"not tight: {who} {text}{when}")
        element = need.element(core, iteration, n, wants) or f"@{need.array}"
        what = f"may read {element} before iteration {event} has stored it"
        if need.kind is DependenceKind.WAR:
            what = f"may overwrite {element} before iteration {event} has read it"
        return CompileError(self.where, f"not safe: {who} {what}{when}")

    def _starts_late(self, core: int, iteration: int) -> bool:
        """Return True if the core needs the neighbour in later inferences, so only the first ones are wrong."""
        later = self.need.at(self.inferences)[core]
        own = self.stage.core_of == self.stage.core_of[iteration]
        return bool((later[own] > NOTHING).any())

    def dependences(
        self, name: Callable[[Stage, int], CoreName]
    ) -> list[tuple[CoreName, Dependence]]:
        """Return (core, dependence) for each checked pair of cores, in the form that the timing recurrence takes."""
        found = []
        stage, source = self.stage, self.source
        events = source.counts[:, None]
        rows = [*enumerate(self.first), (self.settled, self.steady)]
        rows = [np.where(row == NOTHING, NOTHING, row - n * events) for n, row in rows]
        for s, k in zip(*np.nonzero(self.steady[:, stage.starts[1:] - 1] > NOTHING), strict=True):
            run = slice(stage.starts[k], stage.starts[k + 1])
            first = tuple(row[s, run] for row in rows[:-1])
            found.append(
                (
                    name(stage, int(k)),
                    Dependence(
                        self.need.kind,
                        name(source, int(s)),
                        self.need.array,
                        rows[-1][s, run],
                        1,
                        first,
                    ),
                )
            )
        return found


def _inferences(ahead: int) -> str:
    """Return the inference of an event relative to that of the iteration, as text: `, 2 inferences earlier,`."""
    if not ahead:
        return ""
    many = count_of(abs(ahead), "inference")
    return f", {many} {'earlier' if ahead < 0 else 'later'},"
