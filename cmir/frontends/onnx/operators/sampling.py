"""Sampling of images at positions that are data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import product
from math import prod
from typing import TypeAlias

import numpy as np
from xdsl.dialects.builtin import f32, f64, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import FLOATS, MOST_DIMENSIONS, Shape, element_of, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import (
    Activation,
    Constant,
    Node,
    Value,
    check_constant,
    shape_of_rank,
)
from cmir.frontends.onnx.operators.elementwise import as_element, converted, element_of_value
from cmir.frontends.onnx.operators.indexing import operand
from cmir.frontends.onnx.operators.layout import channels_back, channels_first
from cmir.frontends.onnx.operators.linear import product as matrix_product
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of

Binary: TypeAlias = Callable[[SSAValue, SSAValue], Operation]

Pixel: TypeAlias = tuple[Activation, Activation | None]
"""Positions along an axis, as floats, with their weights; None stands for 1."""

MOST_PIXELS = 1 << 24
"""The positions of pixels are computed in single precision, which is exact below this."""

SLOPE = -0.75
"""The slope of cubic kernels at a distance of 1."""


@importer("GridSample")
def grid_sample(
    node: Node,
    x: Activation,
    grid: Value,
    *,
    mode: str = "linear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
) -> Value:
    """Any number of spatial dimensions. Integers are only picked: ONNX does not say how their means are rounded."""
    kind = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if kind != "nearest" and element_of(x) not in FLOATS:
        raise ImporterError(
            f"attribute mode = {mode} is not supported for elements of {element_of(x)}"
        )
    if kind not in ("linear", "nearest", "cubic"):
        raise ImporterError(f"attribute mode = {mode} is not supported")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ImporterError(f"attribute padding_mode = {padding_mode} is not supported")
    element, wide = element_of(x), _type_of_positions(x, grid)
    x, places = as_element(node, x, wide), operand(node, converted(node, grid, wide))
    outer, channels, sizes = _parted(node, x)
    *results, rank = shape_of(places)[len(outer) :]
    if rank != len(sizes):
        raise ImporterError(
            f"a grid of shape {list(shape_of(places))} does not fit images of shape {list(sizes)}"
        )
    build = Sampling(node, dtype_of(places), padding_mode, align_corners)
    # The grid has the last dimension first.
    axes = [
        build.axis(build.position(places, rank - 1 - axis, size), size, kind)
        for axis, size in enumerate(sizes)
    ]
    images = channels_first(node, x, len(outer))
    first = build.firsts(outer, prod(sizes), prod(results))
    result = build.combined(nn.AddOp, build.pixels(images, axes, first))
    result = as_element(node, result, element)
    return channels_back(
        node, node.build(nn.ReshapeOp(result, (channels, *outer, *results))), len(outer)
    )


def _type_of_positions(*values: Value) -> Attribute:
    """Return the type in which positions and weights are computed: narrow floats do not tell pixels apart."""
    exact = {f64, i32, i64} & {*map(element_of_value, values)}
    return f64 if exact else f32


def _parted(node: Node, x: Activation) -> tuple[Shape, int, Shape]:
    """Return the dimensions of a batch, if inferences take whole inputs, the channels, and the sizes of an image."""
    shape, first = shape_of(x), 1 - len(node.batch)
    if len(shape) < first + 2:
        raise ImporterError(f"the input must have spatial dimensions, got {list(node.shape(x))}")
    return shape[:first], shape[first], shape[first + 1 :]


@dataclass(frozen=True)
class Sampling:
    """The operations of one node. dtype: that of positions."""

    node: Node
    dtype: np.dtype
    padding: str = "zeros"
    aligned: bool = True

    def pixels(
        self,
        x: Activation,
        axes: Sequence[Sequence[Pixel]],
        first: SSAValue | None = None,
    ) -> Sequence[Activation]:
        """Return the pixels of images that count, times their weights: each channels×positions.

        x: channels×sizes, or channels×images×sizes. axes: the pixels that count along each dimension. first: the number
        of the first pixel of each position's image, if there are several.
        """
        channels, *rest = shape_of(x)
        if prod(rest) >= MOST_PIXELS:
            extent = "×".join(map(str, rest))
            raise ImporterError(f"images of {extent} are too large: positions would be rounded")
        flat, sizes = self.node.build(nn.ReshapeOp(x, (channels, prod(rest)))), rest[-len(axes) :]
        return [self._picked(flat, sizes, picked, first) for picked in product(*axes)]

    def _picked(
        self,
        pixels: Activation,
        sizes: Sequence[int],
        picked: Sequence[Pixel],
        first: SSAValue | None,
    ) -> Activation:
        """Return one pixel for each position, times its weights along all dimensions."""
        (place, _), *others = picked
        for (inner, _), size in zip(others, sizes[1:], strict=True):
            place = self.apply(nn.AddOp, self.apply(nn.MulOp, place, float(size)), inner)
        if first is not None:
            place = self.apply(nn.AddOp, place, first)
        found = self.node.build(nn.TakeOp(pixels, self.node.build(nn.CastOp(place, i32)), 1))
        for _, weight in picked:
            found = found if weight is None else self.apply(nn.MulOp, found, weight)
        return found

    def firsts(self, outer: Shape, pixels: int, count: int, repeats: int = 1) -> SSAValue | None:
        """Return the number of the first pixel of the image for each position; None if there is one image.

        outer: the number of images, if inferences take whole inputs. pixels: their size. count: the number of
        positions in each of them, which all repeat.
        """
        if prod(outer) == 1:
            return None
        numbers = np.repeat(np.arange(prod(outer)) * pixels, count)
        return self.constant(np.tile(numbers, repeats))

    def combined(self, op: Binary, values: Sequence[Activation]) -> Activation:
        """Apply an operator to the values, from the first to the last."""
        return reduce(partial(self.apply, op), values)

    def axis(self, x: Activation, size: int, kind: str) -> Sequence[Pixel]:
        """Return the pixels of an axis that count at these positions.

        Weights are 0 outside the image, if it is padded with zeros. The pixel is then one inside.
        """
        # Of cubic kernels, onnxruntime and PyTorch move the pixels to the border, not the position.
        if self.padding == "border" and kind != "cubic":
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
    node: Node, theta: Activation, *, size: Sequence[int], align_corners: bool = False
) -> Value:
    *outer, rows, _ = shape_of_rank(theta, "theta", 2, MOST_DIMENSIONS)
    sizes = tuple(size[2:])
    if len(sizes) != rows:
        raise ImporterError(
            f"size = {list(size)} does not fit matrices of {count_of(rows, 'row')}, one for each dimension"
        )
    positions = _positions(sizes, align_corners)
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


@importer("DeformConv")
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
    element, wide = element_of(x), _type_of_positions(x, offset)
    x, offset = as_element(node, x, wide), converted(node, offset, wide)
    mask = None if mask is None else converted(node, mask, wide)
    outer, channels, sizes = _parted(node, x)
    kernel, rank = w.shape[2:], len(sizes)
    if kernel_shape is not None and tuple(kernel_shape) != kernel:
        raise ImporterError(
            f"attribute kernel_shape = {kernel_shape} does not fit weights of shape {list(w.shape)}"
        )
    moved = channels_first(node, operand(node, offset), len(outer))
    results = shape_of(moved)[1 + len(outer) :]
    positions = prod(outer) * prod(results)
    if shape_of(moved)[0] != offset_group * prod(kernel) * rank or len(results) != rank:
        raise ImporterError(f"offsets of shape {list(shape_of(moved))} do not fit the weights")
    inner = channels // offset_group
    build = Sampling(node, dtype_of(moved))
    parted = node.build(nn.ReshapeOp(moved, (offset_group, prod(kernel), rank, positions)))
    held = None
    if mask is not None:
        factors = channels_first(node, operand(node, mask), len(outer))
        held = node.build(nn.ReshapeOp(factors, (offset_group, prod(kernel) * positions)))
    settings = dilations or [1] * rank, strides or [1] * rank, pads or [0] * (2 * rank)
    each = [[values[axis] for values in settings] for axis in range(rank)]
    ofs = [_starts(rank, axis, kernel, results, *each[axis]) for axis in range(rank)]
    starts = [np.tile(of_axis, (1, prod(outer))) for of_axis in ofs]
    images = channels_first(node, x, len(outer))
    firsts = build.firsts(outer, prod(sizes), prod(results), prod(kernel))
    groups: list[Activation] = []
    for number in range(offset_group):
        axes = [
            build.axis(_displaced(build, parted, number, axis, starts[axis]), size, "linear")
            for axis, size in enumerate(sizes)
        ]
        first = number * inner
        begins = [first, *(0 for _ in (*outer, *sizes))]
        part = node.build(nn.SliceOp(images, begins, [first + inner, *outer, *sizes]))
        part = build.combined(nn.AddOp, build.pixels(part, axes, firsts))
        if held is not None:
            row = node.build(nn.SliceOp(held, [number, 0], [number + 1, shape_of(held)[1]]))
            part = build.apply(nn.MulOp, part, row)
        groups.append(part)
    every = groups[0] if len(groups) == 1 else node.build(nn.ConcatOp(groups, 0))
    every = as_element(node, every, element)
    image = node.build(nn.ReshapeOp(every, (channels * prod(kernel), *outer, *results)))
    return channels_back(node, _products_of_samples(node, image, w, b, group), len(outer))


def _products_of_samples(
    node: Node, image: Activation, w: Constant, b: Constant | None, group: int
) -> Activation:
    """Multiply what the kernel has sampled, as channels of an image, with the weights."""
    ones = (1 for _ in shape_of(image)[1:])
    flat = w.array.reshape(w.shape[0], prod(w.shape[1:]), *ones)
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


@importer("RoiAlign")
def roi_align(
    node: Node,
    x: Activation,
    rois: Value,
    batch_indices: Value,
    *,
    coordinate_transformation_mode: str = "half_pixel",
    mode: str = "avg",
    output_height: int = 1,
    output_width: int = 1,
    sampling_ratio: int = 0,
    spatial_scale: float = 1.0,
) -> Value:
    """Only with `sampling_ratio`: without it, data determines the number of samples."""
    if node.batch:
        raise ImporterError("regions and images have different numbers of samples")
    if sampling_ratio < 1:
        raise ImporterError(
            f"attribute sampling_ratio = {sampling_ratio} is not supported: the number of samples"
            " would depend on the model's inputs"
        )
    if mode not in ("avg", "max"):
        raise ImporterError(f"attribute mode = {mode} is not supported")
    element, wide = element_of(x), _type_of_positions(x, rois)
    x, corners = as_element(node, x, wide), operand(node, converted(node, rois, wide))
    (regions, _), (_, channels, *sizes) = shape_of(corners), shape_of(x)
    build = Sampling(node, dtype_of(corners), "border")
    centred = node.schema is not None and node.schema.since_version >= 16
    centred = centred and coordinate_transformation_mode == "half_pixel"
    bins = output_height, output_width
    counts = [count * sampling_ratio for count in bins]
    scaled = build.apply(nn.MulOp, corners, spatial_scale)
    if centred:
        scaled = build.apply(nn.SubOp, scaled, 0.5)
    shape = regions, *counts
    number = node.build(nn.CastOp(operand(node, batch_indices), element_of(scaled)))
    number = node.build(nn.ReshapeOp(number, (regions, 1)))
    firsts = _spread(node, build.apply(nn.MulOp, number, float(prod(sizes))), 1, shape)
    axes: list[Sequence[Pixel]] = []
    masks: list[Activation] = []
    for axis, size in enumerate(sizes):
        # Corners have x first.
        first, last = (_column(node, scaled, place) for place in (1 - axis, 3 - axis))
        extent = build.apply(nn.SubOp, last, first)
        if not centred:
            extent = build.apply(nn.MaxOp, extent, 1.0)
        steps = (np.arange(counts[axis]) + 0.5) / counts[axis]
        offsets = build.apply(nn.MulOp, extent, build.constant(steps))
        places = build.apply(nn.AddOp, first, offsets)
        inside = node.build(nn.ClipOp(places, min=-1.0, max=float(size)))
        same = node.build(nn.EqualOp(inside, places))
        mask = node.build(nn.CastOp(same, element_of(places)))
        masks.append(_spread(node, mask, 1 + axis, shape))
        axes.append(build.axis(_spread(node, places, 1 + axis, shape), size, "linear"))
    mask = build.combined(nn.MulOp, masks)
    images = node.build(nn.TransposeOp(x, [1, 0, 2, 3]))
    found = [build.apply(nn.MulOp, pixel, mask) for pixel in build.pixels(images, axes, firsts)]
    parted = (channels, regions, bins[0], sampling_ratio, bins[1], sampling_ratio)
    return as_element(node, _pooled(build, found, parted, mode), element)


def _pooled(
    build: Sampling, found: Sequence[Activation], parted: Sequence[int], mode: str
) -> Activation:
    """Return the average or maximum of the samples of each bin: regions, channels, bins.

    found: weighted pixels. parted: channels, regions, and for each axis bins and their samples.
    """
    node = build.node
    # ONNX takes the maximum of weighted pixels, not of samples.
    total = build.combined(nn.AddOp if mode == "avg" else nn.MaxOp, found)
    apart = node.build(nn.ReshapeOp(total, parted))
    reduction = nn.ReduceMeanOp if mode == "avg" else nn.ReduceMaxOp
    return node.build(nn.TransposeOp(node.build(reduction(apart, [3, 5], False)), [1, 0, 2, 3]))


def _column(node: Node, x: Activation, column: int) -> Activation:
    """Return a column of a matrix, as a matrix."""
    return node.build(nn.SliceOp(x, [0, column], [shape_of(x)[0], column + 1]))


def _spread(node: Node, x: Activation, axis: int, shape: Shape) -> Activation:
    """Repeat a matrix of regions × positions along an axis over all positions, in a row."""
    sizes = [shape[0], *(1 for _ in shape[1:])]
    sizes[axis] = shape_of(x)[1]
    spread = node.build(nn.ExpandOp(node.build(nn.ReshapeOp(x, sizes)), shape))
    return node.build(nn.ReshapeOp(spread, (prod(shape),)))
