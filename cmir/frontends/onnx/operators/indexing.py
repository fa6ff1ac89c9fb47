"""Operators that select, replace or rank elements by data."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import i64
from xdsl.ir import SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import element_of, shape_of
from cmir.dialects.nn.put import KINDS
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, check_constant
from cmir.frontends.onnx.registry import importer


def operand(node: Node, value: Value) -> SSAValue:
    """Return a value as an operand for one sample; a constant has a batch dimension of 1, if there are batches."""
    if isinstance(value, Activation):
        return value
    if not node.batch:
        return node.parameter(value)
    if value.shape[:1] != node.batch:
        raise ImporterError(
            f"constant '{value.name}' of shape {list(value.shape)} is not one sample"
        )
    return node.parameter(Constant(value.name, value.array[0]))


@importer("GatherElements")
def gather_elements(node: Node, data: Value, indices: Value, *, axis: int = 0) -> Value:
    x, at = operand(node, data), operand(node, indices)
    return node.build(nn.TakeElementsOp(x, at, node.axis(x, axis)))


@importer("ScatterElements")
def scatter_elements(
    node: Node,
    data: Value,
    indices: Value,
    updates: Value,
    *,
    axis: int = 0,
    reduction: str = "none",
) -> Value:
    """Take indices with the sizes of the tensor, except along the axis."""
    x, at, new = (operand(node, value) for value in (data, indices, updates))
    return node.build(nn.PutElementsOp(x, at, new, node.axis(x, axis), _kind(reduction)))


@importer("Scatter")
def scatter(node: Node, data: Value, indices: Value, updates: Value, *, axis: int = 0) -> Value:
    """Import like ScatterElements."""
    x, at, new = (operand(node, value) for value in (data, indices, updates))
    return node.build(nn.PutElementsOp(x, at, new, node.axis(x, axis)))


@importer("GatherND")
def gather_nd(node: Node, data: Value, indices: Value, *, batch_dims: int = 0) -> Value:
    if isinstance(data, Constant) and isinstance(indices, Activation) and not batch_dims:
        return node.build(nn.TakeSlicesOp(node.parameter(data), indices, 0))
    common = batch_dims - len(node.batch)
    if common < 0:
        raise ImporterError("indices that address the batch dimension would mix samples")
    return node.build(nn.TakeSlicesOp(operand(node, data), operand(node, indices), common))


@importer("ScatterND")
def scatter_nd(
    node: Node, data: Value, indices: Value, updates: Value, *, reduction: str = "none"
) -> Value:
    if node.batch:
        raise ImporterError("indices that address the batch dimension would mix samples")
    x, at, new = (operand(node, value) for value in (data, indices, updates))
    return node.build(nn.PutSlicesOp(x, at, new, _kind(reduction)))


@importer("TensorScatter")
def tensor_scatter(
    node: Node,
    past_cache: Value,
    update: Value,
    write_indices: Value | None = None,
    *,
    mode: str = "linear",
    axis: int = -2,
) -> Value:
    if mode not in ("linear", "circular"):
        raise ImporterError(f"attribute mode = {mode} is not supported")
    cache, new = operand(node, past_cache), operand(node, update)
    place, shape = node.axis(cache, axis), shape_of(new)
    steps = np.arange(shape[place]).reshape(-1, *(1,) * (len(shape) - place - 1))
    at = node.parameter(Constant(f"{node.proto.name}.steps", steps))
    if write_indices is not None:
        first = operand(node, write_indices)
        ones = (1,) * (len(shape) - len(shape_of(first)))
        at = node.build(nn.AddOp(node.build(nn.ReshapeOp(first, (*shape_of(first), *ones))), at))
    if mode == "circular":
        length = Constant(f"{node.proto.name}.length", np.array(shape_of(cache)[place]))
        at = node.build(nn.RemOp(at, node.parameter(length)))
    return node.build(nn.PutElementsOp(cache, node.build(nn.ExpandOp(at, shape)), new, place))


@importer("MaxUnpool")
def max_unpool(
    node: Node,
    x: Activation,
    indices: Value,
    *,
    kernel_shape: Sequence[int],
    output_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Value:
    """Add zeros at the ends for `output_shape`; indices count the elements without these."""
    rank, shape = len(kernel_shape), shape_of(x)
    pads, strides = pads or [0] * (2 * rank), strides or [1] * rank
    inner = [
        (size - 1) * stride - begin - end + kernel
        for size, stride, begin, end, kernel in zip(
            shape[-rank:], strides, pads[:rank], pads[rank:], kernel_shape, strict=True
        )
    ]
    sizes = (*shape[:-rank], *inner)
    check_constant(sizes, dtype_of(x))
    zeros = Constant(f"{node.proto.name}.zeros", np.zeros(prod(sizes), dtype_of(x)))
    at = node.build(nn.ReshapeOp(operand(node, indices), (prod(shape),)))
    if node.batch:  # they count all samples
        count = Constant(f"{node.proto.name}.count", np.array(prod(sizes)))
        at = node.build(nn.RemOp(at, node.parameter(count)))
    new = node.build(nn.ReshapeOp(x, (prod(shape),)))
    put = node.build(nn.PutElementsOp(node.parameter(zeros), at, new, 0))
    result = node.build(nn.ReshapeOp(put, sizes))
    if output_shape is None:
        return result
    wanted = output_shape[len(node.batch) :]
    ends = [after - before for before, after in zip(sizes, wanted, strict=True)]
    if min(ends) < 0 or any(ends[:-rank]):
        raise ImporterError(f"output_shape = {list(output_shape)} does not fit {list(sizes)}")
    return node.build(nn.PadOp(result, [*(0 for _ in ends), *ends], 0.0)) if any(ends) else result


def _kind(reduction: str) -> str | None:
    if reduction not in ("none", *KINDS):
        raise ImporterError(f"attribute reduction = {reduction} is not supported")
    return None if reduction == "none" else reduction


@importer("TopK")
def top_k(
    node: Node,
    x: Activation,
    count: Constant | None = None,
    *,
    k: int = 1,
    axis: int = -1,
    largest: bool = True,
    sorted: bool = True,
) -> Sequence[Value]:
    """Sort the elements even without `sorted`."""
    place = node.axis(x, axis)
    k = k if count is None else int(count.array.item())
    found = node.build(nn.ArgTopKOp(x, place, k, largest))
    values = node.build(nn.TakeElementsOp(x, found, place))
    return [values, node.build(nn.CastOp(found, i64))]


@importer("Hardmax")
def hardmax(node: Node, x: Activation, *, axis: int = -1) -> Value:
    """Build one for the first of the largest elements. Before opset 13, all axes from the given one on are one."""
    if node.schema is None or node.schema.since_version >= 13:
        return _hardmax(node, x, node.axis(x, axis))
    if all(attribute.name != "axis" for attribute in node.proto.attribute):
        axis = 1
    first = node.axis(x, axis)
    shape = shape_of(x)
    flat = node.build(nn.ReshapeOp(x, (*shape[:first], int(np.prod(shape[first:])))))
    return node.build(nn.ReshapeOp(_hardmax(node, flat, first), shape))


def _hardmax(node: Node, x: Activation, axis: int) -> Activation:
    shape = [1] * len(shape_of(x))
    shape[axis] = shape_of(x)[axis]
    places = np.arange(shape[axis], dtype=np.int32).reshape(shape)
    largest = node.build(nn.ArgMaxOp(x, axis, keepdims=True))
    here = node.parameter(Constant(f"{node.proto.name}.places", places))
    return node.build(nn.CastOp(node.build(nn.EqualOp(largest, here)), element_of(x)))
