"""Simulators of Verilog that may be installed: Icarus Verilog and Verilator."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from cmir.rtl.programs import run_program
from cmir.support.diagnostics import CompileError

SimulatorName = Literal["icarus", "verilator"]

SIMULATORS: tuple[SimulatorName, ...] = get_args(SimulatorName)

_PROGRAMS: dict[SimulatorName, tuple[str, ...]] = {
    "icarus": ("iverilog", "vvp"),
    "verilator": ("verilator", "g++", "make"),
}
"""The programs that each simulator needs."""


def installed() -> list[SimulatorName]:
    """Return the simulators that can run here."""
    return [name for name, programs in _PROGRAMS.items() if all(map(shutil.which, programs))]


def check_installed(simulator: SimulatorName | None) -> None:
    """Raise CompileError if a simulator cannot run here; None for any."""
    names = SIMULATORS if simulator is None else (simulator,)
    if not {*names} & {*installed()}:
        packages = {"icarus": "Icarus Verilog (iverilog)", "verilator": "Verilator and g++"}
        wanted = " or ".join(packages[name] for name in names)
        raise CompileError(None, f"there is no simulator for control units: install {wanted}")


def run_simulator(simulator: SimulatorName, folder: Path, files: Sequence[str], top: str) -> str:
    """Compile SystemVerilog files of a folder and run them there; return what the bench prints."""
    if simulator == "icarus":
        run_program(["iverilog", "-g2012", "-s", top, "-o", "bench.vvp", *files], folder)
        return run_program(["vvp", "-n", "bench.vvp"], folder)
    flags = ["--binary", "--timing", "-Wno-fatal", "-Wno-lint", "-O3", "-CFLAGS", "-O1"]
    run_program(["verilator", *flags, "--top-module", top, "-Mdir", "built", *files], folder)
    return run_program([f"built/V{top}"], folder)
