"""Reductions, and normalisation along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from xdsl.dialects.builtin import f32, f64, i1, i32, i64
from xdsl.ir import Operation, SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import element_of, shape_of
from cmir.dialects.nn.reduction import ReductionOp
from cmir.frontends.onnx.errors import ImporterError, ImporterLimitError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.elementwise import as_element, wide_float
from cmir.frontends.onnx.registry import Function, importer

REDUCTIONS: dict[str, type[ReductionOp]] = {
    "ReduceL1": nn.ReduceL1Op,
    "ReduceL2": nn.ReduceL2Op,
    "ReduceLogSum": nn.ReduceLogSumOp,
    "ReduceLogSumExp": nn.ReduceLogSumExpOp,
    "ReduceMax": nn.ReduceMaxOp,
    "ReduceMean": nn.ReduceMeanOp,
    "ReduceMin": nn.ReduceMinOp,
    "ReduceProd": nn.ReduceProdOp,
    "ReduceSum": nn.ReduceSumOp,
    "ReduceSumSquare": nn.ReduceSumSquareOp,
}
OF_NONE: dict[str, Callable[[SSAValue], Operation]] = {
    "ReduceL1": nn.AbsOp,
    "ReduceL2": nn.AbsOp,
    "ReduceLogSum": nn.LogOp,
    "ReduceSumSquare": lambda x: nn.MulOp(x, x),
}
"""The function that remains of a reduction over no axes, unless it is the identity."""


def _axes(node: Node, x: Activation, axes: Sequence[int]) -> list[int]:
    """Convert ONNX axes to axes of a sample, in ascending order."""
    return sorted(set(node.axes(x, axes)))


def _reduction(
    op: type[ReductionOp],
    of_none: Callable[[SSAValue], Operation] | None,
) -> Function:
    """Return the importer of a reduction.

    of_none: the function that remains of a reduction over no axes; None for the identity.
    """

    def reduction(
        node: Node,
        x: Activation,
        *,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        noop_with_empty_axes: bool = False,
    ) -> Value:
        if not axes and noop_with_empty_axes:
            return x if of_none is None else node.build(of_none(x))
        chosen = _axes(node, x, axes or range(len(node.shape(x))))
        if not chosen:
            return x if of_none is None else node.build(of_none(x))
        # Roots and logarithms of integers are rounded towards zero; truth values are added up as numbers.
        element = element_of(x)
        wide = i32 if element == i1 else element if element in op.TAKES else f64
        result = node.build(op(as_element(node, x, wide), chosen, keepdims))
        return as_element(node, result, element)

    return reduction


for name, reduction in REDUCTIONS.items():
    importer(name)(_reduction(reduction, OF_NONE.get(name)))


def _arg_reduction(op: Callable[[SSAValue, int, bool, bool], Operation]) -> Function:
    def arg_reduction(
        node: Node,
        x: Activation,
        *,
        axis: int = 0,
        keepdims: bool = True,
        select_last_index: bool = False,
    ) -> Value:
        (chosen,) = node.axes(x, [axis])
        found = node.build(op(x, chosen, keepdims, select_last_index))
        return node.build(nn.CastOp(found, i64))

    return arg_reduction


importer("ArgMax")(_arg_reduction(nn.ArgMaxOp))
importer("ArgMin")(_arg_reduction(nn.ArgMinOp))


@importer("GlobalMaxPool", batched="channels")
def global_max_pool(node: Node, x: Activation) -> Value:
    return node.build(nn.ReduceMaxOp(x, range(1, len(shape_of(x))), keepdims=True))


def _cumulative(op: Callable[[SSAValue, int, bool, bool], Operation]) -> Function:
    def cumulative(
        node: Node, x: Activation, *, axis: int, exclusive: bool = False, reverse: bool = False
    ) -> Value:
        (chosen,) = node.axes(x, [axis])
        return node.build(op(x, chosen, exclusive, reverse))

    return cumulative


importer("CumSum")(_cumulative(nn.CumSumOp))
importer("CumProd")(_cumulative(nn.CumProdOp))


@importer("GlobalLpPool", batched="channels")
def global_lp_pool(node: Node, x: Activation, *, p: int = 2) -> Value:
    return _norm(node, x, range(1, len(shape_of(x))), p)


@importer("LpNormalization")
def lp_normalization(node: Node, x: Activation, *, axis: int = -1, p: int = 2) -> Value:
    """Zero where the norm is zero."""
    if p not in (1, 2):
        raise ImporterError(f"attribute p = {p} is not supported")
    norm = _norm(node, x, _axes(node, x, [axis]), p)
    zero = node.parameter(Constant(f"{node.proto.name}.zero", np.zeros((), dtype_of(x))))
    quotient = node.build(nn.DivOp(x, norm))
    return node.build(nn.WhereOp(node.build(nn.EqualOp(norm, zero)), zero, quotient))


def _norm(node: Node, x: Activation, axes: Sequence[int], p: int) -> Activation:
    """Build the p-norm along some axes, which remain with size 1."""
    if p < 1:
        raise ImporterError(f"attribute p = {p} is not positive")
    if p <= 2:
        return node.build((nn.ReduceL1Op, nn.ReduceL2Op)[p - 1](x, axes, True))
    up, down = (
        node.parameter(Constant(f"{node.proto.name}.exponent", np.array(n, dtype_of(x))))
        for n in (p, 1 / p)
    )
    powers = node.build(nn.PowOp(node.build(nn.AbsOp(x)), up))
    return node.build(nn.PowOp(node.build(nn.ReduceSumOp(powers, axes, True)), down))


@importer("Softmax")
def softmax(node: Node, x: Activation, *, axis: int = -1) -> Value:
    return node.build(nn.SoftmaxOp(x, _softmax_axes(node, x, axis)))


@importer("LogSoftmax")
def log_softmax(node: Node, x: Activation, *, axis: int = -1) -> Value:
    return node.build(nn.LogSoftmaxOp(x, _softmax_axes(node, x, axis)))


def _softmax_axes(node: Node, x: Activation, axis: int) -> list[int]:
    """Return the axes of a softmax. Before opset 13, they are all axes from the given one on, by default 1."""
    if node.schema is None or node.schema.since_version >= 13:
        return _axes(node, x, [axis])
    if all(attribute.name != "axis" for attribute in node.proto.attribute):
        axis = 1
    rank = len(node.shape(x))
    return _axes(node, x, range(axis % rank, rank))


@importer("LayerNormalization")
def layer_normalization(
    node: Node,
    x: Activation,
    scale: Constant,
    bias: Constant | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Value | Sequence[Value]:
    """`stash_type` must be 1; float64 is still computed in float64."""
    if stash_type != 1:
        raise ImporterLimitError(f"attribute stash_type = {stash_type} is not supported")
    rank = len(node.shape(x))
    axes = _axes(node, x, range(axis % rank, rank))
    shape = tuple(shape_of(x)[a] for a in axes)
    parameters = [node.parameter(_stretched(c, shape)) for c in (scale, bias) if c is not None]
    result = node.build(nn.LayerNormOp(x, *parameters, epsilon=epsilon))
    return [result, *_moments(node, x, axes, epsilon)] if len(node.proto.output) > 1 else result


def _moments(node: Node, x: Activation, axes: Sequence[int], epsilon: float) -> list[Value]:
    """Build the mean, and the reciprocal of the standard deviation, as float32."""
    x = as_element(node, x, wide_float(x))
    small = node.parameter(Constant(f"{node.proto.name}.epsilon", np.array(epsilon, dtype_of(x))))
    mean = node.build(nn.ReduceMeanOp(x, axes, True))
    difference = node.build(nn.SubOp(x, mean))
    square = node.build(nn.MulOp(difference, difference))
    variance = node.build(nn.AddOp(node.build(nn.ReduceMeanOp(square, axes, True)), small))
    moments = mean, node.build(nn.ReciprocalOp(node.build(nn.SqrtOp(variance))))
    return [as_element(node, moment, f32) for moment in moments]


def _stretched(constant: Constant, shape: tuple[int, ...]) -> Constant:
    if constant.shape == shape:
        return constant
    try:
        return Constant(constant.name, np.broadcast_to(constant.array, shape))
    except ValueError:
        raise ImporterError(
            f"constant '{constant.name}' of shape {list(constant.shape)} does not broadcast to"
            f" {list(shape)}, what is normalised"
        ) from None


@importer("InstanceNormalization", batched="channels")
def instance_normalization(
    node: Node, x: Activation, scale: Constant, bias: Constant, *, epsilon: float = 1e-5
) -> Value:
    parameters = [node.parameter(c) for c in (scale, bias)]
    return node.build(nn.InstanceNormOp(x, *parameters, epsilon=epsilon))


@importer("LRN", batched="space")
def lrn(
    node: Node,
    x: Activation,
    *,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    bias: float = 1.0,
) -> Value:
    return node.build(nn.LRNOp(x, size, alpha=alpha, beta=beta, bias=bias))
