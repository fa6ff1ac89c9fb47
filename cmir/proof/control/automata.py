"""Automata of control units, evaluated step by step from reset."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from xdsl.ir import Operation

from cmir.dialects.cmcore import BufferOp, CreditOp, ProgramOp, ReleaseOp, SnoopOp
from cmir.dialects.polyhedral import symbol
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.visits import Visit, execution_order, in_order, run_of, visits
from cmir.proof.control.enumeration import NOTHING, released
from cmir.proof.control.stages import Budget, Stage
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError

_MOST_INFERENCES = 1 << 12
"""Maximum distance, in inferences, between an event and its limit."""

Find = Callable[[np.ndarray], np.ndarray]
"""Map from the coordinates that releases wait `at` to the neighbour's iterations that cause the events; -1 for none."""


Automata: TypeAlias = dict[tuple[DependenceKind, str, str], list[SnoopOp | CreditOp]]
"""The automata of a program by kind of dependence, array and neighbour."""


def automaton_operations(op: ProgramOp) -> Automata:
    """Return the automata of a program."""
    found: Automata = defaultdict(list)
    for snoop in op.snoops:
        assert isinstance(snoop.buffer.owner, BufferOp)
        array = symbol(snoop.buffer.owner.array)
        found[DependenceKind.RAW, array, symbol(snoop.source)].append(snoop)
    for credit in op.credits:
        found[DependenceKind.WAR, symbol(credit.array), symbol(credit.source)].append(credit)
    return found


class AutomatonFamily:
    """A snoop or credit, for all pairs of a core of the stage and a core of the neighbour.

    pairs: core · (number of the neighbour's cores) + core of the neighbour, for the pairs that wait for an event.
    """

    def __init__(
        self, op: SnoopOp | CreditOp, stage: Stage, source: Stage, find: Find, budget: Budget
    ):
        self.op, self.stage, self.source = op, stage, source
        own, theirs = len(stage.cores), len(source.cores)
        self.core, self.source_core = np.divmod(np.arange(own * theirs), theirs)
        runs = np.concatenate((stage.cores[self.core], source.cores[self.source_core]), axis=1)
        found = visits(op.body, ReleaseOp, runs, budget.spend)
        pair = run_of(found) if found else np.zeros(0, np.int64)
        self.events, self.limits = self._steps(found, pair, find)
        self.steps = np.searchsorted(pair, np.arange(own * theirs + 1))
        free = self._free(pair)
        self.pairs = np.flatnonzero(~free)
        self._rows: dict[tuple[bytes, bytes, int, int, int], np.ndarray] = {}

    @property
    def reach(self) -> int:
        """Maximum number of inferences that a limit lies ahead of its step."""
        if not len(self.limits):
            return 0
        pair = np.repeat(np.arange(len(self.core)), np.diff(self.steps))
        return int((self.limits // self.stage.counts[self.core[pair]]).max())

    def waits(self, pair: int, inferences: int) -> np.ndarray:
        """Return the events that the iterations of a core wait for, counted from reset.

        Shape (inferences, iterations).
        """
        run = slice(self.steps[pair], self.steps[pair + 1])
        events, limits = self.events[run], self.limits[run]
        iterations = int(self.stage.counts[self.core[pair]])
        count = int(self.source.counts[self.source_core[pair]])
        key = events.tobytes(), limits.tobytes(), iterations, count, inferences
        if key not in self._rows:
            self._rows[key] = released(events, limits, iterations, count, inferences)
        return self._rows[key]

    def _free(self, pair: np.ndarray) -> np.ndarray:
        """Return the pairs of cores whose automaton releases every iteration at once."""
        waiting = self.events != NOTHING
        reached = np.full(len(self.core), -1)
        np.maximum.at(reached, pair[~waiting], self.limits[~waiting])
        free = reached >= self.stage.counts[self.core] - 1
        free[pair[waiting]] = False
        return free

    def _steps(
        self, found: list[Visit], pair: np.ndarray, find: Find
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (events, limits) of all steps, counted from the first iteration of their cores."""
        if not found:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        order = execution_order(found)
        awaits = np.concatenate([np.full(f.count, _release(op).awaits) for op, f, _ in found])[
            order
        ]
        events = np.full(len(pair), NOTHING)
        waiting = [visit for visit in found if _release(visit[0]).awaits]
        at = in_order(waiting, lambda op: _release(op).at)
        events[awaits] = self._events(at, self.source_core[pair[awaits]], find)
        upto = in_order(found, lambda op: _release(op).upto)
        ahead = [
            np.zeros(frame.count, np.int64)
            if (value := _release(op).ahead) is None
            else frame.spread(value)
            for op, frame, _ in found
        ]
        return events, self._limits(upto, np.concatenate(ahead)[order], self.core[pair])

    def _events(self, at: np.ndarray, source_core: np.ndarray, find: Find) -> np.ndarray:
        if not len(at):
            return np.zeros(0, np.int64)
        source, event = self.source, find(at)
        wrong = (event < 0) | (source.core_of[event] != source_core)
        if wrong.any():
            first = int(np.argmax(wrong))
            core = source.cores[source_core[first]].tolist()
            raise CompileError(
                self.op,
                f"{self.op.name} waits for {_point(at[first])}, which {source.title(core)} never brings about",
            )
        return event - source.starts[source_core]

    def _limits(self, upto: np.ndarray, ahead: np.ndarray, core: np.ndarray) -> np.ndarray:
        stage, position = self.stage, self.stage.index.find(upto)
        wrong = (position < 0) | (stage.core_of[position] != core)
        if wrong.any():
            first = int(np.argmax(wrong))
            who = stage.title(stage.cores[core[first]].tolist())
            raise CompileError(
                self.op,
                f"{self.op.name} releases {_point(upto[first])}, which is no iteration of {who}",
            )
        if (far := int(np.abs(ahead).max(initial=0))) > _MOST_INFERENCES:
            raise CompileError(
                self.op,
                f"{self.op.name} reaches {count_of(far, 'inference')} away, {_MOST_INFERENCES} at most",
            )
        return position - stage.starts[core] + ahead * stage.counts[core]


def _point(coordinates: np.ndarray) -> str:
    return f"({', '.join(map(str, coordinates.tolist()))})"


def _release(op: Operation) -> ReleaseOp:
    assert isinstance(op, ReleaseOp)
    return op
