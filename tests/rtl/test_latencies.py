"""Control units under random latencies of events: never early, and never late.

A bench of the test's own delivers the events of each wait in order, each after a random time, and prints every event
and every start. The iterations that a start needs are those of the elaborated automata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from networks import Builder
from proof.networks_to_prove import RINGS, in_turns, lower, replicated, residual, tiled
from rtl.programs import needs_icarus, run_icarus, timed_on
from xdsl.dialects.builtin import ModuleOp

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.rtl.chip import ControlLogic
from cmir.rtl.units import ControlUnit, PlacedUnit
from cmir.rtl.verilog import export_verilog

INFERENCES = 4

HELD = 300
"""Cycles for which a unit can be held."""

TOP = "latencies"


@dataclass
class Latencies:
    """A bench in which each event takes a random time. hold: a unit that starts nothing for the first cycles."""

    logic: ControlLogic
    seed: int
    often: float
    hold: CoreName | None = None

    def text(self) -> str:
        names, goal = self.logic.names, "".join(self._counts())
        lines = [
            f"module {TOP};",
            "  logic clk = 0, rst = 1; always #5 clk = !clk;",
            f"  integer cycle = 0, left = {len(names)}, seed = {self.seed};",
            "  initial begin repeat (2) @(negedge clk); rst = 0; end",
            *(
                line
                for name, placed in self.logic.units.items()
                for line in self._unit(name, placed)
            ),
            "  always @(posedge clk) if (!rst) begin",
            goal,
            "    cycle <= cycle + 1;",
            '    if (left == 0 || cycle == 20000) begin $display("END %0d", left); $finish; end',
            "  end",
            "endmodule",
        ]
        return "\n".join(lines)

    def _unit(self, name: CoreName, placed: PlacedUnit) -> Iterator[str]:
        short = self.logic.names[name]
        held = f"(cycle < {HELD})" if name == self.hold else "1'b0"
        ports = [f".clk(clk), .rst(rst), .hold({held}), .fire(fire_{short})"]
        yield f"  wire fire_{short}; integer count_{short} = 0;"
        for number, wait in enumerate(placed.waits):
            at, source = f"{number}_{short}", self.logic.names[wait.source]
            chance = int(self.often * 1024)
            yield f"  integer sent_{at} = 0; reg now_{at} = 0; wire event_{at} = now_{at} & sent_{at} > 0 & !rst;"
            yield f"  always @(posedge clk) if (!rst) begin sent_{at} <= sent_{at} + fire_{source} - event_{at};"
            yield f"    now_{at} <= ($random(seed) & 1023) < {chance};"
            yield f'    if (event_{at}) $display("E {short} {number} %0d", cycle); end'
            ports.append(f".event{number}(event_{at})")
        yield f"  {self.logic.kinds[placed.unit]} unit_{short} ({', '.join(ports)});"

    def _counts(self) -> Iterator[str]:
        for name, placed in self.logic.units.items():
            short = self.logic.names[name]
            total = INFERENCES * iterations_of(placed, self.logic)
            yield f'    if (fire_{short}) begin $display("F {short} %0d", cycle);'
            yield f" count_{short} <= count_{short} + 1; if (count_{short} == {total - 1}) left = left - 1; end\n"


def iterations_of(placed: PlacedUnit, logic: ControlLogic) -> int:
    """The iterations of a unit in an inference: what any of its waits, or of those on it, says."""
    if placed.waits:
        return len(placed.waits[0].needs)
    return next(
        wait.period
        for other in logic.units.values()
        for wait in other.waits
        if wait.source == placed.name
    )


def problems(logic: ControlLogic, printed: str, hold: CoreName | None) -> list[str]:
    """Starts that are earlier than their events, or later than they and the pace allow."""
    starts: dict[str, list[int]] = {}
    events: dict[tuple[str, int], list[int]] = {}
    for line in printed.splitlines():
        match line.split():
            case "F", unit, cycle:
                starts.setdefault(unit, []).append(int(cycle))
            case "E", unit, number, cycle:
                events.setdefault((unit, int(number)), []).append(int(cycle))
            case _:
                pass
    found: list[str] = []
    for name, placed in logic.units.items():
        short = logic.names[name]
        for index, start in enumerate(starts.get(short, [])):
            due = earliest(
                placed,
                index,
                starts[short],
                [events.get((short, number), []) for number in range(len(placed.waits))],
            )
            if due is not None and name == hold:
                due = max(due, HELD)
            if due is None or start < due:
                found.append(f"{short} starts {index} early: {start}, not {due}")
            elif start > due:
                found.append(f"{short} starts {index} late: {start}, not {due}")
    if "END 0" not in printed:
        found.append("some units stop")
    return found


def earliest(
    placed: PlacedUnit, index: int, starts: Sequence[int], events: Sequence[Sequence[int]]
) -> int | None:
    """The cycle after the last event that an iteration needs, and no sooner than the pace; None if one is missing."""
    due = 0
    for back, cycles in placed.unit.pace.bounds:
        if index >= back:
            due = max(due, starts[index - back] + cycles)
    for wait, seen in zip(placed.waits, events, strict=True):
        inference, iteration = divmod(index, len(wait.needs))
        need = int(wait.needs[iteration]) + inference * wait.period
        if need >= len(seen):
            return None
        if need >= 0:
            due = max(due, seen[need] + 1)
    return due


def simulated(logic: ControlLogic, bench: Latencies, folder: Path) -> list[str]:
    chip = export_verilog(ModuleOp([*logic.modules()]))
    printed = run_icarus(folder, [("chip.sv", chip), ("tb.sv", bench.text())], TOP)
    return problems(logic, printed, bench.hold)


def pair() -> NetworkOp:
    net = Builder(1, 6, 6)
    return lower(net, net.pool(net.conv("x", 1, pads=1), "Max", 2, 2), passes=RINGS)


@needs_icarus
@pytest.mark.parametrize(
    "make", [pair, residual, tiled, replicated, in_turns], ids=lambda m: m.__name__
)
@pytest.mark.parametrize("often", [0.15, 0.5, 0.95])
def test_random_latencies(make: Callable[[], NetworkOp], often: float, tmp_path: Path) -> None:
    logic = ControlLogic.of(timed_on(make()))
    for seed in 1, 2:
        assert simulated(logic, Latencies(logic, seed, often), tmp_path) == []


@needs_icarus
def test_a_stalled_reader_needs_every_bit(tmp_path: Path) -> None:
    """A unit that is held does not lose events; with a bit less it does."""
    logic = ControlLogic.of(timed_on(pair()))
    (reader,) = [name for name in logic.units if name.program.startswith("max_pool")]
    held = Latencies(logic, 1, 0.9, reader)
    assert simulated(logic, held, tmp_path) == []
    placed = logic.units[reader]
    narrow = [narrower(placed.unit, at) for at in range(len(placed.unit.automata))]
    for unit in narrow:
        changed = ControlLogic({**logic.units, reader: replace(placed, unit=unit)})
        assert simulated(changed, replace(held, logic=changed), tmp_path) != []


def narrower(unit: ControlUnit, at: int) -> ControlUnit:
    """A unit with a counter that is one bit narrower. Its constants keep their low bits."""
    automaton = unit.automata[at]
    high, low = automaton.high, automaton.low
    while max(high.bit_length(), (~low).bit_length()) + 1 == automaton.width:
        high, low = high // 2, -((-low) // 2)
    automata = (
        *unit.automata[:at],
        replace(automaton, high=high, low=low),
        *unit.automata[at + 1 :],
    )
    return replace(unit, automata=automata)
