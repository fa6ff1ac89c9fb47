"""cm-reduce: shrink IR that fails a test."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from cmir.compilation.verification import verify
from cmir.context import CmirContext, make_context
from cmir.extensions import installed_universe
from cmir.pipelines.text import parse_passes, parse_steps, pipeline_text
from cmir.support.atomic import atomic_paths
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.support.file_kinds import IR, refuse_other_kinds
from cmir.support.parameter_files import open_parameters
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module
from cmir.support.printing import ir_text
from cmir.tools.common import run_tool
from cmir.tools.files import check_outputs
from cmir.tools.options import CommandParser
from cmir.tools.output_weights import OutputWeights
from cmir.tools.reduction_tests import Command, Failure
from cmir.tools.reproducer import Reproducer
from cmir.tools.version import add_version

NAME = "cm-reduce"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    options = _parser().parse_args(arguments)
    return run_tool(NAME, lambda: _run(options))


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog=NAME,
        description="Shrink IR that fails: drop networks, stages and operations, and make extents smaller, as long as"
        " the failure stays. A reproducer of cm-opt needs no options.",
    )
    parser.add_argument("file", type=Path, help="IR, or a reproducer of cm-opt")
    parser.add_argument(
        "-p",
        "--passes",
        metavar="PASSES",
        help="passes that fail, instead of those of a reproducer",
    )
    parser.add_argument(
        "--error",
        metavar="TEXT",
        help="the failure is an error with TEXT in its message (default: an error of the same type, from the same"
        " line of code if it is an internal error)",
    )
    parser.add_argument(
        "--test",
        metavar="COMMAND",
        help="the failure is that COMMAND succeeds, with the name of a file as its last argument",
    )
    parser.add_argument(
        "--weights", metavar="FILE", help="values of parameters (safetensors)", type=Path
    )
    parser.add_argument("-o", "--output-file", metavar="FILE", type=Path, help="output file")
    add_version(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    from cmir.reduction.search import reduce

    check_outputs([options.file, options.weights], [options.output_file])
    if options.test is not None and (options.passes is not None or options.error is not None):
        raise CompileError(NAME, "--test excludes --passes and --error")
    refuse_other_kinds(options.file, "IR or a reproducer", IR)
    text = options.file.read_text(encoding="utf-8")
    reproducer = _reproducer(options, text)
    ctx = make_context()
    ctx.allow_unregistered = reproducer is None or reproducer.allows_unregistered
    module = parse_module(text, ctx, str(options.file))
    parameters = open_parameters(module, options.file, options.weights)
    if reproducer is not None and (options.weights is not None or reproducer.parameters is None):
        reproducer = dataclasses.replace(reproducer, parameters=parameters)
    test = _test(options, reproducer, ctx, parameters)
    valid = _is_valid(module)

    def fails(candidate: ModuleOp) -> bool:
        return (not valid or _is_valid(candidate)) and test.fails(candidate)

    if not fails(module):
        raise CompileError(options.file, "it does not fail: there is nothing to reduce")
    before = _size(module)
    reduced = reduce(module, fails)
    weights = OutputWeights(NAME, options.output_file, None)
    if reproducer is None:
        weights.name_files(reduced, parameters)
    _write(reduced, reproducer, weights, options.output_file)
    print(
        f"{NAME}: {count_of(before, 'operation')} reduced to {_size(reduced)}, in {count_of(test.count, 'test')}",
        file=sys.stderr,
    )
    return 0


def _test(
    options: argparse.Namespace,
    reproducer: Reproducer | None,
    ctx: CmirContext,
    parameters: Parameters | None,
) -> Command | Failure:
    """Return the test that the options ask for. Raises CompileError if they ask for none."""
    if options.test is not None:
        return Command(options.test, reproducer, parameters)
    if reproducer is None:
        message = "it is no reproducer: give the passes that fail (-p), or a test (--test)"
        raise CompileError(options.file, message)
    steps = parse_steps(reproducer.pipeline, "pipeline", installed_universe().all_passes)
    return Failure(ctx, steps, reproducer, options.error)


def _reproducer(options: argparse.Namespace, text: str) -> Reproducer | None:
    """Return what the file reproduces, or the options; None if neither names passes."""
    if options.passes is not None:
        passes = parse_passes(options.passes, "-p", installed_universe().all_passes)
        return Reproducer(text, pipeline_text(passes))
    return Reproducer.read(text, str(options.file)) if "mlir_reproducer" in text else None


def _write(
    module: ModuleOp, reproducer: Reproducer | None, weights: OutputWeights, file: Path | None
) -> None:
    text = f"{_printed(module)}\n"
    if reproducer is not None:
        text = reproducer.with_text(text).naming_only(module).file_text()
    if file is None:
        sys.stdout.write(text)
        return
    with atomic_paths() as temporary_for:
        weights.write(temporary_for)
        temporary_for(file).write_text(text, encoding="utf-8")


def _printed(module: ModuleOp) -> str:
    """Return the text of a module, in generic form if it is invalid: the custom form may not print it."""
    return ir_text(module, generic=not _is_valid(module))


def _is_valid(module: ModuleOp) -> bool:
    try:
        verify(module)
    except CompileError:
        return False
    return True


def _size(module: ModuleOp) -> int:
    return sum(1 for _ in module.walk()) - 1


if __name__ == "__main__":
    from cmir.tools.entry import enter

    sys.exit(enter(NAME))
