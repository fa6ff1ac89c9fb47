"""Point-wise operators that give one narrow value wider elements, such as `nn.dequantize` of integers to floats.

Arrays hold the narrow elements: the stage that reads a value widens it.
"""

from __future__ import annotations

from collections.abc import Sequence

import islpy as isl
import numpy as np
from xdsl.ir import Block, Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.traits import HasCanonicalizationPatternsTrait

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.canonicalization import RemoveIdentity
from cmir.dialects.nn.interface import Access, IterationOp, LayoutOp, PointwiseOp
from cmir.dialects.nn.operation import element_of, shape_of, tensor_type
from cmir.dialects.nn.parameter import inline_number, parameter_of
from cmir.dialects.nn.pointwise import ElementwiseOp
from cmir.dialects.nn.views import covers

MOST_BYTES = 2
"""Elements of more bytes are not narrow."""


def narrow_operand(op: Operation) -> int | None:
    """Return the index of the value that `op` widens, or None if `op` does not widen one value.

    The other operands are parameters, and the value has the shape of the result.
    """
    if not isinstance(op, ElementwiseOp):
        return None
    values = [i for i, operand in enumerate(op.operands) if parameter_of(operand) is None]
    if len(values) != 1 or shape_of(op.operands[values[0]]) != op.result_shape:
        return None
    size = dtype_of(op.operands[values[0]]).itemsize
    return values[0] if size <= MOST_BYTES and size < dtype_of(op.result).itemsize else None


def reads_behind(op: PointwiseOp, access: Access, domain: isl.Set) -> Sequence[Access] | None:
    """Return the accesses from which a point-wise operator computes the vector that `access` would read.

    domain: the iterations that read. None if no elements of the operands give the padding of `access`, or if some of
    its lanes are results of the reader.
    """
    if access.own is not None:
        return None
    pads: Sequence[float] | None = [0.0] * len(op.operands)
    if not covers(access, domain):
        pads = pads_of(op, access.pad)
    if pads is None:
        return None
    return [
        Access(read.relation, read.lanes, pad)
        for read, pad in zip(op.reads_for(access), pads, strict=True)
    ]


def pads_of(op: PointwiseOp, pad: float) -> Sequence[float] | None:
    """Return elements of the operands from which a point-wise operator computes `pad`, or None if none are found."""
    if not isinstance(op, ElementwiseOp):
        return None
    numbers = [inline_number(operand) for operand in op.operands]
    zeros = [
        np.zeros((), dtype_of(operand)) if number is None else number
        for operand, number in zip(op.operands, numbers, strict=True)
    ]
    if np.asarray(op.evaluate(*zeros)).item() == pad:
        return [float(zero) for zero in zeros]
    index = narrow_operand(op)
    found = None if index is None else preimage(op, pad)
    if index is None or found is None:
        return None
    return [found if i == index else float(zero) for i, zero in enumerate(zeros)]


def preimage(op: ElementwiseOp, number: float) -> float | None:
    """Return an element that a widening operator maps to `number`, or None.

    None, too, if the other operands are not single inline numbers.
    """
    index = narrow_operand(op)
    assert index is not None
    parameters = [inline_number(o) for i, o in enumerate(op.operands) if i != index]
    known = [parameter for parameter in parameters if parameter is not None]
    if len(known) < len(parameters):
        return None
    elements = _elements(dtype_of(op.operands[index]))
    found = elements[op.evaluate(*known[:index], elements, *known[index:]) == number]
    return float(found[0]) if found.size else None


def _elements(dtype: np.dtype) -> np.ndarray:
    """Return all elements of a narrow type."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.arange(limits.min, limits.max + 1).astype(dtype)
    unsigned = np.arange(2 if dtype == np.bool_ else 1 << 8 * dtype.itemsize)
    return unsigned.astype(f"u{dtype.itemsize}").view(dtype)


def below(op: Operation, layout: LayoutOp, rounding: bool = False) -> LayoutOp | None:
    """Return `layout` on the values that `op` and operators like it widen, if these are the operands of `layout`.

    op: an operator that computes an operand of `layout`. With f for `op`, layout(f(x), f(y)) is f(layout(x, y)). None
    if operands are widened in different ways, or in ways that depend on the position, or if padding of the layout has
    no preimage. Numbers other than 0 are padding only with `rounding`: whether f maps a number to them depends on the
    arithmetic of floats, and not on that of any field.
    """
    kind = _kind(op)
    if kind is None or any(_kind(operand.owner) != kind for operand in layout.operands):
        return None
    index = narrow_operand(op)
    assert isinstance(op, ElementwiseOp) and index is not None
    pad: float | None = 0.0
    if layout.has_padding:
        pad = preimage(op, layout.pad_value) if rounding or layout.pad_value == 0 else None
    if pad is None:
        return None
    narrow: list[SSAValue] = []
    for operand in layout.operands:
        assert isinstance(operand.owner, Operation)
        narrow.append(operand.owner.operands[index])
    return layout.on(narrow, pad)


def widened(op: Operation, narrow: SSAValue) -> ElementwiseOp:
    """Return an operator that widens another value of any shape as `op`, which has no other operands than numbers."""
    index = narrow_operand(op)
    assert isinstance(op, ElementwiseOp) and index is not None
    result = type(op).create(
        operands=[narrow if i == index else operand for i, operand in enumerate(op.operands)],
        properties=dict(op.properties),
        result_types=[tensor_type(shape_of(narrow), element_of(op.result))],
    )
    result.location = op.location
    result.results[0].name_hint = op.result.name_hint
    return result


def _kind(op: Operation | Block) -> object:
    """Return what a widening operator whose other operands are numbers does, to be compared; None for other ones."""
    if not isinstance(op, ElementwiseOp) or (index := narrow_operand(op)) is None:
        return None
    numbers = [inline_number(o) for i, o in enumerate(op.operands) if i != index]
    if any(number is None for number in numbers):
        return None
    types = element_of(op.operands[index]), element_of(op.result)
    values = [(str(n.dtype), n.tobytes()) for n in numbers if n is not None]
    return op.name, op.properties, index, types, values


class SelectBeforeWidening(RewritePattern):
    """Pattern that rewrites op(f(x)) to f(op(x)), for a widening f that keeps the order of its operand's elements.

    For operators that return some of their operand's elements, chosen by their order.
    """

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        assert isinstance(op, IterationOp)
        first = op.operands[0].owner
        if not isinstance(first, ElementwiseOp) or not first.is_increasing():
            return
        index = narrow_operand(first)
        if _kind(first) is None or index is None:
            return
        narrow = first.operands[index]
        if element_of(narrow) not in op.TAKES:
            return
        selected = type(op).create(
            operands=[narrow],
            properties=dict(op.properties),
            result_types=[tensor_type(op.result_shape, element_of(narrow))],
        )
        selected.location = op.location
        selected.results[0].name_hint = op.result.name_hint
        rewriter.replace(op, [selected, widened(first, selected.results[0])])


class LayoutBeforeWidening(RewritePattern):
    """Pattern that rewrites layout(f(x)) to f(layout(x)), for a widening f that maps some element to any padding."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        assert isinstance(op, LayoutOp)
        first = op.operands[0].owner if op.operands else None
        if not isinstance(first, Operation):
            return
        if (moved := below(first, op, rounding=True)) is None:
            return
        moved.location = op.location
        moved.results[0].name_hint = op.result.name_hint
        rewriter.replace(op, [moved, widened(first, moved.results[0])])


class LayoutCanonicalization(HasCanonicalizationPatternsTrait):
    """Canonicalization of operators that move elements."""

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return RemoveIdentity(), LayoutBeforeWidening()


class SelectionCanonicalization(HasCanonicalizationPatternsTrait):
    """Canonicalization of operators that return some of their operand's elements, chosen by their order."""

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return RemoveIdentity(), SelectBeforeWidening()
