"""Real numbers as integers with a scale and a zero point: ONNX's QuantizeLinear, DequantizeLinear, and requantisation.

Scales are floating-point numbers, and their arithmetic is part of the semantics. QuantizeLinear divides in the type of
the scale unless `precision` names another; all other products and quotients of scales are in single precision.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper

from cmir.checking.integers import along, centred, wrapped
from cmir.checking.ties import settled


def integer_limits(dtype: np.dtype) -> tuple[int, int]:
    """Return the minimum and maximum of an integer type. Raises ValueError for other types."""
    try:
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
        else:
            from ml_dtypes import iinfo  # onnx's types of 2 and 4 bits

            info = iinfo(dtype)
    except (ImportError, ValueError):
        raise ValueError(f"numbers of type {dtype} are no integers") from None
    return int(info.min), int(info.max)


def saturated(quotient: np.ndarray, zero_point: np.ndarray | int, dtype: np.dtype) -> np.ndarray:
    """Round to the nearest integer (ties to even), add the zero point, and saturate to `dtype`. NaN counts as zero."""
    low, high = integer_limits(dtype)
    zero = np.asarray(zero_point).astype(np.int64)
    quotient = quotient.astype(np.float64)
    whole = np.nan_to_num(np.rint(quotient), nan=0.0, posinf=np.inf, neginf=-np.inf)
    whole = settled(quotient, np.clip(whole, low - zero, high - zero), zero)
    return (whole.astype(np.int64) + zero).astype(dtype)


def broadcast_scales(
    values: np.ndarray, shape: tuple[int, ...], axis: int, block_size: int = 0
) -> np.ndarray:
    """Broadcast scales or zero points: a single one, one per index of `axis`, or one per block along `axis`."""
    if block_size == 0 or values.size == 1:
        return along(values, len(shape), axis)
    repeated = np.repeat(values, block_size, axis)
    return np.take(repeated, range(shape[axis]), axis)


def quantize(
    x: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: int = 1,  # of float8 only
) -> np.ndarray:
    """Evaluate ONNX's QuantizeLinear, of any opset."""
    if y_zero_point is None:
        kind = helper.tensor_dtype_to_np_dtype(output_dtype or TensorProto.UINT8)
        y_zero_point = np.zeros((), kind)
    kind = helper.tensor_dtype_to_np_dtype(precision) if precision else y_scale.dtype
    scale = broadcast_scales(y_scale, x.shape, axis, block_size).astype(kind)
    zero = broadcast_scales(y_zero_point, x.shape, axis, block_size)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        quotient = np.asarray(x.astype(kind) / scale)
    return saturated(quotient, zero, y_zero_point.dtype)


def dequantize(
    x: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> np.ndarray:
    """Evaluate ONNX's DequantizeLinear, of any opset. A half-precision result is the rounded single-precision one."""
    integer_limits(x.dtype)
    scale = broadcast_scales(x_scale, x.shape, axis, block_size).astype(np.float32)
    zero = None
    if x_zero_point is not None:
        zero = broadcast_scales(x_zero_point, x.shape, axis, block_size)
    kind = helper.tensor_dtype_to_np_dtype(output_dtype) if output_dtype else x_scale.dtype
    return np.asarray(centred(x, zero).astype(np.float32) * scale).astype(kind)


def dynamic_quantize(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Evaluate ONNX's DynamicQuantizeLinear to uint8; return the numbers, their scale and their zero point."""
    least = np.minimum(x.min(initial=0), 0).astype(np.float32)
    greatest = np.maximum(x.max(initial=0), 0).astype(np.float32)
    steps = np.float32(255)
    scale = np.asarray((greatest - least) / steps if greatest > least else np.float32(1))
    zero = saturated(np.asarray(-least / scale), 0, np.dtype(np.uint8))
    return quantize(x, scale, zero), scale, zero


def single(scale: np.ndarray) -> np.ndarray:
    """Return a scale in single precision."""
    return np.asarray(scale, np.float32)


def requantize(sums: np.ndarray, factor: np.ndarray, zero_point: np.ndarray) -> np.ndarray:
    """Return exact sums of products times a factor in single precision, in the type of the zero point."""
    zero = zero_point.reshape(()) if zero_point.size == 1 else zero_point
    return saturated(wrapped(sums).astype(np.float32) * factor, zero, zero_point.dtype)
