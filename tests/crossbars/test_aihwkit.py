"""The model `pcm` beside IBM's aihwkit 1.1.0, whose figures `benchmarks/aihwkit_tiles.py` has written.

aihwkit lets the difference of a pair of cells drift, and the model both cells. That changes slopes by less than half a
percent, which is less than their scatter over seeds.
"""

from __future__ import annotations

import json
from dataclasses import replace
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from aihwkit_tiles import INPUTS, SEEDS, TILES, TIMES, slope_and_error, tile

from cmir.crossbars.model import Where
from cmir.crossbars.pcm import PcmCrossbars
from cmir.crossbars.random import Columns
from cmir.crossbars.tiles import matrix_of, tiles_of
from cmir.hardware.crossbar_models import Pcm
from cmir.hardware.sections import Crossbar

EXPECTED = json.loads((Path(__file__).parent / "aihwkit.json").read_text(encoding="utf-8"))
COLUMNS = Columns(np.arange(INPUTS), np.zeros(INPUTS, int))


def figures(name: str, settings: Pcm) -> np.ndarray:
    """Slope and error of each seed."""
    weights, x = tile(name)
    exact = weights.astype(float) @ x
    tiles = tiles_of(matrix_of(weights), Crossbar())
    rows: list[tuple[float, float]] = []
    for seed in range(SEEDS):
        model = PcmCrossbars(replace(settings, seed=seed), Crossbar())
        programmed = model.program(Where("core"), weights, tiles)
        rows.append(slope_and_error(model.product(Where("core"), programmed, x, COLUMNS), exact))
    return np.array(rows)


@pytest.mark.parametrize("compensation", [False, True])
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("name", TILES)
def test_slope_and_error(name: str, time: str, compensation: bool) -> None:
    """Means over seeds agree within four standard errors of their difference."""
    found = figures(name, Pcm(at=TIMES[time], compensation=compensation))
    expected = EXPECTED[name]["compensated" if compensation else "uncompensated"][time]
    for figure, ours in zip(("slope", "error"), found.T, strict=True):
        theirs = expected[figure]
        error = sqrt((ours.var(ddof=1) + theirs["deviation"] ** 2) / SEEDS)
        assert abs(ours.mean() - theirs["mean"]) < 4 * error, figure
        assert 0.4 < ours.std(ddof=1) / theirs["deviation"] < 2.5, figure
