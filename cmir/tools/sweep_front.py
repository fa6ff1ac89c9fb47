"""The Pareto front of a sweep: options of cm-sweep, and what they print and draw."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmir.support.diagnostics import CompileError, printable
from cmir.tools.pictures import check_plot_file

if TYPE_CHECKING:
    from cmir.library.sweep_table import SweepTable


def add_front_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the front of a sweep."""
    parser.add_argument(
        "--pareto",
        metavar="FIGURES",
        nargs="?",
        const="",
        help="print the Pareto front: the rows for which no other row is better in one of these figures and no worse in"
        " the others, of all points of the grid; columns of the table with numbers, or interval, latency, energy, area,"
        " sram, with commas (default: interval,latency,energy,crossbars)",
    )
    parser.add_argument(
        "--plot",
        metavar="FILE",
        type=Path,
        help="draw the Pareto front with Matplotlib, as .svg, .png or .pdf: the first figure over each of the others",
    )


def check_front_options(options: argparse.Namespace) -> None:
    """Raise CompileError, before the sweep, for a front that there cannot be."""
    from cmir.sweeps.pareto import check_figures

    check_figures(_figures(options), "cm-sweep")
    if options.plot is None:
        return
    if len(_figures(options)) == 1:
        raise CompileError("cm-sweep", "--plot draws two figures or more, and --pareto has one")
    check_plot_file(options.plot, "--plot")


def show_front(options: argparse.Namespace, table: SweepTable) -> None:
    """Print and draw the front, if options ask for it. Raises CompileError if there is none."""
    if options.pareto is None and options.plot is None:
        return
    from cmir.sweeps.pareto import front_of

    front = front_of(table.rows, _figures(options), "cm-sweep")
    print(front.summary)
    _print_rows([*table.fields, *front.columns], front.best)
    if options.plot is not None:
        from cmir.report.plot import save_figure

        save_figure(lambda: table.plot(*_figures(options)), options.plot)


def _figures(options: argparse.Namespace) -> Sequence[str]:
    return [name.strip() for name in options.pareto.split(",")] if options.pareto else ()


def _print_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    from cmir.sweeps.grid import cell

    cells = [
        [f"{v:.6g}" if isinstance(v := row[c], float) else printable(cell(v)) for c in columns]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in [columns, *cells]:
        print("  ".join(f"{text:>{width}}" for text, width in zip(line, widths, strict=True)))
