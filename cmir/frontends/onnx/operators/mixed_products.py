"""Products of integers whose results are floats, and of floats with packed integers (`com.microsoft`)."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import f32

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.elementwise import operands
from cmir.frontends.onnx.operators.linear import product
from cmir.frontends.onnx.operators.quantization import dynamic_quantize_linear, integer_matmul
from cmir.frontends.onnx.quantized import MICROSOFT
from cmir.frontends.onnx.registry import importer
from cmir.support.counts import count_of


@importer("MatMulInteger16", MICROSOFT)
def matmul_integer16(node: Node, a: Value, b: Value) -> Value:
    """int16."""
    return integer_matmul(node, a, b, None, None)


@importer("MatMulIntegerToFloat", MICROSOFT)
def matmul_integer_to_float(
    node: Node,
    a: Value,
    b: Value,
    a_scale: Value,
    b_scale: Value,
    a_zero_point: Value | None = None,
    b_zero_point: Value | None = None,
    bias: Constant | None = None,
) -> Value:
    """int8 or uint8. The scale of a is one number."""
    sums = node.build(nn.CastOp(integer_matmul(node, a, b, a_zero_point, b_zero_point), f32))
    left, right = _scale(a_scale), _scale(b_scale)
    if isinstance(left, Constant) and isinstance(right, Constant):
        array = np.asarray(left.array * right.array)
        factor = node.parameter(Constant(f"{node.proto.output[0]}.factor", array))
    else:
        factor = node.build(nn.MulOp(*operands(node, left, right)))
    result = node.build(nn.MulOp(sums, factor))
    return result if bias is None else node.build(nn.AddOp(result, node.parameter(bias)))


@importer("DynamicQuantizeMatMul", MICROSOFT)
def dynamic_quantize_matmul(
    node: Node,
    a: Activation,
    b: Constant,
    b_scale: Constant,
    b_zero_point: Constant | None = None,
    bias: Constant | None = None,
) -> Value:
    numbers, scale, zero = dynamic_quantize_linear(node, a)
    return matmul_integer_to_float(node, numbers, b, scale, b_scale, zero, b_zero_point, bias)


def _scale(scale: Value) -> Value:
    """Return a scale, without dimensions if it is one number."""
    if isinstance(scale, Constant) and scale.array.size == 1:
        return Constant(scale.name, scale.array.reshape(()))
    return scale


@importer("MatMulNBits", MICROSOFT)
def matmul_n_bits(
    node: Node,
    a: Activation,
    b: Constant,
    scales: Constant,
    zero_points: Constant | None = None,
    g_idx: Constant | None = None,
    bias: Constant | None = None,
    *,
    K: int,
    N: int,
    block_size: int,
    bits: int = 4,
    accuracy_level: int = 0,
) -> Value:
    """2, 4 or 8 bits. The weights are dequantised: crossbars hold numbers. `accuracy_level` is without effect."""
    if bits not in (2, 4, 8):
        raise ImporterError(f"attribute bits = {bits} is not supported")
    if min(K, N) < 1 or block_size < 16:
        raise ImporterError(f"K = {K}, N = {N} and block_size = {block_size} do not fit together")
    blocks = -(-K // block_size)
    if b.array.dtype != np.uint8 or b.array.size * 8 != N * blocks * block_size * bits:
        raise ImporterError(
            f"input B of shape {list(b.shape)} does not hold {K} × {count_of(N, 'number')}"
        )
    if scales.array.size != N * blocks:
        raise ImporterError(f"input scales of shape {list(scales.shape)} is not one for each block")
    numbers = _unpacked(b.array.reshape(N, -1), bits).astype(np.float32)
    zero = _zero_points(zero_points, bits, N, blocks)
    if g_idx is None:
        group = np.arange(K) // block_size
    else:
        group = g_idx.array.astype(np.int64)
        if group.shape != (K,) or group.min() < 0 or group.max() >= blocks:
            raise ImporterError(
                f"input g_idx must be {count_of(K, 'number')} of blocks, from 0 to {blocks - 1}"
            )
    factors = scales.array.reshape(N, blocks).astype(np.float32)[:, group]
    weights = ((numbers[:, :K] - zero[:, group]) * factors).T.astype(dtype_of(a))
    result = product(node, a, Constant(b.name, weights))
    return result if bias is None else node.build(nn.AddOp(result, node.parameter(bias)))


def _unpacked(packed: np.ndarray, bits: int) -> np.ndarray:
    """Return the numbers in rows of bytes, the lowest bits first."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    numbers = (packed[..., None] >> shifts) & np.uint8(2**bits - 1)
    return numbers.reshape(len(packed), -1)


def _zero_points(given: Constant | None, bits: int, rows: int, blocks: int) -> np.ndarray:
    """Return a zero point for each row and block: by default the middle; packed as the weights are, or floats."""
    if given is None:
        return np.full((rows, blocks), 2 ** (bits - 1), np.float32)
    array = given.array
    if array.dtype == np.uint8:
        each = -(-blocks * bits // 8)
        if array.size == rows * each:
            return _unpacked(array.reshape(rows, each), bits)[:, :blocks].astype(np.float32)
    elif array.size == rows * blocks:
        return array.reshape(rows, blocks).astype(np.float32)
    raise ImporterError(f"input zero_points of shape {list(given.shape)} is not one for each block")
