"""Quantisers of QONNX, as its own execution defines them (`qonnx.custom_op.general`).

Floats are divided by the scale, shifted by the zero point, clamped to the integers of some number of bits, rounded, and
scaled back, all in single precision.
"""

from __future__ import annotations

import numpy as np

from cmir.checking.registry import QONNX, operator
from cmir.checking.ties import settled

_ROUNDING = {"ROUND": (np.round, 0.0), "CEIL": (np.ceil, 0.5), "FLOOR": (np.floor, -0.5)}
"""Functions that round, and what to add to numbers so that the nearest integer is, but for ties, the result."""


def quant(
    x: np.ndarray,
    scale: np.ndarray,
    zeropt: np.ndarray,
    bitwidth: np.ndarray,
    *,
    signed: int = 1,
    narrow: int = 1,
    rounding_mode: str = "ROUND",
) -> np.ndarray:
    bits = int(bitwidth.item())
    levels = x / scale + zeropt
    if bits == 1 and signed:
        rounded = settled(levels, np.where(levels >= 0, 1, -1).astype(x.dtype), step=2)
    else:
        half = 2 ** (bits - 1)
        least = 0 if not signed else -half + bool(narrow)
        greatest = half - 1 if signed else 2 * half - 1 - bool(narrow)
        levels = np.minimum(np.maximum(levels, least), greatest)
        round_, shift = _ROUNDING[rounding_mode.upper()]
        rounded = settled(levels + shift, round_(levels))
    return np.asarray((rounded - zeropt) * scale, np.float32)


def bipolar_quant(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    signs = np.where(x >= 0, np.float32(1), np.float32(-1))
    return np.asarray(settled(x / np.abs(scale), signs, step=2) * scale, np.float32)


for domain in QONNX:
    operator("Quant", domain)(quant)
    operator("IntQuant", domain)(quant)
    operator("BipolarQuant", domain)(bipolar_quant)
