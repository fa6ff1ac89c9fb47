"""Costs of loop nests, against counts made by running the loops one step at a time."""

from __future__ import annotations

from collections.abc import Callable

import islpy as isl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from isl.strategies import Accesses, accesses, orders, sets
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Block, Operation, SSAValue

from cmir.isl.ast import SEPARATIONS, Separation, append_loops, cheapest_loops, loops_cost
from cmir.isl.dependences import arrival_order, raw_release
from cmir.isl.nest_cost import NestCost

DIMS = ["x", "y", "z"]


class Counter:
    """Runs a nest; counts what it evaluates."""

    def __init__(self) -> None:
        self.visited: list[tuple[int, ...]] = []
        self.tests = 0
        self.loops = 0

    def run(self, block: Block, values: dict[SSAValue, int]) -> None:
        for op in block.ops:
            match op:
                case arith.ConstantOp(value=IntegerAttr() as value):
                    values[op.result] = value.value.data
                case scf.ForOp():
                    (counter,) = op.body.block.args
                    values[counter] = values[op.lb]
                    self.loops += 1
                    while values[counter] < values[op.ub]:
                        self.run(op.body.block, values)
                        values[counter] += values[op.step]
                        self.loops += 1
                case scf.IfOp():
                    region = op.true_region if values[op.cond] else op.false_region
                    if region.blocks:
                        self.run(region.block, values)
                case scf.YieldOp():
                    pass
                case arith.SelectOp():
                    values[op.result] = values[op.lhs if values[op.cond] else op.rhs]
                case arith.CmpiOp():
                    self.tests += 1
                    a, b = values[op.lhs], values[op.rhs]
                    outcomes = [a == b, a != b, a < b, a <= b, a > b, a >= b]
                    values[op.result] = outcomes[op.predicate.value.data]
                case _:
                    self.tests += isinstance(op, arith.MinSIOp | arith.MaxSIOp)
                    a, b = (values[operand] for operand in op.operands)
                    values[op.results[0]] = BINARY[type(op)](a, b)


BINARY: dict[type[Operation], Callable[[int, int], int]] = {
    arith.AddiOp: lambda a, b: a + b,
    arith.SubiOp: lambda a, b: a - b,
    arith.MuliOp: lambda a, b: a * b,
    arith.FloorDivSIOp: lambda a, b: a // b,
    arith.DivSIOp: lambda a, b: a // b,  # of what is not negative, or divides exactly
    arith.RemSIOp: lambda a, b: a % b,
    arith.MinSIOp: min,
    arith.MaxSIOp: max,
    arith.AndIOp: lambda a, b: a and b,
    arith.OrIOp: lambda a, b: a or b,
}


def check(schedule: isl.Map) -> dict[Separation, NestCost]:
    """The costs of the nests for a schedule, each compared with what its loops do."""
    text = str(schedule)
    costs: dict[Separation, NestCost] = {}
    for separation in SEPARATIONS:
        block = Block()
        # A new object each time: ISL simplifies in place, and may make other loops of one it has worked on.
        node = cheapest_loops(isl.Map(text), separation)
        append_loops(node, lambda builder, at: None, block)
        counter = Counter()
        counter.run(block, {})
        cost = costs[separation] = loops_cost(node)
        assert (counter.loops, counter.tests) == (cost.loops, cost.tests)
    joint, apart = costs["never"], costs["always"]
    best = joint if not joint.tests else min(joint, apart, key=lambda cost: cost.key)
    assert costs["auto"].key == best.key
    return costs


@given(st.data())
def test_schedules(data: st.DataObject) -> None:
    dims = DIMS[: data.draw(st.integers(1, 3))]
    check(data.draw(orders("s", dims, data.draw(sets(dims, "s")))))


@given(accesses())
def test_releases(given: Accesses) -> None:
    release = raw_release(given.write, given.read, given.order_w, given.order_r).relation
    order = arrival_order(given.write, given.order_w)
    check(release.domain_map().apply_range(order).flatten_domain())


@pytest.mark.parametrize("size", [8, 56])
def test_windows_with_borders_have_no_conditions(size: int) -> None:
    """The release of a 3x3 window with a border of 1: rows and columns at the end in loops of their own."""
    last = size - 1
    release = isl.Map(
        f"{{ b[h, w] -> [h - 1, w - 1] : 0 < h <= {last} and 0 < w < {last};"
        f" b[h, {last}] -> [h - 1, {last}] : 0 < h < {last}; b[{last}, {last}] -> [{last}, {last}] }}"
    )
    order = isl.Map("{ b[h, w] -> [h, w] }")
    costs = check(release.domain_map().apply_range(order).flatten_domain())
    assert costs["auto"].tests == costs["always"].tests == 0
    assert costs["never"].tests == last
    assert costs["never"].operations < costs["auto"].operations
