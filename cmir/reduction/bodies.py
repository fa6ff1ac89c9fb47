"""Operations in bodies that can be dropped: a value of the same type takes the place of their results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    AnyFloat,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    VectorType,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.traits import IsTerminator


def body_ops(module: ModuleOp) -> list[Operation]:
    """Return the operations inside functions, pipelines and networks that could be dropped, last ones first."""
    return [
        op
        for top in module.body.block.ops
        for op in reversed(list(top.walk()))
        if op is not top and not op.has_trait(IsTerminator) and not isinstance(op, ConstantOp)
    ]


def without(module: ModuleOp, index: int) -> Iterator[ModuleOp]:
    """Yield copies of a module without the operation `body_ops(module)[index]`, with different values in its place."""
    trial = module.clone()  # substitutes are made in it
    for choice in range(len(_substitutes(body_ops(trial)[index]))):
        copy = module.clone()
        op = body_ops(copy)[index]
        for result, value in zip(op.results, _substitutes(op)[choice], strict=True):
            result.replace_all_uses_with(value)
        op.detach()
        op.erase(safe_erase=False)
        _erase_unused(copy)
        yield copy


def _substitutes(op: Operation) -> list[list[SSAValue]]:
    """Return the values that can take the place of the results: an operand, an earlier value, or zeros.

    Zeros are made in front of the operation, whether they are used or not.
    """
    if all(result.first_use is None for result in op.results):
        return [list(op.results)]
    block = op.parent
    assert block is not None
    found: list[list[SSAValue]] = []
    for candidates in (op.operands, block.args):
        chosen = [next((v for v in candidates if v.type == r.type), None) for r in op.results]
        whole = [value for value in chosen if value is not None]
        if len(whole) == len(chosen) and whole not in found:
            found.append(whole)
    zeros = [_zero(result.type, op, block) for result in op.results]
    known = [zero for zero in zeros if zero is not None]
    return [*found, known] if len(known) == len(zeros) else found


def _zero(type: Attribute, before: Operation, block: Block) -> SSAValue | None:
    """Insert a constant 0 of the type; return None if there is none."""
    shaped: Any = type if isinstance(type, VectorType) else None
    scalar = _scalar(type if shaped is None else shaped.element_type)
    if scalar is None:
        return None
    value = scalar
    if shaped is not None:
        value = DenseIntOrFPElementsAttr.from_list(shaped, [scalar.value.data])
    constant = ConstantOp(value)
    constant.location = before.location
    block.insert_op_before(constant, before)
    return constant.result


def _scalar(type: Attribute) -> FloatAttr | IntegerAttr | None:
    if isinstance(type, AnyFloat):
        return FloatAttr(0.0, type)
    return IntegerAttr(0, type) if isinstance(type, IntegerType | IndexType) else None


def _erase_unused(module: ModuleOp) -> None:
    """Erase constants that nothing uses."""
    for op in list(module.walk()):
        if isinstance(op, ConstantOp) and op.result.first_use is None:
            op.detach()
            op.erase()
