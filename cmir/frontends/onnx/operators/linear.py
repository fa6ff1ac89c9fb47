"""Products with a matrix of parameters."""

from __future__ import annotations

import numpy as np

from cmir.dialects import nn
from cmir.dialects.nn.operation import shape_of
from cmir.frontends.onnx.errors import NotImportable
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.registry import importer


@importer("Gemm")
def gemm(
    node: Node,
    a: Activation,
    b: Constant,
    c: Constant | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Value:
    """alpha · a · b + beta · c, where a has one row: the sample. The factors go into b and c."""
    if transA:
        raise NotImportable("attribute transA = 1 exchanges the batch dimension with another")
    outputs = b.shape[0 if transB else 1]
    weights = node.parameter(_scaled(b, alpha))
    bias = None if c is None else node.parameter(_row(_scaled(c, beta), outputs))
    return node.build(nn.GemmOp(a, weights, bias, trans_b=bool(transB)))


def _scaled(constant: Constant, factor: float) -> Constant:
    if factor == 1:
        return constant
    return Constant(constant.name, constant.array * np.float32(factor))


def _row(constant: Constant, size: int) -> Constant:
    """What is added to the one row of a product; a scalar or one number stands for all columns."""
    if constant.shape not in ((), (1,), (size,), (1, 1), (1, size)):
        raise NotImportable(
            f"constant '{constant.name}' of shape {list(constant.shape)} does not broadcast to"
            f" one sample of shape [1, {size}]"
        )
    return Constant(constant.name, np.broadcast_to(constant.array, (1, size))[0])


@importer("MatMul")
def matmul(node: Node, a: Activation, b: Constant) -> Value:
    """a · b, where leading dimensions of 1 in b mean nothing."""
    rank = 1 + len(shape_of(a))
    matrix = b.array
    while 2 < matrix.ndim <= rank and matrix.shape[0] == 1:
        matrix = matrix[0]
    if matrix.ndim != 2:
        raise NotImportable(
            f"constant '{b.name}' of shape {list(b.shape)} is not one matrix for each sample"
        )
    return node.build(nn.GemmOp(a, node.parameter(Constant(b.name, matrix))))
