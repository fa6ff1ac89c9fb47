"""Accuracy on programmed crossbars, drawn by Matplotlib: over time, and the deviation of products by matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cmir.report.plot import COLOURS
from cmir.support.durations import duration_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIRST = COLOURS["fires (odd inferences)"]
"""Colour of deviations at the first time, and of the scores of single seeds."""

LAST = COLOURS["fires (even inferences)"]
"""Colour of deviations at the last time, and of mean scores."""

EXACT = COLOURS["waits for room at a reader"]
"""Colour of the score with exact products."""

_APART = 1 / 12
"""Distance of labels of times, as a share of the axis; a time that is closer to the one before has no label."""


def accuracy_figure(
    exact: float,
    times: Sequence[float | None],
    scores: np.ndarray,
    measure: str,
    errors: Mapping[str, Sequence[float]],
) -> Figure:
    """Return a figure with the scores of a network over time, and with the deviation of the products of each matrix.

    exact: the score with exact products. times: of reading, in seconds after programming and in any order; None without
    time. scores: shape (times, seeds). measure: name of the scores, with their unit. errors: by matrix, relative errors
    of its products at each time. Bars of scores are one standard deviation to each side.
    """
    from cmir.report.shown_figure import ShownFigure

    order = sorted(range(len(times)), key=lambda k: times[k] or 0)
    times, scores = [times[k] for k in order], scores[order]
    errors = {name: [found[k] for k in order] for name, found in errors.items()}
    row = 0.18 if len(errors) <= 24 else 0.13
    heights = (2.0, 0.5 + row * len(errors))
    figure = ShownFigure(figsize=(4.5, sum(heights)), layout="constrained")
    over_time, by_matrix = figure.subplots(2, 1, height_ratios=heights)
    _draw_scores(over_time, exact, times, scores)
    over_time.set_ylabel(measure)
    _draw_errors(by_matrix, times, errors)
    for axes in (over_time, by_matrix):
        axes.spines[["top", "right"]].set_visible(False)
        handles, names = axes.get_legend_handles_labels()
        axes.legend(
            handles,
            names,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=3,
            frameon=False,
            fontsize=7,
            handlelength=1.2,
            borderaxespad=0.2,
        )
    return figure


def _draw_scores(
    axes: Axes, exact: float, times: Sequence[float | None], scores: np.ndarray
) -> None:
    """Draw scores over the logarithm of time, or over equal distances if a time is 0 or unknown."""
    known = [time for time in times if time]
    logarithmic = len(known) == len(times) and len(known) > 1
    places = np.array(known if logarithmic else range(len(times)), np.float64)
    axes.axhline(exact, color=EXACT, linewidth=0.8, linestyle="--", label="exact products")
    seeds = scores.shape[1]
    if seeds > 1:
        each = np.repeat(places, seeds)
        axes.scatter(each, scores.ravel(), 10, FIRST, linewidths=0, label="a seed", zorder=2)
    spread = scores.std(axis=1, ddof=1) if seeds > 1 else None
    label = "mean and standard deviation" if seeds > 1 else "programmed crossbars"
    axes.errorbar(
        *(places, scores.mean(axis=1), spread),
        color=LAST,
        linewidth=0.8,
        marker="o",
        markersize=3,
        capsize=2,
        label=label,
    )
    if logarithmic:
        axes.set_xscale("log")
        axes.minorticks_off()
    else:
        axes.set_xlim(-0.5, len(times) - 0.5)
    labels = ["" if time is None else duration_text(time) for time in times]
    axes.set_xticks(places, _apart(np.log(places) if logarithmic else places, labels))
    axes.set_xlabel("time after programming" if any(labels) else "")


def _apart(places: np.ndarray, labels: Sequence[str]) -> list[str]:
    """Return the labels, empty where they would overlap the one before."""
    least = _APART * float(np.ptp(places))
    shown, last = list[str](), -np.inf
    for place, label in zip(places, labels, strict=True):
        far = place - last >= least
        shown.append(label if far else "")
        last = place if far else last
    return shown


def _draw_errors(
    axes: Axes, times: Sequence[float | None], errors: Mapping[str, Sequence[float]]
) -> None:
    """Draw a row for each matrix, the first on top: errors at the first and the last time, on a line over all times."""
    rows = np.arange(len(errors))
    table = 100 * np.array([*errors.values()], np.float64).reshape(len(errors), len(times))
    axes.hlines(rows, table.min(axis=1), table.max(axis=1), FIRST, linewidth=0.8, zorder=1)
    for column, colour in {0: FIRST, len(times) - 1: LAST}.items():
        time = times[column]
        label = None if time is None else duration_text(time)
        axes.scatter(table[:, column], rows, 14, colour, linewidths=0, label=label, zorder=2)
    axes.set_yticks(rows, list(errors))
    axes.tick_params(axis="y", length=0, labelsize=8 if len(errors) <= 24 else 6)
    axes.set(ylim=(len(errors) - 0.5, -0.5), xlabel="error of products (%)")
    axes.set_xlim(0, 1.05 * table.max(initial=0) or 1)
