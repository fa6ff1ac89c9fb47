"""Command-line arguments of cm-opt."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

from cmir.passes.pipelines import installed_pipelines
from cmir.support.unloaded import unloaded_hint, unloaded_warnings
from cmir.tools.completion import OPTION, add_completion
from cmir.tools.ir_dumps import add_dump_options
from cmir.tools.options import CommandParser, add_memory, exit_with
from cmir.tools.pass_flags import PassFlag, split_pass_flags

NAME = "cm-opt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add cm-opt's own arguments to those of xdsl-opt, and mend the help texts of the latter."""
    parser.prog = NAME
    parser.usage = "cm-opt [options] [--PASS[={options}] …] [file]"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for action in parser._actions:
        if action.dest in _HELP:
            action.help = _HELP[action.dest]
        if action.dest == "passes":
            action.default = None
    _replace_verify_diagnostics(parser)
    parser.add_argument(
        "--pass-pipeline",
        metavar="PIPELINE",
        help="passes to run, in MLIR's syntax: 'builtin.module(pass-a,func.func(pass-b{option=1 flag}))'",
    )
    parser.add_argument(
        "--dump-pass-pipeline",
        action="store_true",
        help="print the passes that are run, named pipelines expanded, as --pass-pipeline takes them, to stderr",
    )
    parser.add_argument(
        "--pass-statistics",
        action="store_true",
        help="print what each pass did: stages, rows saved, events …, to stderr",
    )
    parser.add_argument(
        "--verify-roundtrip",
        action="store_true",
        help="check that the input and the output print and parse back to the same IR",
    )
    parser.add_argument(
        "--print-op-on-diagnostic",
        action="store_true",
        help="print the operation that an error is about, and the pass that reported it",
    )
    _add_reproducers(parser)
    add_dump_options(parser)
    parser.add_argument(
        "--color",
        choices=["auto", "always", "never"],
        default="auto",
        help="print IR in colour; auto: on a terminal unless NO_COLOR is set (default: auto)",
    )
    parser.add_argument("--list-passes", action="store_true", help="list passes and their options")
    parser.add_argument("--list-pipelines", action="store_true", help="list named pipelines")
    parser.add_argument("--show-dialects", action="store_true", help="list dialects")
    _add_weights(parser)
    add_memory(parser)
    add_completion(parser)
    parser.add_argument(
        "--output-source",
        action="store_true",
        help="write the nn IR that networks are compiled from to NAME.nn.mlir next to -o NAME.mlir, and record it"
        " in the networks, for cmcore-verify-values",
    )


def parse_arguments(
    parser: CommandParser,
    arguments: Sequence[str],
    passes: Mapping[str, Callable[[], object]],
    list_passes: Callable[[], str],
) -> tuple[argparse.Namespace, list[PassFlag]]:
    """Return the parsed arguments, and the passes that are given as flags.

    passes: the known passes. list_passes: returns the list of passes for `--help`.
    """
    options = parser._option_string_actions
    names = {*passes, *installed_pipelines()}
    flags, others = split_pass_flags(arguments, names, options)
    if {"-h", "--help"} & {*others}:
        parser.epilog = list_passes()
        for warning in unloaded_warnings():
            print(warning, file=sys.stderr)
        print(parser.format_help(), end="")  # argparse would ignore that it cannot be written
        parser.exit()
    if any(argument.startswith(OPTION) for argument in others):
        for name in sorted(names):
            parser.add_argument(f"--{name}", action="store_true", help="run this pass or pipeline")
    parsed, unknown = parser.parse_known_args(others)
    if unknown:
        hint = parser.similar_options(unknown[0], [f"--{name}" for name in names])
        more = unloaded_hint()  # whose flag it may be
        exit_with(parser, f"unrecognized arguments: {' '.join(unknown)}{hint}{more}")
    return parsed, flags


_HELP = {
    "input_file": "file of the IR; `-` or nothing for standard input",
    "frontend": "format of the input (default: by its suffix)",
    "disable_verify": "do not verify the IR",
    "allow_unregistered_dialect": "accept operations of unknown dialects in generic form",
    "no_implicit_module": "do not wrap the input in a module",
    "output_file": "file of the output (default: standard output)",
    "parsing_diagnostics": "print errors of the parser to standard output, and succeed",
    "split_input_file": "process the parts of the input between `// -----` lines separately",
    "print_op_generic": "print operations in generic form",
    "print_no_properties": "print properties as attributes, as old versions of MLIR do",
    "print_debuginfo": "print locations",
    "syntax_highlight": "print errors in colour",
    "version": "print the version",
    "shrink": "succeed only if a pass raises ShrinkException, for shrinkray",
    "passes": "passes to run: 'pass-a,pass-b{option=1 flag},func.func(pass-c),pipeline'",
    "target": "format of the output (default: mlir)",
    "time_passes": "print the time that each pass takes, as a tree, to stderr",
    "print_between_passes": "print the IR between passes, to stderr",
}


def _replace_verify_diagnostics(parser: argparse.ArgumentParser) -> None:
    """Let the option take a value. `split_pass_flags` adds the value if it is left out."""
    action = parser._option_string_actions["--verify-diagnostics"]
    parser._actions.remove(action)
    for group in parser._action_groups:
        if action in group._group_actions:
            group._group_actions.remove(action)
    del parser._option_string_actions["--verify-diagnostics"]
    parser.add_argument(
        "--verify-diagnostics",
        choices=["all", "only-expected"],
        help="check that the diagnostics are those of 'expected-error {{…}}' comments; only-expected: that these"
        " are among the diagnostics (default: all)",
    )


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="values of parameters (safetensors), whatever files the IR names",
    )
    parser.add_argument(
        "--output-weights",
        metavar="FILE",
        help="write all parameters that result from the passes to FILE (default: those that passes have changed, to"
        " NAME.safetensors next to -o NAME.mlir)",
    )


def _add_reproducers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run-reproducer",
        action="store_true",
        help="run the pipeline that the file holds, with the parameters that it holds",
    )
    parser.add_argument(
        "--generate-reproducer",
        metavar="FILE",
        help="write a reproducer of this run to FILE: the IR, the passes, and the parameters",
    )
    parser.add_argument(
        "--crash-reproducer",
        metavar="FILE",
        help="if a pass fails, write a reproducer of that to FILE; internal errors write one in any case, to a new"
        " file in the folder for temporary files",
    )
