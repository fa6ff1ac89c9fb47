"""Integer arithmetic that onnxruntime lacks, from ONNX to the simulator, against NumPy's."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from frontends.onnx_models import model_of
from ml_dtypes import iinfo
from onnx import TensorProto, helper

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


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64"])
def test_unary_arithmetic_wraps(kind: str) -> None:
    limits = np.iinfo(kind)
    x = np.array([limits.min, limits.min + 1, -2, -1, 0, 1, 5, limits.max], kind)[None]
    found = _run(
        f"{kind}[1,8] x",
        "y0 = Abs(x) y1 = Neg(x) y2 = Sign(x) y3 = Relu(x)"
        " l = Constant<value_int = -2>() h = Constant<value_int = 4>()"
        " k = CastLike(l, x) g = CastLike(h, x) y4 = Clip(x, k, g)",
        18,
        ", ".join(f"{kind}[1,8] y{i}" for i in range(5)),
        x,
    )
    with np.errstate(all="ignore"):
        wanted = [np.abs(x), -x, np.sign(x), np.maximum(x, 0), np.clip(x, -2, 4)]
    for result, expected in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(result, expected)
        assert result.dtype == kind


@pytest.mark.parametrize("kind", ["int32", "int64"])
def test_reductions(kind: str) -> None:
    """Sums and products wrap; means are those of exact sums, as far as 64 bits hold these."""
    x = np.array([[[7, -9, -6, -2], [2**31 - 1, 2**31 - 1, -9, 4], [-3, 5, 11, 3]]], kind)
    names = ("Sum", "Prod", "SumSquare", "L1", "Mean")
    found = _run(
        f"{kind}[1,3,4] x",
        "a = Constant<value_ints = [2]>() "
        + " ".join(f"y{i} = Reduce{name}<keepdims = 0>(x, a)" for i, name in enumerate(names)),
        18,
        ", ".join(f"{kind}[1,3] y{i}" for i in range(len(names))),
        x,
    )
    exact = [[int(n) for n in row] for row in x[0]]
    wanted = [
        [sum(row) for row in exact],
        [math.prod(row) for row in exact],
        [sum(n * n for n in row) for row in exact],
        [sum(map(abs, row)) for row in exact],
        [math.trunc(Fraction(sum(row), 4)) for row in exact],
    ]
    width = np.dtype(kind).itemsize * 8
    for result, numbers in zip(found, wanted, strict=True):
        wrapped = [(n + 2 ** (width - 1)) % 2**width - 2 ** (width - 1) for n in numbers]
        np.testing.assert_array_equal(result[0], wrapped)


@pytest.mark.parametrize("kind", ["int32", "int64"])
@pytest.mark.parametrize("computed", [False, True])
def test_products(kind: str, computed: bool) -> None:
    """With a constant matrix, on crossbars, and with a computed one; sums have the bits of the type, and wrap."""
    random = np.random.default_rng(0)
    limits = np.iinfo(kind)
    x, w = (random.integers(limits.min, limits.max, (3, 3), kind) for _ in range(2))
    given = f"{kind}[3,3] x1" + (f", {kind}[3,3] x2" if computed else "")
    held = (
        "" if computed else f"w = Constant<value = {kind}[3,3] {{{','.join(map(str, w.flat))}}}>() "
    )
    other = "x2" if computed else "w"
    body = f"{held} y0 = MatMul(x1, {other}) y1 = Gemm<transA = 1, alpha = 3.0>(x1, {other}, x1)"
    arrays = (x, w) if computed else (x,)
    found = _run(given, body, 18, f"{kind}[3,3] y0, {kind}[3,3] y1", *arrays)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found[0], x @ w)
        np.testing.assert_array_equal(found[1], 3 * (x.T @ w) + x)


@pytest.mark.parametrize("kind", ["int4", "uint4", "int2", "uint2"])
def test_integers_of_few_bits(kind: str) -> None:
    """All pairs of numbers and zero points, which are inputs, and casts of more bits."""
    dtype = np.dtype(kind)
    numbers = np.arange(int(iinfo(dtype).min), int(iinfo(dtype).max) + 1).astype(dtype)
    size = len(numbers)
    to = helper.np_dtype_to_tensor_dtype(dtype)
    wide = np.linspace(-40, 40, size).astype(np.int32)
    found = _run(
        f"{kind}[{size}] x1, {kind} x2, float[{size}] x3, int32[{size}] x4",
        "s = Constant<value_float = 0.5>() r = Constant<value_ints = [-1, 2]>()"
        f" y0 = DequantizeLinear(x1, s) y1 = Reshape(x1, r) y2 = QuantizeLinear(x3, s, x2)"
        f" y3 = Cast<to = {to}>(x4)",
        25,
        f"float[{size}] y0, {kind}[{size // 2},2] y1, {kind}[{size}] y2, {kind}[{size}] y3",
        numbers,
        numbers[1],
        np.linspace(-9, 9, size, dtype=np.float32),
        wide,
    )
    np.testing.assert_array_equal(found[0], numbers.astype(np.float32) / 2)
    np.testing.assert_array_equal(found[1], numbers.reshape(-1, 2))
    shifted = np.rint(np.linspace(-9, 9, size, dtype=np.float32) * 2) + int(numbers[1])
    clamped = np.clip(shifted, int(numbers[0]), int(numbers[-1]))
    np.testing.assert_array_equal(found[2].astype(np.int8), clamped)
    np.testing.assert_array_equal(found[3], wide.astype(dtype))
    assert all(result.dtype == dtype for result in found[1:])


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
