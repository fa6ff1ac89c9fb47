"""Fused operators of onnxruntime (`com.microsoft`), which its optimiser writes for floats."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import MOST_DIMENSIONS, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import (
    Activation,
    Constant,
    Node,
    Value,
    check_constant,
    shape_of_rank,
)
from cmir.frontends.onnx.operators.elementwise import operands
from cmir.frontends.onnx.operators.linear import product
from cmir.frontends.onnx.operators.windows import Window, convolution
from cmir.frontends.onnx.quantized import MICROSOFT
from cmir.frontends.onnx.registry import importer


def _activated(node: Node, x: Activation, name: str, numbers: Sequence[float]) -> Activation:
    """Build the activation that a fused operator names."""
    match name, [*numbers]:
        case "", _:
            return x
        case "Relu", _:
            return node.build(nn.ReluOp(x))
        case "Sigmoid", _:
            return node.build(nn.SigmoidOp(x))
        case "Tanh", _:
            return node.build(nn.TanhOp(x))
        case "LeakyRelu", numbers:
            return node.build(nn.LeakyReluOp(x, alpha=numbers[0] if numbers else 0.01))
        case "Clip", [low, high]:
            return node.build(nn.ClipOp(x, min=low, max=high))
        case "HardSigmoid", numbers:
            alpha, beta = numbers or (0.2, 0.5)
            return node.build(nn.HardSigmoidOp(x, alpha=alpha, beta=beta))
        case _:
            raise ImporterError(f"attribute activation = {name} is not supported")


@importer("FusedConv", MICROSOFT, batched="space")
def fused_conv(
    node: Node,
    x: Activation,
    w: Constant,
    b: Constant | None = None,
    z: Activation | None = None,
    *,
    window: Window,
    group: int = 1,
    activation: str = "",
    activation_params: Sequence[float] = (),
) -> Value:
    """Add z to the convolution, then apply the activation."""
    result = convolution(node, x, w, b, window, group)
    if z is not None:
        result = node.build(nn.AddOp(result, z))
    return _activated(node, result, activation, activation_params)


@importer("FusedMatMul", MICROSOFT)
def fused_matmul(
    node: Node,
    a: Value,
    b: Value,
    *,
    alpha: float = 1.0,
    transA: bool = False,
    transB: bool = False,
    transBatchA: bool = False,
    transBatchB: bool = False,
) -> Value:
    """Without `transBatchA` and `transBatchB`."""
    if transBatchA or transBatchB:
        raise ImporterError("attributes transBatchA and transBatchB are not supported")
    left, right = _transposed(node, a, transA), _transposed(node, b, transB)
    return _scaled(node, product(node, left, right), alpha)


def _transposed(node: Node, x: Value, exchange: int) -> Value:
    if not exchange:
        return x
    if isinstance(x, Constant):
        return x if x.array.ndim < 2 else Constant(x.name, x.array.swapaxes(-1, -2))
    rank = len(shape_of(x))
    if rank < 2:
        if len(node.shape(x)) < 2:
            return x
        raise ImporterError("it exchanges the batch dimension with another")
    return node.build(nn.TransposeOp(x, [*range(rank - 2), rank - 1, rank - 2]))


def _scaled(node: Node, x: Activation, factor: float) -> Activation:
    if factor == 1:
        return x
    number = Constant(f"{node.proto.output[0]}.factor", np.array(factor, dtype_of(x)))
    return node.build(nn.MulOp(x, node.parameter(number)))


@importer("SkipLayerNormalization", MICROSOFT)
def skip_layer_normalization(
    node: Node,
    x: Value,
    skip: Value,
    gamma: Constant,
    beta: Constant | None = None,
    bias: Constant | None = None,
    *,
    epsilon: float = 1e-12,
) -> Sequence[Value]:
    """Without the outputs mean and inv_std_var."""
    if any(node.proto.output[1:3]):
        raise ImporterError("outputs mean and inv_std_var are not supported")
    total = node.build(nn.AddOp(*operands(node, x, skip)))
    if bias is not None:
        total = node.build(nn.AddOp(total, node.parameter(bias)))
    parameters = [node.parameter(c) for c in (gamma, beta) if c is not None]
    result = node.build(nn.LayerNormOp(total, *parameters, epsilon=epsilon))
    return [result, total, total, total]


@importer("Gelu", MICROSOFT)
def gelu(node: Node, x: Activation) -> Value:
    return node.build(nn.GeluOp(x))


@importer("BiasGelu", MICROSOFT)
def bias_gelu(node: Node, a: Activation, b: Value) -> Value:
    """Gelu of a + b."""
    return node.build(nn.GeluOp(node.build(nn.AddOp(*operands(node, a, b)))))


@importer("FastGelu", MICROSOFT)
def fast_gelu(node: Node, x: Activation, bias: Value | None = None) -> Value:
    """Gelu of x + bias, by tanh."""
    if bias is not None:
        x = node.build(nn.AddOp(*operands(node, x, bias)))
    return node.build(nn.GeluOp(x, tanh=True))


@importer("QuickGelu", MICROSOFT)
def quick_gelu(node: Node, x: Activation, *, alpha: float = 1.702) -> Value:
    """Multiply x by sigmoid(alpha · x)."""
    return node.build(nn.MulOp(x, node.build(nn.SigmoidOp(_scaled(node, x, alpha)))))


@importer("Attention", MICROSOFT)
def attention(
    node: Node,
    x: Activation,
    weights: Constant,
    bias: Constant | None = None,
    *,
    num_heads: int,
    unidirectional: bool = False,
    qkv_hidden_sizes: Sequence[int] = (),
    scale: float = 0.0,
    mask_filter_value: float = -10000.0,
    do_rotary: bool = False,
    past_present_share_buffer: bool = False,
    rotary_embedding_dim: int = 0,
) -> Value:
    """Self-attention without masks, past, attention bias or rotary embedding; `unidirectional` masks the future."""
    if do_rotary or past_present_share_buffer:
        raise ImporterError("attributes do_rotary and past_present_share_buffer are not supported")
    *outer, length, _ = shape_of_rank(x, "the input", 2, MOST_DIMENSIONS)
    sizes = [*qkv_hidden_sizes] or [weights.shape[1] // 3] * 3
    if len(sizes) != 3 or sum(sizes) != weights.shape[1] or any(s % num_heads for s in sizes):
        raise ImporterError(
            f"weights of shape {list(weights.shape)} do not fit {num_heads} heads of sizes {sizes}"
        )
    ends = np.cumsum(sizes)
    heads: list[Activation] = []
    for index, (size, end) in enumerate(zip(sizes, ends, strict=True)):
        part = slice(end - size, end)
        columns = Constant(f"{weights.name}.{'qkv'[index]}", weights.array[:, part])
        value = product(node, x, columns)
        if bias is not None:
            own = Constant(f"{bias.name}.{'qkv'[index]}", bias.array[part])
            value = node.build(nn.AddOp(value, node.parameter(own)))
        split = node.build(nn.ReshapeOp(value, (*outer, length, num_heads, size // num_heads)))
        first = len(outer)
        # Heads come before positions; the keys are transposed.
        order = [first + 1, first + 2, first] if index == 1 else [first + 1, first, first + 2]
        heads.append(node.build(nn.TransposeOp(split, [*range(first), *order])))
    q, k, v = heads
    scores = _scaled(node, node.build(nn.GemmOp(q, k)), scale or 1 / sqrt(sizes[0] // num_heads))
    if unidirectional:
        check_constant((length, length), dtype_of(x))
        mask = np.triu(np.full((length, length), mask_filter_value, dtype_of(x)), 1)
        scores = node.build(nn.AddOp(scores, node.parameter(Constant("mask", mask))))
    shares = node.build(nn.SoftmaxOp(scores, [len(shape_of(scores)) - 1]))
    mixed = node.build(nn.GemmOp(shares, v))
    first = len(outer)
    order = [*range(first), first + 1, first, first + 2]
    return node.build(
        nn.ReshapeOp(node.build(nn.TransposeOp(mixed, order)), (*outer, length, sizes[2]))
    )
