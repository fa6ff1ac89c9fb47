"""Integer arithmetic that onnxruntime lacks, from ONNX to the simulator, against NumPy's."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from frontends.onnx_models import model_of
from onnx import TensorProto

from cmir.testing.onnx_backend import CmirBackend

FORMULAS: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": operator.floordiv,
    "Max": np.maximum,
    "Min": np.minimum,
    "Mod": operator.mod,
    "BitwiseAnd": operator.and_,
    "BitwiseOr": operator.or_,
    "BitwiseXor": operator.xor,
}


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_unsigned_arithmetic_wraps(kind: str) -> None:
    """The results of all pairs of small, middle and large numbers, each from an output of its own."""
    body = " ".join(f"y{i} = {op}(x1, x2)" for i, op in enumerate(FORMULAS))
    outputs = ", ".join(f"{kind}[1,9,8] y{i}" for i in range(len(FORMULAS)))
    largest = int(np.iinfo(kind).max)
    numbers = np.array([0, 1, 2, 7, largest // 2, largest // 2 + 1, largest - 1, largest, 100])
    x1 = np.broadcast_to(numbers[:, None], (1, 9, 8)).astype(kind)
    x2 = np.broadcast_to(numbers[1:], (1, 9, 8)).astype(kind)
    found = _run(f"{kind}[1,9,8] x1, {kind}[1,9,8] x2", body, 18, outputs, x1, x2)
    for result, formula in zip(found, FORMULAS.values(), strict=True):
        np.testing.assert_array_equal(result, formula(x1, x2))
        assert result.dtype == kind


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16", "int32", "int64"])
def test_shifts_by_any_number_of_places(kind: str) -> None:
    """Below, at and above the width, and by negative numbers, against Python's integers."""
    limits, width = np.iinfo(kind), np.dtype(kind).itemsize * 8
    numbers = [limits.min, limits.max, 1, 5, limits.max - 4, limits.min // 2, *range(-3, 0)]
    x = np.array([n % 2**width for n in numbers], np.uint64).astype(kind)
    places = [0, 1, 3, width - 1, width, 31, 32, 64, 127, *range(-3, 0)]
    if limits.min == 0:
        places = [p % (limits.max + 1) for p in places]
    x1 = np.broadcast_to(x[:, None], (1, len(x), len(places)))
    x2 = np.broadcast_to(np.array(places, kind), x1.shape)
    shape = ",".join(map(str, x1.shape))
    found = _run(
        f"{kind}[{shape}] x1, {kind}[{shape}] x2",
        'y0 = BitShift<direction = "LEFT">(x1, x2) y1 = BitShift<direction = "RIGHT">(x1, x2)',
        28,
        f"{kind}[{shape}] y0, {kind}[{shape}] y1",
        x1,
        x2,
    )
    beyond = [p if 0 <= p < width else width for p in places]
    left = [[(int(a) << p) % 2**width for p in beyond] for a in x]
    right = [[int(a) >> p for p in beyond] for a in x]
    np.testing.assert_array_equal(found[0][0], np.array(left, np.uint64).astype(kind))
    np.testing.assert_array_equal(found[1][0], np.array(right, kind))


@pytest.mark.parametrize(
    ("source", "target", "to"),
    [
        ("int8", "uint8", TensorProto.UINT8),
        ("uint16", "int16", TensorProto.INT16),
        ("bool", "uint8", TensorProto.UINT8),
    ],
)
def test_bits_of_other_types(source: str, target: str, to: int) -> None:
    every = np.arange(2 if source == "bool" else 2 ** (8 * np.dtype(source).itemsize))
    x = np.resize(every[:: max(1, len(every) // 64)], (1, 8, 8)).astype(np.uint16).astype(source)
    (found,) = _run(f"{source}[1,8,8] x", f"y = BitCast<to = {to}>(x)", 26, f"{target}[1,8,8] y", x)
    np.testing.assert_array_equal(found, x.view(target))
    assert found.dtype == target


def _run(inputs: str, body: str, opset: int, outputs: str, *arrays: np.ndarray) -> list[np.ndarray]:
    """Compile the model with proof, run it on one sample, and return its outputs."""
    return [*CmirBackend.prepare(model_of(inputs, body, opset, outputs)).run(arrays)]
