"""Synthesis of circuits with Yosys, to count gates and LUTs.

Gates have two inputs (AND, NAND, OR, NOR, XOR, XNOR), or one (NOT). The flip-flops beside them have neither enable nor
reset, so gates do both. LUTs have four inputs, without carry chains; the flip-flops beside them have an enable and a
synchronous reset, as in FPGAs. ABC maps to both with its default scripts. Yosys removes flip-flops that are constant or
equal to others.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from xdsl.dialects import hw
from xdsl.dialects.builtin import ModuleOp

from cmir.rtl.programs import run_program
from cmir.rtl.verilog import export_verilog
from cmir.support.diagnostics import CompileError

_YOSYS = "yosys"

_SCRIPT = """\
read_verilog -sv circuit.sv
synth -flatten -noabc -top {top}
design -save mapped
dfflegalize -cell $_DFF_P_ x
opt_clean
abc -g AND,NAND,OR,NOR,XOR,XNOR
opt_clean
tee -q -o gates stat -json
design -load mapped
abc -lut 4
opt_clean
tee -q -o luts stat -json
"""
"""Commands that synthesize a circuit twice: to gates, and to LUTs."""


@dataclass(frozen=True)
class Netlist:
    """Size of a synthesized circuit, in cells; see the top of this file."""

    flip_flops: int
    gates: int
    luts: int

    def __add__(self, other: Netlist) -> Netlist:
        return Netlist(
            self.flip_flops + other.flip_flops, self.gates + other.gates, self.luts + other.luts
        )

    def __rmul__(self, number: int) -> Netlist:
        """Return the size of some circuits alike."""
        return Netlist(number * self.flip_flops, number * self.gates, number * self.luts)


NOTHING = Netlist(0, 0, 0)
"""The size of no circuit."""


def synthesizable() -> bool:
    """Return True if Yosys is installed."""
    return shutil.which(_YOSYS) is not None


def synthesize(modules: Sequence[hw.HWModuleOp]) -> Netlist:
    """Return the size of a circuit. modules: all of its modules, of which the last is the circuit.

    The result depends on the circuit alone: each one has a process of Yosys of its own, as ABC's results depend on
    internal names. Raises CompileError if Yosys is not installed, or fails.
    """
    if not synthesizable():
        raise CompileError(
            None, f"gates are counted with Yosys, which is missing: install {_YOSYS}"
        )
    text = export_verilog(ModuleOp([module.clone() for module in modules]))
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "circuit.sv").write_text(text, encoding="utf-8")
        script = _SCRIPT.format(top=modules[-1].sym_name.data)
        (folder / "script.ys").write_text(script, encoding="utf-8")
        run_program([_YOSYS, "-q", "script.ys"], folder)
        gates, luts = (_cells(folder / report) for report in ("gates", "luts"))
    flip_flops = sum(count for cell, count in gates.items() if "DFF" in cell)
    return Netlist(flip_flops, sum(gates.values()) - flip_flops, luts.get("$lut", 0))


def _cells(file: Path) -> dict[str, int]:
    """Return the number of cells of each type, from a report of `stat -json`, which has a title above it."""
    text = file.read_text(encoding="utf-8")
    report, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
    (module,) = report["modules"].values()
    return module["num_cells_by_type"]
