"""Signals: Fourier transforms as products with matrices, and causal convolution."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import MOST_DIMENSIONS, Shape, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import (
    Activation,
    Constant,
    Node,
    Value,
    check_constant,
    shape_of_rank,
)
from cmir.frontends.onnx.operators.indexing import operand
from cmir.frontends.onnx.operators.layout import nothing
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of


@importer("DFT")
def dft(
    node: Node,
    input: Activation,
    *,
    axis: int = 1,
    dft_length: int | None = None,
    inverse: bool = False,
    onesided: bool = False,
) -> Value:
    """Products with a matrix, whose size is the square of the length."""
    recent = node.schema is not None and node.schema.since_version >= 20
    if recent and not any(node.proto.input[2:]):
        axis = -2
    place, shape = node.axis(input, axis), shape_of(input)
    if place == len(shape) - 1:
        raise ImporterError(f"axis = {axis} is that of real and imaginary parts")
    whole = 2 * (shape[place] - 1) if inverse and onesided else shape[place]
    length = whole if dft_length is None else dft_length
    _check_parts("the input", shape)
    if length < 1:
        raise ImporterError(f"dft_length = {length} is not positive")
    if onesided and (shape[-1] == 1) == inverse:
        raise ImporterError("attribute onesided = 1 is for real signals and their spectra")
    # Elements beyond the length do not count; missing ones are zeros.
    used = min(shape[place], length // 2 + 1 if inverse and onesided else length)
    x = node.build(nn.SliceOp(input, [0] * len(shape), [*shape[:place], used, *shape[place + 1 :]]))
    matrix = _matrix(used, shape[-1], length, inverse, onesided)
    order = [*(a for a in range(len(shape) - 1) if a != place), place, len(shape) - 1]
    moved = node.build(nn.TransposeOp(x, order))
    outer = shape_of(moved)[:-2]
    rows = node.build(nn.ReshapeOp(moved, (*outer, used * shape[-1])))
    flat = matrix.reshape(used * shape[-1], -1)
    weights = node.parameter(Constant(f"{node.proto.name}.matrix", flat.astype(dtype_of(x))))
    product = _product(node, rows, weights)
    parted = node.build(nn.ReshapeOp(product, (*outer, *matrix.shape[2:])))
    return node.build(nn.TransposeOp(parted, [order.index(a) for a in range(len(shape))]))


def _product(node: Node, x: Activation, weights: SSAValue) -> Activation:
    """Multiply the rows of a tensor of any rank by a matrix."""
    *outer, inner = shape_of(x)
    if len(outer) <= 1:
        return node.build(nn.GemmOp(x, weights))
    rows = node.build(nn.ReshapeOp(x, (prod(outer), inner)))
    product = node.build(nn.GemmOp(rows, weights))
    return node.build(nn.ReshapeOp(product, (*outer, shape_of(product)[-1])))


def _matrix(used: int, parts: int, length: int, inverse: bool, onesided: bool) -> np.ndarray:
    """Return the matrix of a transform of `length` elements: used elements×parts×frequencies×parts of the result.

    parts: 1 for real numbers, 2 for real and imaginary parts. A one-sided forward transform has the first half of the
    frequencies; a one-sided inverse one takes these, and has real results.
    """
    results = length // 2 + 1 if onesided and not inverse else length
    check_constant((used, parts, results, 2), np.float64)
    # Products of the positions are reduced first, so that angles are small.
    turns = np.outer(np.arange(used), np.arange(results)) % length
    angles = (1 if inverse else -1) * 2 * np.pi / length * turns
    cosine, sine = np.cos(angles), np.sin(angles)
    # (a + bi) (cos + i sin), for each part of the element and of the result.
    every = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], 1)
    matrix = every[:, :parts]
    if inverse:
        matrix = matrix / length
    if inverse and onesided:
        # Each frequency stands for its conjugate, too, except the first, and the last of an even length.
        twice = np.full((used, 1, 1, 1), 2.0)
        twice[0] = 1
        if length % 2 == 0 and used == length // 2 + 1:
            twice[-1] = 1
        matrix = (matrix * twice)[..., :1]
    return matrix


def _check_parts(what: str, shape: Shape) -> None:
    if shape[-1] not in (1, 2):
        raise ImporterError(f"{what} must have 1 or 2 parts for each number, got {shape[-1]}")


@importer("STFT")
def stft(
    node: Node,
    signal: Activation,
    *,
    frame_step: int,
    window: Sequence[float] | None = None,
    frame_length: int | None = None,
    onesided: bool = True,
) -> Value:
    """Convolution with the matrix of the transform, times the window."""
    *outer, size, parts = shape_of_rank(signal, "the signal", 2, MOST_DIMENSIONS)
    _check_parts("the signal", shape_of(signal))
    length = frame_length or (size if window is None else len(window))
    if window is not None and len(window) != length:
        raise ImporterError(
            f"a window of {count_of(len(window), 'element')} does not fit frames of {length}"
        )
    if onesided and parts == 2:
        raise ImporterError("attribute onesided = 1 is for real signals")
    matrix = _matrix(length, parts, length, False, onesided)
    if window is not None:
        matrix = matrix * np.reshape(window, (-1, 1, 1, 1))
    # Frequencies and their parts × parts of the signal × window, which has size 1 along a batch.
    weights = matrix.transpose(2, 3, 1, 0).reshape(-1, parts, *(1 for _ in outer), length)
    kernel = Constant(f"{node.proto.name}.kernel", weights.astype(dtype_of(signal)))
    rank = len(outer) + 2
    channels = node.build(nn.TransposeOp(signal, [rank - 1, *range(rank - 1)]))
    strides = [*(1 for _ in outer), frame_step]
    frames = node.build(nn.ConvOp(channels, node.parameter(kernel), strides=strides))
    moved = node.build(nn.TransposeOp(frames, [*range(1, rank), 0]))
    return node.build(nn.ReshapeOp(moved, (*shape_of(moved)[:-1], *matrix.shape[2:])))


@importer("CausalConvWithState")
def causal_conv_with_state(
    node: Node,
    input: Activation,
    weight: Constant,
    bias: Constant | None = None,
    past_state: Value | None = None,
    *,
    activation: str = "none",
) -> Sequence[Value]:
    *outer, channels, size = shape_of_rank(input, "the input", 2, MOST_DIMENSIONS)
    if len(weight.shape) != 3 or weight.shape[:2] != (channels, 1) or not weight.shape[2]:
        raise ImporterError(
            f"input weight has the shape {list(weight.shape)}, expected [{channels}, 1, size] for"
            f" {channels} channels"
        )
    carried = weight.shape[-1] - 1
    if activation not in ("none", "silu", "swish"):
        raise ImporterError(f"attribute activation = {activation} is not supported")
    x = input
    if past_state is not None and carried:
        x = node.build(nn.ConcatOp([operand(node, past_state), x], len(outer) + 1))
    elif carried:
        x = node.build(nn.PadOp(x, [*(0 for _ in outer), 0, carried, *(0 for _ in outer), 0, 0], 0))
    # A batch is a spatial dimension, along which the window has size 1.
    order = [len(outer), *range(len(outer)), len(outer) + 1]
    kernel = weight.array.reshape(channels, 1, *(1 for _ in outer), carried + 1)
    held = None if bias is None else node.parameter(bias)
    weights = node.parameter(Constant(weight.name, kernel))
    moved = node.build(nn.TransposeOp(x, order))
    result = node.build(nn.ConvOp(moved, weights, held, groups=channels))
    result = node.build(nn.TransposeOp(result, [order.index(axis) for axis in range(len(order))]))
    if activation != "none":
        result = node.build(nn.MulOp(result, node.build(nn.SigmoidOp(result))))
    if not carried:
        return [result, nothing(node, input, (*outer, channels, 0))]
    begins = [*(0 for _ in outer), 0, size]
    return [result, node.build(nn.SliceOp(x, begins, [*outer, channels, size + carried]))]
