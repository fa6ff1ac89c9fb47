"""The options of cm-run that draw pictures of a run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cmir.diagnostics import CompileError

if TYPE_CHECKING:
    from cmir.accelerator.engine import Machine
    from cmir.accelerator.report import RunReport

_OPTIONS = ("timeline", "trace")


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("pictures of the run")
    group.add_argument(
        "--timeline",
        action="store_true",
        help="print what each core does in each cycle, or most of the time in a few of them",
    )
    group.add_argument(
        "--trace",
        metavar="FILE",
        type=Path,
        help="write a trace for Perfetto or chrome://tracing, in Chrome's JSON format",
    )


def check_picture_options(options: argparse.Namespace) -> None:
    """Raise CompileError for what cannot be drawn, before anything is run."""
    if options.buffer_curve:
        for name in _OPTIONS:
            if getattr(options, name):
                raise CompileError("cm-run", f"--buffer-curve runs nothing: there is no --{name}")


def draw_pictures(options: argparse.Namespace, machine: Machine, report: RunReport) -> None:
    """Draw what the options ask for. Raises CompileError or OSError."""
    if options.timeline:
        from cmir.report.timeline import print_timeline

        print_timeline(machine.actors, report)
    if options.trace is not None:
        from cmir.report.trace import write_trace

        write_trace(machine, report, options.trace)
