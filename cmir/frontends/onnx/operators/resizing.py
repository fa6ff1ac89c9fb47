"""Resize and Upsample: the input elements that contribute to each position of the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor, lcm, prod

import numpy as np

from cmir.dialects import nn
from cmir.dialects.nn.operation import shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Node, Value
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of


@dataclass(frozen=True)
class Kernel:
    """Settings of interpolation: the slope of cubic kernels, and ONNX's flags."""

    slope: float = -0.75
    antialias: bool = False
    exclude_outside: bool = False


Coordinate = tuple[Fraction, Fraction]
"""(a, b): position i of the result is at position a · i + b of the input."""


@importer("Upsample")
def upsample(node: Node, x: Activation, *, scales: Sequence[float], mode: str = "nearest") -> Value:
    """Modes nearest and linear."""
    sizes, factors = _from_scales(node.shape(x), scales)
    return _resize(node, x, sizes, factors, mode, "asymmetric", "floor")


@importer("Resize")
def resize(
    node: Node,
    x: Activation,
    *,
    roi: Sequence[float] | None = None,  # of tf_crop_and_resize only
    scales: Sequence[float] | None = None,
    sizes: Sequence[int] | None = None,
    antialias: bool = False,
    axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,  # these two of mode cubic only
    exclude_outside: bool = False,
    extrapolation_value: float = 0.0,  # of tf_crop_and_resize only
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> Value:
    """Modes nearest and, over spatial dimensions, linear and cubic."""
    if node.schema is not None and node.schema.since_version < 11:
        coordinate_transformation_mode, nearest_mode = "asymmetric", _OPSET_10
    shape = node.shape(x)
    axes = node.whole_axes(x, range(len(shape)) if axes is None else axes)
    if (given := scales or sizes) and len(given) != len(axes):
        raise ImporterError(
            f"there are {count_of(len(given), 'scale')} or sizes for {count_of(len(axes), 'dimension')}"
        )
    if scales:
        every = [1.0] * len(shape)
        for axis, scale in zip(axes, scales, strict=True):
            every[axis] = scale
        sizes, factors = _from_scales(shape, every)
    elif sizes:
        sizes, factors = _from_sizes(shape, sizes, axes, keep_aspect_ratio_policy)
    else:
        raise ImporterError("it has neither scales nor sizes")
    smooth = antialias and any(factor < 1 for factor in factors)
    if smooth and mode == "nearest":
        raise ImporterError("attribute antialias = 1 is not supported in mode nearest")
    # The two neighbours of a linear interpolation are the same element where one of them is outside.
    exclude = exclude_outside and (smooth or mode == "cubic")
    kernel = Kernel(cubic_coeff_a, smooth, exclude)
    if coordinate_transformation_mode == "tf_crop_and_resize":
        return _crop(
            node,
            x,
            sizes,
            factors,
            mode,
            nearest_mode,
            _regions(roi, axes, shape),
            extrapolation_value,
            kernel,
        )
    return _resize(
        node, x, sizes, factors, mode, coordinate_transformation_mode, nearest_mode, kernel
    )


def _from_scales(shape: Sequence[int], scales: Sequence[float]) -> tuple[list[int], list[Fraction]]:
    """Return sizes and factors of all dimensions. Raises ImporterError for a scale that is not positive."""
    if len(scales) != len(shape):
        raise ImporterError(
            f"there are {count_of(len(scales), 'scale')} for {count_of(len(shape), 'dimension')}"
        )
    for scale in scales:
        if not 0 < np.float32(scale) < np.inf:
            raise ImporterError(f"scale {scale} is not a positive number")
    sizes = [floor(size * np.float32(scale)) for size, scale in zip(shape, scales, strict=True)]
    return sizes, [_fraction(scale) for scale in scales]


def _from_sizes(
    shape: Sequence[int], sizes: Sequence[int], axes: Sequence[int], policy: str
) -> tuple[list[int], list[Fraction]]:
    ratios = [Fraction(size, shape[axis]) for size, axis in zip(sizes, axes, strict=True)]
    results, factors = list(shape), [Fraction(1)] * len(shape)
    for axis, size, ratio in zip(axes, sizes, ratios, strict=True):
        if policy != "stretch":
            ratio = (min if policy == "not_larger" else max)(ratios)
            size = floor(ratio * shape[axis] + Fraction(1, 2))
        results[axis], factors[axis] = size, ratio
    return results, factors


def _fraction(scale: float) -> Fraction:
    """Return the simplest fraction that equals this number in single precision: 2/3 instead of 0.6666667."""
    exact = Fraction(scale)
    for digits in range(1, 8):
        simple = exact.limit_denominator(10**digits)
        if np.float32(simple) == np.float32(scale):
            return simple
    return exact


def _resize(
    node: Node,
    x: Activation,
    sizes: Sequence[int],
    factors: Sequence[Fraction],
    mode: str,
    coordinates: str,
    rounding: str,
    kernel: Kernel = Kernel(),
) -> Activation:
    first = _first(node, sizes)
    places = [
        _coordinate(coordinates, before, after, factor)
        if (before, factor) != (after, 1)
        else (Fraction(1), Fraction(0))
        for before, after, factor in zip(shape_of(x), sizes[first:], factors[first:], strict=True)
    ]
    if kernel.antialias:
        _check_steps(places, factors[first:], coordinates)
    return _taken(node, x, sizes[first:], places, mode, rounding, kernel)


def _crop(
    node: Node,
    x: Activation,
    sizes: Sequence[int],
    factors: Sequence[Fraction],
    mode: str,
    rounding: str,
    regions: Sequence[tuple[Fraction, Fraction]],
    outside: float,
    kernel: Kernel,
) -> Activation:
    """Build tf_crop_and_resize: a region of each dimension, and one value outside the input."""
    first = _first(node, sizes)
    if any(region != (0, 1) for region in regions[:first]):
        raise ImporterError("it crops the batch dimension")
    places: list[Coordinate] = []
    inner: list[int] = []
    begins: list[int] = []
    ends: list[int] = []
    for before, after, factor, (start, end) in zip(
        shape_of(x), sizes[first:], factors[first:], regions[first:], strict=True
    ):
        _whole(before, after, factor, "tf_crop_and_resize")
        last = before - 1
        step = (end - start) * last / (after - 1) if after > 1 else Fraction(0)
        origin = start * last if after > 1 else (start + end) * last / 2
        if (before, start, end) == (after, 0, 1):
            step, origin = Fraction(1), Fraction(0)
        if step < 0:
            raise ImporterError("a region of input roi ends before it starts")
        inside = [i for i in range(after) if 0 <= origin + step * i <= last]
        if not inside:
            raise ImporterError("a region of input roi is outside the input")
        places.append((step, origin + step * inside[0]))
        inner.append(len(inside))
        begins.append(inside[0])
        ends.append(after - 1 - inside[-1])
    if kernel.antialias:
        _check_steps(places, factors[first:], "tf_crop_and_resize")
    result = _taken(node, x, inner, places, mode, rounding, kernel)
    if not any(begins) and not any(ends):
        return result
    return node.build(nn.PadOp(result, [*begins, *ends], outside))


def _check_steps(
    places: Sequence[Coordinate], factors: Sequence[Fraction], coordinates: str
) -> None:
    """Refuse positions whose distance is not that of the scale, by which ONNX widens kernels."""
    if any(step * factor != 1 for (step, _), factor in zip(places, factors, strict=True)):
        raise ImporterError(
            f"attribute antialias = 1 is not supported with coordinate_transformation_mode = {coordinates}"
        )


def _regions(
    roi: Sequence[float] | None, axes: Sequence[int], shape: Sequence[int]
) -> list[tuple[Fraction, Fraction]]:
    """Return start and end of the region in each dimension, from 0 (first element) to 1 (last element)."""
    if roi is None or len(roi) != 2 * len(axes):
        raise ImporterError(f"input roi must have {count_of(2 * len(axes), 'number')}")
    if not np.isfinite(roi).all():
        raise ImporterError("input roi has numbers that are not finite")
    every = [(Fraction(0), Fraction(1))] * len(shape)
    for axis, start, end in zip(axes, roi[: len(axes)], roi[len(axes) :], strict=True):
        every[axis] = _fraction(start), _fraction(end)
    return every


def _first(node: Node, sizes: Sequence[int]) -> int:
    """Return the first dimension of the result that activations have. Raises ImporterError for sizes that cannot be."""
    first = len(node.batch)
    if tuple(sizes[:first]) != node.batch:
        raise ImporterError("it resizes the batch dimension")
    if min(sizes, default=1) < 1:
        raise ImporterError(f"the result's shape {list(sizes)} has no elements")
    return first


def _taken(
    node: Node,
    x: Activation,
    sizes: Sequence[int],
    places: Sequence[Coordinate],
    mode: str,
    rounding: str,
    kernel: Kernel,
) -> Activation:
    """Build the result whose elements are at these positions of the input's dimensions."""
    if mode == "nearest":
        rounded = [_rounded(place, rounding) for place in places]
        return node.build(nn.ResizeOp(x, sizes, *map(list, zip(*rounded, strict=True))))
    if mode not in ("linear", "bilinear", "cubic"):
        raise ImporterError(f"attribute mode = {mode} is not supported")
    shape, kept = shape_of(x), 0
    while kept < 2 - len(node.batch) and kept < len(shape):
        if (sizes[kept], places[kept]) != (shape[kept], (1, 0)):
            break
        kept += 1
    if kept == len(shape):
        return x
    numbers = [_integers(place) for place in places[kept:]]
    factors, offsets, divisors = map(list, zip(*numbers, strict=True))
    # The dimensions in front, a batch and channels, are the operation's channels.
    channels = x if kept == 1 else node.build(nn.ReshapeOp(x, (prod(shape[:kept]), *shape[kept:])))
    cubic = kernel.slope if mode == "cubic" else None
    flags = kernel.antialias, kernel.exclude_outside
    op = nn.InterpolateOp(channels, sizes[kept:], factors, offsets, divisors, cubic, *flags)
    result = node.build(op)
    return result if kept == 1 else node.build(nn.ReshapeOp(result, sizes))


def _coordinate(mode: str, before: int, after: int, factor: Fraction) -> Coordinate:
    """Return factor and offset of the map from positions of the result to positions in the input."""
    half = Fraction(1, 2)
    match mode:
        case "asymmetric":
            return 1 / factor, Fraction(0)
        case "pytorch_half_pixel" if after == 1:
            return Fraction(0), Fraction(0)
        case "half_pixel" | "pytorch_half_pixel":
            return 1 / factor, half / factor - half
        case "half_pixel_symmetric":
            # The integral size may cut off the result, which is then centred.
            centre = Fraction(before, 2) * (1 - after / (factor * before))
            return 1 / factor, centre + half / factor - half
        case "align_corners":
            _whole(before, after, factor, mode)
            step = Fraction(before - 1, after - 1) if after > 1 else Fraction(0)
            return step, Fraction(0)
        case _:
            raise ImporterError(
                f"attribute coordinate_transformation_mode = {mode} is not supported"
            )


def _whole(before: int, after: int, factor: Fraction, mode: str) -> None:
    """Refuse rounded sizes: ONNX's evaluator uses the exact size, onnxruntime the rounded one."""
    if factor * before != after:
        raise ImporterError(
            f"attribute coordinate_transformation_mode = {mode} with a size of {before}, scaled to"
            f" {float(factor * before):g}, is ambiguous; give the whole size as input sizes"
        )


def _integers(place: Coordinate) -> tuple[int, int, int]:
    """Return (factor, offset, divisor) such that position i is at (factor · i + offset) / divisor."""
    step, start = place
    divisor = lcm(step.denominator, start.denominator)
    return max(1, int(step * divisor)), int(start * divisor), divisor


_OPSET_10 = "of opset 10"
"""Rounding of opset 10, which ONNX does not define. Its examples and onnxruntime round up to downsample, else down."""


def _rounded(place: Coordinate, rounding: str) -> tuple[int, int, int]:
    """Convert a position with another rounding to one that is rounded down."""
    step, start = place
    if rounding == _OPSET_10:
        rounding = "ceil" if place[0] > 1 else "floor"
    match rounding:
        case "floor":
            return _integers(place)
        case "round_prefer_ceil":
            return _integers((step, start + Fraction(1, 2)))
        case "ceil" | "round_prefer_floor":
            start -= Fraction(1, 2) * (rounding != "ceil")
            factor, offset, divisor = _integers((step, start))
            return factor, offset + divisor - 1, divisor
        case _:
            raise ImporterError(f"attribute nearest_mode = {rounding} is not supported")
