"""Evaluation of LCU automata: the event of a neighbour that each iteration of a core waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from xdsl.ir import Operation

from cmir.dialects.cmcore import BufferOp, CreditOp, ReleaseOp, SnoopOp
from cmir.dialects.polyhedral import symbol
from cmir.elaboration.program import Program
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.visits import Frame, Visit, execution_order, in_order, run_of, visits
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError

NEVER = np.iinfo(np.int64).max // 4
"""The event of iterations that no event ever releases."""

ALWAYS = -NEVER
"""The event of iterations that do not wait."""

_MOST_AHEAD = 1 << 12
"""Limit of the inferences by which a release may lie ahead of its event; each may need separate evaluation."""


@dataclass(frozen=True)
class Automaton:
    """A snoop or credit of one core on a core of another program; both are given by their numbers.

    needs: for iteration i of an inference, the iteration of `source` that must have run, counted from the start of the
    same inference there, so negative for earlier inferences; monotonic. first: `needs` of the leading inferences
    0, 1, … that differ from all later ones; proved control logic has none.
    """

    kind: DependenceKind
    core: int
    source: str
    source_core: int
    array: str
    needs: np.ndarray
    first: tuple[np.ndarray, ...] = ()


def automata_of(
    kind: DependenceKind, program: Program, programs: dict[str, Program]
) -> Iterator[Automaton]:
    """Yield the automata of all cores of a program that wait for data, or for room.

    There is none for two cores that do not depend on each other.
    """
    for op in program.op.snoops if kind is DependenceKind.RAW else program.op.credits:
        source = programs[symbol(op.source)]
        yield from _Evaluation(op, program, source).automata()


class _Evaluation:
    """Evaluation of one snoop or credit, for all pairs of cores at once."""

    def __init__(self, op: SnoopOp | CreditOp, program: Program, source: Program):
        self.op, self.program, self.source = op, program, source
        if isinstance(op, SnoopOp):
            assert isinstance(op.buffer.owner, BufferOp)
            self.kind, self.array = DependenceKind.RAW, symbol(op.buffer.owner.array)
        else:
            self.kind, self.array = DependenceKind.WAR, symbol(op.array)
        own, theirs = len(program.core_coordinates), len(source.core_coordinates)
        self.core, self.source_core = np.divmod(np.arange(own * theirs), theirs)
        """Numbers of the two cores of each pair."""

    def automata(self) -> Iterator[Automaton]:
        coordinates = (
            self.program.core_coordinates[self.core],
            self.source.core_coordinates[self.source_core],
        )
        found = visits(self.op.body, ReleaseOp, np.concatenate(coordinates, axis=1))
        pair = run_of(found) if found else np.zeros(0, np.int64)
        order = execution_order(found) if found else pair
        awaits = _at_each(found, (_release(op).awaits for op, _, _ in found))[order].astype(bool)
        events = np.full(len(pair), ALWAYS)
        events[awaits] = self._events(found, pair[awaits])
        limits = self._limits(found, order, pair)
        steps = np.searchsorted(pair, np.arange(len(self.core) + 1))
        for number in self._with_something_to_wait_for(pair, awaits, limits):
            run = slice(steps[number], steps[number + 1])
            core, source_core = int(self.core[number]), int(self.source_core[number])
            needs, first = awaited_events(
                events[run],
                limits[run],
                _iterations(self.program, core),
                _iterations(self.source, source_core),
            )
            yield Automaton(
                self.kind, core, self.source.name, source_core, self.array, needs, first
            )

    def _with_something_to_wait_for(
        self, pair: np.ndarray, awaits: np.ndarray, limits: np.ndarray
    ) -> list[int]:
        """Return the pairs of cores, except those whose automaton allows all iterations from the start."""
        reached = np.full(len(self.core), -1)
        np.maximum.at(reached, pair[~awaits], limits[~awaits])
        free = reached >= np.diff(self.program.starts)[self.core] - 1
        free[pair[awaits]] = False
        return np.flatnonzero(~free).tolist()

    def _events(self, found: list[Visit], pair: np.ndarray) -> np.ndarray:
        """Return the iterations of `source` that cause the awaited events, counted from the first of their core."""
        op, source = self.op, self.source
        at = in_order([v for v in found if _release(v[0]).awaits], lambda r: _release(r).at)
        if not len(at):
            return np.zeros(0, np.int64)
        if isinstance(op, CreditOp):
            if at.shape[1] != source.points.shape[1]:
                raise CompileError(
                    op, f"{op.name} waits for points that are not iterations of @{source.name}"
                )
            events = source.index.find(at)
        else:
            shape = source.arrays[self.array].shape
            inside = at.shape[1] == len(shape) and np.all((at >= 0) & (at < np.array(shape)))
            if not inside:
                raise CompileError(op, f"{op.name} waits for a location outside @{self.array}")
            events = source.writer_of(self.array)[tuple(at.T)]
        theirs = self.source_core[pair]
        wrong = (events < 0) | (source.core_of(events) != theirs)
        if wrong.any():
            first = int(np.argmax(wrong))
            who = source.title(source.core_coordinates[theirs[first]].tolist())
            raise CompileError(
                op,
                f"{op.name} waits for {tuple(at[first].tolist())}, which {who} never brings about",
            )
        return events - source.starts[theirs]

    def _limits(self, found: list[Visit], order: np.ndarray, pair: np.ndarray) -> np.ndarray:
        """Return the last iterations allowed, counted from the core's first in the event's inference."""
        if not found:
            return np.zeros(0, np.int64)
        op, program = self.op, self.program
        upto = in_order(found, lambda r: _release(r).upto)
        ahead = np.concatenate([_ahead(op, frame) for op, frame, _ in found])[order]
        if (far := int(np.abs(ahead).max(initial=0))) > _MOST_AHEAD:
            raise CompileError(
                op, f"{op.name} reaches {count_of(far, 'inference')} away, {_MOST_AHEAD} at most"
            )
        position = program.index.find(upto)
        mine = self.core[pair]
        wrong = (position < 0) | (program.core_of(position) != mine)
        if wrong.any():
            first = int(np.argmax(wrong))
            who = program.title(program.core_coordinates[mine[first]].tolist())
            raise CompileError(
                op,
                f"{op.name} releases {tuple(upto[first].tolist())}, which is not an iteration of {who}",
            )
        return position - program.starts[mine] + ahead * np.diff(program.starts)[mine]


def _iterations(program: Program, core: int) -> int:
    return int(program.starts[core + 1] - program.starts[core])


def awaited_events(
    events: np.ndarray, limits: np.ndarray, n: int, m: int
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Return (needs, first) of n iterations, given the steps of an automaton that waits for a core with m iterations.

    A control unit takes its steps in order, inference by inference, from reset, where no iteration is allowed. Each
    step also waits for the events of all earlier steps, and limits never fall. Iterations beyond the limit that the
    steps of inference 0 lead to are released in every inference as in the preceding one.
    """
    if not len(limits):
        return np.full(n, NEVER), ()
    reach = int(limits.max())
    like_all = max(0, reach // n + 1)
    last = n * like_all + n - 1
    inferences = np.arange(max(0, -((reach - last) // n)) + 1)[:, None]
    waits = np.where(events == ALWAYS, ALWAYS, events + inferences * m).reshape(-1)
    waits = np.maximum.accumulate(waits)
    reached = np.maximum.accumulate((limits + inferences * n).reshape(-1))
    found = waits[np.searchsorted(reached, np.arange(last + 1), side="left")].reshape(-1, n)
    rows = [np.where(row == ALWAYS, ALWAYS, row - k * m) for k, row in enumerate(found)]
    *first, needs = rows
    while first and _agree(first[-1], needs, (len(first) - 1) * m):
        first.pop()
    return needs, tuple(first)


def _agree(one: np.ndarray, other: np.ndarray, before: int) -> bool:
    """Return True if both wait for the same events of a stream in which `before` iterations precede the inference."""
    return bool(np.array_equal(np.maximum(one, -before - 1), np.maximum(other, -before - 1)))


def _release(op: Operation) -> ReleaseOp:
    assert isinstance(op, ReleaseOp)
    return op


def _at_each(found: list[Visit], values: Iterable[bool]) -> np.ndarray:
    """Return the value of each operation at each of its visits."""
    each = [np.full(frame.count, value) for (_, frame, _), value in zip(found, values, strict=True)]
    return np.concatenate(each) if each else np.zeros(0, bool)


def _ahead(op: Operation, frame: Frame) -> np.ndarray:
    """Return, at each visit, the number of inferences by which a release reaches ahead of its event."""
    ahead = _release(op).ahead
    return np.zeros(frame.count, np.int64) if ahead is None else frame.spread(ahead)
