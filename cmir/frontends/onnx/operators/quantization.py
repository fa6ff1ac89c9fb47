"""Quantised networks: integers with a scale and a zero point.

Products are integer products, summed in 32 bits. A zero point that is known at import is not subtracted from the data:
padding has its value, and its contribution to each sum is subtracted with the bias.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import element_of, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.linear import matmul
from cmir.frontends.onnx.operators.windows import Window
from cmir.frontends.onnx.registry import importer


@importer("QuantizeLinear")
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
    saturate: int = 1,
) -> Value:
    """Quantises to int8 or uint8, with one scale or one for each index of an axis."""
    if block_size:
        raise ImporterError("attribute block_size is not supported")
    if precision not in (0, 1):
        raise ImporterError("attribute precision is not supported: quotients are float32")
    if y_zero_point is None:
        kinds = {0: np.uint8, 2: np.uint8, 3: np.int8}
        if output_dtype not in kinds:
            raise ImporterError(f"attribute output_dtype = {output_dtype} is not supported")
        y_zero_point = Constant("zero", np.zeros((), kinds[output_dtype]))
    scale, zero = (_along(node, x, value, axis) for value in (y_scale, y_zero_point))
    return node.build(nn.QuantizeOp(x, scale, zero))


@importer("DequantizeLinear")
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
    """int8, uint8 or int32, with one scale or one for each index of an axis."""
    if block_size:
        raise ImporterError("attribute block_size is not supported")
    if output_dtype not in (0, 1):
        raise ImporterError(f"attribute output_dtype = {output_dtype} is not supported")
    if x_zero_point is None:
        x_zero_point = Constant("zero", np.zeros((), dtype_of(x)))
    scale, zero = (_along(node, x, value, axis) for value in (x_scale, x_zero_point))
    return node.build(nn.DequantizeOp(x, scale, zero))


@importer("DynamicQuantizeLinear")
def dynamic_quantize_linear(node: Node, x: Activation) -> Sequence[Value]:
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


def _along(node: Node, x: Activation, value: Value, axis: int) -> SSAValue:
    """Reshape a single number, or one per index of an axis, so that it broadcasts to x."""
    if not isinstance(value, Constant):
        if not shape_of(value):
            return value
        if node.batch or len(shape_of(value)) > 1:
            raise ImporterError("computed scales and zero points must be one number per sample")
        shape = [1] * len(shape_of(x))
        shape[node.axis(x, axis)] = shape_of(value)[0]
        return node.build(nn.ReshapeOp(value, shape))
    array = value.array
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
    weights = _centred(w, w_zero_point, 0)
    if isinstance(x_zero_point, Activation):
        x, x_zero_point = node.build(nn.SubOp(_wide(node, x), _wide(node, x_zero_point))), None
    return _conv(node, x, weights, x_zero_point, None, window, group)


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
) -> Value:
    """int8 or uint8, with known scales and zero points, also per output channel."""
    weights = _centred(w, w_zero_point, 0)
    sums = _conv(node, x, weights, x_zero_point, b, window, group)
    factor = _factor(x_scale, w_scale, y_scale)
    if factor.size > 1:
        factor = factor.reshape(-1, *(1,) * (weights.ndim - 2))
    return _requantized(node, sums, factor, y_zero_point)


def _conv(
    node: Node,
    x: Activation,
    weights: np.ndarray,
    zero_point: Constant | None,
    bias: Constant | None,
    window: Window,
    group: int,
) -> SSAValue:
    zero, pads = _number(zero_point), window.padding(x, window.kernel_of(weights.shape))
    if zero and pads is not None and any(pads):
        half = len(pads) // 2
        begins, ends = pads[:half], pads[half:]
        x = node.build(nn.PadOp(x, [0, *begins, 0, *ends], float(zero)))
        pads = None
    added = -zero * weights.astype(np.int64).sum(axis=tuple(range(1, weights.ndim)))
    if bias is not None:
        added = added + bias.array
    name = node.proto.input[0]
    b = node.parameter(Constant(f"{name}.bias", added.astype(np.int32))) if added.any() else None
    w = node.parameter(Constant(f"{name}.weight", weights))
    return node.build(nn.ConvOp(x, w, b, window.strides, pads, window.dilations, group))


@importer("MatMulInteger")
def matmul_integer(
    node: Node,
    a: Value,
    b: Value,
    a_zero_point: Value | None = None,
    b_zero_point: Value | None = None,
) -> Value:
    """int8 or uint8."""
    return _matmul(node, a, b, a_zero_point, b_zero_point)


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
    sums = _matmul(node, a, b, a_zero_point, b_zero_point)
    return _requantized(node, sums, _factor(a_scale, b_scale, y_scale), y_zero_point)


def _matmul(node: Node, a: Value, b: Value, a_zero: Value | None, b_zero: Value | None) -> SSAValue:
    left, right = _difference(node, a, a_zero, -2), _difference(node, b, b_zero, -1)
    result = matmul(node, left, right)
    assert isinstance(result, Activation)
    return result


def _difference(node: Node, x: Value, zero_point: Value | None, axis: int) -> Value:
    """Build x − zero point, in integers."""
    if isinstance(x, Constant) and not isinstance(zero_point, Activation):
        return Constant(f"{x.name}.centred", _centred(x, zero_point, axis))
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
    return np.zeros((), np.int32) if zero_point is None else zero_point.array


def _number(zero_point: Constant | None) -> int:
    array = _array(zero_point)
    if array.size > 1 and np.ptp(array):
        raise ImporterError("a zero point of the network's data must be one number")
    return int(array.reshape(-1)[0])


def _centred(constant: Constant, zero_point: Constant | None, axis: int) -> np.ndarray:
    """Return the constant minus its zero point, or zero points along an axis, in the smallest type that holds it."""
    if constant.array.dtype.name not in ("int8", "uint8"):
        raise ImporterError(
            f"constant '{constant.name}' has elements of type {constant.array.dtype}, not int8 or uint8"
        )
    zero = _array(zero_point).astype(np.int32)
    if zero.ndim == 1 and zero.size > 1:
        shape = [1] * constant.array.ndim
        shape[axis] = zero.size
        zero = zero.reshape(shape)
    elif zero.size == 1:
        zero = zero.reshape(())
    array = constant.array.astype(np.int32) - zero
    for dtype in (constant.array.dtype, np.dtype(np.int8)):
        if np.iinfo(dtype).min <= array.min() and array.max() <= np.iinfo(dtype).max:
            return array.astype(dtype)
    return array.astype(np.int16)


def _factor(x_scale: Constant, w_scale: Constant, y_scale: Constant) -> np.ndarray:
    """Return the factor of sums, computed in float32 as in onnxruntime."""
    if x_scale.array.size > 1 or y_scale.array.size > 1:
        raise ImporterError("the scales of the network's data must be single numbers")
    x, w, y = (np.asarray(s.array, np.float32) for s in (x_scale, w_scale, y_scale))
    factor = np.asarray(x.reshape(()) * w / y.reshape(()))
    return factor.reshape(()) if factor.size == 1 else factor


def _requantized(node: Node, sums: SSAValue, factor: np.ndarray, zero_point: Constant) -> Value:
    """Requantise sums of products: sums · factor, rounded, plus the zero point."""
    name = node.proto.output[0]
    none = node.parameter(Constant(f"{name}.none", np.zeros((), np.int32)))
    one = node.parameter(Constant(f"{name}.one", np.ones((), np.float32)))
    scaled = nn.DequantizeOp(sums, node.parameter(Constant(f"{name}.factor", factor)), none)
    zero = node.parameter(Constant(f"{name}.zero", zero_point.array.reshape(())))
    return node.build(nn.QuantizeOp(node.build(scaled), one, zero))
