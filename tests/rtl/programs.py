"""Programs that tests of circuits need, and circuits of networks."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.chip import chip_of
from cmir.hardware.description import Hardware
from cmir.passes.cmcore_place_cores import CmcorePlaceCoresPass
from cmir.rtl.chip import ControlLogic
from cmir.rtl.simulators import installed, run_simulator
from cmir.rtl.verilog import export_verilog
from cmir.timing.network import TimedNetwork

needs_icarus = pytest.mark.skipif(
    "icarus" not in installed(), reason="there is no Icarus Verilog: make tools"
)
needs_verilator = pytest.mark.skipif(
    shutil.which("verilator") is None, reason="there is no Verilator: make tools"
)
needs_yosys = pytest.mark.skipif(
    shutil.which("yosys") is None, reason="there is no Yosys: make tools"
)


def timed_on(network: NetworkOp, hardware: str | Hardware = "ideal") -> TimedNetwork:
    """A network on a machine, with its cores placed where the machine has places."""
    machine = Hardware.load(hardware) if isinstance(hardware, str) else hardware
    if chip_of(machine) is not None:
        CmcorePlaceCoresPass(hardware=machine).apply_to(make_context(), network)
    return TimedNetwork.of(network, machine)


def verilog_of(logic: ControlLogic) -> str:
    return export_verilog(ModuleOp([*logic.modules()]))


def run_icarus(folder: Path, files: Sequence[tuple[str, str]], top: str) -> str:
    """Write files, given by name and text, to a folder, run the bench, and return what it prints."""
    for name, text in files:
        (folder / name).write_text(text)
    sources = [name for name, _ in files if name.endswith(".sv")]
    return run_simulator("icarus", folder, sources, top)
