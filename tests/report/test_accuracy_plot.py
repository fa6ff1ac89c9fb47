"""Drawings of accuracy: each time and each matrix has what it was measured to have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.container import ErrorbarContainer

from cmir.report.accuracy_plot import accuracy_figure
from cmir.report.plot import save_figure

TIMES = [86400.0, 1.0, 3600.0]
SCORES = np.array([[90.0, 94.0], [99.0, 98.0], [96.0, 97.0]])
ERRORS = {"conv1/0": [0.2, 0.1, 0.15], "conv2/0": [0.05, 0.04, 0.3]}


def panels(times: Sequence[float | None] = TIMES, scores: np.ndarray = SCORES) -> list[Axes]:
    errors = {name: found[: len(times)] for name, found in ERRORS.items()}
    return accuracy_figure(99.5, times, scores, "top 1 accuracy (%)", errors).axes


def points(axes: Axes) -> list[list[list[float]]]:
    found = [c for c in axes.collections if isinstance(c, PathCollection)]
    return [np.asarray(c.get_offsets()).round(9).tolist() for c in found]


def test_scores() -> None:
    axes, _ = panels()
    (drawn,) = axes.containers
    assert isinstance(drawn, ErrorbarContainer)
    exact, (mean, _, (bars,)) = axes.lines[0], drawn.lines
    assert set(np.asarray(exact.get_ydata()).tolist()) == {99.5}
    assert np.asarray(mean.get_xydata()).tolist() == [[1, 98.5], [3600, 96.5], [86400, 92]]
    assert isinstance(bars, LineCollection)
    spread = [float(np.ptp(np.asarray(segment)[:, 1])) / 2 for segment in bars.get_segments()]
    assert spread == pytest.approx([0.5**0.5, 0.5**0.5, 8**0.5])
    (seeds,) = points(axes)
    assert seeds == [[1, 99], [1, 98], [3600, 96], [3600, 97], [86400, 90], [86400, 94]]
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1 s", "1 h", "1 d"]


def test_errors_of_matrices() -> None:
    _, axes = panels()
    assert points(axes) == [[[10, 0], [4, 1]], [[20, 0], [5, 1]]]
    (lines,) = [c for c in axes.collections if isinstance(c, LineCollection)]
    ends = [np.asarray(segment)[:, 0].tolist() for segment in lines.get_segments()]
    assert ends == [pytest.approx([10, 20]), pytest.approx([4, 30])]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(ERRORS)
    assert axes.get_ylim() == (1.5, -0.5)
    _, texts = axes.get_legend_handles_labels()
    assert texts == ["1 s", "1 d"]


@pytest.mark.parametrize("time", [None, 0.0, 3600.0])
def test_one_time(time: float | None) -> None:
    axes, below = panels([time], np.array([[98.0]]))
    assert axes.get_xscale() == "linear" and len(points(below)) == 1
    assert axes.get_xlabel() == ("" if time is None else "time after programming")


def test_crowded_times_have_no_labels() -> None:
    axes, _ = panels([1.0, 1.1, 1e6], SCORES)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1 s", "", "1e+06 s"]


def test_same_file(tmp_path: Path) -> None:
    files = [tmp_path / "one.svg", tmp_path / "other.svg"]
    for file in files:
        save_figure(
            lambda: accuracy_figure(99.5, TIMES, SCORES, "top 1 accuracy (%)", ERRORS), file
        )
    assert files[0].read_bytes() == files[1].read_bytes()
