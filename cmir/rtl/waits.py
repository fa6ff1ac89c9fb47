"""What control units wait for: events of other units, counted one by one.

A unit runs the iterations of one core, or of one copy if copies run iterations in turn. Its events are its starts, so
that one wire carries them. Where the writer has copies, a reader waits for each of them by itself: starts of different
copies come in any order, those of one copy in the order of its iterations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import ALWAYS, NEVER
from cmir.elaboration.network import CoreWait, ElaboratedNetwork
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork


@dataclass(frozen=True, eq=False)
class UnitWait:
    """An automaton of a control unit that waits for another unit, or for earlier iterations of its own.

    needs: for iteration i of an inference, the iteration of `source` that must have started, counted from the start of
        the same inference there; never falls, also from one inference to the next.
    period: number of iterations of `source` in an inference.
    delay: cycles from the start of an iteration of `source` until the unit may start.
    """

    kind: DependenceKind
    source: CoreName
    array: str
    needs: np.ndarray
    period: int
    delay: int

    @property
    def consumed(self) -> np.ndarray:
        """Events that the next iteration waits for beyond those of iteration i: they add up to `period`."""
        return np.append(self.needs[1:], self.needs[0] + self.period) - self.needs

    @property
    def reset(self) -> int:
        """Tokens at reset: the events that have come, −1 less than the first iteration needs."""
        return -int(self.needs[0]) - 1


def unit_waits(timed: TimedNetwork) -> dict[CoreName, list[UnitWait]]:
    """Return the waits of each control unit of a network.

    Raises CompileError if the automata of the first inferences differ from all later ones, or release nothing.
    """
    found: dict[CoreName, list[UnitWait]] = {name: [] for name in timed.network.single_cores}
    for wait in timed.network.waits:
        _check(timed.network, wait)
        for unit, each in _of_copies(timed, wait):
            found[unit].append(each)
    return found


def _check(network: ElaboratedNetwork, wait: CoreWait) -> None:
    program = network.cores[wait.core].program.op
    if first := wait.automaton.first:
        raise CompileError(
            program,
            f"@{wait.core} waits in {count_of(len(first), 'leading inference')} for other iterations of "
            f"@{wait.source} than in later ones; a token counter has one word for all",
        )
    if (wait.automaton.needs >= NEVER).any():
        raise CompileError(
            program, f"@{wait.core} has iterations that no event of @{wait.source} releases"
        )


def _of_copies(timed: TimedNetwork, wait: CoreWait) -> Iterator[tuple[CoreName, UnitWait]]:
    """Yield the waits of each copy of a core for each copy of another."""
    network, automaton = timed.network, wait.automaton
    units, sources = network.copies(wait.core), network.copies(wait.source)
    whole = network.cores[wait.source].iterations
    for turn, source in enumerate(sources):
        period = network.single_cores[source].iterations
        events = _of_copy(automaton.needs, whole, turn, len(sources), period)
        for copy, unit in enumerate(units):
            needs = events[copy :: len(units)]
            if needs[-1] > ALWAYS // 2:
                # An iteration that waits for nothing follows those of the inference before, which have waited.
                needs = np.maximum(needs, needs[-1] - period)
                delay = timed.delay(automaton.kind, unit, source)
                yield unit, UnitWait(automaton.kind, source, automaton.array, needs, period, delay)


def _of_copy(needs: np.ndarray, whole: int, turn: int, turns: int, period: int) -> np.ndarray:
    """Return the last iteration of one copy among all up to the one that is needed, counted among the copy's own."""
    if turns == 1:
        return needs
    inference, iteration = np.divmod(needs, whole)
    own = inference * period + (iteration - turn) // turns
    return np.where(needs <= ALWAYS // 2, ALWAYS, own)
