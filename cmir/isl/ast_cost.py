"""What generated loops cost: the conditions they evaluate, and their size.

Several loop nests visit the same points in the same order; these are the numbers to choose between them by. They are
exact: a nest is walked breadth-first with arrays of loop counters, one entry for each time a node is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import islpy as isl
import numpy as np

Expression = isl.ast_expr_op_type
Node = isl.ast_node_type


@dataclass(frozen=True)
class NestCost:
    """What one run of a nest evaluates, and how long its text is.

    tests: conditions of ifs and selects, minima and maxima. loops: tests of loops, one more than a loop has trips.
    visits: how often statements are reached.
    """

    tests: int = 0
    loops: int = 0
    operations: int = 0
    visits: int = 0

    def __add__(self, other: NestCost) -> NestCost:
        return NestCost(
            self.tests + other.tests,
            self.loops + other.loops,
            self.operations + other.operations,
            self.visits + other.visits,
        )

    @property
    def key(self) -> tuple[int, int]:
        """Costs compare by conditions evaluated, then by operations."""
        return self.tests + self.loops, self.operations


def nest_cost(
    node: isl.AstNode, times: int = 1, parameters: Mapping[str, np.ndarray] | None = None
) -> NestCost:
    """The cost of an AST that is run so many times, with these values of its parameters each time."""
    return _node(node, times, dict(parameters or {}))


def _node(node: isl.AstNode, count: int, names: dict[str, np.ndarray]) -> NestCost:
    """The cost of a node that is reached `count` times; names: loop counters each time."""
    match node.get_type():
        case Node.for_:  # pyright: ignore[reportAttributeAccessIssue]
            return _for(node, count, names)
        case Node.if_:  # pyright: ignore[reportAttributeAccessIssue]
            return _if(node, count, names)
        case Node.block:
            children = node.block_get_children()
            parts = (_node(children.get_at(i), count, names) for i in range(children.n_ast_node()))
            return reduce(NestCost.__add__, parts, NestCost())
        case Node.mark:
            return _node(node.mark_get_node(), count, names)
        case _:
            return NestCost(operations=1, visits=count) + _expression(node.user_get_expr(), count)


def _for(node: isl.AstNode, count: int, names: dict[str, np.ndarray]) -> NestCost:
    name = node.for_get_iterator().get_id().get_name()
    body, init = node.for_get_body(), node.for_get_init()
    cost = _expression(init, count)
    lower = _value(init, names)
    if node.for_is_degenerate():
        return cost + _node(body, count, {**names, name: lower})
    test = node.for_get_cond()
    bound = test.get_op_arg(1)
    upper = _value(bound, names) + (test.get_op_type() == Expression.le)
    step = node.for_get_inc().get_val().to_python()
    trips = np.broadcast_to(np.maximum(0, -((lower - upper) // step)), (count,))
    total = int(trips.sum())
    cost += _expression(bound, count) + NestCost(loops=total + count, operations=1)
    if body.get_type() == Node.user:  # nothing in it depends on where it is
        return cost + _node(body, total, {})
    origin = np.repeat(np.arange(count), trips)
    trip = np.arange(total) - np.repeat(np.cumsum(trips) - trips, trips)
    inner = {n: value if value.ndim == 0 else value[origin] for n, value in names.items()}
    inner[name] = np.broadcast_to(lower, (count,))[origin] + trip * step
    return cost + _node(body, total, inner)


def _if(node: isl.AstNode, count: int, names: dict[str, np.ndarray]) -> NestCost:
    condition = node.if_get_cond()
    cost = NestCost(operations=1) + _expression(condition, count)
    taken = np.broadcast_to(_value(condition, names), (count,)).astype(bool)
    branches = [(node.if_get_then_node(), taken)]
    if node.if_has_else_node():
        branches.append((node.if_get_else_node(), ~taken))
    for branch, here in branches:
        kept = {n: value if value.ndim == 0 else value[here] for n, value in names.items()}
        cost += _node(branch, int(here.sum()), kept)
    return cost


def _expression(expr: isl.AstExpr, count: int) -> NestCost:
    """The cost of an expression that is evaluated `count` times."""
    if expr.get_type() != isl.ast_expr_type.op:
        return NestCost()
    kind, arguments = expr.get_op_type(), expr.get_op_n_arg()
    parts = (_expression(expr.get_op_arg(i), count) for i in range(arguments))
    if kind == Expression.call:
        return reduce(NestCost.__add__, parts, NestCost())
    operations = max(1, arguments - 1) if kind in _FOLDS else 1
    tests = operations if kind in _TESTS else 0
    return reduce(NestCost.__add__, parts, NestCost(tests=tests * count, operations=operations))


def _value(expr: isl.AstExpr, names: dict[str, np.ndarray]) -> np.ndarray:
    match expr.get_type():
        case isl.ast_expr_type.int:
            return np.asarray(expr.get_val().to_python())
        case isl.ast_expr_type.id:
            return names[expr.get_id().get_name()]
        case _:
            arguments = [_value(expr.get_op_arg(i), names) for i in range(expr.get_op_n_arg())]
            kind = expr.get_op_type()
            if kind in (Expression.minus, Expression.cond, Expression.select):
                return np.negative(*arguments) if len(arguments) == 1 else np.where(*arguments)
            return reduce(_VALUES[kind], arguments)


_COMPARE: dict[object, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    Expression.eq: np.equal,
    Expression.le: np.less_equal,
    Expression.lt: np.less,
    Expression.ge: np.greater_equal,
    Expression.gt: np.greater,
}
_FOLDS: dict[object, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    Expression.add: np.add,
    Expression.sub: np.subtract,
    Expression.mul: np.multiply,
    Expression.min: np.minimum,
    Expression.max: np.maximum,
    Expression.and_: np.logical_and,  # pyright: ignore[reportAttributeAccessIssue]
    Expression.and_then: np.logical_and,
    Expression.or_: np.logical_or,  # pyright: ignore[reportAttributeAccessIssue]
    Expression.or_else: np.logical_or,
}
_DIVIDE: dict[object, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    Expression.fdiv_q: np.floor_divide,
    Expression.div: np.floor_divide,  # exact by ISL's contract
    Expression.pdiv_q: np.floor_divide,  # of a non-negative value by ISL's contract
    Expression.pdiv_r: np.mod,  # likewise
    Expression.zdiv_r: np.mod,  # compared with 0 only
}
_VALUES = {**_COMPARE, **_FOLDS, **_DIVIDE}
_TESTS = {*_COMPARE, Expression.min, Expression.max}
