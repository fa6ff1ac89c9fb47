"""Induction proof of control units, and executions that refute mutants of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from networks import Builder, compile_network

from cmir.dialects.core_name import CoreName
from cmir.rtl.chip import ControlLogic
from cmir.rtl.elements import Channel, Elements
from cmir.rtl.induction import find_early, prove, prove_units
from cmir.rtl.lemmas import lemmas_of
from cmir.rtl.monitor import Monitor
from cmir.rtl.trees import Split, Tree, Value
from cmir.rtl.units import Automaton
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork

needs_yosys = pytest.mark.skipif(
    shutil.which("yosys") is None, reason="there is no Yosys: make tools"
)

RINGS = "polyhedral-assign-storage{rows=3}"


def convolutions(size: int = 4, passes: str = RINGS, channels: int = 1) -> TimedNetwork:
    """Two convolutions; the second reads windows of three by three of what the first writes."""
    net = Builder(1, size, size)
    y = net.conv(net.conv("x", channels, pads=1), 1)
    return compile_network(net.model(y), passes=passes).timed


def small() -> TimedNetwork:
    """Two convolutions with windows of two by two, nine and four iterations, and rings of two rows."""
    net = Builder(1, 4, 4)
    y = net.conv(net.conv("x", 1, kernel=2), 1, kernel=2)
    return compile_network(net.model(y), passes="polyhedral-assign-storage{rows=2}").timed


def pooled(size: int) -> TimedNetwork:
    net = Builder(1, size, size)
    return compile_network(net.model(net.pool(net.conv("x", 1, pads=1))), passes=RINGS).timed


SMALL = {
    "small rings": small,
    "rings": lambda: convolutions(),
    "whole inferences": lambda: convolutions(passes=""),
    "channels": lambda: convolutions(channels=3),
    "pool": lambda: pooled(4),
    "two writers": lambda: convolutions(
        passes="polyhedral-replicate{stage=conv1 copies=2 by=rows}"
    ),
    "turns": lambda: convolutions(passes="polyhedral-replicate{stage=conv1 copies=2 by=turns}"),
}


@needs_yosys
@pytest.mark.parametrize("name", SMALL)
def test_no_unit_starts_early(name: str) -> None:
    verdict = prove_units(SMALL[name]())
    assert verdict, str(verdict)
    assert str(verdict).endswith("start no iteration early, for all delays: proved by induction")


def with_automaton(logic: ControlLogic, unit: CoreName, changed: Automaton) -> ControlLogic:
    """Units of which one has another automaton in place of its only one."""
    placed = logic.units[unit]
    (automaton,) = placed.unit.automata
    wide = replace(changed, low=automaton.low - 8, high=automaton.high + 8)
    mutant = replace(placed, unit=replace(placed.unit, automata=(wide,)))
    return ControlLogic({**logic.units, unit: mutant})


def with_less(tree: Tree) -> Iterator[Tree]:
    """The trees of which one leaf is less by one."""
    if isinstance(tree, Value):
        yield replace(tree, value=tree.value - 1)
        return
    assert isinstance(tree, Split)
    yield from (replace(tree, then=branch) for branch in with_less(tree.then))
    yield from (replace(tree, other=branch) for branch in with_less(tree.other))


def mutants(logic: ControlLogic) -> Iterator[tuple[str, ControlLogic]]:
    """Units of which one counts on an event too many: from reset, or from an iteration on."""
    for name, placed in logic.units.items():
        (automaton,) = placed.unit.automata
        yield (
            f"reset of {name}",
            with_automaton(logic, name, replace(automaton, reset=automaton.reset + 1)),
        )
        for number, tree in enumerate(with_less(automaton.consumed)):
            mutant = with_automaton(logic, name, replace(automaton, consumed=tree))
            yield f"leaf {number} of {name}", mutant


CYCLES = 24
"""How far mutants are searched: two inferences of the first convolution, and some more."""


LATE = "leaf 2 of conv2"
"""The mutant that needs the longest execution: a unit starts early in the second inference."""

MUTANTS = [what for what, _ in mutants(ControlLogic.of(small())) if what != LATE]


@needs_yosys
@pytest.mark.parametrize("what", MUTANTS)
def test_mutants_start_early(what: str) -> None:
    assert_early(what)


def assert_early(what: str) -> None:
    """Check that a mutant lets the reader start early in an execution."""
    timed = small()
    elements, logic = Elements.of(timed.network).merged(), ControlLogic.of(timed)
    early = find_early(Monitor(dict(mutants(logic))[what], elements), CYCLES)
    assert early is not None and early.unit == CoreName("conv2")
    assert str(early).startswith("@conv2 can start an iteration early, in cycle ")


@needs_yosys
def test_a_mutant_is_not_proved() -> None:
    timed = small()
    elements, logic = Elements.of(timed.network).merged(), ControlLogic.of(timed)
    verdict = prove(Monitor(dict(mutants(logic))["reset of conv2"], elements))
    assert not verdict
    assert str(verdict).endswith("not proved, and no counterexample found")


@needs_yosys
def test_wider_counters_start_nothing_early() -> None:
    """The counters of mutants are wider, which alone is no mistake."""
    timed = small()
    elements, logic = Elements.of(timed.network).merged(), ControlLogic.of(timed)
    for name, placed in logic.units.items():
        logic = with_automaton(logic, name, placed.unit.automata[0])
    assert find_early(Monitor(logic, elements), 10) is None


@needs_yosys
@pytest.mark.parametrize("name", ["conv1", "conv2"])
def test_a_unit_that_waits_for_nothing_starts_early(name: str) -> None:
    """Without waits for credits, or for data: the monitor does not look at what units wait for."""
    timed = small()
    logic, elements = ControlLogic.of(timed), Elements.of(timed.network).merged()
    placed = logic.units[CoreName(name)]
    free = replace(placed, unit=replace(placed.unit, automata=()), waits=())
    early = find_early(Monitor(ControlLogic({**logic.units, placed.name: free}), elements), CYCLES)
    assert early is not None and early.unit == CoreName("conv2")


@needs_yosys
def test_units_run() -> None:
    """A reader of what nobody sends is found early at its first start, so starts are reached."""
    timed = small()
    elements = Elements.of(timed.network)
    early = find_early(Monitor(ControlLogic.of(timed), replace(elements, sent={})), CYCLES)
    assert early is not None
    # It waits for iteration (1, 1), the fifth. Starts and arrivals take cycles 1 to 5, and the reader starts then.
    assert (early.unit, early.cycle) == (CoreName("conv2"), 6)


def test_elements_of_a_ring() -> None:
    """What the convolutions send and read, by the formulas of a ring of three rows."""
    elements = Elements.of(convolutions().network)
    assert elements.period == 3 and elements.most_back == 0
    conv1, conv2 = CoreName("conv1"), CoreName("conv2")
    buffer = elements.slots[0][1]

    def slot(n: int, h: int, w: int) -> tuple[CoreName, int, int]:
        return conv2, buffer, (4 * n + h) % 3 * 4 + w

    (channel,) = elements.sent
    assert channel == Channel(conv1, conv2, channel.array)
    for n in range(3):
        for j in range(16):
            assert elements.sent[channel][n][j] == {slot(n, *divmod(j, 4)): j}
        for i in range(4):
            h, w = divmod(i, 2)
            window = {(h + a, w + b) for a in range(3) for b in range(3)}
            read = elements.read[conv2][n][i]
            assert {(r.slot, r.location) for r in read} == {
                (slot(n, *at), 4 * at[0] + at[1]) for at in window
            }
            assert all(r.back == 0 for r in read)


def test_slots_of_channels_are_merged() -> None:
    one, three = (Elements.of(convolutions(channels=c).network) for c in (1, 3))
    assert len(three.slots) == 3 * len(one.slots)
    assert len(three.merged().slots) == len(one.merged().slots) == len(one.slots)


def test_the_monitor_knows_no_needs() -> None:
    """Without lemmas, the text is the same whatever units wait for, but for the units themselves."""
    timed = convolutions()
    logic, elements = ControlLogic.of(timed), Elements.of(timed.network).merged()
    monitor = Monitor(logic, elements)
    own = monitor.text().split("module monitor (")[1]
    assert "tokens" not in own and "needs" not in own
    assert "tokens" in "\n".join(lemmas_of(monitor))


def test_without_yosys(monkeypatch: pytest.MonkeyPatch) -> None:
    timed = convolutions()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CompileError, match="there is no yosys to prove control units with"):
        prove_units(timed)
