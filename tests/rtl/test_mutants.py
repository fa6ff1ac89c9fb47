"""Mutants of control units: the checks of the conversion refuse them, or a simulation finds a wrong start."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from networks import Builder
from proof.networks_to_prove import RINGS, lower
from rtl.programs import needs_icarus, timed_on
from rtl.test_latencies import Latencies, simulated

from cmir.dialects.cmcore import NetworkOp
from cmir.rtl.checks import WrongUnit, check_unit
from cmir.rtl.chip import ControlLogic
from cmir.rtl.trees import Split, Tree, Value
from cmir.rtl.units import Automaton, ControlUnit


def residual() -> NetworkOp:
    """A stride, a skip, and rings."""
    net = Builder(1, 6, 6)
    a = net.conv("x", 1, 3, 2, 1)
    return lower(net, net.add(net.conv(net.conv(a, 1, pads=1), 1, pads=1), a), passes=RINGS)


def changed_leaves(tree: Tree) -> Iterator[Tree]:
    """The tree with one leaf one more or less."""
    if isinstance(tree, Value):
        yield from (replace(tree, value=tree.value + by) for by in (1, -1))
        return
    yield from (replace(tree, then=branch) for branch in changed_leaves(tree.then))
    yield from (replace(tree, other=branch) for branch in changed_leaves(tree.other))


def changed_automata(automaton: Automaton) -> Iterator[Automaton]:
    """One more or less at reset or in a leaf, in counters that are as wide as that needs."""
    wide = replace(automaton, low=automaton.low - 9, high=automaton.high + 9)
    yield from (replace(wide, reset=wide.reset + by) for by in (1, -1))
    yield from (replace(wide, consumed=tree) for tree in changed_leaves(wide.consumed))


def changed_units(unit: ControlUnit) -> Iterator[ControlUnit]:
    for at, automaton in enumerate(unit.automata):
        for other in changed_automata(automaton):
            automata = (*unit.automata[:at], other, *unit.automata[at + 1 :])
            yield replace(unit, automata=automata)
    for at, register in enumerate(unit.registers):
        for tree in changed_leaves(register.next):
            registers = (
                *unit.registers[:at],
                replace(register, next=tree),
                *unit.registers[at + 1 :],
            )
            yield replace(unit, registers=registers)


def mutants(logic: ControlLogic) -> Iterator[ControlLogic]:
    for name, placed in logic.units.items():
        for unit in changed_units(placed.unit):
            yield ControlLogic({**logic.units, name: replace(placed, unit=unit)})


def test_the_check_refuses_every_mutant() -> None:
    timed = timed_on(residual())
    logic = ControlLogic.of(timed)
    count = 0
    for mutant in mutants(logic):
        (name,) = [n for n in logic.units if mutant.units[n] is not logic.units[n]]
        with pytest.raises(WrongUnit):
            check_unit(mutant.units[name], timed.network.single_cores[name])
        count += 1
    assert count > 80


@needs_icarus
def test_a_simulation_finds_every_mutant(tmp_path: Path) -> None:
    """With random latencies, so that each automaton is at times the one that a start waits for."""
    logic = ControlLogic.of(timed_on(residual()))
    every = [*mutants(logic)]
    for mutant in random.Random(0).sample(every, 40):
        found = (
            simulated(mutant, Latencies(mutant, seed, often), tmp_path)
            for seed, often in enumerate((0.5, 0.15, 0.95, 0.05))
        )
        assert any(found)


@pytest.mark.parametrize("tree", [Value, Split])
def test_there_are_mutants_of_every_kind(tree: type) -> None:
    automata = [
        a for p in ControlLogic.of(timed_on(residual())).units.values() for a in p.unit.automata
    ]
    assert any(isinstance(automaton.consumed, tree) for automaton in automata)
