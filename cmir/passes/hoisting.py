"""Hoisting of point-wise operators over layout operators: f(layout(x)) becomes layout(f(x)).

The operator can then join the stage that computes x. A scale of the heads of an attention, for example, follows a
reshape and a transpose of a product, and becomes part of the product's stage. Other operands are read in the layout
that they would have in front: f(layout(x), y) becomes layout(f(x, inverse(y))).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from xdsl.dialects.builtin import BytesAttr, DenseIntOrFPElementsAttr
from xdsl.ir import Attribute, Block, Operation, SSAValue

from cmir.dialects.nn.copy import CopyOp
from cmir.dialects.nn.gather import ExpandOp
from cmir.dialects.nn.interface import IterationOp, LayoutOp
from cmir.dialects.nn.operation import Shape, element_of, shape_of, tensor_type
from cmir.dialects.nn.parameter import ParameterOp
from cmir.dialects.nn.pointwise import ElementwiseOp


def hoist_pointwise(block: Block) -> None:
    """Hoist point-wise operators over the layouts behind which they read the value that is computed last.

    Other operands are laid out so that their elements meet the same elements as before. Copies stay: they exist to
    store a value in its layout.
    """
    position: dict[Operation, int] = {}
    for index, op in enumerate(list(block.ops)):
        if isinstance(op, ElementwiseOp) and not isinstance(op, CopyOp):
            layouts = _layouts_in_front(op, position)
            op = _hoist(op, layouts) if layouts else op
        if isinstance(op, IterationOp):
            position[op] = index


def _layouts_in_front(op: ElementwiseOp, position: Mapping[Operation, int]) -> Sequence[LayoutOp]:
    """Return the layouts, innermost first, between an operator and the operand that is computed last.

    There are none if one of them has no inverse, if that operand is broadcast, or if the operator reads it in several
    layouts. position: of the operators that compute something.
    """
    computed = [max(_positions(operand, position), default=-1) for operand in op.operands]
    last = [v for v, at in zip(op.operands, computed, strict=True) if at == max(computed)]
    chains = [_layouts_of(value) for value in last]
    same = all(_kinds(chain) == _kinds(chains[0]) for chain in chains)
    return chains[0] if same and all(shape_of(value) == op.result_shape for value in last) else []


def _positions(value: SSAValue, position: Mapping[Operation, int]) -> Iterator[int]:
    """Yield the positions of the operators that compute the elements of a value."""
    for base in bases_of(value):
        if isinstance(base.owner, Operation) and base.owner in position:
            yield position[base.owner]


def bases_of(value: SSAValue) -> set[SSAValue]:
    """Return the values whose elements `value` holds, looking through layout operators."""
    bases, seen, stack = set[SSAValue](), {value}, [value]
    while stack:
        value = stack.pop()
        if not isinstance(value.owner, LayoutOp):
            bases.add(value)
            continue
        fresh = [operand for operand in value.owner.operands if operand not in seen]
        seen.update(fresh)
        stack += fresh
    return bases


def _layouts_of(value: SSAValue) -> Sequence[LayoutOp]:
    """Return the layouts between a value that an iteration operator computes and `value`, if all have inverses."""
    chain: list[LayoutOp] = []
    while isinstance(value.owner, LayoutOp) and value.owner.inverse() is not None:
        chain.append(value.owner)
        (value,) = value.owner.operands
    return chain[::-1] if isinstance(value.owner, IterationOp) else []


def _kinds(layouts: Sequence[LayoutOp]) -> Sequence[tuple[str, Mapping[str, Attribute], Shape]]:
    """Return everything about layouts that decides where elements come from."""
    return [(layout.name, layout.properties, shape_of(layout.operands[0])) for layout in layouts]


def _hoist(op: ElementwiseOp, layouts: Sequence[LayoutOp]) -> ElementwiseOp:
    """Apply `op` in front of `layouts` and replace its result. Return the new operator."""
    new: list[Operation] = []
    operands: list[SSAValue] = []
    for operand in op.operands:
        if _kinds(chain := _layouts_of(operand)) == _kinds(layouts):
            operands.append(chain[0].operands[0])
        else:
            new += (made := _laid_back(operand, op.result_shape, layouts))
            operands.append(made[-1].results[0])
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
    return moved


def _laid_back(value: SSAValue, shape: Shape, layouts: Sequence[LayoutOp]) -> Sequence[Operation]:
    """Return operators whose last result is a value, broadcast to `shape`, as it would be in front of the layouts."""
    if (number := _number(value)) is not None:
        return [number]
    made: list[Operation] = [] if shape_of(value) == shape else [ExpandOp(value, shape)]
    for layout in reversed(layouts):
        inverse = layout.inverse()
        assert inverse is not None
        made.append(inverse(made[-1].results[0] if made else value))
    return made


def _number(value: SSAValue) -> ParameterOp | None:
    """Return an inline parameter whose elements are all the same as one without dimensions, which needs no memory."""
    source = value.owner.source if isinstance(value.owner, ParameterOp) else None
    if not isinstance(source, DenseIntOrFPElementsAttr):
        return None
    elements, count = source.data.data, len(source)
    one = elements[: len(elements) // count]
    if elements != count * one:
        return None
    type = tensor_type((), source.get_element_type())
    return ParameterOp(DenseIntOrFPElementsAttr(type, BytesAttr(one)), type)
