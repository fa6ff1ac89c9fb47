"""Pictures: the options of cm-run for pictures of a run, and cm-translate's drawing of a relation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cmir.support.diagnostics import CompileError

if TYPE_CHECKING:
    from cmir.rtl.control_cost import ControlCost
    from cmir.timing.network import TimedNetwork
    from cmir.timing.report import RunReport

PLOT_SUFFIXES = (".svg", ".png", ".pdf")

_OPTIONS = ("timeline", "report", "plot", "trace")


def add_picture_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for pictures."""
    group = parser.add_argument_group("pictures of the run")
    group.add_argument(
        "--timeline",
        action="store_true",
        help="print a timeline: what each core does in each cycle, or in groups of cycles",
    )
    group.add_argument(
        "--report",
        metavar="DIR",
        type=Path,
        help="write a self-contained page to DIR/index.html, with the network, timeline, buffers, chip and costs",
    )
    group.add_argument(
        "--plot",
        metavar="FILE",
        type=Path,
        help="plot the timeline with Matplotlib, as .svg, .png or .pdf",
    )
    group.add_argument(
        "--trace",
        metavar="FILE",
        type=Path,
        help="write a trace for Perfetto or chrome://tracing, in Chrome's JSON format",
    )


def check_picture_options(options: argparse.Namespace) -> None:
    """Raise CompileError, before the run, for a picture that cannot be drawn."""
    if options.buffer_curve:
        for name in _OPTIONS:
            if getattr(options, name):
                raise CompileError("cm-run", f"--buffer-curve runs nothing: there is no --{name}")
    if options.report is not None and options.report.exists() and not options.report.is_dir():
        raise CompileError(options.report, "--report needs a folder, and this is a file")
    check_plot_file(options.plot, "--plot")


def check_plot_file(file: Path | None, option: str) -> None:
    """Raise CompileError for a file of an option that Matplotlib cannot draw. file: None if it is not given."""
    if file is None:
        return
    if file.suffix not in PLOT_SUFFIXES:
        raise CompileError(file, f"plots are {', '.join(PLOT_SUFFIXES)} files")
    from cmir.report.plot import check_matplotlib

    check_matplotlib(option)


def draw_pictures(
    options: argparse.Namespace,
    timed: TimedNetwork,
    report: RunReport,
    control: ControlCost | None,
) -> None:
    """Draw the requested pictures. Raises OSError if a file cannot be written.

    control: the cost of control logic, if known.
    """
    if options.timeline:
        from cmir.report.timeline import print_timeline

        print_timeline(timed.actors, report, units=timed.control_units)
    if options.report is not None:
        from cmir.report.page import write_page

        title = options.model.stem
        write_page(timed, report, title, options.report, control)
    if options.plot is not None:
        from cmir.report.plot import write_plot

        write_plot(timed, report, options.plot)
    if options.trace is not None:
        from cmir.report.trace import write_trace

        write_trace(timed, report, options.trace)
