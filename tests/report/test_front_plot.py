"""Drawings of fronts: each point once in each panel, and the line is the front of the panel's two figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from cmir.report.front_plot import FRONT, LABELLED, OTHERS, front_figure
from cmir.report.plot import save_figure
from cmir.sweeps.pareto import undominated

COLUMNS = ("interval_seconds", "crossbars", "area_mm2")
VALUES = np.array([[1e-6, 8, 0.5], [2e-6, 4, 0.7], [4e-6, 5, 0.4], [4e-5, 9, 0.8], [1e-6, 8, 0.5]])
NAMES = "abcde"


def test_points_and_lines() -> None:
    on_front = undominated(VALUES)
    assert on_front.tolist() == [True, True, True, False, True]
    panels = front_figure(COLUMNS, VALUES, on_front, NAMES).axes
    for axes, column in zip(panels, (1, 2), strict=True):
        drawn = {OTHERS: VALUES[~on_front], FRONT: VALUES[on_front]}
        for points in axes.collections:
            assert isinstance(points, PathCollection)
            colour = to_hex(tuple(np.asarray(points.get_facecolor())[0])).upper()
            assert (
                np.asarray(points.get_offsets()).tolist()
                == drawn.pop(colour)[:, [column, 0]].tolist()
            )
        assert not drawn
        (line,) = axes.lines
        pairs = VALUES[:, [column, 0]]
        best = np.unique(pairs[undominated(pairs)], axis=0)
        assert np.asarray(line.get_xydata()).tolist() == best.tolist()
    assert [axes.get_xlabel() for axes in panels] == ["crossbars", "area (mm²)"]
    assert panels[0].get_ylabel() == "interval" and panels[0].get_yscale() == "log"
    assert panels[1].get_xscale() == "linear"


def test_points_in_one_place_have_one_label() -> None:
    panels = front_figure(COLUMNS, VALUES, undominated(VALUES), NAMES).axes
    assert sorted(text.get_text() for text in panels[0].texts) == ["a", "b", "c"]
    k = np.arange(1.0, LABELLED + 2)
    many = np.stack([k, -k, k], axis=1)
    panels = front_figure(COLUMNS, many, undominated(many), "x" * len(many)).axes
    assert not panels[0].texts


def test_same_file(tmp_path: Path) -> None:
    files = [tmp_path / "one.svg", tmp_path / "other.svg"]
    for file in files:
        save_figure(lambda: front_figure(COLUMNS, VALUES, undominated(VALUES), NAMES), file)
    assert files[0].read_bytes() == files[1].read_bytes()
