"""Sums of products of integers: centred constants, factors of sums, and the integers behind activations.

A zero point that is known at import is not subtracted from the data: padding has its value, and its contribution to
each sum is subtracted with the bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import f32
from xdsl.ir import SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import QUANTIZED, element_of, shape_of
from cmir.dialects.nn.widening import below, inline_number
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node
from cmir.frontends.onnx.quantized import QuantizedConstant, held


@dataclass(frozen=True)
class QuantizedActivation:
    """An activation (numbers − zero) · scale."""

    numbers: Activation
    scale: np.ndarray
    zero: int


@dataclass(frozen=True)
class IntegerOperands:
    """The operands of a product that is computed in integers: (x − zero) times weights, plus a bias, times a factor."""

    x: Activation
    zero: int
    weights: np.ndarray
    bias: np.ndarray | None
    factor: np.ndarray
    """One number without dimensions, or one for each channel of the result."""
    rest: Constant | None
    """A bias that is no multiple of the factor, and is added to the float results."""


def quantized(node: Node, x: Activation) -> QuantizedActivation | None:
    """Return the integers that `x` was dequantised from, seen through operators that move elements; None for others."""
    layouts: list[nn.LayoutOp] = []
    owner = x.owner
    while isinstance(owner, nn.LayoutOp) and len(owner.operands) == 1:
        layouts.append(owner)
        owner = owner.operands[0].owner
    if not isinstance(owner, nn.DequantizeOp) or element_of(owner.x) not in QUANTIZED:
        return None
    scale, zero = inline_number(owner.scale), inline_number(owner.zero_point)
    if scale is None or zero is None:
        return None
    numbers = owner.x
    widening = owner
    for layout in reversed(layouts):
        if (moved := below(widening, layout)) is None:
            return None
        numbers = node.build(moved)
        widening = nn.DequantizeOp(numbers, owner.scale, owner.zero_point)
    return QuantizedActivation(numbers, scale, int(zero))


def integer_operands(
    node: Node, x: Activation, w: Constant, bias: Constant | None, channel: int
) -> IntegerOperands | None:
    """Return the operands of a product of dequantised values; None if it is not one, or not exact in 32 bits.

    channel: the axis of the weights along which the channels of the result lie.
    """
    if not isinstance(w, QuantizedConstant) or element_of(x) != f32 or w.array.dtype != np.float32:
        return None
    scale = w.scale.reshape(-1)
    if scale.size > 1 and [axis for axis, size in enumerate(w.scale.shape) if size > 1] != [
        channel % w.array.ndim
    ]:
        return None
    integers = quantized(node, x)
    if integers is None:
        return None
    factor = integers.scale * scale
    added = None if bias is None else _as_sum(bias, factor)
    weights = smallest(w.numbers.astype(np.int64) - w.zero, w.numbers.dtype)
    if not fits(weights, channel, added, integers):
        return None
    factor = factor.reshape(()) if factor.size == 1 else factor
    rest = bias if added is None else None
    return IntegerOperands(integers.numbers, integers.zero, weights, added, factor, rest)


def _as_sum(bias: Constant, factor: np.ndarray) -> np.ndarray | None:
    """Return the numbers of a bias that counts in units of `factor`, up to its rounding; None for another one."""
    if not isinstance(bias, QuantizedConstant) or bias.zero.any():
        return None
    if not np.allclose(bias.scale.reshape(-1), factor, rtol=2.0**-22, atol=0):
        return None
    return bias.numbers.astype(np.int64)


def fits(
    weights: np.ndarray, channel: int, bias: np.ndarray | None, x: QuantizedActivation
) -> bool:
    """Return True if no sum of products leaves the range of int32, whatever the data are."""
    limits = np.iinfo(dtype_of(x.numbers))
    largest = max(abs(int(end) - zero) for end in (limits.min, limits.max) for zero in (0, x.zero))
    others = tuple(axis for axis in range(weights.ndim) if axis != channel % weights.ndim)
    sums = largest * np.abs(weights.astype(np.int64)).sum(axis=others)
    return bool((sums + (0 if bias is None else np.abs(bias))).max() < 2**31)


def centred(constant: Constant, zero_point: Constant | None, axis: int) -> np.ndarray:
    """Return the constant minus its zero point, or zero points along an axis, in the smallest type that holds it."""
    try:
        numbers = held(constant.array)
    except ImporterError as error:
        raise ImporterError(f"constant '{constant.name}': {error}") from None
    zero = np.zeros((), np.int64) if zero_point is None else held(zero_point.array).astype(np.int64)
    if zero.ndim == 1 and zero.size > 1:
        shape = [1] * numbers.ndim
        shape[axis] = zero.size
        zero = zero.reshape(shape)
    elif zero.size == 1:
        zero = zero.reshape(())
    return smallest(numbers.astype(np.int64) - zero, numbers.dtype)


def smallest(numbers: np.ndarray, wish: np.dtype) -> np.ndarray:
    """Return the numbers in the type `wish`, or else in the smallest signed type that holds them."""
    for dtype in (wish, *map(np.dtype, (np.int8, np.int16))):
        limits = np.iinfo(dtype)
        if limits.min <= numbers.min(initial=0) and numbers.max(initial=0) <= limits.max:
            return numbers.astype(dtype)
    return numbers.astype(np.int32)


def integer_conv(
    node: Node,
    x: Activation,
    zero: int,
    weights: np.ndarray,
    bias: np.ndarray | None,
    pads: Sequence[int] | None,
    strides: Sequence[int] | None,
    dilations: Sequence[int] | None,
    group: int,
) -> SSAValue:
    """Build the convolution of x − zero, padded with zeros, and centred weights, plus a bias."""
    if zero and pads is not None and any(pads):
        half = len(pads) // 2
        begins, ends = pads[:half], pads[half:]
        x = node.build(nn.PadOp(x, [0, *begins, 0, *ends], float(zero)))
        pads = None
    added = -zero * weights.astype(np.int64).sum(axis=tuple(range(1, weights.ndim)))
    if bias is not None:
        added = added + bias
    name = node.proto.input[0]
    b = node.parameter(Constant(f"{name}.bias", added.astype(np.int32))) if added.any() else None
    w = node.parameter(Constant(f"{name}.weight", weights))
    return node.build(nn.ConvOp(x, w, b, strides, pads, dilations, group))


def integer_gemm(node: Node, integers: IntegerOperands, trans_b: bool) -> SSAValue:
    """Build the product of rows x − zero and one matrix of centred weights, plus a bias."""
    added = -integers.zero * integers.weights.astype(np.int64).sum(axis=1 if trans_b else 0)
    if integers.bias is not None:
        added = added + integers.bias
    name = node.proto.input[0]
    b = node.parameter(Constant(f"{name}.bias", added.astype(np.int32))) if added.any() else None
    w = node.parameter(Constant(f"{name}.weight", integers.weights))
    return node.build(nn.GemmOp(integers.x, w, b, trans_b))


def dequantized(node: Node, sums: SSAValue, factor: np.ndarray) -> SSAValue:
    """Build sums · factor, in float32. factor: one number, or numbers in a shape that broadcasts."""
    name = node.proto.output[0]
    none = node.parameter(Constant(f"{name}.none", np.zeros((), np.int32)))
    scale = node.parameter(Constant(f"{name}.factor", factor))
    return node.build(nn.DequantizeOp(sums, scale, none))


def float_result(node: Node, sums: SSAValue, integers: IntegerOperands, channel: int) -> SSAValue:
    """Build the result of a product of dequantised values. channel: the axis of the sums along which channels lie."""

    def spread(array: np.ndarray) -> np.ndarray:
        after = len(shape_of(sums)) - 1 - channel % len(shape_of(sums))
        return array.reshape(-1, *(1,) * after) if array.size > 1 else array.reshape(())

    result = dequantized(node, sums, spread(integers.factor))
    if (rest := integers.rest) is None:
        return result
    return node.build(nn.AddOp(result, node.parameter(Constant(rest.name, spread(rest.array)))))
