"""Activation functions of arrays or of vectors of a body, see `formula`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np


def clip(x: Any, low: float, high: float) -> Any:
    """Clamp elements to two bounds, either of which may be infinite."""
    x = x if low == -inf else np.maximum(x, low)
    return x if high == inf else np.minimum(x, high)


def elu(x: Any, alpha: float) -> Any:
    """Return x, or alpha · (exp(x) - 1) if x is negative."""
    return np.where(x < 0, alpha * np.expm1(x), x)


def hard_sigmoid(x: Any, alpha: float, beta: float) -> Any:
    """Return alpha · x + beta, clamped to [0, 1]."""
    return clip(alpha * x + beta, 0, 1)


def leaky(x: Any, slope: Any) -> Any:
    """Return x, or slope · x if x is negative.

    Other elements do not meet the slope, which may be infinite or NaN.
    """
    return np.where(x < 0, slope * x, x)


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + exp(-x))."""
    # Where x < 0, numerator and denominator are multiplied by exp(x), which prevents overflow.
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.absolute(x)))


def softplus(x: Any) -> Any:
    """Return log(1 + exp(x)), computed without overflow of exp."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.absolute(x)))


@dataclass(frozen=True)
class Activation:
    """A function of x and two numbers, with the defaults of those that it uses."""

    function: Callable[[Any, float, float], Any]
    alpha: float | None = None
    beta: float | None = None


ACTIVATIONS: Mapping[str, Activation] = {
    "affine": Activation(lambda x, a, b: a * x + b, 1.0, 0.0),
    "elu": Activation(lambda x, a, b: elu(x, a), 1.0),
    "hard_sigmoid": Activation(hard_sigmoid, 0.2, 0.5),
    "leaky_relu": Activation(lambda x, a, b: leaky(x, a), 0.01),
    "relu": Activation(lambda x, a, b: np.maximum(x, 0)),
    "scaled_tanh": Activation(lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    "sigmoid": Activation(lambda x, a, b: sigmoid(x)),
    "softplus": Activation(lambda x, a, b: softplus(x)),
    "softsign": Activation(lambda x, a, b: x / (1 + np.absolute(x))),
    "tanh": Activation(lambda x, a, b: np.tanh(x)),
    "thresholded_relu": Activation(lambda x, a, b: np.where(x > a, x, 0), 1.0),
}
"""The activations of recurrent operators, by name."""
