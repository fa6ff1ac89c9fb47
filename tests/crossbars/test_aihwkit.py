"""The model `pcm` beside IBM's aihwkit 1.1.0, whose figures `benchmarks/aihwkit_tiles.py` has written.

Tiles have random weights, or those of trained networks. aihwkit lets the difference of a pair of cells drift. By
default, the model lets both cells drift, which changes figures by less than their scatter over seeds.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from aihwkit_tiles import FIGURES, RANDOM, STORED, TIMES, of_pcm, over_seeds, standard_errors, tiles

from cmir.hardware.crossbar_models import Pcm

EXPECTED = json.loads((Path(__file__).parent / "aihwkit.json").read_text(encoding="utf-8"))
WEIGHTS = tiles()


def test_tiles_of_trained_networks_are_among_them() -> None:
    """Of a network for MNIST, and of ResNet-20."""
    with np.load(STORED) as stored:
        trained = {name: stored[name].shape for name in stored}
    assert {*trained} | {*RANDOM} == {*EXPECTED} == {*WEIGHTS}
    assert {name.partition(" ")[0] for name in trained} == {"MNIST", "ResNet-20"}
    assert {(16, 200), (16, 144), (32, 256), (64, 256)} <= {*trained.values()}


@pytest.mark.parametrize("compensation", [False, True])
@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("drifting", ["differences", "cells"])
def test_figures(drifting: str, name: str, time: str, compensation: bool) -> None:
    """Means over seeds agree within four standard errors of their difference."""
    outputs = of_pcm(Pcm(drifting=drifting))
    found = over_seeds(outputs, WEIGHTS[name], compensation, TIMES[time])
    expected = EXPECTED[name]["compensated" if compensation else "uncompensated"][time]
    for figure in FIGURES:
        ours, theirs = found[figure], expected[figure]
        assert abs(standard_errors(ours, theirs)) < 4, figure
        assert 0.4 < ours["deviation"] / theirs["deviation"] < 2.5, figure
