"""Operators that only move elements. A batch that is split must stay in place."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.elementwise import option
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of


def _reshape(node: Node, x: Activation, target: Sequence[int]) -> Value:
    """Reshape to `target`, which includes the batch dimension."""
    rest = tuple(target[len(node.batch) :])
    if (*node.batch, *rest) != tuple(target):
        raise ImporterError(
            f"the result's shape {list(target)} does not start with the batch dimension"
        )
    if prod(target) != prod(shape_of(x)):
        raise ImporterError(f"{prod(shape_of(x))} elements do not fit the shape {list(target)}")
    if rest == shape_of(x):
        return x
    return node.build(nn.ReshapeOp(x, rest))


@importer("Reshape")
def reshape(node: Node, x: Activation, *, shape: Sequence[int], allowzero: bool = False) -> Value:
    before = dict(enumerate(node.shape(x)))
    target = [n if n or allowzero else before.get(i, 0) for i, n in enumerate(shape)]
    if -1 in target:
        # prod(target) is the negated product of the other dimensions.
        target[target.index(-1)] = prod(before.values()) // max(1, -prod(target))
    return _reshape(node, x, target)


@importer("Flatten")
def flatten(node: Node, x: Activation, *, axis: int = 1) -> Value:
    shape = node.shape(x)
    # An axis after the last dimension is allowed.
    first = axis % len(shape) if axis < 0 else axis
    target = [prod(shape[:first]), prod(shape[first:])]
    if node.batch and first != 1:
        raise ImporterError(f"attribute axis = {axis} mixes the batch dimension with another")
    return _reshape(node, x, target)


@importer("Transpose")
def transpose(node: Node, x: Activation, *, perm: Sequence[int] | None = None) -> Value:
    if perm is None:
        perm = range(len(node.shape(x)) - 1, -1, -1)
    batch = len(node.batch)
    if batch and perm[0] != 0:
        raise ImporterError(f"attribute perm = {list(perm)} moves the batch dimension")
    return node.build(nn.TransposeOp(x, [axis - batch for axis in perm[batch:]]))


def channels_first(node: Node, x: Activation, outer: int) -> Activation:
    """Move the channels in front of this number of dimensions."""
    rank = len(shape_of(x))
    order = [outer, *range(outer), *range(outer + 1, rank)]
    return node.build(nn.TransposeOp(x, order)) if outer else x


def channels_back(node: Node, x: Activation, outer: int) -> Activation:
    """Move the channels, which are first, behind this number of dimensions."""
    rank = len(shape_of(x))
    order = [*range(1, outer + 1), 0, *range(outer + 1, rank)]
    return node.build(nn.TransposeOp(x, order)) if outer else x


def nothing(node: Node, x: Activation, shape: Sequence[int]) -> Constant:
    """Return a part of `x` without elements, which is a constant. shape: without the batch dimension."""
    return Constant(node.proto.output[0], np.zeros((*node.batch, *shape), dtype_of(x)))


def _axes(node: Node, x: Activation, axes: Sequence[int] | None, count: int) -> list[int]:
    """Return ONNX's list of axes as non-negative ones; all axes, from the first on, for None."""
    axes = range(count) if axes is None else axes
    if len(axes) != count:
        raise ImporterError(f"axes = {list(axes)} do not fit {count_of(count, 'number')}")
    whole = node.whole_axes(x, axes)
    if len({*whole}) != count:
        raise ImporterError(f"axes = {list(axes)} name an axis twice")
    return whole


@importer("Slice")
def slice_(
    node: Node,
    x: Activation,
    *,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int] | None = None,
    steps: Sequence[int] | None = None,
) -> Value:
    steps = [1] * len(starts) if steps is None else steps
    if not len(starts) == len(ends) == len(steps):
        lists = f"starts = {list(starts)}, ends = {list(ends)} and steps = {list(steps)}"
        raise ImporterError(f"{lists} must be of one length")
    if 0 in steps:
        raise ImporterError("steps must not be 0")
    # ONNX counts and clamps indices as Python does.
    taken = [range(size) for size in node.shape(x)]
    for i, axis in enumerate(_axes(node, x, axes, len(starts))):
        taken[axis] = taken[axis][starts[i] : ends[i] : steps[i]]
    if node.batch and len(taken.pop(0)) != 1:
        raise ImporterError("it removes the batch dimension's only element")
    if not all(taken):
        return nothing(node, x, [len(r) for r in taken])
    starts, ends, steps = zip(*((r.start, r.stop, r.step) for r in taken), strict=True)
    return node.build(nn.SliceOp(x, starts, ends, steps))


@importer("Pad")
def pad(
    node: Node,
    x: Activation,
    *,
    pads: Sequence[int],
    mode: str = "constant",
    value: float = 0.0,
    constant_value: float = 0.0,
    axes: Sequence[int] | None = None,
) -> Value:
    """Modes constant, edge, reflect and wrap."""
    half, odd = divmod(len(pads), 2)
    if odd:
        raise ImporterError(f"pads = {list(pads)} must be two for each axis")
    begins, ends = ([0] * len(node.shape(x)) for _ in range(2))
    for i, axis in enumerate(_axes(node, x, axes, half)):
        begins[axis], ends[axis] = pads[i], pads[half + i]
    batch = len(node.batch)
    if any(begins[:batch] + ends[:batch]):
        raise ImporterError(f"pads = {list(pads)} pad the batch dimension")
    if mode == "constant":
        number = option("the value", value or constant_value)
        return node.build(nn.PadOp(x, begins[batch:] + ends[batch:], number))
    if mode not in ("edge", "reflect", "wrap"):
        raise ImporterError(f"attribute mode = {mode} is not supported")
    return node.build(nn.PadOp(x, begins[batch:] + ends[batch:], mode=mode))


@importer("CenterCropPad")
def center_crop_pad(
    node: Node, input_data: Activation, *, shape: Sequence[int], axes: Sequence[int] | None = None
) -> Value:
    before, after = list(node.shape(input_data)), list(node.shape(input_data))
    for axis, size in zip(_axes(node, input_data, axes, len(shape)), shape, strict=True):
        after[axis] = size
    if min(after) < 0:
        raise ImporterError(f"shape = {list(shape)} has a negative size")
    batch = len(node.batch)
    if before[:batch] != after[:batch]:
        raise ImporterError(f"shape = {list(shape)} changes the batch dimension")
    sizes = list(zip(before, after, strict=True))[batch:]
    if 0 in after:
        return nothing(node, input_data, [size for _, size in sizes])
    # Of an odd number of elements, more are cut off, or added, at the end.
    x: Activation = input_data
    if any(old > new for old, new in sizes):
        starts = [max(0, old - new) // 2 for old, new in sizes]
        ends = [start + min(pair) for start, pair in zip(starts, sizes, strict=True)]
        x = node.build(nn.SliceOp(x, starts, ends, [1] * len(sizes)))
    if any(old < new for old, new in sizes):
        missing = [max(0, new - old) for old, new in sizes]
        begins = [count // 2 for count in missing]
        x = node.build(nn.PadOp(x, begins + [count - count // 2 for count in missing], 0))
    return x


@importer("Shape")
def shape(node: Node, x: Activation, *, start: int = 0, end: int | None = None) -> Value:
    """Fold to a constant, because all shapes are static."""
    return Constant(node.proto.output[0], np.array(node.shape(x)[start:end], np.int64))
