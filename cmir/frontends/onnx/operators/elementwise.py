"""Element-wise and channel-wise operators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ml_dtypes import iinfo
from xdsl.dialects.builtin import f32, f64, i1, i8, i32
from xdsl.ir import Attribute, SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn import conversion
from cmir.dialects.nn.operation import ELEMENT_TYPE_OF, FLOATS, WHOLE, element_of
from cmir.frontends.onnx.elements import element_name, numpy_dtype
from cmir.frontends.onnx.errors import ImporterError, ImporterLimitError
from cmir.frontends.onnx.loading import ELEMENTS, INPUTS
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, check_constant
from cmir.frontends.onnx.quantized import held_narrow, integers_of
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of
from cmir.support.numerics import NARROW_INTEGERS


def operands(node: Node, *values: Value) -> Iterator[SSAValue]:
    """Yield the operands of an element-wise operator, at least one of which depends on the inputs.

    Broadcasting aligns dimensions from the last, so batch dimensions align only for tensors of equal rank. A constant
    may have a batch dimension of 1, which is dropped, or none.
    """
    ranks = {len(node.shape(v)) for v in values if isinstance(v, Activation)}
    if node.batch and len(ranks) != 1:
        raise ImporterError("broadcasting would align a batch dimension with another dimension")
    rank = max(ranks)
    for value in values:
        if isinstance(value, Activation):
            yield value
        else:
            yield node.parameter(_sample(value, rank) if node.batch else value)


def _sample(constant: Constant, rank: int) -> Constant:
    """Return the constant without its batch dimension. rank: number of dimensions including the batch."""
    if len(constant.shape) < rank:
        return constant
    if len(constant.shape) == rank and constant.shape[0] == 1:
        return Constant(constant.name, constant.array[0])
    raise ImporterError(
        f"constant '{constant.name}' of shape {list(constant.shape)} does not broadcast to one"
        f" sample of {count_of(rank, 'dimension')}"
    )


@importer("BatchNormalization", batched="space")
def batch_normalization(
    node: Node,
    x: Activation,
    scale: Constant,
    bias: Constant,
    mean: Constant,
    variance: Constant,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,  # of training only
    spatial: bool = True,
    training_mode: bool = False,
) -> Value:
    """Inference only: `training_mode` must be 0, and `spatial` 1."""
    if not spatial:
        raise ImporterError("attribute spatial = 0 is not supported")
    if training_mode:
        raise ImporterError(
            "attribute training_mode = 1 is not supported: only inference is supported"
        )
    values = x, scale, bias, mean, variance
    alike = len({*map(element_of_value, values)}) == 1
    wide = element_of(x) if alike else wide_float(*values)
    parameters = [_parameter(node, c, wide) for c in (scale, bias, mean, variance)]
    result = node.build(nn.BatchNormOp(as_element(node, x, wide), *parameters, epsilon=epsilon))
    return as_element(node, result, element_of(x))


def _parameter(node: Node, constant: Constant, element: Attribute) -> SSAValue:
    """Return a constant as a parameter with elements of this type."""
    value = converted(node, constant, element)
    assert isinstance(value, Constant)
    return node.parameter(value)


@importer("OptionalGetElement")
@importer("Identity")
def identity(node: Node, x: Value) -> Value:
    return x


@importer("Cast")
def cast(node: Node, x: Activation, *, to: int, saturate: bool = True) -> Value:
    """Casts between floats of 16 to 64 bits, integers of 2 to 64 bits (unsigned of 2 to 16 bits) and bool."""
    if to not in INPUTS:
        raise ImporterError(f"attribute to = {element_name(to)} is not supported")
    return as_type(node, x, numpy_dtype(to))


@importer("BitCast")
def bit_cast(node: Node, input: Activation, *, to: int) -> Value:
    """Between types of one width except bool, and from bool to 8 bits."""
    source, target = element_of(input), ELEMENTS.get(to)
    if target == source:
        return input
    if target not in (*FLOATS, *WHOLE) or dtype_of(source).itemsize != dtype_of(target).itemsize:
        raise ImporterError(
            f"attribute to = {element_name(to)} is not supported for elements of {source}"
        )
    if source == i1:  # ONNX's truth values are bytes
        return as_element(node, input, target)
    return node.build(nn.BitcastOp(input, target))


@importer("CastLike")
def cast_like(node: Node, x: Value, like: Activation, *, saturate: bool = True) -> Value:
    """Like Cast."""
    dtype = node.dtype(1, like)
    if isinstance(x, Constant) and dtype in NARROW_INTEGERS:
        raise ImporterError(f"a cast of a constant to {dtype} is not supported")
    return (
        as_type(node, x, dtype)
        if isinstance(x, Activation)
        else converted(node, x, element_of(like))
    )


def as_type(node: Node, x: Activation, dtype: np.dtype[Any]) -> Activation:
    """Convert an activation to an element type of ONNX, as Cast does."""
    if dtype not in NARROW_INTEGERS:
        return as_element(node, x, ELEMENT_TYPE_OF[dtype])
    whole = as_element(node, x, i32) if element_of(x) in FLOATS else x
    result = as_element(node, whole, i8)
    # The low bits: the sign is the highest of them.
    low, high = int(iinfo(dtype).min), int(iinfo(dtype).max)
    kept, sign = (
        node.parameter(Constant(f"{node.proto.name}.bits", np.array(bits, np.int8)))
        for bits in (high - low, -low)
    )
    result = node.build(nn.BitwiseAndOp(result, kept))
    if not low:
        return result
    return node.build(nn.SubOp(node.build(nn.BitwiseXorOp(result, sign)), sign))


def clamped(node: Node, x: Activation, dtype: np.dtype[Any]) -> Activation:
    """Clamp integers to the range of a type, if the type of the elements has a larger one."""
    type_ = integers_of(dtype)
    if type_.is_narrow:
        for bound, number in ((nn.MaxOp, type_.low), (nn.MinOp, type_.high)):
            limit = node.parameter(Constant("bound", np.array(number, type_.dtype)))
            x = node.build(bound(x, limit))
    return x


def converted(node: Node, x: Value, element: Attribute) -> Value:
    """Convert a value to an element type, as Cast does."""
    if not isinstance(x, Constant):
        return as_element(node, x, element)
    array, target = held_narrow(x.array), dtype_of(element)
    if array.dtype == target:
        return x
    with np.errstate(all="ignore"):
        cast = conversion.cast(array, array.dtype, target) if element != i1 else array != 0
    return Constant(x.name, np.asarray(cast))


def element_of_value(x: Value) -> Attribute | None:
    """Return the element type of a value; None for a constant of another type."""
    return ELEMENT_TYPE_OF.get(x.array.dtype) if isinstance(x, Constant) else element_of(x)


def wide_float(*values: Value) -> Attribute:
    """Return the type in which floats of several types are computed: `f32`, or `f64` if one of them has it."""
    return f64 if f64 in map(element_of_value, values) else f32


def as_element(node: Node, x: Activation, element: Attribute) -> Activation:
    """Convert an activation to an element type, as Cast does."""
    if element_of(x) == element:
        return x
    if element != i1:
        return node.build(nn.CastOp(x, element))
    zero = Constant(f"{node.proto.name}.zero", np.zeros((), dtype_of(x)))
    return node.build(nn.NotOp(node.build(nn.EqualOp(x, node.parameter(zero)))))


def single(name: str, value: Any) -> Any:
    """Return the number in a setting that may have dimensions of size 1. Raises ImporterError for several numbers."""
    array = np.asarray(value)
    if array.size != 1:
        raise ImporterError(f"{name} must be one number, got {array.size}")
    return array.item()


def option(name: str, number: float) -> float:
    """Return a number as a float option of an operator. Raises ImporterError if it would be rounded."""
    if float(np.float32(number)) != number:
        raise ImporterLimitError(f"{name} = {number} is not supported: float32 cannot represent it")
    return number


@importer("Dropout")
def dropout(
    node: Node,
    x: Value,
    *,
    ratio: float = 0.5,  # these two of training only
    seed: int = 0,
    training_mode: bool = False,
) -> Sequence[Value]:
    """Inference only: the identity, and a mask of ones."""
    if training_mode:
        raise ImporterError(
            "input training_mode = true is not supported: only inference is supported"
        )
    shape = x.shape if isinstance(x, Constant) else node.shape(x)
    dtype = x.array.dtype if isinstance(x, Constant) else dtype_of(x)
    old = node.schema is not None and node.schema.since_version < 10
    check_constant(shape, dtype)
    mask = Constant(f"{node.proto.name}.mask", np.ones(shape, dtype if old else np.bool_))
    return [x, mask]
