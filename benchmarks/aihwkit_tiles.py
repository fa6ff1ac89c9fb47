"""Figures of tiles of phase-change memory in IBM's aihwkit, which the tests of the model `pcm` expect.

aihwkit is not needed by anything else. In an environment of its own:

    pip install torch && pip install --no-deps aihwkit==1.1.0
    python benchmarks/aihwkit_tiles.py > tests/crossbars/aihwkit.json

For each tile, time and seed, outputs y of 200 inputs are compared with the exact outputs e: the slope Σye/Σee, and the
root mean square of y − slope·e relative to that of e. The figures are means and standard deviations over seeds.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

TIMES = {"1 s": 1.0, "1 h": 3600.0, "1 d": 86400.0, "1 y": 365 * 86400.0}

TILES = {
    "conv of digits": (8, 25),
    "16 channels": (16, 144),
    "64 channels": (64, 256),
    "dense": (10, 64),
}
"""Outputs and inputs of tiles, of the sizes that small networks for digits and ResNet-20 have."""

SEEDS = 24
INPUTS = 200


def tile(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return normally distributed weights, and inputs as after a ReLU, shape (inputs of the tile, INPUTS)."""
    outputs, inputs = TILES[name]
    rng = np.random.default_rng(outputs * inputs)
    weights = rng.standard_normal((outputs, inputs)) / np.sqrt(inputs)
    x = np.maximum(rng.standard_normal((inputs, INPUTS)), 0)
    return weights.astype(np.float32), x.astype(np.float32)


def slope_and_error(found: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    """Return the slope of outputs, and the relative error that it leaves."""
    slope = float((found * exact).sum() / (exact**2).sum())
    return slope, float(np.sqrt(np.mean((found - slope * exact) ** 2) / np.mean(exact**2)))


def analog(weights: np.ndarray, compensation: bool) -> Any:
    """Return a layer of aihwkit with programmed weights and exact converters."""
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
    layer.eval()
    layer.program_analog_weights()
    return layer


def figures() -> dict[str, Any]:
    """Return means and standard deviations over seeds: tile, with or without compensation, time, figure."""
    import torch  # pyright: ignore[reportMissingImports]

    found: dict[str, Any] = {}
    for name in TILES:
        weights, x = tile(name)
        exact = weights.astype(float) @ x
        for compensation in (False, True):
            values: dict[str, list[tuple[float, float]]] = {time: [] for time in TIMES}
            for seed in range(SEEDS):
                torch.manual_seed(seed)
                layer = analog(weights, compensation)
                for time, seconds in TIMES.items():
                    layer.drift_analog_weights(seconds)
                    with torch.no_grad():
                        y = layer(torch.from_numpy(x.T)).numpy().T
                    values[time].append(slope_and_error(y, exact))
            kind = "compensated" if compensation else "uncompensated"
            found.setdefault(name, {})[kind] = {
                time: {
                    figure: {
                        "mean": float(np.mean(column)),
                        "deviation": float(np.std(column, ddof=1)),
                    }
                    for figure, column in zip(("slope", "error"), np.array(rows).T, strict=True)
                }
                for time, rows in values.items()
            }
    return found


if __name__ == "__main__":
    json.dump(figures(), sys.stdout, indent=1)
    print()
