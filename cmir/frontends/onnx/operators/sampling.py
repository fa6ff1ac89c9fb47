"""Sampling of images at positions that are data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TypeAlias

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import Operation, SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import Shape, element_of, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, check_constant
from cmir.frontends.onnx.operators.indexing import operand
from cmir.frontends.onnx.operators.linear import product as matrix_product
from cmir.frontends.onnx.registry import importer

Binary: TypeAlias = Callable[[SSAValue, SSAValue], Operation]

Pixel: TypeAlias = tuple[Activation, Activation | None]
"""Positions along an axis, as floats, with their weights; None stands for 1."""

MOST_PIXELS = 1 << 24
"""The positions of pixels are computed in single precision, which is exact below this."""

SLOPE = -0.75
"""The slope of cubic kernels at a distance of 1."""


@importer("GridSample", batched=True)
def grid_sample(
    node: Node,
    x: Activation,
    grid: Value,
    *,
    mode: str = "linear",
    padding_mode: str = "zeros",
    align_corners: int = 0,
) -> Value:
    """Any number of spatial dimensions."""
    kind = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if kind not in ("linear", "nearest", "cubic"):
        raise ImporterError(f"attribute mode = {mode} is not supported")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ImporterError(f"attribute padding_mode = {padding_mode} is not supported")
    channels, *sizes = shape_of(x)
    places = operand(node, grid)
    *outer, rank = shape_of(places)
    if not sizes or rank != len(sizes):
        raise ImporterError(
            f"a grid of shape {[*outer, rank]} does not fit a sample of shape {[channels, *sizes]}"
        )
    build = Sampling(node, dtype_of(places), padding_mode, bool(align_corners))
    # The grid has the last dimension first.
    axes = [
        build.axis(build.position(places, rank - 1 - axis, size), size, kind)
        for axis, size in enumerate(sizes)
    ]
    return node.build(nn.ReshapeOp(build.sampled(x, axes), (channels, *outer)))


@dataclass(frozen=True)
class Sampling:
    """The operations of one node. dtype: that of positions."""

    node: Node
    dtype: np.dtype
    padding: str = "zeros"
    aligned: bool = True

    def sampled(self, x: Activation, axes: Sequence[Sequence[Pixel]]) -> Activation:
        """Return the sums of pixels of images, times their weights: channels×positions.

        x: channels×sizes. axes: the pixels that count along each dimension.
        """
        channels, *sizes = shape_of(x)
        if prod(sizes) >= MOST_PIXELS:
            extent = "×".join(map(str, sizes))
            raise ImporterError(f"images of {extent} are too large: positions would be rounded")
        pixels = self.node.build(nn.ReshapeOp(x, (channels, prod(sizes))))
        result: Activation | None = None
        for picked in product(*axes):
            found = self._picked(pixels, sizes, picked)
            result = found if result is None else self.apply(nn.AddOp, result, found)
        assert result is not None
        return result

    def _picked(
        self, pixels: Activation, sizes: Sequence[int], picked: Sequence[Pixel]
    ) -> Activation:
        """Return one pixel for each position, times its weights along all dimensions."""
        (flat, _), *others = picked
        for (place, _), size in zip(others, sizes[1:], strict=True):
            flat = self.apply(nn.AddOp, self.apply(nn.MulOp, flat, float(size)), place)
        found = self.node.build(nn.TakeOp(pixels, self.node.build(nn.CastOp(flat, i32)), 1))
        for _, weight in picked:
            found = found if weight is None else self.apply(nn.MulOp, found, weight)
        return found

    def axis(self, x: Activation, size: int, kind: str) -> Sequence[Pixel]:
        """Return the pixels of an axis that count at these positions.

        Weights are 0 outside the image, if it is padded with zeros. The pixel is then one inside.
        """
        if self.padding == "border":
            x = self.node.build(nn.ClipOp(x, min=0.0, max=float(size - 1)))
        elif self.padding == "reflection":
            x = self._reflected(x, size)
        if kind == "nearest":
            return list(self._inside([(self.node.build(nn.RoundOp(x)), None)], size))
        first = self.node.build(nn.FloorOp(x))
        after = self.apply(nn.SubOp, x, first)
        before = self.apply(nn.SubOp, 1.0, after)
        if kind == "linear":
            found = [(first, before), (self.apply(nn.AddOp, first, 1.0), after)]
            return list(self._inside(found, size))
        found = [
            (self.apply(nn.AddOp, first, -1.0), self._far(after)),
            (first, self._near(after)),
            (self.apply(nn.AddOp, first, 1.0), self._near(before)),
            (self.apply(nn.AddOp, first, 2.0), self._far(before)),
        ]
        if self.padding == "reflection":
            found = [(self._reflected(place, size), weight) for place, weight in found]
        return list(self._inside(found, size))

    def _near(self, t: Activation) -> Activation:
        """Return the cubic kernel at distances from 0 to 1."""
        inner = self.apply(nn.SubOp, self.apply(nn.MulOp, t, SLOPE + 2), SLOPE + 3)
        square = self.apply(nn.MulOp, t, t)
        return self.apply(nn.AddOp, self.apply(nn.MulOp, inner, square), 1.0)

    def _far(self, t: Activation) -> Activation:
        """Return the cubic kernel at distances of 1 more than these, from 0 to 1."""
        # a (d³ − 5 d² + 8 d − 4) = a (d − 1) (d − 2)², with d = t + 1.
        rest = self.apply(nn.SubOp, 1.0, t)
        square = self.apply(nn.MulOp, rest, rest)
        return self.apply(nn.MulOp, self.apply(nn.MulOp, square, t), SLOPE)

    def position(self, places: SSAValue, coordinate: int, size: int) -> Activation:
        """Return the position of each sample along an axis, in pixels.

        places: positions × coordinates, from −1 to 1.
        """
        *outer, _ = shape_of(places)
        ends = [*outer, coordinate + 1]
        part = self.node.build(nn.SliceOp(places, [*(0 for _ in outer), coordinate], ends))
        part = self.node.build(nn.ReshapeOp(part, (prod(outer),)))
        moved = self.apply(nn.AddOp, part, 1.0)
        if self.aligned:
            return self.apply(nn.MulOp, moved, (size - 1) / 2)
        return self.apply(nn.SubOp, self.apply(nn.MulOp, moved, size / 2), 0.5)

    def _reflected(self, x: Activation, size: int) -> Activation:
        """Return positions inside the image, from which these are reflected at its borders."""
        low, length = (0.0, size - 1.0) if self.aligned else (-0.5, float(size))
        if not length:
            return self.apply(nn.MulOp, x, 0.0)
        # A triangular wave: distance − |distance − …| within two lengths.
        distance = self.apply(nn.SubOp, x, low)
        turns = self.node.build(nn.FloorOp(self.apply(nn.DivOp, distance, 2 * length)))
        rest = self.apply(nn.SubOp, distance, self.apply(nn.MulOp, turns, 2 * length))
        over = self.node.build(nn.AbsOp(self.apply(nn.SubOp, rest, length)))
        return self.apply(nn.SubOp, low + length, over)

    def _inside(self, found: Sequence[Pixel], size: int) -> Iterator[Pixel]:
        for place, weight in found:
            inside = self.node.build(nn.ClipOp(place, min=0.0, max=float(size - 1)))
            if self.padding != "zeros":
                yield inside, weight
                continue
            same = self.node.build(nn.EqualOp(inside, place))
            mask = self.node.build(nn.CastOp(same, element_of(place)))
            yield inside, mask if weight is None else self.apply(nn.MulOp, weight, mask)

    def apply(self, op: Binary, a: SSAValue | float, b: SSAValue | float) -> Activation:
        """Build an operator on two values, one of which may be a number."""
        values = [a if isinstance(a, SSAValue) else self.constant(np.array(a))]
        values.append(b if isinstance(b, SSAValue) else self.constant(np.array(b)))
        return self.node.build(op(*values))

    def constant(self, array: np.ndarray) -> SSAValue:
        """Return a parameter with these elements, in the type of positions."""
        name = f"{self.node.proto.name}.number"
        return self.node.parameter(Constant(name, array.astype(self.dtype)))


@importer("AffineGrid")
def affine_grid(
    node: Node, theta: Activation, *, size: Sequence[int], align_corners: int = 0
) -> Value:
    """Multiply constant positions by the matrix."""
    *outer, rows, _ = shape_of(theta)
    sizes = tuple(size[2:])
    if len(sizes) != rows:
        raise ImporterError(
            f"size = {list(size)} does not fit matrices of {rows} rows, one for each dimension"
        )
    positions = _positions(sizes, bool(align_corners))
    grid = Constant(f"{node.proto.name}.positions", positions.astype(dtype_of(theta)))
    rank = len(outer)
    columns = node.build(nn.TransposeOp(theta, [*range(rank), rank + 1, rank]))
    return node.build(nn.ReshapeOp(matrix_product(node, grid, columns), (*outer, *sizes, rows)))


def _positions(sizes: Shape, aligned: bool) -> np.ndarray:
    """Return positions×coordinates: from −1 to 1 along each dimension, the last one first, and 1."""
    check_constant((*sizes, len(sizes) + 1), np.float64)
    axes = [np.linspace(-1, 1, n) if aligned else (2 * np.arange(n) + 1) / n - 1 for n in sizes]
    grid = np.meshgrid(*axes, indexing="ij")
    return np.stack([*(a.reshape(-1) for a in grid[::-1]), np.ones(prod(sizes))], axis=-1)


@importer("DeformConv", batched=True)
def deform_conv(
    node: Node,
    x: Activation,
    w: Constant,
    offset: Value,
    b: Constant | None = None,
    mask: Value | None = None,
    *,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    offset_group: int = 1,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Value:
    """Sample for all places of the window, and multiply by the weights."""
    channels, *sizes = shape_of(x)
    kernel, rank = w.shape[2:], len(sizes)
    if kernel_shape is not None and tuple(kernel_shape) != kernel:
        raise ImporterError(
            f"attribute kernel_shape = {kernel_shape} does not fit weights of shape {list(w.shape)}"
        )
    moved = operand(node, offset)
    results = shape_of(moved)[1:]
    if shape_of(moved)[0] != offset_group * prod(kernel) * rank or len(results) != rank:
        raise ImporterError(f"offsets of shape {list(shape_of(moved))} do not fit the weights")
    inner = channels // offset_group
    build = Sampling(node, dtype_of(moved))
    parted = node.build(nn.ReshapeOp(moved, (offset_group, prod(kernel), rank, prod(results))))
    held = None
    if mask is not None:
        shape = offset_group, prod(kernel) * prod(results)
        held = node.build(nn.ReshapeOp(operand(node, mask), shape))
    settings = dilations or [1] * rank, strides or [1] * rank, pads or [0] * (2 * rank)
    starts = [
        _starts(rank, axis, kernel, results, *(values[axis] for values in settings))
        for axis in range(rank)
    ]
    groups: list[Activation] = []
    for number in range(offset_group):
        axes = [
            build.axis(_displaced(build, parted, number, axis, starts[axis]), size, "linear")
            for axis, size in enumerate(sizes)
        ]
        first = number * inner
        begins, ends = [first, *(0 for _ in sizes)], [first + inner, *sizes]
        part = build.sampled(node.build(nn.SliceOp(x, begins, ends)), axes)
        if held is not None:
            row = node.build(nn.SliceOp(held, [number, 0], [number + 1, shape_of(held)[1]]))
            part = build.apply(nn.MulOp, part, row)
        groups.append(part)
    every = groups[0] if len(groups) == 1 else node.build(nn.ConcatOp(groups, 0))
    image = node.build(nn.ReshapeOp(every, (channels * prod(kernel), *results)))
    flat = w.array.reshape(w.shape[0], w.shape[1] * prod(kernel), *(1 for _ in sizes))
    weights = node.parameter(Constant(w.name, flat))
    bias = None if b is None else node.parameter(b)
    return node.build(nn.ConvOp(image, weights, bias, groups=group))


def _starts(
    rank: int, axis: int, kernel: Shape, results: Shape, dilation: int, stride: int, begin: int
) -> np.ndarray:
    """Return the positions along an axis without offsets: places of the window × positions of the result."""
    shapes = [1] * rank, [1] * rank
    for shape, sizes in zip(shapes, (kernel, results), strict=True):
        shape[axis] = sizes[axis]
    inside = np.broadcast_to(dilation * np.arange(kernel[axis]).reshape(shapes[0]), kernel)
    first = np.broadcast_to(stride * np.arange(results[axis]).reshape(shapes[1]), results)
    return inside.reshape(-1, 1) + first.reshape(1, -1) - begin


def _displaced(
    build: Sampling, offsets: Activation, group: int, axis: int, starts: np.ndarray
) -> Activation:
    """Return the positions along an axis. offsets: groups × places × axes × positions."""
    _, places, _, positions = shape_of(offsets)
    begins, ends = [group, 0, axis, 0], [group + 1, places, axis + 1, positions]
    part = build.node.build(nn.SliceOp(offsets, begins, ends))
    part = build.node.build(nn.ReshapeOp(part, (places * positions,)))
    return build.apply(nn.AddOp, part, build.constant(starts.reshape(-1)))
