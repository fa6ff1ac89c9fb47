"""The model `aihwkit`, and the stored figures, beside the layers of aihwkit itself: `make aihwkit`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]
from aihwkit.inference import (  # pyright: ignore[reportMissingImports]
    NPairConductanceConverter,
    PCMLikeNoiseModel,
    ReRamCMONoiseModel,
    ReRamWan2022NoiseModel,
)
from aihwkit.inference.compensation.drift import (  # pyright: ignore[reportMissingImports]
    GlobalDriftCompensation,
    PerColumnDriftCompensation,
)
from aihwkit.inference.noise.hermes import HermesNoiseModel  # pyright: ignore[reportMissingImports]
from aihwkit_tiles import figures, inputs_of, layer_of, tiles

from cmir.crossbars.choice import model_of
from cmir.crossbars.model import Where
from cmir.crossbars.random import Columns
from cmir.crossbars.tiles import matrix_of, tiles_of
from cmir.hardware.description import Hardware

WEIGHTS = tiles()["ResNet-20 convolution 9"]

NOISE_MODELS: dict[str, tuple[str, Any, float]] = {
    "pcm": ("", lambda: PCMLikeNoiseModel(), 3600),
    "at once": ("", lambda: PCMLikeNoiseModel(), 0),
    "pcm of other cells": (
        "noise_arguments = { g_max = 20, prog_noise_scale = 0.5, drift_scale = 0.8 }",
        lambda: PCMLikeNoiseModel(g_max=20, prog_noise_scale=0.5, drift_scale=0.8),
        86400,
    ),
    "pairs": (
        'converter = "NPairConductanceConverter"\nconverter_arguments = { f_lst = [1, 3] }',
        lambda: PCMLikeNoiseModel(g_converter=NPairConductanceConverter([1, 3])),
        3600,
    ),
    "hermes": ('noise_model = "HermesNoiseModel"', lambda: HermesNoiseModel(), 3600),
    "reram": ('noise_model = "ReRamWan2022NoiseModel"', lambda: ReRamWan2022NoiseModel(), 86400),
    "cmo": ('noise_model = "ReRamCMONoiseModel"', lambda: ReRamCMONoiseModel(), 3600),
}
"""Fields of the description, the noise model that they mean, and a time of reading."""

COMPENSATIONS: dict[str, Any] = {
    "none": None,
    "global": GlobalDriftCompensation(),
    "columns": PerColumnDriftCompensation(),
}


@pytest.mark.parametrize("compensation", COMPENSATIONS)
@pytest.mark.parametrize("name", NOISE_MODELS)
def test_a_layer_of_aihwkit_has_the_same_outputs(name: str, compensation: str) -> None:
    """The layer's generator gets the seeds of the tile."""
    fields, noise_model, at = NOISE_MODELS[name]
    table = f'name = "aihwkit"\nseed = 5\nat = {at}\ncompensation = "{compensation}"\n{fields}'
    crossbar = Hardware.load(f"[crossbar.model]\n{table}").crossbar
    model: Any = model_of(crossbar)
    where, x = Where("core"), inputs_of(WEIGHTS)
    (tile,) = tiles_of(matrix_of(WEIGHTS), crossbar)
    programmed = model.program(where, WEIGHTS, [tile])
    columns = Columns(np.arange(x.shape[1]), np.zeros(x.shape[1], int))
    found = model.product(where, programmed, x, columns)

    layer = layer_of(WEIGHTS, False)
    (analog,) = layer.analog_tiles()
    analog.rpu_config.noise_model = noise_model()
    analog.rpu_config.drift_compensation = COMPENSATIONS[compensation]
    _seed(model.key(where, tile, "programming"))
    layer.program_analog_weights()
    _seed(model.key(where, tile, "read", float(at)))
    layer.drift_analog_weights(at)
    with torch.no_grad():
        expected = layer(torch.from_numpy(x.T)).numpy().T
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5 * float(np.abs(expected).max()))


def _seed(key: tuple[int, int]) -> None:
    torch.manual_seed(key[0] + 2**32 * key[1])


def test_stored_figures() -> None:
    """The figures that tests of the model `pcm` expect are those of this aihwkit."""
    stored = json.loads((Path(__file__).parent / "aihwkit.json").read_text(encoding="utf-8"))
    assert _flat(figures()) == pytest.approx(_flat(stored), rel=1e-3, abs=1e-6)


def _flat(table: Any, name: str = "") -> dict[str, float]:
    if not isinstance(table, dict):
        return {name: table}
    found: dict[str, float] = {}
    for key, inner in table.items():
        found |= _flat(inner, f"{name}/{key}")
    return found
