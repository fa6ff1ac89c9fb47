"""ISL AST generation: a schedule becomes a nest of `scf` loops with `arith` conditions.

ISL turns "visit these points in this order" into loops (Grosser, Verdoolaege, Cohen: Polyhedral AST generation
is more than scanning polyhedra, TOPLAS 2015). Each visit becomes whatever `emit` builds from the point's
coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import islpy as isl
from xdsl.builder import Builder
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint

from cmir.isl.text import CONTEXT

Emit = Callable[[Builder, Sequence[SSAValue]], object]


def visit_in_order(schedule: isl.Map, emit: Emit, block: Block, separate: bool = True) -> None:
    """Append to `block` loops that visit the domain of `schedule` in the order of its range.

    schedule: point -> time, single-valued; times compare lexicographically.
    emit: called for each place where points are visited, with a builder there and the point's coordinates
        as `index` values.
    separate: ask ISL for loops of disjoint pieces, free of conditions, rather than conditions in few loops.
    """
    node = _generate(schedule, separate)
    _Translator(block, emit).node(node, Builder(InsertPoint.at_end(block)), {})


def _generate(schedule: isl.Map, separate: bool) -> isl.AstNode:
    build = isl.AstBuild.alloc(CONTEXT)
    if separate:
        build = build.set_options(isl.UnionMap(f"{{ {_time_tuple(schedule)} -> separate[x] }}"))
    return build.node_from_schedule_map(isl.UnionMap.from_map(schedule))


def _time_tuple(schedule: isl.Map) -> str:
    return "[" + ", ".join(f"t{i}" for i in range(schedule.dim(isl.dim_type.out))) + "]"


class _Translator:
    """Walks one ISL AST; `names` maps ISL iterators to the SSA values of the loops around a node."""

    def __init__(self, block: Block, emit: Emit):
        self.constants = _Constants(block)
        self.emit = emit

    def node(self, node: isl.AstNode, builder: Builder, names: dict[str, SSAValue]) -> None:
        match node.get_type():
            case isl.ast_node_type.for_:
                self._for(node, builder, names)
            case isl.ast_node_type.if_:
                self._if(node, builder, names)
            case isl.ast_node_type.block:
                children = node.block_get_children()
                for i in range(children.n_ast_node()):
                    self.node(children.get_at(i), builder, names)
            case isl.ast_node_type.mark:
                self.node(node.mark_get_node(), builder, names)
            case _:
                call = node.user_get_expr()
                coordinates = [
                    self.expression(call.get_op_arg(i), builder, names)
                    for i in range(1, call.get_op_n_arg())
                ]
                self.emit(builder, coordinates)

    def _for(self, node: isl.AstNode, builder: Builder, names: dict[str, SSAValue]) -> None:
        iterator = node.for_get_iterator().get_id().get_name()
        lower = self.expression(node.for_get_init(), builder, names)
        if node.for_is_degenerate():
            self.node(node.for_get_body(), builder, {**names, iterator: lower})
            return
        condition = node.for_get_cond()
        upper = self._exclusive(condition, builder, names)
        step = self.expression(node.for_get_inc(), builder, names)
        body = Block(arg_types=[IndexType()])
        body.args[0].name_hint = f"i{iterator.lstrip('c')}"
        builder.insert(scf.ForOp(lower, upper, step, [], Region(body)))
        inner = Builder(InsertPoint.at_end(body))
        self.node(node.for_get_body(), inner, {**names, iterator: body.args[0]})
        inner.insert(scf.YieldOp())

    def _exclusive(
        self, condition: isl.AstExpr, builder: Builder, names: dict[str, SSAValue]
    ) -> SSAValue:
        """The bound of a loop condition `i < bound` or `i <= bound`, as `scf.for` wants it: exclusive."""
        bound = condition.get_op_arg(1)
        if condition.get_op_type() == isl.ast_expr_op_type.lt:
            return self.expression(bound, builder, names)
        if bound.get_type() == isl.ast_expr_type.int:
            return self.constants.get(bound.get_val().to_python() + 1)
        upper = self.expression(bound, builder, names)
        return self._binary(arith.AddiOp, upper, self.constants.get(1), builder)

    def _if(self, node: isl.AstNode, builder: Builder, names: dict[str, SSAValue]) -> None:
        condition = self.expression(node.if_get_cond(), builder, names)
        branches = [node.if_get_then_node()]
        if node.if_has_else_node():
            branches.append(node.if_get_else_node())
        regions = [Region(Block()) for _ in branches]
        builder.insert(scf.IfOp(condition, [], *regions))
        for branch, region in zip(branches, regions, strict=True):
            inner = Builder(InsertPoint.at_end(region.block))
            self.node(branch, inner, names)
            inner.insert(scf.YieldOp())

    def expression(
        self, expr: isl.AstExpr, builder: Builder, names: dict[str, SSAValue]
    ) -> SSAValue:
        """The value of an ISL expression, as `arith` operations on `index` (conditions: on `i1`)."""
        match expr.get_type():
            case isl.ast_expr_type.int:
                return self.constants.get(expr.get_val().to_python())
            case isl.ast_expr_type.id:
                return names[expr.get_id().get_name()]
            case _:
                args = [
                    self.expression(expr.get_op_arg(i), builder, names)
                    for i in range(expr.get_op_n_arg())
                ]
                return self._operation(expr.get_op_type(), args, builder)

    def _operation(
        self, kind: isl.ast_expr_op_type, args: list[SSAValue], builder: Builder
    ) -> SSAValue:
        if kind == isl.ast_expr_op_type.minus:
            return self._binary(arith.SubiOp, self.constants.get(0), args[0], builder)
        if kind in (isl.ast_expr_op_type.cond, isl.ast_expr_op_type.select):
            return builder.insert(arith.SelectOp(*args)).result
        if (
            kind == isl.ast_expr_op_type.zdiv_r
        ):  # used only in comparisons with 0, where any sign will do
            return self._binary(arith.RemSIOp, args[0], args[1], builder)
        if (predicate := _COMPARISONS.get(kind)) is not None:
            return builder.insert(arith.CmpiOp(args[0], args[1], predicate)).result
        value = args[0]
        for other in args[1:]:
            value = self._binary(_BINARY[kind], value, other, builder)
        return value

    def _binary(
        self, cls: Callable[..., Operation], lhs: SSAValue, rhs: SSAValue, builder: Builder
    ) -> SSAValue:
        return builder.insert(cls(lhs, rhs)).results[0]


class _Constants:
    """The `index` constants of one nest, each built once, in front of everything in its block."""

    def __init__(self, block: Block):
        self.point = InsertPoint.before(first) if (first := block.first_op) else None
        self.block = block
        self.values: dict[int, SSAValue] = {}

    def get(self, value: int) -> SSAValue:
        if value not in self.values:
            op = arith.ConstantOp(IntegerAttr(value, IndexType()))
            op.result.name_hint = f"c{value}" if value >= 0 else f"cm{-value}"
            if self.values:
                last = next(reversed(self.values.values())).owner
                assert isinstance(last, Operation)
                self.block.insert_op_after(op, last)
            else:
                Builder(self.point or InsertPoint.at_start(self.block)).insert(op)
            self.values[value] = op.result
        return self.values[value]


_COMPARISONS = {
    isl.ast_expr_op_type.eq: "eq",
    isl.ast_expr_op_type.le: "sle",
    isl.ast_expr_op_type.lt: "slt",
    isl.ast_expr_op_type.ge: "sge",
    isl.ast_expr_op_type.gt: "sgt",
}

_BINARY: dict[isl.ast_expr_op_type, Callable[..., Operation]] = {
    isl.ast_expr_op_type.add: arith.AddiOp,
    isl.ast_expr_op_type.sub: arith.SubiOp,
    isl.ast_expr_op_type.mul: arith.MuliOp,
    isl.ast_expr_op_type.fdiv_q: arith.FloorDivSIOp,
    isl.ast_expr_op_type.div: arith.DivSIOp,  # exact by ISL's contract
    isl.ast_expr_op_type.pdiv_q: arith.DivSIOp,  # of a non-negative value by ISL's contract
    isl.ast_expr_op_type.pdiv_r: arith.RemSIOp,  # likewise
    isl.ast_expr_op_type.min: arith.MinSIOp,
    isl.ast_expr_op_type.max: arith.MaxSIOp,
    isl.ast_expr_op_type.and_: arith.AndIOp,
    isl.ast_expr_op_type.and_then: arith.AndIOp,
    isl.ast_expr_op_type.or_: arith.OrIOp,
    isl.ast_expr_op_type.or_else: arith.OrIOp,
}
