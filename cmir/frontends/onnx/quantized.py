"""Quantised constants: their arithmetic, and constants that remember the integers they were computed from.

ONNX's reference evaluator has no DequantizeLinear before opset 19, and weights must reach the crossbars as integers.
Nodes that quantise or dequantise constants are therefore computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from ml_dtypes import iinfo
from onnx import TensorProto

from cmir.frontends.onnx.elements import numpy_dtype
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Constant, Node
from cmir.support.counts import count_of


@dataclass(frozen=True)
class QuantizedConstant(Constant):
    """A constant (numbers − zero) · scale. `array` holds the products, rounded to the type of the scale."""

    numbers: np.ndarray
    scale: np.ndarray
    """The scales, broadcast to the numbers as in NumPy: one number without dimensions, or as many dimensions."""
    zero: np.ndarray
    """The zero points, in the shape of the scales, or one number without dimensions."""


@dataclass(frozen=True)
class Integers:
    """An integer type of ONNX: the values that it has, and the NumPy type that holds them."""

    low: int
    high: int
    dtype: np.dtype

    @property
    def is_narrow(self) -> bool:
        """True if the type has fewer values than the one that holds it."""
        limits = np.iinfo(self.dtype)
        return (self.low, self.high) != (limits.min, limits.max)


def integers_of(dtype: np.dtype) -> Integers:
    """Return the integer type of an array's elements. Types of 2 and 4 bits are held as int8. Raises ImporterError."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return Integers(int(limits.min), int(limits.max), dtype)
    try:
        narrow = iinfo(dtype)
    except ValueError:
        raise ImporterError(f"numbers of type {dtype} are not supported, only integers") from None
    return Integers(int(narrow.min), int(narrow.max), np.dtype(np.int8))


def held(array: np.ndarray) -> np.ndarray:
    """Return an array of integers in the type that holds them. Raises ImporterError for other types."""
    return array.astype(integers_of(array.dtype).dtype, copy=False)


def held_narrow(array: np.ndarray) -> np.ndarray:
    """Return integers of 2 or 4 bits as int8, and other arrays unchanged."""
    try:
        iinfo(array.dtype)
    except ValueError:
        return array
    return held(array)


def type_of_result(output_dtype: int) -> np.dtype:
    """Return the type that QuantizeLinear's attribute `output_dtype` names; uint8 for 0. Raises ImporterError."""
    dtype = numpy_dtype(output_dtype or TensorProto.UINT8)
    integers_of(dtype)
    return dtype


def along(values: np.ndarray, shape: Sequence[int], axis: int, block_size: int = 0) -> np.ndarray:
    """Return scales or zero points so that they broadcast to `shape`: one, one per index of an axis, or one per block.

    A single one loses its dimensions. Raises ImporterError if they do not fit.
    """
    if values.size == 1:
        return values.reshape(())
    if not -len(shape) <= axis < len(shape):
        raise ImporterError(
            f"attribute axis = {axis} does not fit {count_of(len(shape), 'dimension')}"
        )
    axis %= len(shape)
    if not block_size:
        if values.shape != (shape[axis],):
            raise ImporterError(
                f"scales of shape {list(values.shape)} do not fit axis {axis} of {list(shape)}"
            )
        return values.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    if block_size < 0:
        raise ImporterError(f"attribute block_size = {block_size} must not be negative")
    blocks = -(-shape[axis] // block_size)
    expected = [blocks if a == axis else size for a, size in enumerate(shape)]
    if list(values.shape) != expected:
        raise ImporterError(f"scales of shape {list(values.shape)} must have the shape {expected}")
    return np.take(values, np.arange(shape[axis]) // block_size, axis)


def dequantize(
    x: Constant,
    x_scale: Constant,
    x_zero_point: Constant | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> QuantizedConstant:
    """Compute DequantizeLinear of constants. Products are rounded to float32, then to the type of the result."""
    numbers = held(x.array)
    kind = x_scale.array.dtype
    if output_dtype:
        kind = numpy_dtype(output_dtype)
    scale = along(x_scale.array, x.shape, axis, block_size).astype(np.float32)
    zero = np.zeros((), numbers.dtype)
    if x_zero_point is not None:
        zero = along(held(x_zero_point.array), x.shape, axis, block_size)
    products = (numbers.astype(np.int64) - zero).astype(np.float32) * scale
    return QuantizedConstant(x.name, np.asarray(products).astype(kind), numbers, scale, zero)


def quantize(
    x: Constant,
    y_scale: Constant,
    y_zero_point: Constant | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: bool = True,
) -> Constant:
    """Compute QuantizeLinear of constants: quotients in the type of the scale, ties to even."""
    dtype = type_of_result(output_dtype) if y_zero_point is None else y_zero_point.array.dtype
    type_ = integers_of(dtype)
    kind = numpy_dtype(precision) if precision else y_scale.array.dtype
    scale = along(y_scale.array, x.shape, axis, block_size).astype(kind)
    zero = np.zeros((), np.int64)
    if y_zero_point is not None:
        zero = along(held(y_zero_point.array), x.shape, axis, block_size).astype(np.int64)
    with np.errstate(all="ignore"):
        quotients = np.asarray(x.array.astype(kind) / scale, np.float64)
    whole = np.nan_to_num(np.rint(quotients), nan=0.0, posinf=np.inf, neginf=-np.inf)
    numbers = np.clip(whole, type_.low - zero, type_.high - zero).astype(np.int64) + zero
    return Constant(x.name, numbers.astype(dtype))


MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators."""


ALIKE = ("Identity", "Flatten", "Reshape", "Squeeze", "Unsqueeze")
"""Operators that keep the elements of a tensor in order."""


def moved(
    node: Node,
    inputs: Sequence[Constant | None],
    fold: Callable[[Sequence[Constant | None]], list[Constant]],
) -> list[Constant] | None:
    """Move the integers of a quantised constant as `fold` moves its elements; None if that is not possible.

    fold: function that evaluates the node.
    """
    operator = node.proto.op_type
    first = inputs[0] if inputs else None
    if node.proto.domain or not isinstance(first, QuantizedConstant):
        return None
    name = first.name
    single = first.scale.ndim == first.zero.ndim == 0
    if operator != "Transpose" and not (operator in ALIKE and single):
        return None

    def move(array: np.ndarray) -> np.ndarray:
        (result,) = fold([Constant(name, array), *inputs[1:]])
        return result.array

    scale, zero = (x if x.ndim == 0 else move(x) for x in (first.scale, first.zero))
    parts = move(first.array), move(first.numbers), scale, zero
    return [QuantizedConstant(node.proto.output[0], *parts)]
