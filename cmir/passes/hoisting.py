"""Hoisting of point-wise operators over layout operators: f(layout(x)) becomes layout(f(x)).

The operator can then join the stage that computes x. A scale of the heads of an attention, for example, follows a
reshape and a transpose of a product, and becomes part of the product's stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import BytesAttr, DenseIntOrFPElementsAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

from cmir.dialects.nn.copy import CopyOp
from cmir.dialects.nn.gather import ExpandOp
from cmir.dialects.nn.interface import IterationOp, LayoutOp
from cmir.dialects.nn.operation import Shape, element_of, shape_of, tensor_type
from cmir.dialects.nn.parameter import ParameterOp, parameter_of
from cmir.dialects.nn.pointwise import ElementwiseOp


def hoist_pointwise(block: Block) -> None:
    """Hoist point-wise operators whose operands are constants, or values that stages compute, all in one layout.

    A constant is laid out so that its elements meet the same elements as before. Copies stay: they exist to store a
    value in its layout.
    """
    for op in list(block.ops):
        if isinstance(op, ElementwiseOp) and not isinstance(op, CopyOp):
            layouts = _common_layouts(op)
            if layouts:
                _hoist(op, layouts)


def _common_layouts(op: ElementwiseOp) -> Sequence[LayoutOp]:
    """Return the layouts, innermost first, through which an operator reads all operands that are not constants.

    There are none if layouts differ, if one of them has no inverse, or if a value is broadcast or not computed.
    """
    values = [operand for operand in op.operands if parameter_of(operand) is None]
    if any(shape_of(value) != op.result_shape for value in values):
        return []
    chains = [_layouts_of(value) for value in values]
    kinds = [[_kind(layout) for layout in chain] for chain in chains]
    return chains[0] if chains and all(kind == kinds[0] for kind in kinds) else []


def _layouts_of(value: SSAValue) -> Sequence[LayoutOp]:
    """Return the layouts between a value that an iteration operator computes and `value`, if all have inverses."""
    chain: list[LayoutOp] = []
    while isinstance(value.owner, LayoutOp) and value.owner.inverse() is not None:
        chain.append(value.owner)
        (value,) = value.owner.operands
    return chain[::-1] if isinstance(value.owner, IterationOp) else []


def _kind(layout: LayoutOp) -> tuple[str, Mapping[str, Attribute], Shape]:
    """Return everything about a layout that decides where its elements come from."""
    return layout.name, layout.properties, shape_of(layout.operands[0])


def _hoist(op: ElementwiseOp, layouts: Sequence[LayoutOp]) -> None:
    """Apply `op` in front of `layouts`, and replace its result."""
    new: list[Operation] = []
    operands: list[SSAValue] = []
    for operand in op.operands:
        if parameter_of(operand) is None:
            for _ in layouts:
                (operand,) = _operands(operand)
        else:
            new += (made := _laid_back(operand, op.result_shape, layouts))
            operand = made[-1].results[0]
        operands.append(operand)
    shape, element = shape_of(layouts[0].operands[0]), element_of(op.result)
    moved = type(op).create(
        operands=operands,
        result_types=[tensor_type(shape, element)],
        properties=dict(op.properties),
        attributes=dict(op.attributes),
    )
    new.append(moved)
    for layout in layouts:
        again = type(layout).create(
            operands=[new[-1].results[0]],
            result_types=[tensor_type(layout.result_shape, element)],
            properties=dict(layout.properties),
            attributes=dict(layout.attributes),
        )
        new.append(again)
    for made in new:
        made.location = op.location
    for made in (moved, new[-1]):
        made.results[0].name_hint = op.result.name_hint
    block = op.parent
    assert block is not None
    block.insert_ops_before(new, op)
    op.result.replace_all_uses_with(new[-1].results[0])
    block.erase_op(op)


def _operands(value: SSAValue) -> Sequence[SSAValue]:
    assert isinstance(value.owner, LayoutOp)
    return value.owner.operands


def _laid_back(
    constant: SSAValue, shape: Shape, layouts: Sequence[LayoutOp]
) -> Sequence[Operation]:
    """Return operators whose last result is `constant`, broadcast to `shape`, before the layouts."""
    if (number := _number(constant)) is not None:
        return [number]
    made: list[Operation] = [ExpandOp(constant, shape)]
    for layout in reversed(layouts):
        inverse = layout.inverse()
        assert inverse is not None
        made.append(inverse(made[-1].results[0]))
    return made


def _number(constant: SSAValue) -> ParameterOp | None:
    """Return a constant whose elements are all the same as one without dimensions, which needs no memory."""
    source = constant.owner.source if isinstance(constant.owner, ParameterOp) else None
    if not isinstance(source, DenseIntOrFPElementsAttr):
        return None
    elements, count = source.data.data, len(source)
    one = elements[: len(elements) // count]
    if elements != count * one:
        return None
    type = tensor_type((), source.get_element_type())
    return ParameterOp(DenseIntOrFPElementsAttr(type, BytesAttr(one)), type)
