"""Convolution and pooling: operators that slide a window over the spatial dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import i64

from cmir.dialects import nn
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.integers import float_result, integer_conv, integer_operands
from cmir.frontends.onnx.registry import importer


@dataclass(frozen=True)
class Window:
    """Settings of an operator that slides a window: ONNX's attributes and defaults."""

    auto_pad: str = "NOTSET"
    dilations: Sequence[int] | None = None
    kernel_shape: Sequence[int] | None = None
    pads: Sequence[int] | None = None
    strides: Sequence[int] | None = None

    @property
    def kernel(self) -> Sequence[int]:
        """The sizes of a window without weights. Raises ImporterError if they are not given."""
        if self.kernel_shape is None:
            raise ImporterError("attribute kernel_shape is missing")
        return self.kernel_shape

    def kernel_of(self, weights: Shape) -> Shape:
        """Return the spatial sizes of weights. Raises ImporterError if they contradict the attribute."""
        kernel = weights[2:]
        if self.kernel_shape is not None and tuple(self.kernel_shape) != kernel:
            raise ImporterError(
                f"attribute kernel_shape = {self.kernel_shape} does not fit weights of shape {list(weights)}"
            )
        return kernel

    def padding(self, x: Activation, kernel: Sequence[int]) -> Sequence[int] | None:
        """Return the padding of the input, all begins, then all ends; None for none."""
        if self.auto_pad == "NOTSET":
            return self.pads
        if self.auto_pad == "VALID":
            return None
        if self.auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
            raise ImporterError(f"attribute auto_pad = {self.auto_pad} is not supported")
        sizes = shape_of(x)[1:]
        ones = [1] * len(sizes)
        options = kernel, self.strides or ones, self.dilations or ones
        return split_padding(list(map(_same_padding, sizes, *options)), self.auto_pad)


def split_padding(totals: Sequence[int], auto_pad: str) -> Sequence[int]:
    """Divide the padding of each dimension between its sides: all begins, then all ends.

    For an odd total, the end gets the larger part with SAME_UPPER, otherwise the beginning.
    """
    smaller = [total // 2 for total in totals]
    larger = [total - total // 2 for total in totals]
    return smaller + larger if auto_pad == "SAME_UPPER" else larger + smaller


def _same_padding(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Return the total padding of both sides for a result of ceil(size / stride) elements."""
    result = -(-size // stride)
    return max(0, (result - 1) * stride + (kernel - 1) * dilation + 1 - size)


@importer("Conv", batched="space")
def conv(
    node: Node,
    x: Activation,
    w: Constant,
    b: Constant | None = None,
    *,
    window: Window,
    group: int = 1,
) -> Value:
    """Floats, with any number of spatial dimensions. Products of dequantised values are computed in integers."""
    return convolution(node, x, w, b, window, group)


def convolution(
    node: Node, x: Activation, w: Constant, b: Constant | None, window: Window, group: int
) -> Activation:
    """Build a convolution, in integers if all of its operands are quantised."""
    pads = window.padding(x, window.kernel_of(w.shape))
    if (integers := integer_operands(node, x, w, b, 0)) is not None:
        options = pads, window.strides, window.dilations, group
        operands = integers.x, integers.zero, integers.weights, integers.bias
        return float_result(node, integer_conv(node, *operands, *options), integers, 0)
    weights = node.parameter(w)
    bias = None if b is None else node.parameter(b)
    return node.build(nn.ConvOp(x, weights, bias, window.strides, pads, window.dilations, group))


@importer("MaxPool", batched="channels")
def max_pool(
    node: Node,
    x: Activation,
    *,
    window: Window,
    ceil_mode: bool = False,
    storage_order: bool = False,  # of the output Indices
) -> Value | Sequence[Value]:
    """Floats, int8 and uint8."""
    kernel = window.kernel
    options = window.strides, window.padding(x, kernel), window.dilations, ceil_mode
    result = node.build(nn.MaxPoolOp(x, kernel, *options))
    if len(node.proto.output) == 1:
        return result
    found = node.build(nn.MaxPoolIndexOp(x, kernel, *options, storage_order))
    return [result, node.build(nn.CastOp(found, i64))]


@importer("AveragePool", batched="channels")
def average_pool(
    node: Node,
    x: Activation,
    *,
    window: Window,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
) -> Value:
    kernel = window.kernel
    options = window.strides, window.padding(x, kernel), window.dilations
    flags = ceil_mode, count_include_pad
    return node.build(nn.AveragePoolOp(x, kernel, *options, *flags))


@importer("LpPool", batched="channels")
def lp_pool(
    node: Node, x: Activation, *, window: Window, ceil_mode: bool = False, p: int = 2
) -> Value:
    kernel = window.kernel
    options = window.strides, window.padding(x, kernel), window.dilations
    return node.build(nn.LpPoolOp(x, kernel, *options, ceil_mode, p))


@importer("GlobalAveragePool", batched="channels")
def global_average_pool(node: Node, x: Activation) -> Value:
    return node.build(nn.GlobalAveragePoolOp(x))
