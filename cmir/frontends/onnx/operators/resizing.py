"""Resize and Upsample: which elements of the input a position of the result is made of."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor, lcm

import numpy as np

from cmir.dialects import nn
from cmir.dialects.nn.operation import shape_of
from cmir.frontends.onnx.errors import NotImportable
from cmir.frontends.onnx.node import Activation, Node, Value
from cmir.frontends.onnx.registry import importer

Coordinate = tuple[Fraction, Fraction]
"""(a, b): position i of the result is at a · i + b in the input."""


@importer("Upsample")
def upsample(node: Node, x: Activation, *, scales: Sequence[float], mode: str = "nearest") -> Value:
    """Modes nearest and linear."""
    sizes, factors = _from_scales(node.shape(x), scales)
    return _resize(node, x, sizes, factors, mode, "asymmetric", ["floor"] * len(factors))


@importer("Resize")
def resize(
    node: Node,
    x: Activation,
    *,
    roi: Sequence[float] | None = None,  # of tf_crop_and_resize only, which is not supported
    scales: Sequence[float] | None = None,
    sizes: Sequence[int] | None = None,
    antialias: int = 0,
    axes: Sequence[int] | None = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,  # these two of mode cubic only
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,  # of tf_crop_and_resize only
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
) -> Value:
    """Modes nearest and, over spatial dimensions, linear; not tf_crop_and_resize. Without antialias."""
    shape = node.shape(x)
    axes = range(len(shape)) if axes is None else [axis % len(shape) for axis in axes]
    if scales:
        every = [1.0] * len(shape)
        for axis, scale in zip(axes, scales, strict=True):
            every[axis] = scale
        sizes, factors = _from_scales(shape, every)
    elif sizes:
        sizes, factors = _from_sizes(shape, sizes, axes, keep_aspect_ratio_policy)
    else:
        raise NotImportable("it has neither scales nor sizes")
    if antialias and any(factor < 1 for factor in factors):
        raise NotImportable("attribute antialias = 1 is not supported")
    roundings = [nearest_mode] * len(factors)
    if node.schema is not None and node.schema.since_version < 11:
        # Opset 10 does not say how; its examples and onnxruntime agree on this.
        coordinate_transformation_mode = "asymmetric"
        roundings = ["ceil" if factor < 1 else "floor" for factor in factors]
    return _resize(node, x, sizes, factors, mode, coordinate_transformation_mode, roundings)


def _from_scales(shape: Sequence[int], scales: Sequence[float]) -> tuple[list[int], list[Fraction]]:
    """Sizes and factors of all dimensions."""
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
    """The simplest number that is this one in single precision: 2/3 rather than 0.6666667."""
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
    roundings: Sequence[str],
) -> Value:
    shape = shape_of(x)
    if sizes[0] != 1:
        raise NotImportable("it resizes the batch dimension")
    if min(sizes) < 1:
        raise NotImportable(f"the result's shape {list(sizes)} has no elements")
    places = [
        _coordinate(coordinates, before, after, factor)
        if (before, factor) != (after, 1)
        else (Fraction(1), Fraction(0))
        for before, after, factor in zip(shape, sizes[1:], factors[1:], strict=True)
    ]
    if mode == "nearest":
        rounded = list(map(_rounded, places, roundings[1:]))
        return node.build(nn.ResizeOp(x, sizes[1:], *map(list, zip(*rounded, strict=True))))
    if mode != "linear" and mode != "bilinear":
        raise NotImportable(f"attribute mode = {mode} is not supported")
    if places[0] != (1, 0) or len(shape) < 2:
        raise NotImportable("it interpolates between channels")
    numbers = [_integers(place) for place in places[1:]]
    return node.build(nn.InterpolateOp(x, sizes[2:], *map(list, zip(*numbers, strict=True))))


def _coordinate(mode: str, before: int, after: int, factor: Fraction) -> Coordinate:
    """Where the positions of the result are in the input."""
    half = Fraction(1, 2)
    match mode:
        case "asymmetric":
            return 1 / factor, Fraction(0)
        case "pytorch_half_pixel" if after == 1:
            return Fraction(0), Fraction(0)
        case "half_pixel" | "pytorch_half_pixel":
            return 1 / factor, half / factor - half
        case "half_pixel_symmetric":
            # The result may be cut off, since its size is a whole number; then it is centred.
            centre = Fraction(before, 2) * (1 - after / (factor * before))
            return 1 / factor, centre + half / factor - half
        case "align_corners":
            step = Fraction(before - 1, after - 1) if after > 1 else Fraction(0)
            return step, Fraction(0)
        case _:
            raise NotImportable(
                f"attribute coordinate_transformation_mode = {mode} is not supported"
            )


def _integers(place: Coordinate) -> tuple[int, int, int]:
    """(factor, offset, divisor), so that position i is at (factor · i + offset) / divisor."""
    step, start = place
    divisor = lcm(step.denominator, start.denominator)
    return max(1, int(step * divisor)), int(start * divisor), divisor


def _rounded(place: Coordinate, rounding: str) -> tuple[int, int, int]:
    """The same for a position that is rounded, as one that is rounded down."""
    step, start = place
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
            raise NotImportable(f"attribute nearest_mode = {rounding} is not supported")
