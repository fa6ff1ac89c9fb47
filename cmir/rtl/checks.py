"""A check of control units at every iteration: of the circuit's numbers against what its core waits for."""

from __future__ import annotations

import numpy as np

from cmir.elaboration.program import Core
from cmir.rtl.trees import evaluate
from cmir.rtl.units import PlacedUnit


class WrongUnit(Exception):
    """A control unit does not do what its core needs. The text says what."""


def check_unit(placed: PlacedUnit, core: Core) -> None:
    """Check a control unit at every iteration of its core.

    Registers begin with the first iteration and step to the next from each, so that they walk through all in order,
    and return; a counter begins with what has come at reset, less what the first iteration needs; words lead from what
    an iteration needs to what the next one needs, and add up to the events of an inference. Raises WrongUnit.
    """
    rows = placed.rows
    for number, register in enumerate(placed.unit.registers):
        own = rows[:, number]
        if register.coordinate is not None:
            points = core.points[:, register.coordinate] - placed.least[register.coordinate]
            if (own != points).any():
                raise WrongUnit(f"{register.name} is not the coordinate of the iterations")
        if register.reset != own[0]:
            raise WrongUnit(f"{register.name} begins with {register.reset}, not {own[0]}")
        if (evaluate(register.next, rows, own) != np.roll(own, -1)).any():
            raise WrongUnit(f"{register.name} leaves the order of the iterations")
    for automaton, wait in zip(placed.unit.automata, placed.waits, strict=True):
        where = f"the counter of `{wait.array}` from @{wait.source}"
        words = evaluate(automaton.consumed, rows)
        if automaton.reset != -int(wait.needs[0]) - 1:
            raise WrongUnit(f"{where} begins with {automaton.reset}")
        if words.min() < 0 or words.sum() != wait.period:
            raise WrongUnit(f"{where} takes {words.sum()} events of {wait.period} in an inference")
        if (wait.needs[0] + np.cumsum(words)[:-1] != wait.needs[1:]).any():
            raise WrongUnit(f"{where} does not take what an iteration needs")
        if not automaton.low <= min(automaton.reset, -int(words.max())):
            raise WrongUnit(f"{where} is too narrow")
