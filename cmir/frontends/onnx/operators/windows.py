"""Convolution and pooling: what slides a window over the spatial dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cmir.dialects import nn
from cmir.frontends.onnx.errors import NotImportable
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, shape_of
from cmir.frontends.onnx.registry import importer


@dataclass(frozen=True)
class Window:
    """A window with everything spelt out; ``pads`` as in ONNX: all begins, then all ends."""

    kernel: Sequence[int]
    strides: Sequence[int]
    pads: Sequence[int]
    dilations: Sequence[int]


def window(
    x: Activation,
    kernel: Sequence[int],
    auto_pad: str,
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
) -> Window:
    """Resolve ONNX's attributes for the input ``x`` (channels, then spatial dimensions)."""
    sizes = shape_of(x)[1:]
    if len(kernel) != len(sizes):
        raise NotImportable(
            f"a kernel of {len(kernel)} dimensions does not fit an input with {len(sizes)}"
            " spatial dimensions"
        )
    strides = strides or [1] * len(sizes)
    dilations = dilations or [1] * len(sizes)
    match auto_pad:
        case "NOTSET":
            pads = pads or [0] * (2 * len(sizes))
        case "VALID":
            pads = [0] * (2 * len(sizes))
        case "SAME_UPPER" | "SAME_LOWER":
            totals = map(_same_padding, sizes, kernel, strides, dilations)
            halves = [(total // 2, total - total // 2) for total in totals]
            smaller, larger = ([h[i] for h in halves] for i in (0, 1))
            pads = smaller + larger if auto_pad == "SAME_UPPER" else larger + smaller
        case _:
            raise NotImportable(f"attribute auto_pad = {auto_pad} is not supported")
    return Window(kernel, strides, pads, dilations)


def _same_padding(size: int, kernel: int, stride: int, dilation: int) -> int:
    """The padding, on both sides together, for a result of ceil(size / stride) elements."""
    result = -(-size // stride)
    return max(0, (result - 1) * stride + (kernel - 1) * dilation + 1 - size)


@importer("Conv")
def conv(
    node: Node,
    x: Activation,
    w: Constant,
    b: Constant | None = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Value:
    kernel = w.shape[2:]
    if kernel_shape is not None and tuple(kernel_shape) != kernel:
        raise NotImportable(
            f"attribute kernel_shape = {kernel_shape} does not fit weights of shape {list(w.shape)}"
        )
    at = window(x, kernel, auto_pad, strides, pads, dilations)
    weights = node.parameter(w)
    bias = None if b is None else node.parameter(b)
    return node.build(nn.ConvOp(x, weights, bias, at.strides, at.pads, at.dilations, group))


@importer("MaxPool")
def max_pool(
    node: Node,
    x: Activation,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    storage_order: int = 0,  # of the output Indices only, which is not supported
    strides: Sequence[int] | None = None,
) -> Value:
    at = window(x, kernel_shape, auto_pad, strides, pads, dilations)
    return node.build(
        nn.MaxPoolOp(x, at.kernel, at.strides, at.pads, at.dilations, bool(ceil_mode))
    )


@importer("AveragePool")
def average_pool(
    node: Node,
    x: Activation,
    *,
    kernel_shape: Sequence[int],
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> Value:
    at = window(x, kernel_shape, auto_pad, strides, pads, dilations)
    return node.build(
        nn.AveragePoolOp(
            x,
            at.kernel,
            at.strides,
            at.pads,
            at.dilations,
            bool(ceil_mode),
            bool(count_include_pad),
        )
    )


@importer("GlobalAveragePool")
def global_average_pool(node: Node, x: Activation) -> Value:
    return node.build(nn.GlobalAveragePoolOp(x))
