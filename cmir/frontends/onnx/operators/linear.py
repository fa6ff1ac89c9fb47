"""Products with a matrix of parameters."""

from __future__ import annotations

import numpy as np

from cmir.dialects import nn
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.frontends.onnx.errors import NotImportable
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.registry import importer


@importer("Gemm")
def gemm(
    node: Node,
    a: Activation,
    b: Constant,
    c: Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Value:
    """alpha · a · b + beta · c, where a row of a is a sample. The factors go into b and c."""
    if transA and node.batch:
        raise NotImportable("attribute transA = 1 exchanges the batch dimension with another")
    if transA:
        a = node.build(nn.TransposeOp(a, [1, 0]))
    outputs = b.shape[0 if transB else 1]
    weights = node.parameter(_scaled(b, alpha))
    bias = None
    if isinstance(c, Constant):
        c = _scaled(c, beta)
        if node.batch or c.array.size in (1, outputs) and c.shape[-1:] != (1,):
            bias, c = node.parameter(_row(c, outputs)), None
    result = node.build(nn.GemmOp(a, weights, bias, trans_b=bool(transB)))
    if c is None:
        return result
    if isinstance(c, Constant):
        return node.build(nn.AddOp(result, node.parameter(c)))
    if beta != 1:
        factor = Constant(f"{node.proto.name}.beta", np.array(beta, np.float32))
        c = node.build(nn.MulOp(c, node.parameter(factor)))
    return node.build(nn.AddOp(result, c))


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
def matmul(node: Node, a: Value, b: Value) -> Value:
    """Of float32. If both inputs depend on the network's, on the DPU rather than on crossbars."""
    if isinstance(b, Constant):
        assert isinstance(a, Activation)
        return _times_constant(node, a, b)
    if not node.batch and len(shape_of(b)) == 1:
        column = node.build(nn.ReshapeOp(b, [*shape_of(b), 1]))
        product = matmul(node, a, column)
        assert isinstance(product, Activation)
        return node.build(nn.ReshapeOp(product, shape_of(product)[:-1]))
    if not node.batch and isinstance(a, Activation):
        return _whole_product(node, a, b)
    rank = len(shape_of(b))
    if rank < 2 or isinstance(a, Activation) and len(shape_of(a)) != rank:
        raise NotImportable("a batch dimension would meet another dimension")
    if isinstance(a, Activation):
        return _product(node, a, b)
    # a · b is the transpose of b' · a'.
    perm = [*range(rank - 2), rank - 1, rank - 2]
    columns = node.build(nn.TransposeOp(b, perm))
    columns, matrix = _matched(node, columns, _matrix(a, rank))
    product = node.build(nn.GemmOp(columns, matrix, trans_b=True))
    return node.build(nn.TransposeOp(product, perm))


def _whole_product(node: Node, a: Activation, b: Activation) -> Activation:
    """A product without batch dimensions; those in front of the matrices are broadcast."""
    if len(shape_of(b)) == 2:
        return node.build(nn.GemmOp(a, b))
    if len(shape_of(a)) == 1:
        row = node.build(nn.ReshapeOp(a, [1, *shape_of(a)]))
        product = _whole_product(node, row, b)
        *outer, _, columns = shape_of(product)
        return node.build(nn.ReshapeOp(product, [*outer, columns]))
    return _product(node, a, b)


def _product(node: Node, a: Activation, b: Activation) -> Activation:
    """A product of tensors of matrices, of which those in front are broadcast."""
    outer = np.broadcast_shapes(shape_of(a)[:-2], shape_of(b)[:-2])
    return node.build(nn.GemmOp(_repeated(node, a, outer), _repeated(node, b, outer)))


def _repeated(node: Node, x: Activation, outer: Shape) -> Activation:
    """x with its matrices repeated for these dimensions in front of them."""
    shape = (*outer, *shape_of(x)[-2:])
    return x if shape == shape_of(x) else node.build(nn.ExpandOp(x, shape))


def _times_constant(node: Node, a: Activation, b: Constant) -> Value:
    if b.array.ndim == 1:
        column = node.parameter(Constant(b.name, b.array[:, None]))
        product = node.build(nn.GemmOp(a, column))
        return node.build(nn.ReshapeOp(product, shape_of(a)[:-1]))
    a, matrix = _matched(node, a, _matrix(b, len(shape_of(a))))
    return node.build(nn.GemmOp(a, matrix))


def _matched(node: Node, x: Activation, constant: Constant) -> tuple[Activation, Activation]:
    """The factors of a product: if there are several matrices in the constant, with one for each of x's."""
    matrix = constant.array
    if matrix.ndim > 2:
        outer = np.broadcast_shapes(shape_of(x)[:-2], matrix.shape[:-2])
        x = _repeated(node, x, outer)
        matrix = np.broadcast_to(matrix, (*outer, *matrix.shape[-2:]))
    return x, node.parameter(Constant(constant.name, matrix))


def _matrix(constant: Constant, rank: int) -> Constant:
    """The matrix in a product with samples of ``rank`` dimensions, or the matrices for those of a sample."""
    matrix = constant.array
    if 2 < matrix.ndim == 1 + rank and matrix.shape[0] == 1:
        matrix = matrix[0]
    if set(matrix.shape[:-2]) == {1}:
        matrix = matrix.reshape(matrix.shape[-2:])
    if matrix.ndim != 2 and not 2 < matrix.ndim <= rank:
        raise NotImportable(
            f"constant '{constant.name}' of shape {list(constant.shape)} is neither one matrix for"
            " each sample nor one for each matrix of a sample"
        )
    return Constant(constant.name, matrix)
