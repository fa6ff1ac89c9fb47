"""Every small change to the control logic of a network that could make it wrong; those to the rest are in edits.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, MemRefType
from xdsl.ir import Operation, SSAValue

from cmir.dialects.cmcore import (
    BufferOp,
    CreditOp,
    FireOp,
    LoopNestOp,
    NetworkOp,
    ReleaseOp,
    SnoopOp,
)
from cmir.dialects.polyhedral import MapAttr
from cmir.isl import read_map

Change = Callable[[list[Operation]], None]
"""Changes a network, given as the list of its operations in the order of `walk`."""


class NoMutantError(Exception):
    """The change cannot be made, or makes something that is no relation."""


@dataclass(frozen=True)
class Mutant:
    """A change to one operation; `at` is its index in the order of `walk`."""

    kind: str
    at: int
    detail: str
    change: Change

    def of(self, network: NetworkOp) -> NetworkOp:
        clone = network.clone()
        self.change(list(clone.walk()))
        return clone


def mutants(network: NetworkOp) -> Iterator[Mutant]:
    """All mutants of the control logic and the buffers of a network."""
    for at, op in enumerate(network.walk()):
        if isinstance(op, BufferOp):
            yield from _buffer(at, op)
        if isinstance(op, SnoopOp | CreditOp):
            yield Mutant("drop an automaton", at, op.name, lambda ops, at=at: _erase(ops[at]))
            yield Mutant("repeat an automaton", at, op.name, lambda ops, at=at: _repeat(ops[at]))
        if _around(op, (SnoopOp, CreditOp, LoopNestOp)):
            yield from _statement(at, op)


def _around(op: Operation, kinds: tuple[type[Operation], ...]) -> bool:
    outer = op.parent_op()
    while outer is not None and not isinstance(outer, kinds):
        outer = outer.parent_op()
    return outer is not None


# A table of operations.
def _statement(at: int, op: Operation) -> Iterator[Mutant]:  # noqa: C901
    """Changes to what is in a loop nest."""
    for index, operand in enumerate(op.operands):
        if isinstance(operand.type, IndexType):
            for by in (1, -1):
                yield Mutant(
                    "shift an operand",
                    at,
                    f"operand {index} of {op.name} by {by:+}",
                    lambda ops, i=index, by=by: _shift(ops[at], i, by),
                )
    match op:
        case scf.ForOp():
            yield Mutant("reverse a loop", at, "", lambda ops: _reverse(ops[at]))
            yield Mutant("drop a loop", at, "", lambda ops: _erase(ops[at]))
            for by in (1, 2):
                detail = f"by {by}"
                change: Change = lambda ops, by=by: _lengthen(ops[at], by)  # noqa: E731
                yield Mutant("lengthen a step", at, detail, change)
            nested = [o for o in op.body.block.ops if o.regions or isinstance(o, ReleaseOp)]
            if len(nested) == 1 and isinstance(nested[0], scf.ForOp) and _can_swap(op, nested[0]):
                yield Mutant("swap nested loops", at, "", lambda ops: _swap_loops(ops[at]))
        case scf.IfOp():
            yield Mutant("drop a condition", at, "", lambda ops: _unconditional(ops[at]))
        case arith.CmpiOp():
            for predicate in range(6):
                if predicate != op.predicate.value.data:
                    yield Mutant(
                        "change a comparison",
                        at,
                        f"to {predicate}",
                        lambda ops, p=predicate: _set_predicate(ops[at], p),
                    )
        case ReleaseOp():
            yield from _release(at, op)
        case FireOp():
            yield Mutant("drop a fire", at, "", lambda ops: _erase(ops[at]))
            yield Mutant("repeat a fire", at, "", lambda ops: _repeat(ops[at]))
        case _:
            pass
    if isinstance(op, scf.ForOp | scf.IfOp | ReleaseOp) and _next(op) is not None:
        yield Mutant("swap statements", at, op.name, lambda ops: _swap_with_next(ops[at]))


def _release(at: int, op: ReleaseOp) -> Iterator[Mutant]:
    """Changes to a step of an automaton, with kinds of their own for steps without `at`."""
    what = "a release" if op.awaits else "a step without `at`"
    yield Mutant(f"drop {what}", at, "", lambda ops: _erase(ops[at]))
    yield Mutant(f"repeat {what}", at, "", lambda ops: _repeat(ops[at]))
    if op.awaits:
        yield Mutant("wait for nothing", at, "", lambda ops: _await_nothing(ops[at]))
        yield Mutant(
            "add a step without `at`", at, "", lambda ops: _await_nothing(ops[at], keep=True)
        )
    else:
        for first in (True, False):
            detail = "to the front" if first else "to the end"
            change: Change = lambda ops, first=first: _move(ops[at], first)  # noqa: E731
            yield Mutant(f"move {what}", at, detail, change)
        for index in range(len(op.upto)):
            for by in (1, -1):
                yield Mutant(
                    f"shift {what}",
                    at,
                    f"coordinate {index} by {by:+}",
                    lambda ops, i=index, by=by: _shift(ops[at], i, by),
                )
    for by in (1, -1):
        yield Mutant("change `ahead`", at, f"by {by:+}", lambda ops, by=by: _further(ops[at], by))


def _buffer(at: int, op: BufferOp) -> Iterator[Mutant]:
    """Smaller shapes, with the storage that was and with one that fits."""
    type = op.result.type
    assert isinstance(type, MemRefType)
    shape = type.get_shape()
    for axis, size in enumerate(shape):
        if size > 1:
            smaller = (*shape[:axis], size - 1, *shape[axis + 1 :])
            detail = f"axis {axis} to {size - 1}"
            yield Mutant("shrink a shape", at, detail, lambda ops, s=smaller: _reshape(ops[at], s))
            yield Mutant(
                "shrink a buffer",
                at,
                detail,
                lambda ops, axis=axis, s=smaller: _wrap(ops[at], axis, s),
            )
    for axis, size in enumerate(shape if op.storage is not None else ()):
        larger = (*shape[:axis], size + 1, *shape[axis + 1 :])
        yield Mutant(
            "enlarge a shape", at, f"axis {axis}", lambda ops, s=larger: _reshape(ops[at], s)
        )


def _erase(op: Operation) -> None:
    op.detach()
    op.erase()


def _repeat(op: Operation) -> None:
    _insert(op, op.clone(), after=True)


def _insert(op: Operation, new: Operation, after: bool = False) -> SSAValue | None:
    block = op.parent
    assert block is not None
    (block.insert_op_after if after else block.insert_op_before)(new, op)
    return new.results[0] if new.results else None


def _constant(before: Operation, value: int) -> SSAValue:
    result = _insert(before, arith.ConstantOp(IntegerAttr(value, IndexType())))
    assert result is not None
    return result


def _shift(op: Operation, index: int, by: int) -> None:
    """Constants stay constants: steps and divisors must be."""
    value = op.operands[index]
    if isinstance(value.owner, arith.ConstantOp):
        assert isinstance(value.owner.value, IntegerAttr)
        new = _constant(op, value.owner.value.value.data + by)
    else:
        new = _insert(op, arith.AddiOp(value, _constant(op, by)))
        assert new is not None
    op.operands[index] = new


def _lengthen(op: Operation, by: int) -> None:
    assert isinstance(op, scf.ForOp) and isinstance(op.step.owner, arith.ConstantOp)
    assert isinstance(op.step.owner.value, IntegerAttr)
    op.operands[2] = _constant(op, op.step.owner.value.value.data + by)


def _reverse(op: Operation) -> None:
    """Iterator i becomes lower + upper − 1 − i."""
    assert isinstance(op, scf.ForOp)
    body = op.body.block
    first = body.first_op
    assert first is not None
    iterator = body.args[0]
    uses = list(iterator.uses)
    bounds = arith.AddiOp(op.lb, op.ub)
    one = arith.ConstantOp(IntegerAttr(1, IndexType()))
    last = arith.SubiOp(bounds.result, one.result)
    new = arith.SubiOp(last.result, iterator)
    for added in (bounds, one, last, new):
        _insert(first, added)
    for use in uses:
        use.operation.operands[use.index] = new.result


def _can_swap(outer: scf.ForOp, inner: scf.ForOp) -> bool:
    """The bounds of the inner loop do not depend on the outer."""
    return all(_defined_outside(bound, outer) for bound in (inner.lb, inner.ub, inner.step))


def _defined_outside(value: SSAValue, loop: scf.ForOp) -> bool:
    owner = value.owner
    block = owner.parent if isinstance(owner, Operation) else owner
    while block is not None:
        if block is loop.body.block:
            return False
        parent = block.parent_op()
        block = parent.parent if parent is not None else None
    return True


def _swap_loops(outer: Operation) -> None:
    """What the outer loop counts, the inner one does, and the other way round."""
    assert isinstance(outer, scf.ForOp)
    inner = next(o for o in outer.body.block.ops if isinstance(o, scf.ForOp))
    for index in range(3):
        mine, its = outer.operands[index], inner.operands[index]
        outer.operands[index], inner.operands[index] = its, mine
    one, other = outer.body.block.args[0], inner.body.block.args[0]
    # Values of the outer iterator that are computed between the loops are used in the inner one.
    between = [o for o in outer.body.block.ops if o is not inner and o.results]
    first = inner.body.block.first_op
    assert first is not None
    for op in between:
        op.detach()
        _insert(first, op)
    ones, others = list(one.uses), list(other.uses)
    for use in ones:
        if use.operation.parent is not outer.body.block:
            use.operation.operands[use.index] = other
    for use in others:
        use.operation.operands[use.index] = one


def _unconditional(op: Operation) -> None:
    assert isinstance(op, scf.IfOp)
    op.operands[0] = _true(op)


def _true(before: Operation) -> SSAValue:
    zero = _constant(before, 0)
    result = _insert(before, arith.CmpiOp(zero, zero, "eq"))
    assert result is not None
    return result


def _set_predicate(op: Operation, predicate: int) -> None:
    assert isinstance(op, arith.CmpiOp)
    names = ("eq", "ne", "slt", "sle", "sgt", "sge")
    new = arith.CmpiOp(op.lhs, op.rhs, names[predicate])
    _insert(op, new)
    op.results[0].replace_all_uses_with(new.result)
    _erase(op)


def _await_nothing(op: Operation, keep: bool = False) -> None:
    """keep: in front of the step, not instead of it."""
    assert isinstance(op, ReleaseOp)
    _insert(op, ReleaseOp(None, op.upto, op.ahead))
    if not keep:
        _erase(op)


def _move(op: Operation, first: bool) -> None:
    """Move a step to the front of its block, behind the values that it needs, or to the end."""
    block = op.parent
    assert block is not None
    others = [o for o in block.ops if o is not op and not isinstance(o, scf.YieldOp)]
    owners = {value.owner for value in op.operands}
    place = max((k for k, o in enumerate(others) if o in owners), default=-1) if first else -1
    if not others or (first and place < 0):
        return
    op.detach()
    block.insert_op_after(op, others[place])


def _further(op: Operation, by: int) -> None:
    """Let a limit be of a later or an earlier inference."""
    assert isinstance(op, ReleaseOp)
    ahead = _constant(op, by)
    if op.ahead is not None:
        total = _insert(op, arith.AddiOp(op.ahead, ahead))
        assert total is not None
        ahead = total
    _insert(op, ReleaseOp(op.at if op.awaits else None, op.upto, ahead))
    _erase(op)


def _next(op: Operation) -> Operation | None:
    """The next statement, past the arithmetic in between."""
    other = op.next_op
    while other is not None and not isinstance(other, scf.ForOp | scf.IfOp | ReleaseOp):
        other = other.next_op
    return other


def _swap_with_next(op: Operation) -> None:
    other = _next(op)
    assert other is not None
    op.detach()
    _insert(other, op, after=True)


def _reshape(op: Operation, shape: tuple[int, ...], storage: MapAttr | None = None) -> None:
    assert isinstance(op, BufferOp) and isinstance(op.result.type, MemRefType)
    type = MemRefType(op.result.type.element_type, shape)
    new = BufferOp(op.array.root_reference.data, type, storage or op.storage)
    _insert(op, new)
    op.result.replace_all_uses_with(new.result)
    _erase(op)


def _wrap(op: Operation, axis: int, shape: tuple[int, ...]) -> None:
    """The slots of the smaller buffer by modulus, along one axis."""
    assert isinstance(op, BufferOp)
    name = op.array.root_reference.data
    slots = [f"s{d}" for d in range(len(shape))]
    wrapped = [f"{s} mod {shape[axis]}" if d == axis else s for d, s in enumerate(slots)]
    wrap = read_map(f"{{ slot[{', '.join(slots)}] -> slot[{', '.join(wrapped)}] }}")
    if op.storage is not None:
        old = op.storage.relation
    else:
        old = read_map(f"{{ {name}[{', '.join(['n', *slots])}] -> slot[{', '.join(slots)}] }}")
    _reshape(op, shape, MapAttr.of(old.apply_range(wrap)))
