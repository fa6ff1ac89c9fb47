"""Drawing of a dependence: writer, array and reader, coloured by the writer's time, and the release staircase."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np

from cmir.report.relation import DependencePicture, PointSpace
from cmir.report.settings import SETTINGS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARK = "#D55E00"
"""Colour of the marked reader iteration, and of the elements and iteration it waits for."""

FREE = "#E6E6E6"
"""Colour of iterations without a wait."""

MOST_STEPS = 100
"""A staircase with more steps is drawn a second time around the marked one."""

ZOOMED = 20
"""Number of writer iterations that the second drawing of a staircase shows."""

LABELLED = 24
"""Maximum length of a row of points that are labelled with coordinates."""


def relation_svg(relation: DependencePicture) -> str:
    """Return the drawing of a dependence as SVG."""
    from matplotlib import rc_context

    with rc_context(SETTINGS):
        text = StringIO()
        relation_figure(relation).savefig(
            text, format="svg", metadata={"Date": None}, bbox_inches="tight"
        )
    return text.getvalue()


def relation_figure(relation: DependencePicture) -> Figure:
    """Return a figure of the three spaces, stacked if all are lines, else side by side, and the staircase below."""
    from cmir.report.shown_figure import ShownFigure

    spaces = (relation.writer, relation.array, relation.reader)
    lines = all(_grid(space)[1].shape[0] == 1 for space in spaces)
    figure = ShownFigure(figsize=(6.4, 4.4 if lines else 5.2))
    rows = figure.add_gridspec(2, 1, height_ratios=(1.1, 1), hspace=0.25 if lines else 0.3)
    upper = rows[0].subgridspec(*((3, 1) if lines else (1, 3)), wspace=0.35, hspace=0.9)
    axes = [figure.add_subplot(upper[k]) for k in range(3)]
    array = relation.array if lines else _named_by_writer(relation)
    spaces = (relation.writer, array, relation.reader)
    cells = (
        np.arange(len(relation.writer.points)) + 1,
        relation.written + 1,
        relation.release_time,
    )
    titles = (
        f"{relation.writer.name}\nwhen it runs",
        f"{relation.array.name}\nwhen it is written",
        f"{relation.reader.name}\nwhat releases it",
    )
    last = len(relation.writer.points)
    for each, space, times, title in zip(axes, spaces, cells, titles, strict=True):
        _space(each, space, times, last, title, lines)
    if lines:
        ends = np.array([each.get_xlim() for each in axes])
        for each in axes:
            each.set(xlim=(ends.min(), ends.max()), aspect="auto")
    _connect(axes, relation, lines)
    _staircase(figure.add_subplot(rows[1]), relation)
    return figure


def _named_by_writer(relation: DependencePicture) -> PointSpace:
    """Return the array with names of dimensions that say which coordinate of the writer they are: `i1 = h`."""
    array, writer = relation.array, relation.writer
    names = list(array.names)
    for d, name in enumerate(names):
        for coordinate, values in zip(writer.names, writer.points.T, strict=True):
            shift = np.unique(array.points[:, d] - values[relation.written])
            if len(shift) == 1 and np.ptp(values):
                offset = f" {'+' if shift[0] > 0 else '−'} {abs(shift[0])}" if shift[0] else ""
                names[d] = f"{name} = {coordinate}{offset}"
                break
    return replace(array, names=tuple(names))


def _grid(space: PointSpace) -> tuple[list[int], np.ndarray, tuple[int, int]]:
    """Return (drawn coordinates, index of the point at each row and column or −1, first row and column)."""
    shown = [d for d in range(len(space.names)) if np.ptp(space.points[:, d])]
    columns = [space.points[:, d] for d in shown]
    while len(columns) < 2:
        columns.insert(0, np.zeros(len(space.points), np.int64))
    first = (int(columns[0].min()), int(columns[1].min()))
    places = np.stack([columns[0] - first[0], columns[1] - first[1]])
    number = np.full(places.max(axis=1) + 1, -1)
    number[places[0], places[1]] = np.arange(len(space.points))
    return shown, number, first


def _space(
    axes: Axes, space: PointSpace, times: np.ndarray, last: int, title: str, in_cells: bool
) -> None:
    """Draw a cell for each point, in the colour of a writer time."""
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    shown, number, (top, left) = _grid(space)
    colours = colormaps["viridis"].with_extremes(bad="none", under=FREE)
    image = np.ma.masked_where(number < 0, times[np.maximum(number, 0)])
    height, width = number.shape
    extent = (left - 0.5, left + width - 0.5, top + height - 0.5, top - 0.5)
    axes.imshow(image, cmap=colours, vmin=1, vmax=max(2, last), extent=extent, interpolation="none")
    names = [space.names[d] for d in shown]
    if in_cells:
        axes.set_ylabel(title, rotation=0, ha="right", va="center")
        axes.spines[:].set_visible(False)
    else:
        axes.set_title(title, fontsize=8)
        axes.set_xlabel(names[-1] if names else "", labelpad=1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if len(names) == 2:
        axes.set_ylabel(names[0], labelpad=1)
    else:
        axes.set_yticks([])
    if not names:
        axes.set_xticks([])
    if in_cells and width <= LABELLED:
        axes.set_xticks([])
        for (x, y), time in zip(_places(space), times.tolist(), strict=True):
            dark = 0 < time < 0.6 * last
            text = f"{names[0]} = {x}" if x == left and names else str(x)
            axes.text(x, y, text, ha="center", va="center", color="white" if dark else "black")
            axes.axvline(x - 0.5, color="white", linewidth=1)


def _connect(axes: list[Axes], relation: DependencePicture, lines: bool) -> None:
    """Outline a reader iteration, its reads and the last iteration it needs; on lines, join them for all iterations."""
    from matplotlib.patches import ConnectionPatch, Rectangle

    marked = relation.marked
    places = [_places(space) for space in (relation.writer, relation.array, relation.reader)]

    def join(upper: int, a: int, lower: int, b: int, colour: str, width: float) -> None:
        (ax, ay), (bx, by) = places[upper][a], places[lower][b]
        patch = ConnectionPatch(
            (ax, ay + 0.5),
            (bx, by - 0.5),
            "data",
            "data",
            axesA=axes[upper],
            axesB=axes[lower],
            color=colour,
            linewidth=width,
            zorder=3 if colour == MARK else 1,
        )
        patch.set_in_layout(False)
        axes[upper].figure.add_artist(patch)

    read = relation.reads[marked]
    needed = {int(relation.written[read].max())} if len(read) else set[int]()
    if lines and len(relation.reads) == len(relation.reader.points):
        for reader, elements in relation.reads.items():
            for element in elements.tolist():
                join(1, element, 2, reader, "#BBBBBB", 0.6)
        for element, writer in enumerate(relation.written.tolist()):
            join(0, writer, 1, element, "#BBBBBB", 0.6)
    for element in read.tolist() if lines else []:
        join(1, element, 2, marked, MARK, 1.2)
        if (writer := int(relation.written[element])) in needed:
            join(0, writer, 1, element, MARK, 1.2)
    elements = [(1, element) for element in read.tolist()]
    for space, point in [*((0, writer) for writer in needed), *elements, (2, marked)]:
        x, y = places[space][point]
        axes[space].add_patch(
            Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=MARK, linewidth=1.3, zorder=4)
        )


def _places(space: PointSpace) -> list[tuple[int, int]]:
    """Return (x, y) of each point."""
    _, number, (top, left) = _grid(space)
    found: list[tuple[int, int]] = [(0, 0)] * len(space.points)
    for (row, column), point in np.ndenumerate(number):
        if point >= 0:
            found[point] = (left + column, top + row)
    return found


def _zoom(axes: Axes, relation: DependencePicture, at: int) -> None:
    """Draw the steps around a writer iteration in a corner that the staircase leaves free."""
    from matplotlib.ticker import MaxNLocator

    writers, released = len(relation.writer.points), relation.released
    first, last = max(0, at - ZOOMED // 2), min(writers, at + ZOOMED // 2)
    inset = axes.inset_axes((0.09, 0.56, 0.33, 0.42))
    shown = np.arange(first, last + 1)
    inset.step(shown, released[shown], where="post", color="black", linewidth=1.1)
    inset.plot([at], [relation.marked + 1], "o", color=MARK, markersize=4, zorder=4)
    inset.set(xlim=(first, last), ylim=(released[first] - 0.5, released[last] + 0.5))
    for axis in (inset.xaxis, inset.yaxis):
        axis.set_major_locator(MaxNLocator(4, integer=True))
    inset.tick_params(labelsize=6, length=2)
    axes.indicate_inset_zoom(inset, edgecolor=MARK, alpha=0.7)


def _staircase(axes: Axes, relation: DependencePicture) -> None:
    """Draw the number of reader iterations that may run after each writer iteration."""
    from matplotlib.ticker import MaxNLocator

    released = relation.released
    writers, readers = len(relation.writer.points), len(relation.reader.points)
    axes.step(
        range(writers + 1), released, where="post", color="black", linewidth=1.3, clip_on=False
    )
    marked = relation.marked
    at = int(relation.release_time[marked])
    axes.plot([at], [marked + 1], "o", color=MARK, markersize=5, clip_on=False, zorder=4)
    axes.plot([at, at, 0], [0, marked + 1, marked + 1], color=MARK, linewidth=0.8, linestyle="--")
    axes.set(
        xlim=(0, writers),
        ylim=(0, readers * 1.04),
        ylabel=f"iterations of {relation.reader.name}\nthat may run",
        xlabel=f"iterations of {relation.writer.name} that are done",
    )
    axes.spines[["top", "right"]].set_visible(False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    if np.count_nonzero(np.diff(released)) > MOST_STEPS:
        _zoom(axes, relation, at)
    axes.tick_params(axis="x", length=0, pad=9)
    strip = axes.inset_axes((0, -0.06, 1, 0.05))
    strip.imshow([np.arange(1, writers + 1)], aspect="auto", cmap="viridis")
    strip.set_axis_off()
