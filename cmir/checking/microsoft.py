"""Quantised operators of com.microsoft, as onnxruntime documents them (`docs/ContribOperators.md` there).

Sums of products and averages are exact sums times one factor in single precision, as in QLinearConv. All other
operators dequantise their operands, compute in single precision, and quantise the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cmir.checking.integers import along, centred, taps, window_pads, wrapped
from cmir.checking.operators import (
    centred_product,
    matmul_integer,
    qlinear_conv,
)
from cmir.checking.registry import operator
from cmir.checking.scales import dequantize, dynamic_quantize, quantize, requantize, single

Numbers = np.ndarray
Optional = np.ndarray | None

DOMAIN = "com.microsoft"

operator("MatMulInteger16", DOMAIN)(matmul_integer)


def _zero(zero_point: Optional, like: Numbers) -> Numbers:
    """Return the zero point; by default, 0 in the type of the operand."""
    return np.zeros((), like.dtype) if zero_point is None else zero_point


@operator("QLinearAdd", DOMAIN)
def qlinear_add(
    a: Numbers,
    a_scale: Numbers,
    a_zero_point: Optional,
    b: Numbers,
    b_scale: Numbers,
    b_zero_point: Optional,
    c_scale: Numbers,
    c_zero_point: Optional = None,
) -> Numbers:
    total = dequantize(a, a_scale, a_zero_point) + dequantize(b, b_scale, b_zero_point)
    return quantize(np.asarray(total), c_scale, _zero(c_zero_point, a))


@operator("QLinearMul", DOMAIN)
def qlinear_mul(
    a: Numbers,
    a_scale: Numbers,
    a_zero_point: Optional,
    b: Numbers,
    b_scale: Numbers,
    b_zero_point: Optional,
    c_scale: Numbers,
    c_zero_point: Optional = None,
) -> Numbers:
    """Multiply exactly in integers, so that the scales combine to one factor."""
    products = centred(a, a_zero_point) * centred(b, b_zero_point)
    factor = single(a_scale) * single(b_scale) / single(c_scale)
    return requantize(products, factor.reshape(()), _zero(c_zero_point, a))


@operator("QLinearWhere", DOMAIN)
def qlinear_where(
    condition: Numbers,
    x: Numbers,
    x_scale: Numbers,
    x_zero_point: Numbers,
    y: Numbers,
    y_scale: Numbers,
    y_zero_point: Numbers,
    z_scale: Numbers,
    z_zero_point: Numbers,
) -> Numbers:
    chosen = np.where(
        condition, dequantize(x, x_scale, x_zero_point), dequantize(y, y_scale, y_zero_point)
    )
    return quantize(chosen, z_scale, z_zero_point)


@operator("QLinearConcat", DOMAIN)
def qlinear_concat(y_scale: Numbers, y_zero_point: Numbers, *pieces: Numbers, axis: int) -> Numbers:
    """Concatenate pieces, each a triple of numbers, scale and zero point."""
    triples = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    whole = np.concatenate([dequantize(x, scale, zero) for x, scale, zero in triples], axis)
    return quantize(whole, y_scale, y_zero_point)


@operator("QLinearSigmoid", DOMAIN)
def qlinear_sigmoid(
    x: Numbers,
    x_scale: Numbers,
    x_zero_point: Optional,
    y_scale: Numbers,
    y_zero_point: Optional = None,
) -> Numbers:
    real = dequantize(x, x_scale, x_zero_point).astype(np.float64)
    result = (1 / (1 + np.exp(-real))).astype(np.float32)
    return quantize(result, y_scale, _zero(y_zero_point, x))


@operator("QLinearLeakyRelu", DOMAIN)
def qlinear_leaky_relu(
    x: Numbers,
    x_scale: Numbers,
    x_zero_point: Optional,
    y_scale: Numbers,
    y_zero_point: Optional = None,
    *,
    alpha: float = 0.01,
) -> Numbers:
    real = dequantize(x, x_scale, x_zero_point)
    result = np.where(real >= 0, real, np.float32(alpha) * real)
    return quantize(result, y_scale, _zero(y_zero_point, x))


@operator("QLinearSoftmax", DOMAIN)
def qlinear_softmax(
    x: Numbers,
    x_scale: Numbers,
    x_zero_point: Optional,
    y_scale: Numbers,
    y_zero_point: Numbers,
    *,
    axis: int = -1,
    opset: int,
) -> Numbers:
    """Return the softmax along an axis; before opset 13, over all dimensions from the axis on."""
    real = dequantize(x, x_scale, x_zero_point).astype(np.float64)
    axes = (axis,) if opset >= 13 else tuple(range(axis % x.ndim, x.ndim))
    powers = np.exp(real - real.max(axis=axes, keepdims=True))
    result = (powers / powers.sum(axis=axes, keepdims=True)).astype(np.float32)
    return quantize(result, y_scale, y_zero_point)


@operator("QLinearConv", DOMAIN)
def qlinear_conv_any_layout(
    x: Numbers, *inputs: Numbers, channels_last: int = 0, **window: Any
) -> Numbers:
    if not channels_last:
        return qlinear_conv(x, *inputs, **window)
    return np.moveaxis(qlinear_conv(np.moveaxis(x, -1, 1), *inputs, **window), 1, -1)


@operator("QLinearGlobalAveragePool", DOMAIN)
def qlinear_global_average_pool(
    x: Numbers,
    x_scale: Numbers,
    x_zero_point: Numbers,
    y_scale: Numbers,
    y_zero_point: Numbers,
    *,
    channels_last: int = 0,
) -> Numbers:
    axes = tuple(range(1, x.ndim - 1)) if channels_last else tuple(range(2, x.ndim))
    return _average(x, x_scale, x_zero_point, y_scale, y_zero_point, axes, True)


@operator("QLinearReduceMean", DOMAIN)
def qlinear_reduce_mean(
    x: Numbers,
    x_scale: Numbers,
    x_zero_point: Optional,
    y_scale: Numbers,
    y_zero_point: Optional = None,
    *,
    axes: Sequence[int] = (),
    keepdims: int = 1,
) -> Numbers:
    over = tuple(axes) or tuple(range(x.ndim))
    zero = _zero(y_zero_point, x)
    return _average(x, x_scale, x_zero_point, y_scale, zero, over, bool(keepdims))


def _average(
    x: Numbers,
    x_scale: Numbers,
    x_zero_point: Optional,
    y_scale: Numbers,
    y_zero_point: Numbers,
    axes: tuple[int, ...],
    keepdims: bool,
) -> Numbers:
    sums = centred(x, x_zero_point).sum(axis=axes, keepdims=keepdims)
    count = np.float32(np.prod([x.shape[axis] for axis in axes]))
    factor = single(x_scale) / (single(y_scale) * count)
    return requantize(sums, factor.reshape(()), y_zero_point)


@operator("QLinearAveragePool", DOMAIN)
def qlinear_average_pool(
    x: Numbers,
    x_scale: Numbers,
    x_zero_point: Optional,
    y_scale: Numbers,
    y_zero_point: Optional = None,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    channels_last: int = 0,
    count_include_pad: int = 0,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Numbers:
    zero, y_zero = _zero(x_zero_point, x), _zero(y_zero_point, x)
    image = np.moveaxis(x, -1, 1) if channels_last else x
    rank = image.ndim - 2
    strides, ones = list(strides or [1] * rank), [1] * rank
    before, after = window_pads(image.shape[2:], kernel_shape, strides, ones, pads, auto_pad)
    padded = [b + n + a for b, n, a in zip(before, image.shape[2:], after, strict=True)]
    sizes, further = [], []
    for n, k, s, a in zip(padded, kernel_shape, strides, after, strict=True):
        size = (-(-(n - k) // s) if ceil_mode else (n - k) // s) + 1
        if ceil_mode and (size - 1) * s >= n - a:  # a window must not start after the input
            size -= 1
        sizes.append(size)
        further.append(max(0, (size - 1) * s + k - n))
    edges = [(0, 0), (0, 0), *zip(before, after, strict=True)]
    beyond = [(0, 0), (0, 0), *((0, more) for more in further)]
    values = np.pad(np.pad(centred(image, zero), edges), beyond)
    inside = np.ones((1, 1, *image.shape[2:]), np.int64)
    counted = np.pad(np.pad(inside, edges, constant_values=int(count_include_pad)), beyond)
    sums, counts = (
        np.sum([part for _, part in taps(array, kernel_shape, strides, ones, sizes)], axis=0)
        for array in (values, counted)
    )
    factor = single(x_scale) / (single(y_scale) * counts.astype(np.float32))
    result = requantize(sums, factor, y_zero)
    return np.moveaxis(result, 1, -1) if channels_last else result


@operator("QGemm", DOMAIN)
def qgemm(
    a: Numbers,
    a_scale: Numbers,
    a_zero_point: Numbers,
    b: Numbers,
    b_scale: Numbers,
    b_zero_point: Numbers,
    c: Optional = None,
    y_scale: Optional = None,
    y_zero_point: Optional = None,
    *,
    alpha: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Numbers:
    """Multiply matrices. c has the scale of the products and no zero point. Without y_scale, the result is float."""
    sums = centred_product(a.T if transA else a, b.T if transB else b, a_zero_point, b_zero_point)
    if c is not None:
        sums = sums + c.astype(np.int64)
    factor = along(np.float32(alpha) * single(a_scale) * single(b_scale), 2, 1)
    if y_scale is None:
        return wrapped(sums).astype(np.float32) * factor
    return requantize(sums, factor / single(y_scale).reshape(()), _zero(y_zero_point, a))


@operator("MatMulIntegerToFloat", DOMAIN)
def matmul_integer_to_float(
    a: Numbers,
    b: Numbers,
    a_scale: Numbers,
    b_scale: Numbers,
    a_zero_point: Optional = None,
    b_zero_point: Optional = None,
    bias: Optional = None,
) -> Numbers:
    sums = centred_product(a, b, a_zero_point, b_zero_point)
    factor = along(single(a_scale), 2, -2) * along(single(b_scale), 2, -1)
    result = wrapped(sums).astype(np.float32) * factor
    return result if bias is None else result + bias


@operator("DynamicQuantizeMatMul", DOMAIN)
def dynamic_quantize_matmul(
    a: Numbers, b: Numbers, b_scale: Numbers, b_zero_point: Optional = None, bias: Optional = None
) -> Numbers:
    numbers, scale, zero = dynamic_quantize(a)
    return matmul_integer_to_float(numbers, b, scale, b_scale, zero, b_zero_point, bias)
