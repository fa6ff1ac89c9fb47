"""Proof by induction that control units start no iteration early, for endless streams and any delays.

Yosys proves that in every state of the monitor in which all checks hold, they hold in the next cycle, too, and that
they hold from reset. Where the proof fails, it looks for an execution from reset in which an iteration starts early.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cmir.dialects.core_name import CoreName
from cmir.rtl.chip import ControlLogic
from cmir.rtl.elements import Elements
from cmir.rtl.lemmas import lemmas_of
from cmir.rtl.monitor import TOP, Monitor
from cmir.rtl.programs import run_program
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork

YOSYS = "yosys"

_PREPARE = f"read_verilog -sv monitor.sv; hierarchy -check -top {TOP}; proc -norom; flatten; opt -full; opt_clean"
"""Tables stay multiplexers: Yosys would otherwise make memories of them, which its solver does not take."""


@dataclass(frozen=True)
class EarlyStart:
    """A start that the monitor finds early. cycle: of the end of an execution from reset, which is cycle 0."""

    unit: CoreName
    cycle: int

    def __str__(self) -> str:
        return f"@{self.unit} can start an iteration early, in cycle {self.cycle}"


@dataclass(frozen=True)
class InductionVerdict:
    """The result of a proof. early: a counterexample, if one was found within the cycles that were searched."""

    units: int
    proved: bool
    early: EarlyStart | None = None

    def __bool__(self) -> bool:
        return self.proved

    def __str__(self) -> str:
        units = count_of(self.units, "control unit")
        if self.proved:
            return f"rtl: {units} start no iteration early, for all delays: proved by induction"
        return f"rtl: {units}: {self.early or 'not proved, and no counterexample found'}"


def prove_units(timed: TimedNetwork, cycles: int = 0) -> InductionVerdict:
    """Prove that the control units of a network start no iteration early.

    cycles: if the proof fails, how far from reset to look for a counterexample. Raises CompileError without Yosys, or
    if the network has no circuit.
    """
    return prove(Monitor(ControlLogic.of(timed), Elements.of(timed.network).merged()), cycles)


def prove(monitor: Monitor, cycles: int = 0) -> InductionVerdict:
    """Prove the property of a monitor; see `prove_units`."""
    checks = "-prove early 0 -prove astray 0 -prove lemma 0"
    output = _sat(monitor.text(lemmas_of(monitor)), f"-tempinduct -maxsteps 1 {checks}")
    units = len(monitor.names)
    if "Induction step proven: SUCCESS!" in output:
        return InductionVerdict(units, True)
    return InductionVerdict(units, False, find_early(monitor, cycles) if cycles else None)


def find_early(monitor: Monitor, cycles: int) -> EarlyStart | None:
    """Return the first start that is early, within so many cycles from reset; None if there is none."""
    search = f"-tempinduct-baseonly -maxsteps {cycles} -prove early 0 -show early"
    rows = [line.split() for line in _sat(monitor.text(), search).splitlines()]
    early = [(int(r[0]), int(r[2])) for r in rows if len(r) == 5 and r[0].isdigit()]
    if not early:
        return None
    step, units = max(early)
    number = (units & -units).bit_length() - 1
    return EarlyStart(list(monitor.names)[number], step - 1)


def _sat(text: str, arguments: str) -> str:
    """Return what Yosys's solver says about a monitor."""
    if shutil.which(YOSYS) is None:
        raise CompileError(None, "there is no yosys to prove control units with: install Yosys")
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "monitor.sv").write_text(text)
        command = f"{_PREPARE}; tee -q -o said sat {arguments} {TOP}"
        run_program([YOSYS, "-q", "-p", command], folder)
        return (folder / "said").read_text()
