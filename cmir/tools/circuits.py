"""Export of the control logic of a network: as Verilog, and a bench for it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from cmir.support.atomic import atomic_path, atomic_paths
from cmir.support.diagnostics import CompileError
from cmir.support.file_kinds import IR, refuse_other_kinds
from cmir.tools.files import check_outputs, file_path

STARTS_SUFFIX = ".starts"
"""Suffix of the file of expected starts, next to the bench."""


def export_circuits(options: argparse.Namespace) -> None:
    """Write what `--export-verilog` or `--export-testbench` asks for. Raises CompileError or OSError."""
    path: Path | None = None if options.model in (None, Path("-")) else options.model
    if options.export_testbench is not None:
        _export_testbench(path, options.export_testbench, options.output)
        return
    check_outputs([path], [options.output])
    text = _verilog(_circuits(_read(path)), options.exporter)
    if options.output is None:
        sys.stdout.write(text)
    else:
        with atomic_path(options.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _verilog(circuits: ModuleOp, exporter: str) -> str:
    from cmir.rtl.circt_export import circt_verilog
    from cmir.rtl.verilog import export_verilog

    return circt_verilog(circuits) if exporter == "circt" else export_verilog(circuits)


def _export_testbench(path: Path | None, inferences: int, output: Path | None) -> None:
    from cmir.hardware.attribute import hardware_of
    from cmir.hardware.description import Hardware
    from cmir.rtl.chip import ControlLogic
    from cmir.rtl.testbench import Bench
    from cmir.timing.network import TimedNetwork

    if output is None:
        raise CompileError("cm-translate", "--export-testbench writes two files: give -o FILE")
    starts = file_path(output).with_suffix(STARTS_SUFFIX)
    check_outputs([path], [output, starts])
    network = _network(_read(path))
    timed = TimedNetwork.of(network, hardware_of(network) or Hardware.load("ideal"))
    bench = Bench.of(ControlLogic.of(timed), timed, inferences, starts.name)
    with atomic_paths() as temporary_for:
        temporary_for(output).write_text(bench.text(), encoding="utf-8")
        temporary_for(starts).write_text(bench.starts_text(), encoding="utf-8")


def _read(path: Path | None) -> ModuleOp:
    """Return the module of a file, or of standard input."""
    from cmir.compilation.verification import verify
    from cmir.context import make_context
    from cmir.support.parsing import parse_module

    if path is None:
        module = parse_module(sys.stdin.read(), make_context(), "<stdin>")
    else:
        refuse_other_kinds(path, "IR at the cmcore or hw level", IR)
        module = parse_module(path.read_text(encoding="utf-8"), make_context(), str(path))
    verify(module)
    return module


def _network(module: ModuleOp):
    """Return the network of a module. Raises CompileError if there is not exactly one."""
    from cmir.dialects.cmcore import NetworkOp

    found = [op for op in module.body.block.ops if isinstance(op, NetworkOp)]
    if len(found) != 1:
        raise CompileError(
            module,
            "control logic is that of a cmcore.network, of which the module has "
            f"{len(found) or 'none'}: compile it with cm-opt -p nn-to-cmcore",
        )
    return found[0]


def _circuits(module: ModuleOp) -> ModuleOp:
    """Return a module of circuits: as it is, or converted from a network."""
    from xdsl.dialects.hw import HWModuleOp

    from cmir.context import make_context
    from cmir.passes.convert_cmcore_to_hw import ConvertCmcoreToHwPass

    if not any(isinstance(op, HWModuleOp) for op in module.body.block.ops):
        _network(module)
        ConvertCmcoreToHwPass().apply(make_context(), module)
    return module
