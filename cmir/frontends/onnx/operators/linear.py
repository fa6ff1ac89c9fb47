"""Matrix products."""

from __future__ import annotations

import numpy as np
from xdsl.ir import SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.integers import (
    dequantized,
    float_result,
    integer_factors,
    integer_gemm,
    integer_operands,
)
from cmir.frontends.onnx.registry import importer


@importer("Gemm")
def gemm(
    node: Node,
    a: Value,
    b: Value,
    c: Value | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: bool = False,
    transB: bool = False,
) -> Value:
    """Folds the factors alpha and beta into constants b and c.

    Products of dequantised values are computed in integers, unless alpha or beta is a factor. Factors of integers must
    be whole.
    """
    if transA and node.batch:
        raise ImporterError("attribute transA = 1 exchanges the batch dimension with another")
    if transA:
        a = _turned(node, a)
    if isinstance(a, Constant) or not isinstance(b, Constant):
        result = product(node, a, _turned(node, b) if transB else b)
        return _plus(node, _times(node, result, alpha), c, beta)
    outputs = b.shape[0 if transB else 1]
    integers = None
    if alpha == beta == 1 and (c is None or (isinstance(c, Constant) and c.array.ndim == 1)):
        integers = integer_operands(node, a, b, c, 0 if transB else 1)
    if integers is not None:
        return float_result(node, integer_gemm(node, integers, transB), integers, -1)
    weights = node.parameter(_scaled(b, alpha))
    bias = None
    if isinstance(c, Constant):
        c = _scaled(c, beta)
        if node.batch or (c.array.size in (1, outputs) and c.shape[-1:] != (1,)):
            bias, c = node.parameter(_row(c, outputs)), None
    result = node.build(nn.GemmOp(a, weights, bias, trans_b=transB))
    return _plus(node, result, c, beta if isinstance(c, Activation) else 1.0)


def _turned(node: Node, matrix: Value) -> Value:
    """Return a matrix with its dimensions exchanged."""
    if isinstance(matrix, Constant):
        return Constant(f"{matrix.name}.transposed", matrix.array.T)
    return node.build(nn.TransposeOp(matrix, [1, 0]))


def _plus(node: Node, x: Activation, c: Value | None, beta: float) -> Activation:
    """Build x + beta · c, or x without a c."""
    if c is None:
        return x
    added = node.parameter(_scaled(c, beta)) if isinstance(c, Constant) else _times(node, c, beta)
    return node.build(nn.AddOp(x, added))


def _times(node: Node, x: Activation, factor: float) -> Activation:
    if factor == 1:
        return x
    constant = Constant(f"{node.proto.name}.factor", _factor(factor, dtype_of(x)))
    return node.build(nn.MulOp(x, node.parameter(constant)))


def _scaled(constant: Constant, factor: float) -> Constant:
    if factor == 1:
        return constant
    return Constant(constant.name, constant.array * _factor(factor, constant.array.dtype))


def _factor(factor: float, dtype: np.dtype) -> np.ndarray:
    """Return a factor as an element of this type. Raises ImporterError for a fraction of integers."""
    if dtype.kind in "iu" and factor != int(factor):
        raise ImporterError(f"a factor of {factor} is not supported for elements of {dtype}")
    return np.array(factor, dtype)


def _row(constant: Constant, size: int) -> Constant:
    """Return the bias of the single row of a product; a scalar or a single number applies to all columns."""
    if constant.shape not in ((), (1,), (size,), (1, 1), (1, size)):
        raise ImporterError(
            f"constant '{constant.name}' of shape {list(constant.shape)} does not broadcast to"
            f" one sample of shape [1, {size}]"
        )
    return Constant(constant.name, np.broadcast_to(constant.array, (1, size))[0])


@importer("MatMul")
def matmul(node: Node, a: Value, b: Value) -> Value:
    """Floats.

    Runs on the DPU instead of crossbars if both inputs depend on the network's inputs, or if a constant is more than
    one matrix.
    """
    return product(node, a, b)


def product(node: Node, a: Value, b: Value) -> Activation:
    """Build a product as NumPy's `matmul` defines it, in integers if both factors are quantised."""
    if isinstance(b, Constant):
        assert isinstance(a, Activation)
        integers = integer_operands(node, a, b, None, 1) if b.array.ndim == 2 else None
        if integers is not None:
            return float_result(node, integer_gemm(node, integers, False), integers, -1)
        return _times_constant(node, a, b)
    if isinstance(a, Activation) and (factors := integer_factors(node, a, b)) is not None:
        left, right, scale = factors
        return dequantized(node, product(node, left, right), scale)
    if not node.batch and len(shape_of(b)) == 1:
        column = node.build(nn.ReshapeOp(b, [*shape_of(b), 1]))
        result = product(node, a, column)
        return node.build(nn.ReshapeOp(result, shape_of(result)[:-1]))
    if not node.batch and isinstance(a, Activation):
        return _whole_product(node, a, b)
    rank = len(shape_of(b))
    if rank < 2 or (isinstance(a, Activation) and len(shape_of(a)) != rank):
        raise ImporterError("a batch dimension would meet another dimension")
    if isinstance(a, Activation):
        return _whole_product(node, a, b)
    # a · b is the transpose of b' · a'.
    row = a.array.ndim == 1
    matrices = a.array[:, None] if row else a.array.swapaxes(-1, -2)
    result = _times_constant(node, _transposed(node, b), Constant(f"{a.name}.transposed", matrices))
    if not row:
        return _transposed(node, result)
    return node.build(nn.ReshapeOp(result, shape_of(result)[:-1]))


def _transposed(node: Node, x: Activation) -> Activation:
    rank = len(shape_of(x))
    return node.build(nn.TransposeOp(x, [*range(rank - 2), rank - 1, rank - 2]))


def _whole_product(node: Node, a: Activation, b: SSAValue) -> Activation:
    """Build a product of whole tensors or of samples; dimensions in front of the matrices are broadcast."""
    if len(shape_of(b)) == 2:
        return node.build(nn.GemmOp(a, b))
    if len(shape_of(a)) == 1:
        row = node.build(nn.ReshapeOp(a, [1, *shape_of(a)]))
        product = _whole_product(node, row, b)
        *outer, _, columns = shape_of(product)
        return node.build(nn.ReshapeOp(product, [*outer, columns]))
    try:
        outer = np.broadcast_shapes(shape_of(a)[:-2], shape_of(b)[:-2])
    except ValueError:
        raise ImporterError(
            f"matrices of shapes {list(shape_of(a))} and {list(shape_of(b))} do not broadcast"
        ) from None
    a, b = (_expanded(node, x, (*outer, *shape_of(x)[-2:])) for x in (a, b))
    return node.build(nn.GemmOp(a, b))


def _expanded(node: Node, x: SSAValue, shape: Shape) -> SSAValue:
    return x if shape_of(x) == shape else node.build(nn.ExpandOp(x, shape))


def _times_constant(node: Node, a: Activation, b: Constant) -> Activation:
    """Build the product with one matrix, or with several, which are broadcast."""
    if b.array.ndim == 1:
        product = _times_constant(node, a, Constant(b.name, b.array[:, None]))
        return node.build(nn.ReshapeOp(product, shape_of(product)[:-1]))
    *outer, inner, columns = b.shape
    while outer[:1] == [1]:
        del outer[0]
    held, before = len(outer), len(node.shape(a)) - 2
    if node.batch and held and held >= before:
        raise ImporterError(
            f"constant '{b.name}' of shape {list(b.shape)} is neither one matrix for each sample nor"
            " one for each matrix of a sample"
        )
    weights = node.parameter(Constant(b.name, b.array.reshape(*outer, inner, columns)))
    product = _whole_product(node, a, weights)
    added = b.array.ndim - 2 - max(held, before, 0)
    if node.batch or added <= 0:
        return product
    return node.build(nn.ReshapeOp(product, (*[1] * added, *shape_of(product))))
