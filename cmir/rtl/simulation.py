"""Simulation of control logic with a Verilog simulator, against the starts of the timing recurrence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from xdsl.dialects.builtin import ModuleOp

from cmir.rtl.chip import ControlLogic
from cmir.rtl.simulators import SimulatorName, check_installed, installed, run_simulator
from cmir.rtl.testbench import TOP, Bench
from cmir.rtl.verilog import export_verilog
from cmir.support.counts import count_of
from cmir.timing.network import TimedNetwork

_WORTH_COMPILING = 1 << 17
"""Cycles beyond which Verilator's compilation takes less time than it saves."""


@dataclass(frozen=True)
class SimulationVerdict:
    """The result of a simulation. right: starts that are as expected, of `count`. found: differences, in words."""

    simulator: SimulatorName
    units: int
    inferences: int
    cycles: int
    right: int
    count: int
    found: Sequence[str]

    def __bool__(self) -> bool:
        return self.right == self.count and not self.found

    def __str__(self) -> str:
        what = (
            f"{count_of(self.units, 'control unit')} in {self.simulator.capitalize()}, "
            f"{count_of(self.inferences, 'inference')}, {count_of(self.cycles, 'cycle')}"
        )
        if self:
            return f"rtl: {what}: all {count_of(self.count, 'start')} as in the engine"
        return "\n".join(
            [
                f"rtl: {what}: {self.count - self.right} of {count_of(self.count, 'start')} differ",
                *(f"  {each}" for each in self.found),
            ]
        )


def simulate(
    timed: TimedNetwork, inferences: int, simulator: SimulatorName | None = None
) -> SimulationVerdict:
    """Simulate the control logic of a network for a number of inferences, and compare every start.

    simulator: by default, Icarus Verilog for short simulations and Verilator for long ones, as far as installed.
    Raises CompileError if there is no simulator, or no circuit.
    """
    check_installed(simulator)
    logic = ControlLogic.of(timed)
    bench = Bench.of(logic, timed, inferences, "chip.starts")
    if simulator is None:
        long = bench.last > _WORTH_COMPILING
        preferred: SimulatorName = "verilator" if long else "icarus"
        simulator = preferred if preferred in (available := installed()) else available[0]
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "chip.sv").write_text(export_verilog(ModuleOp(list(logic.modules()))))
        (folder / "chip_tb.sv").write_text(bench.text())
        (folder / "chip.starts").write_text(bench.starts_text())
        output = run_simulator(simulator, folder, ["chip.sv", "chip_tb.sv"], TOP)
    return _verdict(simulator, bench, output)


def _verdict(simulator: SimulatorName, bench: Bench, output: str) -> SimulationVerdict:
    right, found = 0, []
    for line in output.splitlines():
        word, *numbers = line.split() or [""]
        if word in ("PASS", "FAIL"):
            right = int(numbers[0])
        elif word == "WRONG":
            unit, number, cycle, expected, at, at_expected = map(int, numbers)
            where = "" if at == at_expected else ", with other coordinates"
            found.append(
                f"@{bench.names[unit]} starts its iteration {number} in cycle {cycle}, not {expected}{where}"
            )
        elif word == "MISSING":
            unit, seen = map(int, numbers)
            found.append(f"@{bench.names[unit]} starts only {count_of(seen, 'iteration')}")
    return SimulationVerdict(
        simulator,
        len(bench.names),
        bench.report.inferences,
        bench.last + 1,
        right,
        bench.count,
        found,
    )
