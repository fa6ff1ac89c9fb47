"""Placement of point-wise operators that change the width of elements, so that arrays hold narrow elements.

An operator that widens one value, such as `nn.dequantize`, belongs to the stages that read its result. One that narrows
its operand, such as `nn.quantize`, belongs to the stage that computes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Block, Operation, SSAValue, Use

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.copy import CopyOp
from cmir.dialects.nn.interface import Access, IterationOp, LayoutOp, PointwiseOp
from cmir.dialects.nn.operation import element_of, shape_of, tensor_type
from cmir.dialects.nn.parameter import inline_number
from cmir.dialects.nn.pointwise import ElementwiseOp
from cmir.dialects.nn.widening import below, narrow_operand, reads_behind, widened


def move_layouts(block: Block) -> None:
    """Move layout operators so that they lay out narrow elements: before what widens, after what narrows."""
    for op in list(block.ops):
        if isinstance(op, LayoutOp):
            _before_widening(op)
        elif isinstance(op, ElementwiseOp):
            _after_narrowing(op)


def _before_widening(layout: LayoutOp) -> None:
    first = layout.operands[0].owner if layout.operands else None
    if not isinstance(first, Operation) or (moved := below(first, layout)) is None:
        return
    moved.location = layout.location
    moved.results[0].name_hint = layout.result.name_hint
    _replace(layout, [moved, widened(first, moved.result)])


def _after_narrowing(op: ElementwiseOp) -> None:
    """Narrow the operands of a layout operator of several operands, such as a concatenation, instead of its result."""
    values = [i for i, operand in enumerate(op.operands) if inline_number(operand) is None]
    if len(values) != 1:
        return
    (index,) = values
    layout = op.operands[index].owner
    wide, narrow = (dtype_of(value).itemsize for value in (op.operands[index], op.result))
    if not isinstance(layout, LayoutOp) or len(layout.operands) < 2 or narrow >= wide:
        return
    if layout.result.has_more_than_one_use() or shape_of(layout.result) != op.result_shape:
        return
    new: list[Operation] = []
    for operand in layout.operands:
        again = type(op).create(
            operands=[operand if i == index else o for i, o in enumerate(op.operands)],
            properties=dict(op.properties),
            result_types=[tensor_type(shape_of(operand), element_of(op.result))],
        )
        again.location = op.location
        again.results[0].name_hint = op.result.name_hint
        new.append(again)
    moved = layout.on([narrowed.results[0] for narrowed in new])
    moved.location = layout.location
    moved.results[0].name_hint = op.result.name_hint
    _replace(op, [*new, moved])


def _replace(op: Operation, new: Sequence[Operation]) -> None:
    block = op.parent
    assert block is not None
    block.insert_ops_before(new, op)
    op.results[0].replace_all_uses_with(new[-1].results[0])
    block.erase_op(op)


def widen_at_readers(block: Block) -> set[Operation]:
    """Give each operator that reads a widened value a widening operator of its own, and return these.

    Readers that cannot widen what they read, because a matrix or an output holds it or because no narrow element stands
    for their padding, share the old operator.
    """
    own: set[Operation] = set()
    for op in reversed(list(block.ops)):
        if narrow_operand(op) is None:
            continue
        for use in list(op.results[0].uses):
            if _widens(op, use):
                copy = op.clone()
                block.insert_op_before(copy, use.operation)
                use.operation.operands[use.index] = copy.results[0]
                own.add(copy)
    return own


def _widens(op: Operation, use: Use) -> bool:
    """Return True if the user can compute the result of `op`, lane by lane."""
    user = use.operation
    if not isinstance(user, IterationOp) or isinstance(user, CopyOp):
        return False
    access = user.reads()[use.index]
    assert isinstance(op, PointwiseOp)
    return isinstance(access, Access) and reads_behind(op, access, user.domain()) is not None


def behind(value: SSAValue, widening: set[Operation]) -> SSAValue:
    """Return the narrow value behind `value`, through operators of `widening`."""
    while isinstance(owner := value.owner, Operation) and owner in widening:
        index = narrow_operand(owner)
        assert index is not None
        value = owner.operands[index]
    return value
