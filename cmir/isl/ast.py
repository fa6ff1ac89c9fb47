"""ISL AST generation: a schedule becomes a nest of `scf` loops with `arith` conditions.

ISL generates loops that visit given points in a given order (Grosser, Verdoolaege, Cohen: Polyhedral AST generation
is more than scanning polyhedra, TOPLAS 2015). At each visit, `emit` builds operations from the point's coordinates.

Conditions on nested floors, such as those of consecutive rescalings, can exceed ISL's budget, and ISL's generator can
omit points. The loops are then derived from an enumeration of the points (`cmir.isl.nests`), except for stages that are
spread over cores.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, get_args

import islpy as isl
import numpy as np
from xdsl.builder import Builder
from xdsl.dialects import arith, scf
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint

from cmir.isl.budget import within_budget
from cmir.isl.cores import ANY_CORE, count_points, parameter_values, parameters, with_parameters
from cmir.isl.lattice import lattice_pairs
from cmir.isl.memo import kept_by_text, unnamed
from cmir.isl.nest_cost import NestCost, nest_cost
from cmir.isl.nests import Nest, Value, Visit, nest_of
from cmir.isl.operations import INDEX, index_constant, operation
from cmir.isl.text import IslError
from cmir.isl.visits import ONCE

Emit = Callable[[Builder, Sequence[SSAValue]], object]

Separation = Literal["auto", "always", "never"]
"""Policy for separating loops into disjoint pieces without conditions; `auto` separates them if that is cheaper."""

_MANY_PIECES = 8
"""Number of pieces above which only separate loops are generated."""

SEPARATIONS: tuple[Separation, ...] = get_args(Separation)


def visit_in_order(
    schedule: isl.Map,
    emit: Emit,
    block: Block,
    separation: Separation = "auto",
    constants: Constants | None = None,
    cores: isl.Set = ANY_CORE,
) -> None:
    """Append to `block` loops that visit the domain of `schedule` in the order of its range.

    schedule: point -> time, single-valued and injective; times compare lexicographically.
    emit: called at each place where points are visited, with a builder at that place and the coordinates of the point
        as `index` values.
    constants: the constants of `block`, if it already has some.
    cores: values of the parameters of `schedule`. The arguments of `block` are these parameters, in the same order.
    """
    schedule = unnamed(schedule)
    if cores.dim(isl.dim_type.param):
        node = cheapest_loops(schedule, separation, cores)
    else:
        node = within_budget(cheapest_loops, schedule, separation, cores)
    if node is None:
        try:
            append_nest(_enumerated_loops(schedule), emit, block, constants)
            return
        except IslError:
            node = cheapest_loops(schedule, separation, cores)
    append_loops(node, emit, block, constants, parameters(cores))


@kept_by_text
def _enumerated_loops(schedule: isl.Map) -> Nest:
    """Return loops derived from the points of a schedule. Raises IslError if there are too many points."""
    points, times = lattice_pairs(schedule)
    return nest_of(times, points)


def append_nest(nest: Nest, emit: Emit, block: Block, constants: Constants | None = None) -> None:
    """Append a nest to `block` as `scf` and `arith` operations."""
    _NestTranslator(constants or Constants(block), emit).nest(nest, _BlockScope(block), {})


def append_loops(
    node: isl.AstNode,
    emit: Emit,
    block: Block,
    constants: Constants | None = None,
    parameters: Sequence[str] = (),
) -> None:
    """Append an AST to `block` as `scf` and `arith` operations. The arguments of `block` are the parameters."""
    scope = _BlockScope(block)
    scope.names.update(zip(parameters, block.args, strict=True))
    _Translator(constants or Constants(block), emit).node(node, scope)


@kept_by_text
def cheapest_loops(
    schedule: isl.Map, separation: Separation, cores: isl.Set = ANY_CORE
) -> isl.AstNode:
    """Return the AST of the loops that `visit_in_order` builds.

    With `auto`, these are joint loops if they need no conditions, or if they do not loop: with a point per core, there
    is nothing to separate. Otherwise they are the loops that evaluate the fewest conditions in one run and, among them,
    the shortest. Joint loops over many pieces would be full of conditions and are not tried.

    Each formula of the schedule becomes a statement of its own, so a limit with three formulas becomes three statements
    in separate loops instead of a chain of selects in one.

    For unions with several moduli, ISL's generator can omit points or visit them twice. Loops with the wrong number of
    visits are rejected. If all of them are rejected, the points are treated as one statement. Raises IslError if ISL's
    loops are wrong for that, too.
    """
    schedule = with_parameters(schedule, parameters(cores)).intersect_params(cores)
    whole = schedule.coalesce()
    pieces = [isl.Map.from_basic_map(piece) for piece in whole.make_disjoint().get_basic_maps()]
    times = ", ".join(f"t{i}" for i in range(schedule.dim(isl.dim_type.out)))

    def loops(parts: Sequence[isl.Map], options: str) -> isl.AstNode:
        statements = isl.UnionMap.empty(schedule.get_space())
        for number, part in enumerate(parts):
            statement = part.set_tuple_name(isl.dim_type.in_, f"s{number}")
            statements = statements.union(isl.UnionMap.from_map(statement))
        build = isl.AstBuild.from_context(cores).set_options(isl.UnionMap(options))
        return build.node_from_schedule_map(statements)

    # As many as there are times, which have fewer coordinates: large sets are counted by boxes around them.
    points, coordinates = count_points(schedule.range()), parameter_values(cores)
    joint, separate = "{ }", f"{{ [{times}] -> separate[x] }}"
    many = separation == "auto" and len(pieces) > _MANY_PIECES
    options = {
        "never": [joint],
        "always": [separate],
        "auto": [separate, joint] if many else [joint, separate],
    }
    for parts in (pieces, [whole]):
        best: tuple[NestCost, isl.AstNode] | None = None
        for option in options[separation]:
            node = loops(parts, option)
            if best is not None and str(node) == str(best[1]):
                continue  # there was nothing to separate
            cost = loops_cost(node, cores, coordinates)
            if cost.visits == points:
                if best is None or cost.key < best[0].key:
                    best = cost, node
                if many or not cost.tests or not cost.loops:
                    break
        if best is not None:
            return best[1]
    raise IslError(f'ISL generates loops that miss points of the schedule "{schedule}"')


def loops_cost(
    node: isl.AstNode, cores: isl.Set = ANY_CORE, coordinates: np.ndarray = ONCE
) -> NestCost:
    """Return the cost of the loops built from an AST, summed over cores with these coordinates."""
    block = Block(arg_types=[INDEX] * cores.dim(isl.dim_type.param))
    visited: list[Block] = []
    mark: Emit = lambda builder, _: visited.append(builder.insertion_point.block)  # noqa: E731
    append_loops(node, mark, block, parameters=parameters(cores))
    return nest_cost(block, visited, coordinates)


class _BlockScope:
    """A block of the nest under construction.

    names: values of ISL's iterators. computed: values of operations, each of which is computed once.
    """

    def __init__(
        self, block: Block, outer: _BlockScope | None = None, loop: Operation | None = None
    ):
        """Start a scope inside `outer`. loop: the loop in `outer` whose body the block is, if any."""
        self.block, self.outer, self.loop = block, outer, loop
        self.builder = Builder(InsertPoint.at_end(block))
        self.names: ChainMap[str, SSAValue] = outer.names.new_child() if outer else ChainMap()
        self.computed: ChainMap[tuple[object, ...], SSAValue] = (
            outer.computed.new_child() if outer else ChainMap()
        )

    def insert(self, kind: type[Operation], *operands: SSAValue, **properties: str) -> SSAValue:
        """Return the value of a pure operation, hoisted out of the loops that it does not depend on."""
        key = (kind, *operands, *properties.values())
        if key not in self.computed:
            scope, builder = self, self.builder
            while scope.outer and scope.loop and not any(map(scope.defines, operands)):
                scope, builder = scope.outer, Builder(InsertPoint.before(scope.loop))
            op = operation(kind, *operands, **properties)
            scope.computed[key] = builder.insert(op).results[0]
        return self.computed[key]

    def defines(self, value: SSAValue) -> bool:
        owner = value.owner
        return (owner.parent if isinstance(owner, Operation) else owner) is self.block


class _Translator:
    """A translator of one ISL AST to `scf`."""

    def __init__(self, constants: Constants, emit: Emit):
        self.constants = constants
        self.emit = emit

    def node(self, node: isl.AstNode, scope: _BlockScope) -> None:
        match node.get_type():
            case isl.ast_node_type.for_:  # pyright: ignore[reportAttributeAccessIssue]
                self._for(node, scope)
            case isl.ast_node_type.if_:  # pyright: ignore[reportAttributeAccessIssue]
                self._if(node, scope)
            case isl.ast_node_type.block:
                children = node.block_get_children()
                for i in range(children.n_ast_node()):
                    self.node(children.get_at(i), scope)
            case isl.ast_node_type.mark:
                self.node(node.mark_get_node(), scope)
            case _:
                _, *coordinates = _arguments(node.user_get_expr())
                self.emit(scope.builder, [self.expression(c, scope) for c in coordinates])

    def _for(self, node: isl.AstNode, scope: _BlockScope) -> None:
        iterator = node.for_get_iterator().get_id().get_name()
        lower = self.expression(node.for_get_init(), scope)
        if node.for_is_degenerate():
            # The body stays in this block: iterators of siblings have different names.
            scope.names[iterator] = lower
            self.node(node.for_get_body(), scope)
            return
        upper = self._exclusive(node.for_get_cond(), scope)
        step = self.expression(node.for_get_inc(), scope)
        body = Block(arg_types=[INDEX])
        body.args[0].name_hint = f"i{iterator.lstrip('c')}"
        loop = scope.builder.insert(
            scf.ForOp.create(operands=(lower, upper, step), regions=[Region(body)])
        )
        inner = _BlockScope(body, scope, loop)
        inner.names[iterator] = body.args[0]
        self.node(node.for_get_body(), inner)
        inner.builder.insert(scf.YieldOp.create())

    def _exclusive(self, condition: isl.AstExpr, scope: _BlockScope) -> SSAValue:
        """Return the exclusive bound that `scf.for` needs for a loop condition `i < bound` or `i <= bound`."""
        _, bound = _arguments(condition)
        if condition.get_op_type() == isl.ast_expr_op_type.lt:
            return self.expression(bound, scope)
        offset = 1
        if _is(bound, isl.ast_expr_op_type.add) or _is(bound, isl.ast_expr_op_type.sub):
            base, last = _arguments(bound)
            if last.get_type() == isl.ast_expr_type.int:  # x + 3 + 1 is x + 4
                sign = 1 if _is(bound, isl.ast_expr_op_type.add) else -1
                bound, offset = base, sign * last.get_val().to_python() + 1
        if bound.get_type() == isl.ast_expr_type.int:
            return self.constants.get(bound.get_val().to_python() + offset)
        value = self.expression(bound, scope)
        if offset == 0:
            return value
        op = arith.AddiOp if offset > 0 else arith.SubiOp
        return scope.insert(op, value, self.constants.get(abs(offset)))

    def _if(self, node: isl.AstNode, scope: _BlockScope) -> None:
        condition = self.expression(node.if_get_cond(), scope)
        then, otherwise = Region(Block()), Region()
        self.node(node.if_get_then_node(), inner := _BlockScope(then.block, scope))
        inner.builder.insert(scf.YieldOp.create())
        if node.if_has_else_node():
            otherwise.add_block(Block())
            self.node(node.if_get_else_node(), inner := _BlockScope(otherwise.block, scope))
            inner.builder.insert(scf.YieldOp.create())
        scope.builder.insert(scf.IfOp.create(operands=[condition], regions=[then, otherwise]))

    def expression(self, expr: isl.AstExpr, scope: _BlockScope) -> SSAValue:
        """Return the value of an ISL expression as `arith` operations on `index`, or on `i1` for conditions."""
        match expr.get_type():
            case isl.ast_expr_type.int:
                return self.constants.get(expr.get_val().to_python())
            case isl.ast_expr_type.id:
                return scope.names[expr.get_id().get_name()]
            case _:
                arguments = [self.expression(a, scope) for a in _arguments(expr)]
                return self._operation(expr.get_op_type(), arguments, scope)

    def _operation(self, kind: object, args: list[SSAValue], scope: _BlockScope) -> SSAValue:
        if kind == isl.ast_expr_op_type.minus:
            return scope.insert(arith.SubiOp, self.constants.get(0), args[0])
        if kind in (isl.ast_expr_op_type.cond, isl.ast_expr_op_type.select):
            return scope.insert(arith.SelectOp, *args)
        if (predicate := _COMPARISONS.get(kind)) is not None:
            return scope.insert(arith.CmpiOp, *args, arg=predicate)
        value = args[0]
        for other in args[1:]:
            value = scope.insert(_BINARY[kind], value, other)
        return value


class _NestTranslator:
    """A translator of one nest to `scf`; counters are the arguments of the enclosing loops."""

    def __init__(self, constants: Constants, emit: Emit):
        self.constants = constants
        self.emit = emit

    def nest(self, nest: Nest, scope: _BlockScope, counters: Mapping[int, SSAValue]) -> None:
        for node in nest:
            if isinstance(node, Visit):
                values = [self.value(value, scope, counters) for value in node.point]
                self.emit(scope.builder, values)
                continue
            trips = self.value(node.trips, scope, counters)
            body = Block(arg_types=[INDEX])
            body.args[0].name_hint = f"j{node.counter}"
            bounds = self.constants.get(0), trips, self.constants.get(1)
            loop = scope.builder.insert(scf.ForOp.create(operands=bounds, regions=[Region(body)]))
            inner = _BlockScope(body, scope, loop)
            self.nest(node.body, inner, {**counters, node.counter: body.args[0]})
            inner.builder.insert(scf.YieldOp.create())

    def value(self, value: Value, scope: _BlockScope, counters: Mapping[int, SSAValue]) -> SSAValue:
        total: SSAValue | None = None
        for term in value.terms:
            part = counters[term.counter]
            if term.d != 1:
                part = self._plus(self._times(part, term.a, scope), term.b, scope)
                part = scope.insert(arith.FloorDivSIOp, part, self.constants.get(term.d))
            part = self._times(part, term.coefficient, scope)
            total = part if total is None else scope.insert(arith.AddiOp, total, part)
        if total is None:
            return self.constants.get(value.constant)
        return self._plus(total, value.constant, scope)

    def _times(self, value: SSAValue, factor: int, scope: _BlockScope) -> SSAValue:
        if factor == 1:
            return value
        return scope.insert(arith.MuliOp, value, self.constants.get(factor))

    def _plus(self, value: SSAValue, number: int, scope: _BlockScope) -> SSAValue:
        if number == 0:
            return value
        return scope.insert(arith.AddiOp, value, self.constants.get(number))


def _arguments(expr: isl.AstExpr) -> Iterator[isl.AstExpr]:
    return (expr.get_op_arg(i) for i in range(expr.get_op_n_arg()))


def _is(expr: isl.AstExpr, kind: isl.ast_expr_op_type) -> bool:
    return expr.get_type() == isl.ast_expr_type.op and expr.get_op_type() == kind


class Constants:
    """`index` constants at the start of a block, each built once."""

    def __init__(self, block: Block):
        self.block = block
        self.values: dict[int, SSAValue] = {}
        self.last: Operation | None = None

    def get(self, value: int) -> SSAValue:
        if value not in self.values:
            op = index_constant(value)
            op.result.name_hint = f"c{value}" if value >= 0 else f"cm{-value}"
            at = InsertPoint.at_start(self.block)
            Builder(InsertPoint.after(self.last) if self.last else at).insert(op)
            self.values[value], self.last = op.result, op
        return self.values[value]


_COMPARISONS: dict[object, str] = {
    isl.ast_expr_op_type.eq: "eq",
    isl.ast_expr_op_type.le: "sle",
    isl.ast_expr_op_type.lt: "slt",
    isl.ast_expr_op_type.ge: "sge",
    isl.ast_expr_op_type.gt: "sgt",
}

_BINARY: dict[object, type[Operation]] = {
    isl.ast_expr_op_type.add: arith.AddiOp,
    isl.ast_expr_op_type.sub: arith.SubiOp,
    isl.ast_expr_op_type.mul: arith.MuliOp,
    isl.ast_expr_op_type.fdiv_q: arith.FloorDivSIOp,
    isl.ast_expr_op_type.div: arith.DivSIOp,  # exact by ISL's contract
    isl.ast_expr_op_type.pdiv_q: arith.DivSIOp,  # of a non-negative value by ISL's contract
    isl.ast_expr_op_type.pdiv_r: arith.RemSIOp,  # likewise
    isl.ast_expr_op_type.zdiv_r: arith.RemSIOp,  # only compared with 0, so the sign does not matter
    isl.ast_expr_op_type.min: arith.MinSIOp,
    isl.ast_expr_op_type.max: arith.MaxSIOp,
    isl.ast_expr_op_type.and_: arith.AndIOp,  # pyright: ignore[reportAttributeAccessIssue]
    isl.ast_expr_op_type.and_then: arith.AndIOp,
    isl.ast_expr_op_type.or_: arith.OrIOp,  # pyright: ignore[reportAttributeAccessIssue]
    isl.ast_expr_op_type.or_else: arith.OrIOp,
}
