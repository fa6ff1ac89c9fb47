"""Quantised operators of onnxruntime (`com.microsoft`).

Sums of products and averages are sums of integers times one factor. All other operators dequantise their operands,
compute in float32, and quantise the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import element_of, shape_of
from cmir.frontends.onnx import quantized
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.elementwise import operands
from cmir.frontends.onnx.operators.integers import centred, dequantized
from cmir.frontends.onnx.operators.layout import channels_back, channels_first
from cmir.frontends.onnx.operators.quantization import (
    factor_of,
    integer_matmul,
    qlinear_conv,
    requantized,
)
from cmir.frontends.onnx.operators.windows import Window
from cmir.frontends.onnx.quantized import MICROSOFT
from cmir.frontends.onnx.registry import importer


def _real(node: Node, x: Activation, scale: Constant, zero: Constant | None) -> Activation:
    """Build the numbers that an activation's integers stand for."""
    zero = _zero(zero, x)
    return node.build(nn.DequantizeOp(x, _number(node, scale), _number(node, zero)))


def _real_value(node: Node, x: Value, scale: Constant, zero: Constant | None) -> Value:
    if isinstance(x, Constant):
        return quantized.dequantize(x, scale, zero)
    return _real(node, x, scale, zero)


def _number(node: Node, constant: Constant) -> SSAValue:
    """Return a scale or a zero point as a parameter. Raises ImporterError if it is not one number."""
    if constant.array.size != 1:
        raise ImporterError(f"constant '{constant.name}' must be one number")
    return node.parameter(Constant(constant.name, constant.array.reshape(())))


def _zero(zero: Constant | None, like: Value) -> Constant:
    """Return the zero point of a result; by default 0, in the type of an operand."""
    if zero is not None:
        return zero
    if isinstance(like, Constant):
        return Constant("zero", np.zeros((), like.array.dtype))
    return Constant("zero", np.zeros((), dtype_of(like)))


def _quantized(node: Node, x: Activation, scale: Constant, zero: Constant) -> Activation:
    return node.build(nn.QuantizeOp(x, _number(node, scale), _number(node, zero)))


@importer("QLinearAdd", MICROSOFT)
def qlinear_add(
    node: Node,
    a: Value,
    a_scale: Constant,
    a_zero_point: Constant | None,
    b: Value,
    b_scale: Constant,
    b_zero_point: Constant | None,
    c_scale: Constant,
    c_zero_point: Constant | None = None,
) -> Value:
    left = _real_value(node, a, a_scale, a_zero_point)
    right = _real_value(node, b, b_scale, b_zero_point)
    total = node.build(nn.AddOp(*operands(node, left, right)))
    return _quantized(node, total, c_scale, _zero(c_zero_point, a))


@importer("QLinearMul", MICROSOFT)
def qlinear_mul(
    node: Node,
    a: Value,
    a_scale: Constant,
    a_zero_point: Constant | None,
    b: Value,
    b_scale: Constant,
    b_zero_point: Constant | None,
    c_scale: Constant,
    c_zero_point: Constant | None = None,
) -> Value:
    """Products are exact."""
    numbers = [_difference(node, a, a_zero_point), _difference(node, b, b_zero_point)]
    product = node.build(nn.MulOp(*operands(node, *numbers)))
    factor = factor_of(a_scale, b_scale, c_scale)
    return requantized(node, product, factor, _zero(c_zero_point, a))


def _difference(node: Node, x: Value, zero: Constant | None) -> Value:
    """Return x − zero point in int32."""
    if isinstance(x, Constant):
        return Constant(f"{x.name}.centred", centred(x, zero, 0).astype(np.int32))
    wide = _wide(node, x)
    if zero is None or not zero.array.any():
        return wide
    number = node.parameter(Constant(zero.name, zero.array.astype(np.int32).reshape(())))
    return node.build(nn.SubOp(wide, number))


def _wide(node: Node, x: Activation) -> Activation:
    return x if element_of(x) == i32 else node.build(nn.CastOp(x, i32))


@importer("QLinearConcat", MICROSOFT)
def qlinear_concat(
    node: Node, y_scale: Constant, y_zero_point: Constant, *pieces: Value, axis: int
) -> Value:
    """Each piece is requantised, unless it has the scale and the zero point of the result."""
    parts: list[Value] = []
    for x, scale, zero in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        if not isinstance(scale, Constant) or not isinstance(zero, Constant):
            raise ImporterError("scales and zero points must be constants")
        if isinstance(x, Constant):
            real = quantized.dequantize(x, scale, zero)
            parts.append(quantized.quantize(real, y_scale, y_zero_point))
        elif _equal(scale, y_scale) and _equal(zero, y_zero_point):
            parts.append(x)
        else:
            parts.append(_quantized(node, _real(node, x, scale, zero), y_scale, y_zero_point))
    axes = {node.axis(x, axis) for x in parts if isinstance(x, Activation)}
    if len(axes) != 1:
        raise ImporterError("the inputs have different numbers of dimensions")
    values = [next(operands(node, x, *parts)) if isinstance(x, Constant) else x for x in parts]
    return node.build(nn.ConcatOp(values, axes.pop()))


@importer("QLinearWhere", MICROSOFT)
def qlinear_where(
    node: Node,
    condition: Value,
    x: Value,
    x_scale: Constant,
    x_zero_point: Constant,
    y: Value,
    y_scale: Constant,
    y_zero_point: Constant,
    z_scale: Constant,
    z_zero_point: Constant,
) -> Value:
    numbers = (
        _real_value(node, x, x_scale, x_zero_point),
        _real_value(node, y, y_scale, y_zero_point),
    )
    chosen = node.build(nn.WhereOp(*operands(node, condition, *numbers)))
    return _quantized(node, chosen, z_scale, z_zero_point)


def _equal(a: Constant, b: Constant) -> bool:
    return a.array.dtype == b.array.dtype and np.array_equal(a.array.ravel(), b.array.ravel())


@importer("QLinearSigmoid", MICROSOFT)
def qlinear_sigmoid(
    node: Node,
    x: Activation,
    x_scale: Constant,
    x_zero_point: Constant | None,
    y_scale: Constant,
    y_zero_point: Constant | None = None,
) -> Value:
    real = node.build(nn.SigmoidOp(_real(node, x, x_scale, x_zero_point)))
    return _quantized(node, real, y_scale, _zero(y_zero_point, x))


@importer("QLinearLeakyRelu", MICROSOFT)
def qlinear_leaky_relu(
    node: Node,
    x: Activation,
    x_scale: Constant,
    x_zero_point: Constant | None,
    y_scale: Constant,
    y_zero_point: Constant | None = None,
    *,
    alpha: float = 0.01,
) -> Value:
    real = _real(node, x, x_scale, x_zero_point)
    result = node.build(nn.LeakyReluOp(real, alpha=alpha))
    return _quantized(node, result, y_scale, _zero(y_zero_point, x))


@importer("QLinearSoftmax", MICROSOFT)
def qlinear_softmax(
    node: Node,
    x: Activation,
    x_scale: Constant,
    x_zero_point: Constant | None,
    y_scale: Constant,
    y_zero_point: Constant,
    *,
    axis: int = -1,
    opset: int,
) -> Value:
    """Along an axis; before opset 13, over all dimensions from the axis on."""
    rank = len(node.shape(x))
    axes = [axis] if opset >= 13 else range(axis % rank, rank)
    real = _real(node, x, x_scale, x_zero_point)
    result = node.build(nn.SoftmaxOp(real, sorted(node.axes(x, axes))))
    return _quantized(node, result, y_scale, y_zero_point)


@importer("QLinearGlobalAveragePool", MICROSOFT)
def qlinear_global_average_pool(
    node: Node,
    x: Activation,
    x_scale: Constant,
    x_zero_point: Constant,
    y_scale: Constant,
    y_zero_point: Constant,
    *,
    channels_last: bool = False,
) -> Value:
    rank = len(node.shape(x))
    axes = node.axes(x, range(1, rank - 1) if channels_last else range(2, rank))
    return _average(node, x, x_scale, x_zero_point, y_scale, y_zero_point, axes, True)


@importer("QLinearAveragePool", MICROSOFT, batched=True)
def qlinear_average_pool(
    node: Node,
    x: Activation,
    x_scale: Constant,
    x_zero_point: Constant | None,
    y_scale: Constant,
    y_zero_point: Constant | None = None,
    *,
    window: Window,
    ceil_mode: bool = False,
    channels_last: bool = False,
    count_include_pad: bool = False,
) -> Value:
    outer = len(shape_of(x)) - 1 if channels_last else 0
    # Sums of the integers are exact, and those of multiples of the scale are not.
    one = Constant("one", np.ones((), np.float32))
    numbers = _real(node, channels_first(node, x, outer), one, x_zero_point)
    options = window.strides, window.padding(numbers, window.kernel), window.dilations
    flags = ceil_mode, count_include_pad
    means = node.build(nn.AveragePoolOp(numbers, window.kernel, *options, *flags))
    scale = Constant(y_scale.name, np.asarray(y_scale.array / x_scale.array, np.float32))
    result = _quantized(node, means, scale, _zero(y_zero_point, x))
    return channels_back(node, result, outer)


@importer("QLinearConv", MICROSOFT, batched=True)
def qlinear_conv_in_any_layout(
    node: Node,
    x: Activation,
    x_scale: Constant,
    x_zero_point: Constant,
    w: Constant,
    w_scale: Constant,
    w_zero_point: Constant,
    y_scale: Constant,
    y_zero_point: Constant,
    b: Constant | None = None,
    *,
    window: Window,
    group: int = 1,
    channels_last: bool = False,
) -> Value:
    """int8 or uint8, with known scales and zero points, also per output channel."""
    outer = len(shape_of(x)) - 1 if channels_last else 0
    image = channels_first(node, x, outer)
    quantities = x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, b
    result = qlinear_conv(node, image, *quantities, window=window, group=group)
    return channels_back(node, result, outer)


@importer("QLinearReduceMean", MICROSOFT)
def qlinear_reduce_mean(
    node: Node,
    x: Activation,
    x_scale: Constant,
    x_zero_point: Constant | None,
    y_scale: Constant,
    y_zero_point: Constant | None = None,
    *,
    axes: Sequence[int] = (),
    keepdims: bool = True,
) -> Value:
    chosen = sorted(set(node.axes(x, axes or range(len(node.shape(x))))))
    zero = _zero(y_zero_point, x)
    return _average(node, x, x_scale, x_zero_point, y_scale, zero, chosen, keepdims)


def _average(
    node: Node,
    x: Activation,
    x_scale: Constant,
    x_zero_point: Constant | None,
    y_scale: Constant,
    y_zero_point: Constant,
    axes: Sequence[int],
    keepdims: bool,
) -> Value:
    """Build the mean: the sum of the integers, less the zero points, times one factor."""
    count = prod(shape_of(x)[axis] for axis in axes)
    sums = node.build(nn.ReduceSumOp(_wide(node, x), axes, keepdims))
    zero = 0 if x_zero_point is None else int(x_zero_point.array.item())
    if zero:
        total = Constant("zeros", np.array(-zero * count, np.int32))
        sums = node.build(nn.AddOp(sums, node.parameter(total)))
    scale, wanted = (np.float32(s.array.item()) for s in (x_scale, y_scale))
    return requantized(node, sums, np.asarray(scale / (wanted * np.float32(count))), y_zero_point)


@importer("QGemm", MICROSOFT)
def qgemm(
    node: Node,
    a: Activation,
    a_scale: Constant,
    a_zero_point: Constant,
    b: Constant,
    b_scale: Constant,
    b_zero_point: Constant,
    c: Constant | None = None,
    y_scale: Constant | None = None,
    y_zero_point: Constant | None = None,
    *,
    alpha: float = 1.0,
    transA: bool = False,
    transB: bool = False,
) -> Value:
    """Without y_scale, the result is float32."""
    if c is not None and c.array.dtype != np.int32:
        raise ImporterError(f"input C must have elements of i32, got {c.array.dtype}")
    if transA:
        if node.batch:
            raise ImporterError("attribute transA = 1 exchanges the batch dimension with another")
        a = node.build(nn.TransposeOp(a, [1, 0]))
    weights = Constant(b.name, b.array.T if transB else b.array)
    sums: SSAValue = integer_matmul(node, a, weights, a_zero_point, b_zero_point)
    if c is not None:
        (added,) = [value for value in operands(node, sums, c) if value is not sums]
        sums = node.build(nn.AddOp(sums, added))
    factor = np.float32(alpha) * np.float32(a_scale.array.item()) * b_scale.array
    factor = factor.reshape(()) if factor.size == 1 else factor
    if y_scale is None:
        return dequantized(node, sums, factor)
    factor = np.asarray(factor / np.float32(y_scale.array.item()))
    return requantized(node, sums, factor, _zero(y_zero_point, a))
