"""The recurrent operator of com.microsoft with quantised inputs and states, step by step.

Products are exact sums of integers times one factor in single precision. Inputs are quantised with one scale for all
sequences and steps, states with one scale for all sequences in each step. (With several threads, onnxruntime divides
the sequences of a batch among them, with a scale for each part.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cmir.checking.microsoft import DOMAIN, dynamic_quantize_matmul
from cmir.checking.registry import operator

_ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
}


@operator("DynamicQuantizeLSTM", DOMAIN)
def dynamic_quantize_lstm(
    x: np.ndarray,
    w: np.ndarray,
    r: np.ndarray,
    b: np.ndarray | None = None,
    sequence_lens: np.ndarray | None = None,
    initial_h: np.ndarray | None = None,
    initial_c: np.ndarray | None = None,
    p: np.ndarray | None = None,
    w_scale: np.ndarray | None = None,
    w_zero_point: np.ndarray | None = None,
    r_scale: np.ndarray | None = None,
    r_zero_point: np.ndarray | None = None,
    *,
    activations: Sequence[str] = (),
    clip: float = 0.0,
    direction: str = "forward",
    hidden_size: int = 0,
    input_forget: int = 0,
) -> tuple[np.ndarray, ...]:
    """Evaluate sequences of equal length. Raises ValueError for others, and for other activations."""
    steps, batch, _ = x.shape
    if sequence_lens is not None and not (sequence_lens == steps).all():
        raise ValueError("sequences of several lengths")
    count, units = len(r), r.shape[1]
    names = [name.lower() for name in activations or ["sigmoid", "tanh", "tanh"] * count]
    sequences, ends = np.zeros((steps, count, batch, units), np.float32), []
    for d in range(count):
        zeros = np.zeros((batch, units), np.float32)
        h, c = (zeros if state is None else state[d] for state in (initial_h, initial_c))
        bias = None if b is None else b[d, : 4 * units] + b[d, 4 * units :]
        rows = np.zeros((3, units), np.float32) if p is None else p[d].reshape(3, units)
        sums = _product(x, w, w_scale, w_zero_point, d, bias)
        backwards = direction == "reverse" or d == 1
        for step in range(steps)[:: -1 if backwards else 1]:
            gates = sums[step] + _product(h, r, r_scale, r_zero_point, d)
            h, c = _step(gates, c, rows, names[3 * d : 3 * d + 3], clip, bool(input_forget))
            sequences[step, d] = h
        ends.append((h, c))
    return (sequences, *(np.stack(states) for states in zip(*ends, strict=True)))


def _product(
    x: np.ndarray,
    w: np.ndarray,
    scale: np.ndarray | None,
    zero: np.ndarray | None,
    direction: int,
    bias: np.ndarray | None = None,
) -> np.ndarray:
    if scale is None:
        raise ValueError("there is no scale of the weights")
    own = None if zero is None else zero[direction]
    return dynamic_quantize_matmul(x, w[direction], scale[direction], own, bias)


def _step(
    gates: np.ndarray,
    c: np.ndarray,
    peepholes: np.ndarray,
    activations: Sequence[str],
    clip: float,
    input_forget: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next states h and c."""
    f, g, h = (_ACTIVATIONS[name] for name in activations)

    def clipped(x: np.ndarray) -> np.ndarray:
        return np.clip(x, -clip, clip) if clip else x

    i, o, forget, k = np.split(gates, 4, -1)
    i = f(clipped(i + peepholes[0] * c))
    forget = 1 - i if input_forget else f(clipped(forget + peepholes[2] * c))
    c = forget * c + i * g(clipped(k))
    return f(clipped(o + peepholes[1] * c)) * h(c), c
