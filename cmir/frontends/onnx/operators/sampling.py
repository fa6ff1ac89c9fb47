"""Sampling of images at positions that are data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from xdsl.dialects.builtin import i32
from xdsl.ir import Operation, SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import element_of, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.indexing import operand
from cmir.frontends.onnx.registry import importer

Binary: TypeAlias = Callable[[SSAValue, SSAValue], Operation]

Pixel: TypeAlias = tuple[Activation, Activation | None]
"""Positions along an axis, as floats, with their weights; None stands for 1."""

MOST_PIXELS = 1 << 24
"""The positions of pixels are computed in single precision, which is exact below this."""


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
    """Two spatial dimensions; linear and nearest."""
    kind = {"bilinear": "linear", "bicubic": "cubic"}.get(mode, mode)
    if kind not in ("linear", "nearest"):
        raise ImporterError(f"attribute mode = {mode} is not supported")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ImporterError(f"attribute padding_mode = {padding_mode} is not supported")
    if len(shape_of(x)) != 3:
        raise ImporterError(f"a sample must have 3 dimensions, got shape {list(shape_of(x))}")
    channels, height, width = shape_of(x)
    if height * width >= MOST_PIXELS:
        raise ImporterError(f"images of {height}×{width} are too large: positions would be rounded")
    places = operand(node, grid)
    rows, columns, _ = shape_of(places)
    build = _Sampling(node, places, padding_mode, bool(align_corners))
    axes = [build.axis(1, height, kind), build.axis(0, width, kind)]
    pixels = node.build(nn.ReshapeOp(x, (channels, height * width)))
    result: Activation | None = None
    for (h, h_weight), (w, w_weight) in product(*axes):
        flat = build.apply(nn.AddOp, build.apply(nn.MulOp, h, float(width)), w)
        found = node.build(nn.TakeOp(pixels, node.build(nn.CastOp(flat, i32)), 1))
        for weight in (h_weight, w_weight):
            found = found if weight is None else build.apply(nn.MulOp, found, weight)
        result = found if result is None else build.apply(nn.AddOp, result, found)
    assert result is not None
    return node.build(nn.ReshapeOp(result, (channels, rows, columns)))


@dataclass(frozen=True)
class _Sampling:
    """The operations of one node. places: the grid, of shape [rows, columns, 2], from −1 to 1."""

    node: Node
    places: SSAValue
    padding: str
    aligned: bool

    def axis(self, coordinate: int, size: int, kind: str) -> Sequence[Pixel]:
        """Return the pixels of an axis that count.

        Weights are 0 outside the image, if it is padded with zeros. The pixel is then one inside.
        """
        x = self._position(coordinate, size)
        if self.padding == "border":
            x = self.node.build(nn.ClipOp(x, min=0.0, max=float(size - 1)))
        if kind == "nearest":
            found = [(self.node.build(nn.RoundOp(x)), None)]
        else:
            first = self.node.build(nn.FloorOp(x))
            after = self.apply(nn.SubOp, x, first)
            before = self.apply(nn.SubOp, 1.0, after)
            found = [(first, before), (self.apply(nn.AddOp, first, 1.0), after)]
        return list(self._inside(found, size))

    def _position(self, coordinate: int, size: int) -> Activation:
        """Return the position of each sample along an axis, in pixels."""
        rows, columns, _ = shape_of(self.places)
        ends = [rows, columns, coordinate + 1]
        part = self.node.build(nn.SliceOp(self.places, [0, 0, coordinate], ends))
        part = self.node.build(nn.ReshapeOp(part, (rows * columns,)))
        moved = self.apply(nn.AddOp, part, 1.0)
        if self.aligned:
            x = self.apply(nn.MulOp, moved, (size - 1) / 2)
        else:
            x = self.apply(nn.SubOp, self.apply(nn.MulOp, moved, size / 2), 0.5)
        if self.padding != "reflection":
            return x
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
        values = [a if isinstance(a, SSAValue) else self._number(a)]
        values.append(b if isinstance(b, SSAValue) else self._number(b))
        return self.node.build(op(*values))

    def _number(self, number: float) -> SSAValue:
        array = np.array(number, dtype_of(self.places))
        return self.node.parameter(Constant(f"{self.node.proto.name}.number", array))
