"""Convolution and pooling: what slides a window over the spatial dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from cmir.dialects import nn
from cmir.dialects.nn.operation import shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.registry import importer


def pads_of(
    x: Activation,
    kernel: Sequence[int],
    auto_pad: str,
    strides: Sequence[int] | None,
    pads: Sequence[int] | None,
    dilations: Sequence[int] | None,
) -> Sequence[int] | None:
    """The padding (all begins, then all ends) that ONNX's attributes ask for; None for none."""
    if auto_pad == "NOTSET":
        return pads
    if auto_pad == "VALID":
        return None
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise ImporterError(f"attribute auto_pad = {auto_pad} is not supported")
    sizes = shape_of(x)[1:]
    ones = [1] * len(sizes)
    totals = list(map(_same_padding, sizes, kernel, strides or ones, dilations or ones))
    smaller = [total // 2 for total in totals]
    larger = [total - total // 2 for total in totals]
    return smaller + larger if auto_pad == "SAME_UPPER" else larger + smaller


def _same_padding(size: int, kernel: int, stride: int, dilation: int) -> int:
    """The padding, on both sides together, for a result of ceil(size / stride) elements."""
    result = -(-size // stride)
    return max(0, (result - 1) * stride + (kernel - 1) * dilation + 1 - size)


@importer("Conv", batched=True)
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
    """Floats, with any number of spatial dimensions."""
    kernel = w.shape[2:]
    if kernel_shape is not None and tuple(kernel_shape) != kernel:
        raise ImporterError(
            f"attribute kernel_shape = {kernel_shape} does not fit weights of shape {list(w.shape)}"
        )
    pads = pads_of(x, kernel, auto_pad, strides, pads, dilations)
    weights = node.parameter(w)
    bias = None if b is None else node.parameter(b)
    return node.build(nn.ConvOp(x, weights, bias, strides, pads, dilations, group))


@importer("MaxPool", batched=True)
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
    """Floats, int8 and uint8, without the output Indices."""
    pads = pads_of(x, kernel_shape, auto_pad, strides, pads, dilations)
    return node.build(nn.MaxPoolOp(x, kernel_shape, strides, pads, dilations, bool(ceil_mode)))


@importer("AveragePool", batched=True)
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
    pads = pads_of(x, kernel_shape, auto_pad, strides, pads, dilations)
    flags = bool(ceil_mode), bool(count_include_pad)
    return node.build(nn.AveragePoolOp(x, kernel_shape, strides, pads, dilations, *flags))


@importer("GlobalAveragePool", batched=True)
def global_average_pool(node: Node, x: Activation) -> Value:
    return node.build(nn.GlobalAveragePoolOp(x))
