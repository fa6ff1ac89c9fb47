"""Figures of tiles of phase-change memory in IBM's aihwkit, which the tests of the model `pcm` expect.

`make aihwkit` installs aihwkit, and checks that the figures are these. By hand, with `pip install 'cmir[aihwkit]'`:

    python benchmarks/aihwkit_tiles.py > tests/crossbars/aihwkit.json

For each tile, time and seed, outputs y of 200 inputs are compared with the exact outputs e: the slope Σye/Σee, the
error, which is the root mean square of y − slope·e, and the mean of y, both relative to the root mean square of e. The
figures are means and standard deviations over seeds.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from cmir.crossbars.model import Where
from cmir.crossbars.pcm import PcmCrossbars
from cmir.crossbars.random import Columns
from cmir.crossbars.tiles import matrix_of, tiles_of
from cmir.hardware.crossbar_models import Pcm
from cmir.hardware.sections import Crossbar

TIMES = {"1 s": 1.0, "1 h": 3600.0, "1 d": 86400.0, "1 y": 365 * 86400.0}
FIGURES = "slope", "error", "mean"

RANDOM = {
    "conv of digits": (8, 25),
    "16 channels": (16, 144),
    "64 channels": (64, 256),
    "dense": (10, 64),
}
"""Outputs and inputs of tiles of normally distributed weights."""

STORED = Path(__file__).parents[1] / "tests" / "crossbars" / "aihwkit_tiles.npz"
"""Tiles of trained networks, as integers: of the network for MNIST of the ONNX Model Zoo (MIT licence), and of
ResNet-20 of IBM/cmnnc (Apache licence). `aihwkit_networks.py` has written them."""

SEEDS = 24
INPUTS = 200


def tiles() -> dict[str, np.ndarray]:
    """Return the weights of all tiles, shape (outputs, inputs), by name."""
    found: dict[str, np.ndarray] = {}
    for name, (outputs, inputs) in RANDOM.items():
        rng = np.random.default_rng(outputs * inputs)
        found[name] = rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)
    with np.load(STORED) as stored:
        found |= {name: stored[name] / 127 for name in stored}
    return {name: weights.astype(np.float32) for name, weights in found.items()}


def inputs_of(weights: np.ndarray) -> np.ndarray:
    """Return inputs of a tile as after a ReLU, shape (inputs of the tile, INPUTS)."""
    rng = np.random.default_rng(weights.size)
    return np.maximum(rng.standard_normal((weights.shape[1], INPUTS)), 0).astype(np.float32)


def figures_of(found: np.ndarray, exact: np.ndarray) -> tuple[float, float, float]:
    """Return the figures of the outputs of a tile, as FIGURES names them."""
    size = sqrt(np.mean(exact**2))
    slope = float((found * exact).sum() / (exact**2).sum())
    error = float(np.sqrt(np.mean((found - slope * exact) ** 2)))
    return slope, error / size, float(found.mean()) / size


Outputs = Callable[[np.ndarray, np.ndarray, bool, int, float], np.ndarray]
"""Outputs of a tile, given its weights, inputs, compensation, seed and time."""


def of_aihwkit(
    weights: np.ndarray, x: np.ndarray, compensation: bool, seed: int, at: float
) -> np.ndarray:
    """Return the outputs of a layer of aihwkit, with exact converters."""
    import torch  # pyright: ignore[reportMissingImports]

    torch.manual_seed(seed)
    layer = layer_of(weights, compensation)
    layer.program_analog_weights()
    layer.drift_analog_weights(at)
    with torch.no_grad():
        return layer(torch.from_numpy(x.T)).numpy().T


def layer_of(weights: np.ndarray, compensation: bool) -> Any:
    """Return a layer of aihwkit, in evaluation mode, that has not been programmed."""
    import torch  # pyright: ignore[reportMissingImports]
    from aihwkit.inference import GlobalDriftCompensation, PCMLikeNoiseModel  # pyright: ignore[reportMissingImports]
    from aihwkit.nn import AnalogLinear  # pyright: ignore[reportMissingImports]
    from aihwkit.simulator.configs import TorchInferenceRPUConfig  # pyright: ignore[reportMissingImports]

    config = TorchInferenceRPUConfig()
    config.forward.is_perfect = True
    config.mapping.weight_scaling_omega = 1.0
    config.noise_model = PCMLikeNoiseModel(g_max=25.0)
    config.drift_compensation = GlobalDriftCompensation() if compensation else None
    outputs, inputs = weights.shape
    layer = AnalogLinear(inputs, outputs, bias=False, rpu_config=config)
    layer.set_weights(torch.from_numpy(weights))
    return layer.eval()


def of_pcm(given: Pcm) -> Outputs:
    """Return the function that gives the outputs of the model `pcm`, without converters."""

    def outputs(
        weights: np.ndarray, x: np.ndarray, compensation: bool, seed: int, at: float
    ) -> np.ndarray:
        settings = replace(given, seed=seed, at=at, compensation=compensation)
        model, where = PcmCrossbars(settings, Crossbar()), Where("core")
        programmed = model.program(where, weights, tiles_of(matrix_of(weights), Crossbar()))
        columns = Columns(np.arange(x.shape[1]), np.zeros(x.shape[1], int))
        return model.product(where, programmed, x, columns)

    return outputs


def over_seeds(
    outputs: Outputs, weights: np.ndarray, compensation: bool, at: float, seeds: int = SEEDS
) -> dict[str, dict[str, float]]:
    """Return mean and standard deviation over seeds of each figure."""
    x = inputs_of(weights)
    exact = weights.astype(float) @ x
    rows = [figures_of(outputs(weights, x, compensation, seed, at), exact) for seed in range(seeds)]
    return {
        figure: {"mean": float(np.mean(column)), "deviation": float(np.std(column, ddof=1))}
        for figure, column in zip(FIGURES, np.array(rows).T, strict=True)
    }


def standard_errors(ours: dict[str, float], theirs: dict[str, float]) -> float:
    """Return the difference of two means over seeds, in standard errors of that difference."""
    error = sqrt((ours["deviation"] ** 2 + theirs["deviation"] ** 2) / SEEDS)
    return (ours["mean"] - theirs["mean"]) / error


def figures() -> dict[str, Any]:
    """Return the figures of aihwkit: tile, with or without compensation, time, figure."""
    return {
        name: {
            "compensated" if compensation else "uncompensated": {
                time: over_seeds(of_aihwkit, weights, compensation, at)
                for time, at in TIMES.items()
            }
            for compensation in (False, True)
        }
        for name, weights in tiles().items()
    }


if __name__ == "__main__":
    json.dump(figures(), sys.stdout, indent=1)
    print()
