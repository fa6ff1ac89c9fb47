"""Loop nests and automata, run statement by statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, i1
from xdsl.ir import Block, Operation, Region, SSAValue

from cmir.reference.findings import ProgramFault

Point = tuple[int, ...]

Environment = dict[SSAValue, int]
"""The values of a loop nest."""


def reached_operations(
    region: Region, kind: type[Operation], arguments: Sequence[int]
) -> Iterator[tuple[Operation, Environment]]:
    """Run a region; yield every operation of a class that is reached, in order, with the values at that time."""
    values: Environment = dict(zip(region.block.args, arguments, strict=True))
    yield from _run(region.block, kind, values)


def _run(
    block: Block, kind: type[Operation], values: Environment
) -> Iterator[tuple[Operation, Environment]]:
    for op in block.ops:
        if isinstance(op, kind):
            yield op, values
        elif isinstance(op, scf.ForOp | scf.IfOp) and op.results:
            raise ProgramFault(f"{op.name} has results", op)
        elif isinstance(op, scf.ForOp):
            low, high, step = (values[x] for x in (op.lb, op.ub, op.step))
            if step <= 0:
                raise ProgramFault(f"a loop has step {step}", op)
            for i in range(low, high, step):
                values[op.body.block.args[0]] = i
                yield from _run(op.body.block, kind, values)
        elif isinstance(op, scf.IfOp):
            branch = op.true_region if values[op.cond] else op.false_region
            if branch.blocks:
                yield from _run(branch.block, kind, values)
        elif isinstance(op, arith.ConstantOp):
            values[op.result] = _constant(op)
        elif not isinstance(op, scf.YieldOp):
            values[op.results[0]] = _result(op, values)


def _constant(op: arith.ConstantOp) -> int:
    if not isinstance(op.value, IntegerAttr):
        raise ProgramFault(f"{op.name} of {op.value} in a loop nest", op)
    value = op.value.value.data
    return value & 1 if op.value.type == i1 else value


def _result(op: Operation, values: Environment) -> int:
    if (compute := _ARITHMETIC.get(op.name)) is None:
        raise ProgramFault(f"{op.name} cannot be run in a loop nest", op)
    if not all(isinstance(t, IndexType) or t == i1 for t in (*op.operand_types, *op.result_types)):
        raise ProgramFault("a loop nest computes on numbers that are no `index`", op)
    return compute(op, *(values[x] for x in op.operands))


def _towards_zero(op: Operation, a: int, b: int) -> int:
    if b == 0:
        raise ProgramFault("a loop nest divides by zero", op)
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _floor(op: Operation, a: int, b: int) -> int:
    if b == 0:
        raise ProgramFault("a loop nest divides by zero", op)
    return a // b


def _compare(op: Operation, a: int, b: int) -> int:
    assert isinstance(op, arith.CmpiOp)
    predicate = op.predicate.value.data
    if predicate >= 6:  # unsigned predicates
        a, b, predicate = a % 2**64, b % 2**64, predicate - 4
    return int((a == b, a != b, a < b, a <= b, a > b, a >= b)[predicate])


_ARITHMETIC: dict[str, Callable[..., int]] = {
    "arith.addi": lambda _, a, b: a + b,
    "arith.subi": lambda _, a, b: a - b,
    "arith.muli": lambda _, a, b: a * b,
    "arith.divsi": _towards_zero,
    "arith.floordivsi": _floor,
    "arith.ceildivsi": lambda op, a, b: -_floor(op, -a, b),
    "arith.remsi": lambda op, a, b: a - b * _towards_zero(op, a, b),
    "arith.minsi": lambda _, a, b: min(a, b),
    "arith.maxsi": lambda _, a, b: max(a, b),
    "arith.andi": lambda _, a, b: a & b,
    "arith.ori": lambda _, a, b: a | b,
    "arith.xori": lambda _, a, b: a ^ b,
    "arith.select": lambda _, condition, a, b: a if condition else b,
    "arith.cmpi": _compare,
    "arith.index_cast": lambda _, a: a,
}
