"""Operators that combine, divide and rearrange tensors."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import i1, i32

from cmir.dialects import nn
from cmir.dialects.nn.operation import MOST_DIMENSIONS, element_of, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, shape_of_rank, whole_axes
from cmir.frontends.onnx.operators.elementwise import as_element
from cmir.frontends.onnx.operators.layout import nothing
from cmir.frontends.onnx.operators.windows import Window, split_padding
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of


@importer("Concat")
def concat(node: Node, *inputs: Value, axis: int) -> Value:
    axes = {node.axis(x, axis) for x in inputs if isinstance(x, Activation)}
    if len(axes) != 1:
        raise ImporterError("the inputs have different numbers of dimensions")
    values = [
        _sample(node, x) if isinstance(x, Constant) else x
        for x in inputs
        if isinstance(x, Activation) or x.array.size
    ]
    return node.build(nn.ConcatOp(values, axes.pop()))


def _sample(node: Node, constant: Constant) -> Activation:
    """Return a constant that has a batch dimension of 1 as a parameter."""
    if not node.batch:
        return node.parameter(constant)
    if constant.shape[:1] != node.batch:
        raise ImporterError(
            f"constant '{constant.name}' of shape {list(constant.shape)} is not one sample"
        )
    return node.parameter(Constant(constant.name, constant.array[0]))


@importer("Split")
def split(
    node: Node,
    input: Activation,
    *,
    axis: int = 0,
    split: Sequence[int] | None = None,
    num_outputs: int | None = None,
) -> Sequence[Value]:
    shape, axis = shape_of(input), node.axis(input, axis)
    if split is None:
        parts = num_outputs or len(node.proto.output)
        size = -(-shape[axis] // parts)
        split = [size] * (parts - 1) + [shape[axis] - size * (parts - 1)]
    if sum(split) != shape[axis] or min(split) < 0:
        raise ImporterError(
            f"{count_of(shape[axis], 'element')} cannot be split into {list(split)}"
        )
    results: list[Value] = []
    start = 0
    for size in split:
        starts, ends = [0] * len(shape), list(shape)
        starts[axis], ends[axis] = start, start + size
        if size:
            results.append(node.build(nn.SliceOp(input, starts, ends)))
        else:
            results.append(nothing(node, input, (*shape[:axis], 0, *shape[axis + 1 :])))
        start += size
    return results


@importer("Gather")
def gather(node: Node, data: Value, indices: Value, *, axis: int = 0) -> Value:
    """Constant indices move data. Others select from a constant, or from an activation."""
    if isinstance(indices, Activation):
        return _take(node, data, indices, axis)
    assert isinstance(data, Activation)
    return _gather(node, data, indices, axis)


def _take(node: Node, data: Value, indices: Activation, axis: int) -> Value:
    """Select by indices that are data. The batch of the result is that of the indices."""
    if isinstance(data, Constant):
        (axis,) = whole_axes(len(data.shape), [axis])
        if node.batch and axis:
            raise ImporterError(
                f"axis = {axis} of a constant would put the batch dimension behind others"
            )
        return node.build(nn.TakeOp(node.parameter(data), indices, axis))
    if node.batch:
        raise ImporterError("data and indices both have a batch dimension")
    return node.build(nn.TakeOp(data, indices, node.axis(data, axis)))


def _gather(node: Node, data: Activation, indices: Constant, axis: int) -> Value:
    shape, axis = shape_of(data), node.axis(data, axis)
    # Negative indices count from the end.
    if not indices.array.size:
        return nothing(node, data, (*shape[:axis], *indices.shape, *shape[axis + 1 :]))
    picked = [int(i) + shape[axis] * (i < 0) for i in indices.array.flat]
    result = node.build(nn.GatherOp(data, axis, picked))
    if indices.array.ndim == 1:
        return result
    return node.build(nn.ReshapeOp(result, (*shape[:axis], *indices.shape, *shape[axis + 1 :])))


@importer("Compress")
def compress(
    node: Node, input: Activation, condition: Constant, *, axis: int | None = None
) -> Value:
    if axis is None:
        if node.batch:
            raise ImporterError("without an axis, it mixes the samples of a batch (axis 0)")
        input, axis = node.build(nn.ReshapeOp(input, (prod(shape_of(input)),))), 0
    kept = np.flatnonzero(condition.array)
    return _gather(node, input, Constant(condition.name, kept), axis)


@importer("ReverseSequence")
def reverse_sequence(
    node: Node,
    input: Activation,
    *,
    sequence_lens: Sequence[int],
    batch_axis: int = 1,
    time_axis: int = 0,
) -> Value:
    """Whole inputs only: samples of a batch have lengths of their own."""
    shape, axes = shape_of(input), node.axes(input, [batch_axis, time_axis])
    sequences, steps = (shape[axis] for axis in axes)
    if len(sequence_lens) != sequences or not all(0 <= n <= steps for n in sequence_lens):
        raise ImporterError(f"lengths {list(sequence_lens)} do not fit the shape {list(shape)}")
    order = [*axes, *(axis for axis in range(len(shape)) if axis not in axes)]
    moved = node.build(nn.TransposeOp(input, order))
    rows = node.build(nn.ReshapeOp(moved, (sequences * steps, *shape_of(moved)[2:])))
    picked = [
        first * steps + (count - 1 - step if step < count else step)
        for first, count in enumerate(sequence_lens)
        for step in range(steps)
    ]
    result = node.build(nn.ReshapeOp(node.build(nn.GatherOp(rows, 0, picked)), shape_of(moved)))
    return node.build(nn.TransposeOp(result, [order.index(axis) for axis in range(len(shape))]))


@importer("Expand")
def expand(node: Node, input: Activation, *, shape: Sequence[int]) -> Value:
    before = node.shape(input)
    try:
        target = np.broadcast_shapes(before, tuple(shape))
    except ValueError as error:
        raise ImporterError(f"shape {list(before)} does not expand to {list(shape)}") from error
    batch = len(node.batch)
    if batch and (len(target) != len(before) or target[0] != 1):
        raise ImporterError(f"the result's shape {list(target)} repeats the batch dimension")
    return node.build(nn.ExpandOp(input, target[batch:]))


@importer("Squeeze")
def squeeze(node: Node, data: Activation, *, axes: Sequence[int] | None = None) -> Value:
    shape = shape_of(data)
    if axes is None:
        if node.batch:
            raise ImporterError("without axes, it removes the batch dimension")
        axes = [axis for axis, size in enumerate(shape) if size == 1]
    removed = {node.axis(data, axis) for axis in axes}
    if any(shape[axis] != 1 for axis in removed):
        raise ImporterError(
            f"axes = {list(axes)} of a sample of shape {list(shape)} have a size other than 1"
        )
    kept = [size for axis, size in enumerate(shape) if axis not in removed]
    return node.build(nn.ReshapeOp(data, kept))


@importer("Unsqueeze")
def unsqueeze(node: Node, data: Activation, *, axes: Sequence[int]) -> Value:
    batch = len(node.batch)
    rank = len(node.shape(data)) + len(axes)
    if not all(-rank <= axis < rank for axis in axes):
        raise ImporterError(
            f"axes = {list(axes)} do not fit a result of {count_of(rank, 'dimension')}"
        )
    added = {axis % rank for axis in axes}
    if len(added) < len(axes):
        raise ImporterError(f"axes = {list(axes)} name a dimension twice")
    if batch and 0 in added:
        raise ImporterError(f"axes = {list(axes)} add a dimension before the batch dimension")
    sizes = iter(shape_of(data))
    return node.build(
        nn.ReshapeOp(data, [1 if axis in added else next(sizes) for axis in range(batch, rank)])
    )


@importer("DepthToSpace")
def depth_to_space(node: Node, input: Activation, *, blocksize: int, mode: str = "DCR") -> Value:
    channels, height, width = _image(node, input)
    _check_blocks(blocksize, mode)
    if channels % blocksize**2:
        raise ImporterError(f"{channels} channels do not make blocks of {blocksize}×{blocksize}")
    rest = channels // blocksize**2
    if mode == "DCR":
        shape, perm = (blocksize, blocksize, rest, height, width), (2, 3, 0, 4, 1)
    else:
        shape, perm = (rest, blocksize, blocksize, height, width), (0, 3, 1, 4, 2)
    return _rearranged(node, input, shape, perm, (rest, height * blocksize, width * blocksize))


@importer("SpaceToDepth")
def space_to_depth(node: Node, input: Activation, *, blocksize: int, mode: str = "DCR") -> Value:
    channels, height, width = _image(node, input)
    _check_blocks(blocksize, mode)
    if height % blocksize or width % blocksize:
        raise ImporterError(f"{height}×{width} is not made of blocks of {blocksize}×{blocksize}")
    rows, columns = height // blocksize, width // blocksize
    shape = (channels, rows, blocksize, columns, blocksize)
    result = (channels * blocksize**2, rows, columns)
    perm = (2, 4, 0, 1, 3) if mode == "DCR" else (0, 2, 4, 1, 3)
    return _rearranged(node, input, shape, perm, result)


def _check_blocks(size: int, mode: str) -> None:
    if size < 1:
        raise ImporterError(f"attribute blocksize = {size} is not positive")
    if mode not in ("DCR", "CRD"):
        raise ImporterError(f"attribute mode = {mode} is not supported")


def _image(node: Node, x: Activation) -> tuple[int, int, int]:
    shape = node.shape(x)
    if len(shape) != 4:
        raise ImporterError(f"the input must have 4 dimensions, got shape {list(shape)}")
    _, channels, height, width = shape
    return channels, height, width


def _rearranged(
    node: Node, x: Activation, shape: Sequence[int], perm: Sequence[int], result: Sequence[int]
) -> Value:
    """Build a permutation of the dimensions of an image, which is reshaped before and after."""
    batch = shape_of(x)[: 1 - len(node.batch)]
    apart = node.build(nn.ReshapeOp(x, (*batch, *shape)))
    order = [*range(len(batch)), *(len(batch) + axis for axis in perm)]
    moved = node.build(nn.TransposeOp(apart, order))
    return node.build(nn.ReshapeOp(moved, (*batch, *result)))


@importer("Col2Im")
def col2im(
    node: Node,
    input: Activation,
    *,
    image_shape: Sequence[int],
    block_shape: Sequence[int],
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Value:
    *outer, rows, columns = shape_of_rank(input, "the input", 2, MOST_DIMENSIONS)
    rank = len(image_shape)
    steps, apart, margins = strides or [1] * rank, dilations or [1] * rank, pads or [0] * 2 * rank
    windows = [
        (size + begin + end - dilation * (block - 1) - 1) // stride + 1
        for size, begin, end, dilation, block, stride in zip(
            image_shape, margins[:rank], margins[rank:], apart, block_shape, steps, strict=True
        )
    ]
    elements = prod(block_shape)
    if rows % elements or prod(windows) != columns or min(windows) < 1:
        raise ImporterError(
            f"a sample of shape {[rows, columns]} does not consist of {windows} windows of"
            f" {list(block_shape)} elements"
        )
    channels = rows // elements
    parted = (prod(outer) * channels, *block_shape, *windows)
    element = element_of(input)
    numbers = as_element(node, input, i32) if element == i1 else input
    image = node.build(nn.ReshapeOp(numbers, parted))
    folded = node.build(nn.FoldOp(image, image_shape, steps, margins, apart))
    folded = as_element(node, folded, element)
    return node.build(nn.ReshapeOp(folded, (*outer, channels, *image_shape)))


@importer("ConvTranspose", batched="space")
def conv_transpose(
    node: Node,
    x: Activation,
    w: Constant,
    b: Constant | None = None,
    *,
    window: Window,
    group: int = 1,
    output_padding: Sequence[int] | None = None,
    output_shape: Sequence[int] | None = None,
) -> Value:
    """Floats, with any number of spatial dimensions."""
    kernel, sizes = window.kernel_of(w.shape), shape_of(x)[1:]
    rank = len(sizes)
    strides, dilations = window.strides or [1] * rank, window.dilations or [1] * rank
    added = list(output_padding or [0] * rank)
    for name, given in (("strides", strides), ("dilations", dilations), ("output_padding", added)):
        if len(given) != rank:
            raise ImporterError(
                f"attribute {name} = {list(given)} needs {count_of(rank, 'number')}"
            )
    pads = None if window.auto_pad == "VALID" else window.pads
    if output_shape is None and window.auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        output_shape = [size * stride for size, stride in zip(sizes, strides, strict=True)]
    if output_shape is not None:
        surplus: list[int] = []
        for axis, wanted in enumerate(output_shape[-rank:]):
            whole = strides[axis] * (sizes[axis] - 1) + dilations[axis] * (kernel[axis] - 1) + 1
            surplus.append(max(0, whole + added[axis] - wanted))
            added[axis] = max(added[axis], wanted - whole)
        pads = split_padding(surplus, window.auto_pad)
    weights, bias = node.parameter(w), None if b is None else node.parameter(b)
    return node.build(
        nn.ConvTransposeOp(x, weights, bias, strides, pads, dilations, added, groups=group)
    )
