"""Pareto front of a sweep, drawn by Matplotlib: the first figure over each of the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cmir.report.plot import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

FRONT = COLOURS["waits for room at a reader"]
"""Colour of the front."""

OTHERS = COLOURS["fires (odd inferences)"]
"""Colour of rows that others dominate."""

LABELLED = 12
"""A front of more places in the first panel has no labels."""

DECADE = 10
"""An axis is logarithmic if its largest value is more than so many times the smallest one."""

_PREFIXED = {"seconds": "s", "joules": "J"}
_UNITS = {"mm2": "mm²", "cycles": "cycles", "bytes": "bytes"}
"""Units by the end of a column's name: those that take a prefix, such as µs, and others."""


def front_figure(
    columns: Sequence[str], values: np.ndarray, on_front: np.ndarray, labels: Sequence[str]
) -> Figure:
    """Return a figure with a panel for each column but the first, over which the first one is drawn.

    columns: at least two. values: shape (points, columns). on_front: True for points of the front. labels: of points.
    In a panel, a line has the points that would be the front of its two columns alone. Of points in one place, the
    first is labelled.
    """
    from cmir.report.shown_figure import ShownFigure

    figure = ShownFigure(figsize=(0.8 + 2.6 * (len(columns) - 1), 2.8))
    panels: Sequence[Axes] = figure.subplots(1, len(columns) - 1, sharey=True, squeeze=False)[0]
    y, *others = values.T
    for axes, column, x in zip(panels, columns[1:], others, strict=True):
        _panel(axes, x, y, on_front)
        _scale(axes.xaxis, column, x)
    _scale(panels[0].yaxis, columns[0], y)
    best = {(x, y): labels[k] for k, (y, x, *_) in reversed([*enumerate(values)]) if on_front[k]}
    if len(best) <= LABELLED:
        for place, text in best.items():
            label = panels[0].annotate(text, place, (4, 3), textcoords="offset points", fontsize=6)
            label.set(rotation=30, rotation_mode="anchor")
    panels[-1].legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        fontsize=7,
        borderaxespad=0.2,
    )
    return figure


def _panel(axes: Axes, x: np.ndarray, y: np.ndarray, on_front: np.ndarray) -> None:
    order = np.lexsort((y, x))
    best = np.minimum.accumulate(y[order])
    steps = order[np.append(True, best[1:] < best[:-1])]
    axes.step(x[steps], y[steps], where="post", color=FRONT, linewidth=0.8, zorder=1)
    axes.scatter(x[~on_front], y[~on_front], 14, OTHERS, label="others", zorder=2, linewidths=0)
    axes.scatter(x[on_front], y[on_front], 18, FRONT, label="front", zorder=3, linewidths=0)
    axes.spines[["top", "right"]].set_visible(False)


def _scale(axis: Axis, column: str, values: np.ndarray) -> None:
    from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

    axes = axis.axes
    name, _, end = column.rpartition("_")
    whole = bool((values == values.round()).all())
    prefixed = _PREFIXED.get(end)
    unit = _UNITS.get(end)
    axis.set_label_text(name if prefixed else f"{name} ({unit})" if unit else column)
    if values.min() > 0 and values.max() > DECADE * values.min():
        (axes.set_yscale if axis is axes.yaxis else axes.set_xscale)("log")
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(4, integer=whole))
    if prefixed or whole:
        axis.set_major_formatter(EngFormatter(prefixed or "", sep=" " if prefixed else ""))
