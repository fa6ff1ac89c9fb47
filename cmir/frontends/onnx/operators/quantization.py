"""Quantised networks: integers with a scale and a zero point.

Products are integer products, summed in 32 bits (see `integers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

import numpy as np
from xdsl.dialects.builtin import f32, i32
from xdsl.ir import SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import NARROW_FLOATS, element_of, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.loading import ELEMENTS
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.elementwise import (
    as_element,
    clamped,
    converted,
    element_of_value,
)
from cmir.frontends.onnx.operators.integers import centred, dequantized, integer_conv
from cmir.frontends.onnx.operators.linear import product
from cmir.frontends.onnx.operators.windows import Window
from cmir.frontends.onnx.quantized import (
    MICROSOFT,
    along,
    held,
    held_narrow,
    type_of_result,
)
from cmir.frontends.onnx.registry import importer


@importer("QuantizeLinear")
@importer("QuantizeLinear", MICROSOFT)
def quantize_linear(
    node: Node,
    x: Activation,
    y_scale: Value,
    y_zero_point: Value | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
    saturate: bool = True,
) -> Value:
    """Quantises float32, float16 and bfloat16 to integers of 2 to 16 bits.

    There is one scale, or one for each index of an axis. Integers of less than 8 bits are held as int8.
    """
    if y_zero_point is None:
        y_zero_point = Constant("zero", np.zeros((), type_of_result(output_dtype)))
    dtype = node.dtype(2, y_zero_point)
    element = ELEMENTS.get(precision) if precision else element_of_value(y_scale)
    if element is None or element not in (f32, *NARROW_FLOATS):
        raise ImporterError(f"a quotient of elements of type {element} is not supported")
    x, y_scale = as_element(node, x, element), converted(node, y_scale, element)
    scale, zero = (_along(node, x, value, axis, block_size) for value in (y_scale, y_zero_point))
    if element in NARROW_FLOATS:  # the quotient is rounded to this type
        x = node.build(nn.CastOp(node.build(nn.DivOp(x, scale)), f32))
        scale = node.parameter(Constant("one", np.ones((), np.float32)))
    return clamped(node, node.build(nn.QuantizeOp(x, scale, zero)), dtype)


def _blocks(node: Node, x: Activation, value: Activation, axis: int, size: int) -> SSAValue:
    """Repeat computed scales or zero points, one for each block along an axis."""
    shape = shape_of(x)
    expected = [-(-n // size) if a == axis else n for a, n in enumerate(shape)]
    if size < 0 or list(shape_of(value)) != expected:
        raise ImporterError(
            f"scales of shape {list(shape_of(value))} do not fit blocks of {size} of {list(shape)}"
        )
    return node.build(nn.GatherOp(value, axis, [i // size for i in range(shape[axis])]))


@importer("DequantizeLinear")
@importer("DequantizeLinear", MICROSOFT)
def dequantize_linear(
    node: Node,
    x: Activation,
    x_scale: Value,
    x_zero_point: Value | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Value:
    """Integers of 2 to 32 bits, with one scale or one for each index of an axis, to float32, float16 and bfloat16."""
    if x_zero_point is None:
        x_zero_point = Constant("zero", np.zeros((), dtype_of(x)))
    element = element_of_value(x_scale)
    if output_dtype:
        element = ELEMENTS.get(output_dtype)
    if element not in (f32, *NARROW_FLOATS):
        raise ImporterError(f"attribute output_dtype = {output_dtype} is not supported")
    x_scale = converted(node, x_scale, f32)
    scale, zero = (_along(node, x, value, axis, block_size) for value in (x_scale, x_zero_point))
    result = node.build(nn.DequantizeOp(x, scale, zero))
    return result if element == f32 else node.build(nn.CastOp(result, element))


@importer("DynamicQuantizeLinear")
def dynamic_quantize_linear(node: Node, x: Activation) -> tuple[Activation, Activation, Activation]:
    if node.batch:
        raise ImporterError("one scale would serve all samples of a batch")
    axes = range(len(shape_of(x)))
    zero = node.parameter(Constant("zero", np.zeros((), np.float32)))
    byte = node.parameter(Constant("zero", np.zeros((), np.uint8)))
    steps = node.parameter(Constant("steps", np.array(255, np.float32)))
    low = node.build(nn.MinOp(node.build(nn.ReduceMinOp(x, axes, False)), zero))
    high = node.build(nn.MaxOp(node.build(nn.ReduceMaxOp(x, axes, False)), zero))
    scale = node.build(nn.DivOp(node.build(nn.SubOp(high, low)), steps))
    zero_point = node.build(nn.QuantizeOp(node.build(nn.SubOp(zero, low)), scale, byte))
    return node.build(nn.QuantizeOp(x, scale, zero_point)), scale, zero_point


def _along(node: Node, x: Activation, value: Value, axis: int, block_size: int) -> SSAValue:
    """Reshape a single number, or one per index or block of an axis, so that it broadcasts to x."""
    if not isinstance(value, Constant):
        if not shape_of(value):
            return value
        if block_size:
            return _blocks(node, x, value, node.axis(x, axis), block_size)
        if node.batch or len(shape_of(value)) > 1:
            raise ImporterError("computed scales and zero points must be one number per sample")
        shape = [1] * len(shape_of(x))
        shape[node.axis(x, axis)] = shape_of(value)[0]
        return node.build(nn.ReshapeOp(value, shape))
    array = value.array
    if block_size and array.size > 1:
        spread = along(held_narrow(array), node.shape(x), axis, block_size)
        return node.parameter(Constant(value.name, spread.reshape(shape_of(x))))
    if array.size == 1:
        return node.parameter(Constant(value.name, array.reshape(())))
    if array.ndim != 1:
        raise ImporterError(f"constant '{value.name}' must be a number or a list of them")
    shape = [1] * len(shape_of(x))
    shape[node.axis(x, axis)] = array.size
    return node.parameter(Constant(value.name, array.reshape(shape)))


@importer("ConvInteger", batched="space")
def conv_integer(
    node: Node,
    x: Activation,
    w: Constant,
    x_zero_point: Value | None = None,
    w_zero_point: Constant | None = None,
    *,
    window: Window,
    group: int = 1,
) -> Value:
    """int8 or uint8, with a known zero point of the weights."""
    weights = centred(w, w_zero_point, 0)
    if isinstance(x_zero_point, Activation):
        x, x_zero_point = node.build(nn.SubOp(_wide(node, x), _wide(node, x_zero_point))), None
    options = _options(x, weights, window)
    return integer_conv(node, x, _number(x_zero_point), weights, None, *options, group)


@importer("QLinearConv", batched="space")
def qlinear_conv(
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
) -> Activation:
    """int8 or uint8, with known scales and zero points, also per output channel."""
    weights = centred(w, w_zero_point, 0)
    options = _options(x, weights, window)
    bias = None if b is None else b.array.astype(np.int64)
    sums = integer_conv(node, x, _number(x_zero_point), weights, bias, *options, group)
    factor = factor_of(x_scale, w_scale, y_scale)
    if factor.size > 1:
        factor = factor.reshape(-1, *(1,) * (weights.ndim - 2))
    return requantized(node, sums, factor, y_zero_point)


def _options(
    x: Activation, weights: np.ndarray, window: Window
) -> tuple[Sequence[int] | None, Sequence[int] | None, Sequence[int] | None]:
    return window.padding(x, window.kernel_of(weights.shape)), window.strides, window.dilations


@importer("MatMulInteger")
def matmul_integer(
    node: Node,
    a: Value,
    b: Value,
    a_zero_point: Value | None = None,
    b_zero_point: Value | None = None,
) -> Value:
    """int8 or uint8."""
    return integer_matmul(node, a, b, a_zero_point, b_zero_point)


@importer("QLinearMatMul")
def qlinear_matmul(
    node: Node,
    a: Value,
    a_scale: Constant,
    a_zero_point: Constant,
    b: Value,
    b_scale: Constant,
    b_zero_point: Constant,
    y_scale: Constant,
    y_zero_point: Constant,
) -> Value:
    """int8 or uint8, with known scales and zero points: one, or one for each column of b."""
    if a_scale.array.size > 1:
        raise ImporterError("input a_scale must be one number")
    sums = integer_matmul(node, a, b, a_zero_point, b_zero_point)
    return requantized(node, sums, factor_of(a_scale, b_scale, y_scale), y_zero_point)


def integer_matmul(
    node: Node, a: Value, b: Value, a_zero: Value | None, b_zero: Value | None
) -> Activation:
    """Build the product of two tensors of integers, at most one of them constant, less their zero points."""
    left, right, added = _centre(node, a, b, a_zero, b_zero)
    result = product(node, left, right)
    return result if added is None else node.build(nn.AddOp(result, node.parameter(added)))


def _centre(
    node: Node, a: Value, b: Value, a_zero: Value | None, b_zero: Value | None
) -> tuple[Value, Value, Constant | None]:
    """Return both factors less their zero points, and a constant to add to the product.

    The zero point of an activation is not subtracted if it is one number: the constant corrects for it.
    """
    left, right, added = a, b, None
    name = f"{node.proto.output[0]}.correction"
    if isinstance(b, Constant) and not isinstance(b_zero, Activation) and _is_number(a_zero):
        assert isinstance(a, Activation)
        right = Constant(f"{b.name}.centred", centred(b, b_zero, -1))
        wide = right.array.astype(np.int64)
        row = wide.ndim <= 2 or len(node.shape(a)) == 1
        sums = np.ones(wide.shape[-2:][:1] if row else (1, wide.shape[-2]), np.int64) @ wide
        added = Constant(name, (-_number(a_zero) * sums).astype(np.int32))
    elif isinstance(a, Constant) and not isinstance(a_zero, Activation) and _is_number(b_zero):
        assert isinstance(b, Activation)
        left = Constant(f"{a.name}.centred", centred(a, a_zero, -2))
        column = left.array.ndim > 1 and len(node.shape(b)) > 1
        sums = left.array.astype(np.int64).sum(axis=-1, keepdims=column)
        added = Constant(name, (-_number(b_zero) * sums).astype(np.int32))
    else:
        left, right = _difference(node, a, a_zero, -2), _difference(node, b, b_zero, -1)
    return left, right, added if added is not None and added.array.any() else None


def _is_number(zero_point: Value | None) -> TypeGuard[Constant | None]:
    return zero_point is None or (
        isinstance(zero_point, Constant) and not np.ptp(held(zero_point.array))
    )


def _difference(node: Node, x: Value, zero_point: Value | None, axis: int) -> Value:
    """Build x − zero point, in integers."""
    if isinstance(x, Constant) and not isinstance(zero_point, Activation):
        return Constant(f"{x.name}.centred", centred(x, zero_point, axis))
    if isinstance(zero_point, Activation):
        if len(shape_of(zero_point)) > 1 or (shape_of(zero_point) and node.batch):
            raise ImporterError("computed zero points must be one number per sample")
        number = _wide(node, zero_point)
        if shape_of(number) and axis == -2:
            number = node.build(nn.ReshapeOp(number, [*shape_of(number), 1]))
    else:
        zero = _array(zero_point).astype(np.int32)
        if not zero.any():
            return x
        if zero.ndim == 1 and axis == -2:
            zero = zero[:, None]
        number = node.parameter(Constant(f"{node.proto.name}.zero", zero))
    if isinstance(x, Constant):
        x = node.parameter(Constant(x.name, x.array.astype(np.int32)))
    return node.build(nn.SubOp(_wide(node, x), number))


def _wide(node: Node, x: SSAValue) -> SSAValue:
    return x if element_of(x) == i32 else node.build(nn.CastOp(x, i32))


def _array(zero_point: Constant | None) -> np.ndarray:
    return np.zeros((), np.int32) if zero_point is None else held(zero_point.array)


def _number(zero_point: Constant | None) -> int:
    array = _array(zero_point)
    if array.size > 1 and np.ptp(array):
        raise ImporterError("a zero point of the network's data must be one number")
    return int(array.reshape(-1)[0])


def factor_of(x_scale: Constant, w_scale: Constant, y_scale: Constant) -> np.ndarray:
    """Return the factor of sums, computed in float32 as in onnxruntime."""
    if x_scale.array.size > 1 or y_scale.array.size > 1:
        raise ImporterError("the scales of the network's data must be single numbers")
    x, w, y = (np.asarray(s.array, np.float32) for s in (x_scale, w_scale, y_scale))
    factor = np.asarray(x.reshape(()) * w / y.reshape(()))
    return factor.reshape(()) if factor.size == 1 else factor


def requantized(node: Node, sums: SSAValue, factor: np.ndarray, zero_point: Constant) -> Activation:
    """Requantise sums of products: sums · factor, rounded, plus the zero point."""
    name = node.proto.output[0]
    one = node.parameter(Constant(f"{name}.one", np.ones((), np.float32)))
    zero = node.parameter(Constant(f"{name}.zero", zero_point.array.reshape(())))
    return node.build(nn.QuantizeOp(dequantized(node, sums, factor), one, zero))
