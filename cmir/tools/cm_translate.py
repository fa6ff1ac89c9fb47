"""cm-translate: import models of other frameworks as IR, and export control logic as Verilog."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cmir.support.atomic import atomic_path, atomic_paths
from cmir.support.diagnostics import CompileError, emit, emit_remark
from cmir.support.parameter_files import SUFFIX
from cmir.support.printing import ir_text
from cmir.tools.common import run_tool
from cmir.tools.files import check_outputs, file_path
from cmir.tools.options import CommandParser, add_import, add_memory, positive, state_of
from cmir.tools.output_weights import OutputWeights
from cmir.tools.version import add_version

if TYPE_CHECKING:
    from cmir.frontends.onnx import ImportedModule
    from cmir.support.parameters import Parameters


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    options = _parser().parse_intermixed_args(arguments)
    return run_tool("cm-translate", lambda: _translate(options))


def _translate(options: argparse.Namespace) -> None:
    if options.no_batch:
        emit_remark("cm-translate", "--no-batch is now --samples whole")
        options.samples = "whole"
    if options.export_verilog or options.export_testbench is not None:
        from cmir.tools.circuits import export_circuits

        export_circuits(options)
        return
    if options.model is not None:
        raise CompileError(
            "cm-translate", f"only exports take a file by itself, got '{options.model}'"
        )
    shapes = dict(options.shape)
    if options.relation_to_svg is not None:
        _draw_relation(options, shapes)
        return
    from cmir.frontends import onnx  # late, because onnx takes longer to load than everything else

    if options.list_operators:
        print("\n".join(onnx.operators()))
    else:
        if options.output is not None and options.weights is None:
            options.weights = file_path(options.output).with_suffix(SUFFIX)
        check_outputs([options.import_onnx], [options.output, options.weights])
        imported = onnx.import_onnx(
            options.import_onnx, shapes, samples=options.samples, state=state_of(options)
        )
        check_outputs(imported.files, [options.output, options.weights])
        _write(imported, options.output, options.weights, options.print_debuginfo)


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="cm-translate",
        description="Translate a model of another framework into nn IR, whose parameters go to a safetensors file"
        " next to it; or the control logic of a compiled network into Verilog.",
    )
    parser.add_argument(
        "model",
        metavar="FILE",
        type=Path,
        nargs="?",
        help="what to export: a network at the cmcore level, or its control logic at the hw level (default: standard"
        " input)",
    )
    add_version(parser)
    _add_actions(parser)
    parser.add_argument(
        "--exporter",
        choices=("cmir", "circt"),
        default="cmir",
        help="what writes the Verilog: cmir, or CIRCT, from the extra circt (default: cmir)",
    )
    parser.add_argument(
        "-o",
        dest="output",
        metavar="FILE",
        type=Path,
        help="write the IR to FILE, and the parameters next to it, with the suffix .safetensors; or write the drawing"
        " or the Verilog to FILE (default: print them)",
    )
    parser.add_argument(
        "--weights", metavar="FILE", type=Path, help="write the parameters to this file instead"
    )
    parser.add_argument(
        "--print-debuginfo",
        action="store_true",
        help="print locations, so that reports and errors on the IR know the nodes of the model",
    )
    parser.add_argument(
        "--dependence",
        metavar="WRITER:READER[:ARRAY]",
        type=lambda text: text.split(":"),
        default=[],
        help="dependence to draw if there are several, by the names of the stages, or of their nodes, and of the array",
    )
    add_import(parser)
    parser.add_argument("--no-batch", action="store_true", help="deprecated: --samples whole")
    add_memory(parser)
    return parser


def _add_actions(parser: argparse.ArgumentParser) -> None:
    """Add what the tool can do, one of which must be chosen."""
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument(
        "--import-onnx",
        metavar="MODEL",
        type=Path,
        help="translate an ONNX file (.onnx, or .onnxtxt for ONNX's textual syntax)",
    )
    action.add_argument(
        "--relation-to-svg",
        metavar="MODEL",
        type=Path,
        help="draw a dependence of an ONNX file, or of IR at the nn or polyhedral level: the elements that"
        " iterations write and read, and the release relation; see --dependence",
    )
    action.add_argument(
        "--export-verilog",
        action="store_true",
        help="write the control units of a network as SystemVerilog, for the machine that the IR carries (default:"
        " ideal)",
    )
    action.add_argument(
        "--export-testbench",
        metavar="N",
        type=positive,
        help="write a bench that compares every start of N inferences with the timing model; expected starts go to a"
        " file next to it, with the suffix .starts",
    )
    action.add_argument(
        "--list-operators", action="store_true", help="list the supported ONNX operators"
    )


def _draw_relation(options: argparse.Namespace, shapes: Mapping[str, Sequence[int]]) -> None:
    from cmir.compilation.model import read_model
    from cmir.library.drawing import dependence_picture
    from cmir.report.plot import check_matplotlib
    from cmir.report.relation_plot import relation_svg

    weights = file_path(options.relation_to_svg).with_suffix(".safetensors")
    check_outputs([options.relation_to_svg, weights], [options.output])
    check_matplotlib("--relation-to-svg")
    model = read_model(options.relation_to_svg, None, shapes, options.samples, state_of(options))
    text = relation_svg(dependence_picture(model, options.dependence))
    if options.output is None:
        sys.stdout.write(text)
    else:
        with atomic_path(options.output) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _write(
    imported: ImportedModule, output: Path | None, weights: Path | None, debuginfo: bool
) -> None:
    """Write the IR and the parameters to their destinations: both, or neither. debuginfo: with locations."""
    parameters = imported.parameters
    if weights is None and parameters:
        emit("note", None, "the parameters are not written: see --weights")
    elif weights is not None and (output is None or weights != output.with_suffix(SUFFIX)):
        OutputWeights("cm-translate", output, weights).name_files(imported.module, parameters)
    text = f"{ir_text(imported.module, debuginfo=debuginfo)}\n"
    with atomic_paths() as temporary_for:
        if output is not None:
            temporary_for(output).write_text(text, encoding="utf-8")
        if weights is not None:
            _save(parameters, weights, temporary_for(weights))
    if output is None:
        sys.stdout.write(text)


def _save(parameters: Parameters, path: Path, temporary: Path) -> None:
    from safetensors import SafetensorError

    try:
        parameters.save(temporary)
    except SafetensorError as error:  # raised also where Python would raise an OSError
        raise CompileError(path, str(error)) from error


if __name__ == "__main__":
    from cmir.tools.entry import enter

    sys.exit(enter("cm-translate"))
