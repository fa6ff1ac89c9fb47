"""ISL relations read back from generated loops.

This is the inverse of `cmir.isl.ast`, for any nest of `scf.for` and `scf.if` over quasi-affine `arith`. Code from other
sources, or edited by hand, can thus be analyzed as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import islpy as isl
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, i1
from xdsl.ir import Block, Operation, Region, SSAValue

from cmir.isl.cores import ANY_CORE
from cmir.isl.text import CONTEXT, read_set


class NonAffineError(Exception):
    """A nest that ISL cannot describe. `op` is the offending operation."""

    def __init__(self, op: Operation, reason: str):
        super().__init__(reason)
        self.op = op


def read_visits(
    region: Region,
    kind: type[Operation],
    operands: Callable[[Operation], Sequence[SSAValue | int]],
    count: int,
    cores: isl.Set = ANY_CORE,
) -> isl.Map:
    """Return the visits of operations of class `kind` in the nest: `{ [time] -> [values] }`.

    operands: returns the values of interest of an operation, `count` of them for every operation.
    cores: values of the parameters, which are the arguments of the region.

    Times compare lexicographically in execution order. Raises NonAffineError.
    """
    reader = _Reader(kind)
    outermost = _LoopScope(0, isl.Set.from_params(cores), ())
    outermost.values.update(zip(region.block.args, _parameters(cores), strict=True))
    reader.block(region.block, outermost)
    depth = max((len(position) for _, _, position in reader.found), default=0)
    result: isl.Map | None = None
    for op, scope, position in reader.found:
        values = _tuple([scope.affine(v) for v in operands(op)], scope)
        time = _tuple([scope.affine(p) for p in (*position, *[0] * (depth - len(position)))], scope)
        visit = time.intersect_domain(scope.domain).reverse().apply_range(values)
        result = visit if result is None else result.union(visit)
    if result is None:
        return isl.Map.empty(isl.Space.alloc(CONTEXT, 0, 0, count))
    return _without_constant_times(result)


def _parameters(cores: isl.Set) -> Iterator[isl.PwAff]:
    """Yield the parameters of a set as functions of no iterators."""
    local = isl.LocalSpace.from_space(isl.Set.from_params(cores).get_space())
    for dim in range(cores.dim(isl.dim_type.param)):
        yield isl.PwAff.from_aff(isl.Aff.var_on_domain(local, isl.dim_type.param, dim))


def _tuple(values: Sequence[isl.PwAff], scope: _LoopScope) -> isl.Map:
    """Return `{ [iterators] -> [values] }`."""
    result = isl.Map.from_domain_and_range(
        isl.Set.universe(scope.domain.get_space()), read_set("{ [] }")
    )
    for value in values:
        result = result.flat_range_product(isl.Map.from_pw_aff(value))
    return result


def _without_constant_times(visits: isl.Map) -> isl.Map:
    """Drop the time dimensions that are the same at every visit, since they do not affect the order."""
    for dim in reversed(range(visits.dim(isl.dim_type.in_))):
        if not visits.plain_get_val_if_fixed(isl.dim_type.in_, dim).is_nan():
            visits = visits.project_out(isl.dim_type.in_, dim, 1)
    return visits


Position = tuple["int | _Iterator", ...]


@dataclass(frozen=True)
class _Iterator:
    """The loop variable at some depth of the nest."""

    depth: int


@dataclass
class _LoopScope:
    """A scope of the nest: its depth, the points at which it runs, its position, and the values computed in it."""

    depth: int
    domain: isl.Set
    position: Position
    outer: _LoopScope | None = None
    values: dict[SSAValue, isl.PwAff | isl.Set] = field(default_factory=dict)

    def _find(self, value: SSAValue) -> tuple[isl.PwAff | isl.Set, int]:
        scope: _LoopScope | None = self
        while scope is not None:
            if value in scope.values:
                return scope.values[value], scope.depth
            scope = scope.outer
        raise AssertionError("IR is verified: every use has a definition")

    def affine(self, value: SSAValue | int | _Iterator) -> isl.PwAff:
        """Return the value as a function of the iterators of this scope."""
        if isinstance(value, int):
            local = isl.LocalSpace.from_space(self.domain.get_space())
            return isl.PwAff.from_aff(isl.Aff.val_on_domain(local, isl.Val(value)))
        if isinstance(value, _Iterator):
            local = isl.LocalSpace.from_space(self.domain.get_space())
            return isl.PwAff.from_aff(isl.Aff.var_on_domain(local, isl.dim_type.set, value.depth))
        found, depth = self._find(value)
        assert isinstance(found, isl.PwAff)
        return found.add_dims(isl.dim_type.in_, self.depth - depth)

    def condition(self, value: SSAValue) -> isl.Set:
        """Return the iterators of this scope for which a condition holds."""
        found, depth = self._find(value)
        assert isinstance(found, isl.Set)
        return found.add_dims(isl.dim_type.set, self.depth - depth)


class _Reader:
    """A collector of the visits of one class of operations."""

    def __init__(self, kind: type[Operation]):
        self.kind = kind
        self.found: list[tuple[Operation, _LoopScope, Position]] = []

    def block(self, block: Block, scope: _LoopScope) -> None:
        for statement, op in enumerate(block.ops):
            position = (*scope.position, statement)
            if isinstance(op, self.kind):
                self.found.append((op, scope, position))
            elif isinstance(op, scf.ForOp | scf.IfOp) and op.results:
                raise NonAffineError(op, f"{op.name} must not have results")
            elif isinstance(op, scf.ForOp):
                self._for(op, scope, position)
            elif isinstance(op, scf.IfOp):
                self._if(op, scope, position)
            elif not isinstance(op, scf.YieldOp):
                scope.values[op.results[0]] = _evaluate(op, scope)

    def _for(self, op: scf.ForOp, scope: _LoopScope, position: Position) -> None:
        step = _constant_of(op.step)
        if step is None or step < 1:
            raise NonAffineError(op, "the step of a loop must be a positive constant")
        domain = scope.domain.add_dims(isl.dim_type.set, 1)
        iterator = _Iterator(scope.depth)
        inner = _LoopScope(scope.depth + 1, domain, (*position, iterator), scope)
        index, lower, upper = inner.affine(iterator), inner.affine(op.lb), inner.affine(op.ub)
        inner.values[op.body.block.args[0]] = index
        inside = index.ge_set(lower).intersect(index.lt_set(upper))
        if step > 1:
            offset = index.sub(lower).mod_val(isl.Val(step))
            inside = inside.intersect(offset.eq_set(inner.affine(0)))
        inner.domain = domain.intersect(inside)
        self.block(op.body.block, inner)

    def _if(self, op: scf.IfOp, scope: _LoopScope, position: Position) -> None:
        condition = scope.condition(op.cond)
        for region, taken in (
            (op.true_region, condition),
            (op.false_region, condition.complement()),
        ):
            if region.blocks:
                domain = scope.domain.intersect(taken)
                self.block(region.block, _LoopScope(scope.depth, domain, position, scope))


def _constant_of(value: SSAValue) -> int | None:
    op = value.owner
    if isinstance(op, arith.ConstantOp) and isinstance(op.value, IntegerAttr):
        return op.value.value.data
    return None


def _evaluate(op: Operation, scope: _LoopScope) -> isl.PwAff | isl.Set:
    """Return the value of an `arith` operation as a function of the iterators, or the set where a condition holds."""
    known = i1 if isinstance(op, arith.AndIOp | arith.OrIOp) else IndexType()
    types = [*op.operand_types] if isinstance(op, arith.CmpiOp) else [*op.result_types]
    if isinstance(op, arith.ConstantOp) and op.result.type == i1:
        space = scope.domain.get_space()
        return isl.Set.universe(space) if _constant_of(op.result) else isl.Set.empty(space)
    if any(type_ != known for type_ in types):
        raise NonAffineError(op, f"{op.name} of {types[0]} is not quasi-affine")
    if isinstance(op, arith.ConstantOp):
        value = _constant_of(op.result)
        if value is None:
            raise NonAffineError(op, "a control loop computes with integers only")
        return scope.affine(value)
    if isinstance(op, arith.CmpiOp):
        return _comparison(op, scope)
    if isinstance(op, arith.SelectOp):
        condition = scope.condition(op.cond)
        yes = scope.affine(op.lhs).intersect_domain(condition)
        no = scope.affine(op.rhs).intersect_domain(condition.complement())
        return yes.union_add(no)
    if isinstance(op, arith.AndIOp | arith.OrIOp):
        lhs, rhs = scope.condition(op.lhs), scope.condition(op.rhs)
        return lhs.intersect(rhs) if isinstance(op, arith.AndIOp) else lhs.union(rhs)
    if isinstance(op, arith.MuliOp):
        return _product(op, scope)
    if type(op) in _DIVISIONS:
        return _division(op, scope)
    if (combine := _SUMS.get(type(op))) is not None:
        return combine(scope.affine(op.operands[0]), scope.affine(op.operands[1]))
    raise NonAffineError(op, f"{op.name} is not quasi-affine")


def _comparison(op: arith.CmpiOp, scope: _LoopScope) -> isl.Set:
    compare = _COMPARISONS.get(op.predicate.value.data)
    if compare is None:
        raise NonAffineError(op, "unsigned comparisons are not affine")
    return compare(scope.affine(op.lhs), scope.affine(op.rhs))


def _division(op: Operation, scope: _LoopScope) -> isl.PwAff:
    divisor = _constant_of(op.operands[1])
    if divisor is None or divisor < 1:
        raise NonAffineError(op, f"{op.name} must be by a positive constant")
    return _DIVISIONS[type(op)](scope.affine(op.operands[0]), isl.Val(divisor))


def _product(op: arith.MuliOp, scope: _LoopScope) -> isl.PwAff:
    for factor, other in ((op.lhs, op.rhs), (op.rhs, op.lhs)):
        if (value := _constant_of(factor)) is not None:
            return scope.affine(other).scale_val(isl.Val(value))
    raise NonAffineError(op, "one factor of a product must be a constant")


def _quotient(value: isl.PwAff, divisor: isl.Val) -> isl.PwAff:
    """Return the result of `arith.divsi`, which rounds towards zero."""
    down = value.scale_down_val(divisor)
    negative = value.lt_set(value.scale_val(isl.Val(0)))
    return (
        down.floor()
        .intersect_domain(negative.complement())
        .union_add(down.ceil().intersect_domain(negative))
    )


def _remainder(value: isl.PwAff, divisor: isl.Val) -> isl.PwAff:
    """Return the result of `arith.remsi`, which has the sign of the dividend."""
    return value.sub(_quotient(value, divisor).scale_val(divisor))


_DIVISIONS: dict[type[Operation], Callable[[isl.PwAff, isl.Val], isl.PwAff]] = {
    arith.FloorDivSIOp: lambda value, divisor: value.scale_down_val(divisor).floor(),
    arith.CeilDivSIOp: lambda value, divisor: value.scale_down_val(divisor).ceil(),
    arith.DivSIOp: _quotient,
    arith.RemSIOp: _remainder,
}

_SUMS: dict[type[Operation], Callable[[isl.PwAff, isl.PwAff], isl.PwAff]] = {
    arith.AddiOp: lambda a, b: a.add(b),
    arith.SubiOp: lambda a, b: a.sub(b),
    arith.MinSIOp: lambda a, b: a.min(b),
    arith.MaxSIOp: lambda a, b: a.max(b),
}

_COMPARISONS: dict[int, Callable[[isl.PwAff, isl.PwAff], isl.Set]] = {
    0: lambda a, b: a.eq_set(b),
    1: lambda a, b: a.ne_set(b),
    2: lambda a, b: a.lt_set(b),
    3: lambda a, b: a.le_set(b),
    4: lambda a, b: a.gt_set(b),
    5: lambda a, b: a.ge_set(b),
}
