"""Quantisers of QONNX: inputs, nodes, outputs, and constants by name."""

from __future__ import annotations

import numpy as np
from frontends.quantized_cases import Case


def _float(*values: float) -> np.ndarray:
    return np.array(values[0] if len(values) == 1 else values, np.float32)


_ONE = {"s": _float(0.125), "z": _float(0), "b": _float(4)}
_WEIGHTS = np.random.default_rng(9).normal(size=(4, 3, 3, 3)).astype(np.float32)
QUANT = "qonnx.custom_op.general.Quant"

CASES: dict[str, Case] = {
    "Quant": ("float[1,3,4] x", f"q = {QUANT}(x, s, z, b) y = Relu(q)", "float[] y", _ONE),
    "Quant unsigned": (
        "float[1,3,4] x",
        f"y = {QUANT}<signed = 0, narrow = 0>(x, s, z, b)",
        "float[] y",
        {**_ONE, "b": _float(8)},
    ),
    "Quant unsigned narrow": (
        "float[1,3,4] x",
        f"y = {QUANT}<signed = 0>(x, s, z, b)",
        "float[] y",
        {**_ONE, "b": _float(8), "s": _float(0.005)},
    ),
    "Quant with an odd zero point": (
        "float[1,3,4] x",
        f"t = Mul(x, four) r = Round(t) h = Add(r, half) y = {QUANT}<narrow = 0>(h, s, z, b)",
        "float[] y",
        {"s": _float(1), "z": _float(3), "b": _float(5), "half": _float(0.5), "four": _float(4)},
    ),
    "Quant CEIL per channel": (
        "float[1,3,4] x",
        f'y = {QUANT}<rounding_mode = "CEIL">(x, s, z, b)',
        "float[] y",
        {
            "s": np.array([[[0.1], [0.2], [0.3]]], np.float32),
            "z": np.array([[[0], [1], [-2]]], np.float32),
            "b": _float(3),
        },
    ),
    "Quant FLOOR": (
        "float[1,3,4] x",
        f'y = {QUANT}<rounding_mode = "floor">(x, s, z, b)',
        "float[] y",
        {**_ONE, "b": _float(16), "s": _float(3e-5)},
    ),
    "Quant of one bit": (
        "float[1,3,4] x",
        f"y = {QUANT}(x, s, z, b)",
        "float[] y",
        {**_ONE, "b": _float(1), "z": _float(1)},
    ),
    "BipolarQuant": (
        "float[1,3,4] x",
        "y = qonnx.custom_op.general.BipolarQuant(x, s)",
        "float[] y",
        _ONE,
    ),
    "IntQuant, a convolution": (
        "float[1,3,6,5] x",
        "q = qonnx.custom_op.general.IntQuant<narrow = 0>(x, s, z, b)"
        " v = qonnx.custom_op.general.IntQuant(w, ws, z, b)"
        " y = Conv<pads = [1, 1, 1, 1]>(q, v)",
        "float[] y",
        {
            **_ONE,
            "w": _WEIGHTS,
            "ws": np.array([0.25, 0.5, 0.125, 0.25], np.float32).reshape(4, 1, 1, 1),
        },
    ),
    "BipolarQuant of weights": (
        "float[1,3,6,5] x",
        f"q = {QUANT}(x, s, z, b) v = qonnx.custom_op.general.BipolarQuant(w, s) y = Conv(q, v)",
        "float[] y",
        {**_ONE, "w": _WEIGHTS},
    ),
}
