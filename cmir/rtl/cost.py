"""Flip-flops of control logic, computed from the form of its circuits.

Every bit of state is one flip-flop: registers of walks, token counters, and delay lines. Gates need synthesis
(`cmir.rtl.synthesis`).
"""

from __future__ import annotations

from dataclasses import dataclass

from cmir.rtl.modules import paces_of
from cmir.rtl.units import ControlUnit


@dataclass(frozen=True)
class UnitBits:
    """Flip-flops of a kind of control unit.

    walk: registers that step through iterations. counters: token counters, one for each automaton. pace: delay lines
    and token counters of the unit's own starts.
    """

    walk: int
    counters: tuple[int, ...]
    pace: int

    @property
    def total(self) -> int:
        """All flip-flops of the unit."""
        return self.walk + sum(self.counters) + self.pace

    @staticmethod
    def of(unit: ControlUnit) -> UnitBits:
        """Return the flip-flops of a unit."""
        return UnitBits(
            sum(register.width for register in unit.registers),
            tuple(automaton.width for automaton in unit.automata),
            sum(line.bits + counter.width for line, counter in paces_of(unit.pace).values()),
        )
