"""Timeline of a pipeline for print, drawn by Matplotlib: a bar for each core."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.report.activity import Activity, activities
from cmir.report.settings import SETTINGS
from cmir.support.atomic import atomic_path
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 800
"""Maximum number of parts of a bar. In a longer run, each part is divided in proportion to its cycles."""

# From the palette of Okabe and Ito, "Color Universal Design" (2008), which is safe for colour-blind readers. Yellow,
# which often covers large areas, is halfway to white.
COLOURS = {
    "fires (even inferences)": "#0072B2",
    "fires (odd inferences)": "#56B4E9",
    "waits for data": "#F8F2A1",
    "waits for room at a reader": "#D55E00",
    "control unit waits for room": "#C3CAD1",
}


def check_matplotlib(option: str) -> None:
    """Raise CompileError if Matplotlib, an optional dependency, is not installed."""
    if find_spec("matplotlib") is None:
        raise CompileError(None, f"{option} needs Matplotlib: pip install 'cmir[plot]'")


def write_plot(timed: TimedNetwork, report: RunReport, path: Path) -> None:
    """Draw a run into a file. The suffix determines the format: .svg, .png or .pdf."""
    found = activities(timed.actors, report)
    save_figure(lambda: timeline_figure(found, report.cycles, timed.control_units), path)


def save_figure(draw: Callable[[], Figure], path: Path) -> None:
    """Draw a figure into a file; the same figure gives the same file. The suffix determines the format, see above."""
    from matplotlib import rc_context

    kind = path.suffix.removeprefix(".")
    with rc_context(SETTINGS), atomic_path(path) as temporary:
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
        draw().savefig(temporary, format=kind, dpi=200, metadata=metadata, bbox_inches="tight")


def timeline_figure(found: list[Activity], cycles: int, units: Collection[CoreName] = ()) -> Figure:
    """Return the timeline as a figure, with the first core on top. units: `TimedNetwork.control_units`."""
    from matplotlib.ticker import MaxNLocator

    from cmir.report.shown_figure import ShownFigure

    height = 0.2 if len(found) <= 24 else 0.13
    figure = ShownFigure(figsize=(7.0, 0.9 + height * len(found)))
    axes = figure.add_subplot()
    for row, activity in enumerate(found):
        _bar(axes, row, activity, cycles, activity.name in units)
    axes.set(xlim=(0, cycles), ylim=(len(found) - 0.5, -0.5), xlabel="time (cycles)", ylabel="core")
    axes.set_yticks(range(len(found)), [str(activity.name) for activity in found])
    axes.tick_params(axis="y", length=0, labelsize=8 if len(found) <= 24 else 6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(lambda cycle, _: f"{cycle:,.0f}".replace(",", "\u2009"))
    axes.spines[["top", "right", "left"]].set_visible(False)
    _legend(axes, any(activity.name in units for activity in found))
    return figure


def _bar(axes: Axes, row: int, activity: Activity, cycles: int, is_unit: bool) -> None:
    from matplotlib.collections import PolyCollection

    step = -(-cycles // COLUMNS)
    edges = np.append(np.arange(0, cycles, step), cycles)
    shares = np.diff(_by_colour(activity, edges, is_unit), axis=1) / np.diff(edges)
    shares = shares.round(2)  # finer than the resolution of print
    changes = np.flatnonzero(np.any(np.diff(shares, axis=1) != 0, axis=0)) + 1
    first = np.concatenate(([0], changes))
    left, right = edges[first], edges[np.append(changes, len(edges) - 1)]
    bottom = np.full(len(first), row + 0.4)  # the axis points down
    for colour, share in zip(COLOURS.values(), shares[:, first], strict=True):
        top = bottom - 0.8 * share
        corners = np.stack([left, bottom, left, top, right, top, right, bottom], axis=1)
        axes.add_collection(
            PolyCollection(
                list(corners[share > 0].reshape(-1, 4, 2)), facecolors=colour, linewidths=0
            ),
            autolim=False,
        )
        bottom = top


def _by_colour(activity: Activity, cycles: np.ndarray, is_unit: bool) -> np.ndarray:
    """Return the number of cycles of each colour before each of `cycles`, shape (colours, cycles)."""
    fired, data, credit = activity.until(cycles)
    ends = activity.fired(np.arange(0, len(activity.start) + 1, activity.iterations))
    each = np.diff(ends)
    done = np.searchsorted(ends, fired, side="right") - 1
    before = np.concatenate(([0], np.cumsum(np.where(np.arange(len(each)) % 2 == 0, each, 0))))
    even = before[done] + np.where(done % 2 == 0, fired - ends[done], 0)
    none = np.zeros_like(credit)
    room = (none, credit) if is_unit else (credit, none)
    return np.stack([even, fired - even, data, *room])


def _legend(axes: Axes, has_units: bool) -> None:
    from matplotlib.patches import Patch

    shown = [*COLOURS.items()][: None if has_units else -1]
    patches = [Patch(facecolor=colour, label=label) for label, colour in shown]
    axes.legend(
        handles=patches,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(patches),
        frameon=False,
        fontsize=7,
        handlelength=1.2,
        columnspacing=1.0,
        borderaxespad=0.2,
    )
