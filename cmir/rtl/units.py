"""Control units: when a core starts its next iteration, and which one that is.

A unit has a walk through the iterations of its core and an automaton for each neighbour that it waits for. An automaton
is a token counter t. An event of the neighbour adds one token, and the start of iteration i takes

    cons[i] = needs[i + 1] − needs[i],    cons[N − 1] = needs[0] + M − needs[N − 1]

of them. From −needs[0] − 1 at reset, t is the number of events that have come, less needs[i] + 1 for the next iteration
i: the unit may start it while t ≥ 0. The pace of a core is such an automaton, too, on the core's own starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.elaboration.program import Core
from cmir.isl.dependence_kind import DependenceKind
from cmir.rtl.bounds import most_tokens, signed_width
from cmir.rtl.trees import MOST_LEAVES, Tree, TreeTooLarge
from cmir.rtl.waits import UnitWait
from cmir.rtl.walks import Register, walk_of
from cmir.support.diagnostics import CompileError


@dataclass(frozen=True)
class Automaton:
    """A token counter. reset: tokens at reset. low, high: the fewest and the most tokens. consumed: by iteration."""

    reset: int
    low: int
    high: int
    consumed: Tree

    @property
    def width(self) -> int:
        """Flip-flops."""
        return signed_width(self.low, self.high)


@dataclass(frozen=True)
class ControlUnit:
    """A kind of control unit; cores that are alike share it.

    registers: of the walk; coordinates are relative to the least of the core. automata: one for each wait, in order.
    """

    registers: tuple[Register, ...]
    automata: tuple[Automaton, ...]
    pace: Pace

    @property
    def coordinates(self) -> list[Register]:
        """The registers of coordinates, in order; the others are helpers."""
        return [register for register in self.registers if register.coordinate is not None]


@dataclass(frozen=True, eq=False)
class PlacedUnit:
    """The control unit of a core.

    least: what its coordinates are relative to. waits: those of the automata. rows: the registers in each iteration.
    """

    name: CoreName
    unit: ControlUnit
    least: tuple[int, ...]
    waits: Sequence[UnitWait]
    rows: np.ndarray


def unit_of(core: Core, waits: Mapping[CoreName, Sequence[UnitWait]], pace: Pace) -> PlacedUnit:
    """Return the control unit of a core. waits: those of all cores.

    Raises CompileError if events of a neighbour are not bounded, or if iterations have too little structure.
    """
    own = waits[core.name]
    try:
        walk = walk_of(core, [wait.consumed for wait in own])
    except TreeTooLarge:
        raise CompileError(
            core.program.op,
            f"the control unit of @{core.name} needs a decision tree of more than {MOST_LEAVES} leaves; a schedule "
            "with more regular tiles makes it smaller",
        ) from None
    automata = [
        _automaton(core, wait, tree, most_tokens(core.name, wait, waits))
        for wait, tree in zip(own, walk.words, strict=True)
    ]
    return PlacedUnit(
        core.name, ControlUnit(walk.registers, tuple(automata), pace), walk.least, own, walk.rows
    )


def _automaton(core: Core, wait: UnitWait, tree: Tree, high: int | None) -> Automaton:
    if high is None:
        events = "data" if wait.kind is DependenceKind.RAW else "credits"
        raise CompileError(
            core.program.op,
            f"nothing bounds the {events} of @{wait.source} for `{wait.array}` that @{core.name} has not used yet: "
            f"@{wait.source} never waits for @{core.name}, so that no counter is wide enough",
        )
    low = min(wait.reset, -int(wait.consumed.max()))
    return Automaton(wait.reset, low, high, tree)
