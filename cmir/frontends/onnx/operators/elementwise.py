"""Element-wise and channel-wise operators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import FLOATS, WHOLE, element_of
from cmir.frontends.onnx.elements import element_name
from cmir.frontends.onnx.errors import ImporterError, ImporterLimitError
from cmir.frontends.onnx.loading import ELEMENTS
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, check_constant
from cmir.frontends.onnx.registry import importer


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
        f" sample of {rank} dimensions"
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
    parameters = [node.parameter(p) for p in (scale, bias, mean, variance)]
    return node.build(nn.BatchNormOp(x, *parameters, epsilon=epsilon))


@importer("OptionalGetElement")
@importer("Identity")
def identity(node: Node, x: Value) -> Value:
    return x


@importer("Cast")
def cast(node: Node, x: Activation, *, to: int, saturate: bool = True) -> Value:
    """Casts between float16, float, double, int8, uint8, int32, int64 and bool."""
    if to not in ELEMENTS:
        raise ImporterError(f"attribute to = {element_name(to)} is not supported")
    return as_element(node, x, ELEMENTS[to])


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
    """Like Cast. Constants are cast to float16, float and double."""
    if not isinstance(x, Constant):
        return as_element(node, x, element_of(like))
    if element_of(like) not in FLOATS:
        raise ImporterError(f"a cast of a constant to {element_of(like)} is not supported")
    return Constant(x.name, x.array.astype(dtype_of(like)))


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
