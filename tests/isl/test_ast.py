"""Generated loops, evaluated, against the points of the schedules they come from."""

from __future__ import annotations

from typing import get_args
from unittest.mock import patch

import islpy as isl
import numpy as np
import pytest
from enumeration import Point, pairs
from hypothesis import given
from hypothesis import strategies as st
from isl.strategies import orders, sets
from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Region

from cmir.dialects.cmcore import FireOp, LoopNestOp
from cmir.isl import IslError, ast
from cmir.isl.ast import Separation, cheapest_loops, visit_in_order
from cmir.isl.visits import in_order, visits

DIMS = ["x", "y", "z"]


def visited(schedule: isl.Map, separation: Separation) -> list[Point]:
    """The points that the loops visit, in their order."""
    block = Block()
    visit_in_order(schedule, lambda builder, at: builder.insert(FireOp(at)), block, separation)
    nest = LoopNestOp(Region(block))
    nest.verify(verify_nested_ops=True)
    found = in_order(visits(nest.body, FireOp), lambda op: op.operands)
    return [tuple(row) for row in found.tolist()]


def in_time(schedule: isl.Map) -> list[Point]:
    return [point for point, _ in sorted(pairs(schedule), key=lambda pair: pair[1])]


@pytest.mark.parametrize("separation", get_args(Separation))
@given(st.data())
def test_loops_visit_all_points_in_order(separation: Separation, data: st.DataObject) -> None:
    dims = DIMS[: data.draw(st.integers(1, 3))]
    schedule = data.draw(orders("s", dims, data.draw(sets(dims, "s"))))
    assert visited(schedule, separation) == in_time(schedule)


@given(st.data())
def test_loops_found_from_points(data: st.DataObject) -> None:
    dims = DIMS[: data.draw(st.integers(1, 3))]
    schedule = data.draw(orders("s", dims, data.draw(sets(dims, "s"))))
    with patch.object(ast, "within_budget", lambda *_: None):
        assert visited(schedule, "auto") == in_time(schedule)


@pytest.mark.parametrize("separation", get_args(Separation))
@given(st.data())
def test_schedules_with_dependent_coordinates(separation: Separation, data: st.DataObject) -> None:
    """As in automata, where the point is an event and its limit, and only the event has a time."""
    release = isl.Map.from_domain_and_range(data.draw(sets(["x"])), data.draw(sets(["y", "z"])))
    tie = isl.Map("{ [x] -> [y, z] : y <= 2 x and z mod 2 = 0 }")
    release = release.intersect(tie).lexmax()
    times = isl.Map(data.draw(st.sampled_from(["{ [x] -> [x] }", "{ [x] -> [-x] }"])))
    tiles = isl.Map("{ [x] -> [floor(x/3), x] }")
    order = data.draw(st.sampled_from([times, tiles]))
    schedule = release.domain_map().apply_range(order).flatten_domain()
    schedule = schedule.set_tuple_name(isl.dim_type.in_, "release")
    assert visited(schedule, separation) == in_time(schedule)


@pytest.mark.parametrize("separation", get_args(Separation))
def test_nothing_and_one_point(separation: Separation) -> None:
    assert visited(isl.Map("{ s[x] -> [x] : false }"), separation) == []
    assert visited(isl.Map("{ s[] -> [] }"), separation) == [()]
    assert visited(isl.Map("{ s[x, y] -> [y, x] : x = 3 and y = 2 }"), separation) == [(3, 2)]


def test_weights_come_first_and_once() -> None:
    block = Block()
    schedule = isl.Map("{ s[x, y] -> [x, y] : 0 <= x < 8 and 0 <= y < 8 }")
    visit_in_order(schedule, lambda builder, at: builder.insert(FireOp(at)), block)
    found = [op.value for op in block.walk() if isinstance(op, ConstantOp)]
    assert len(found) == len(set(found)) == 3
    assert all(isinstance(op, ConstantOp) for op in list(block.ops)[:3])


@pytest.mark.parametrize("separation", get_args(Separation))
@pytest.mark.parametrize(
    "schedule",
    [
        # The bound of a loop is one in terms of its own iterator.
        "{ s[x = 0, y, z] -> [0, y, z] : 0 <= y <= 6 and 0 <= z <= 4 and ((-1 + y + z) mod 3 = 0 "
        "or (z mod 3 = 0 and 2 <= y <= 5 and 0 < z <= 3)) }",
        # A condition is `… || 1`.
        "{ s[x, y, z = 1] -> [y, 1, x] : (1 + x + y) mod 2 = 0 and 0 <= x <= 1 and 0 <= y <= 3; "
        "s[x = 0, y, z] -> [y, z, 0] : (-1 + y - z) mod 3 = 0 and 0 <= y <= 4 and 0 <= z <= 2 }",
    ],
)
def test_schedules_that_isl_makes_odd_loops_for(schedule: str, separation: Separation) -> None:
    assert visited(isl.Map(schedule), separation) == in_time(isl.Map(schedule))


@pytest.mark.parametrize("separation", get_args(Separation))
def test_loops_that_miss_points_are_replaced(separation: Separation) -> None:
    """ISL's generator leaves out s[0, 1, 2]; the loops are found from the points then."""
    schedule = isl.Map(
        "{ s[x, y, z] -> [y, z, x] : (2 + x - 2y + 3z) mod 6 = 0 and 0 <= x <= 1 and "
        "0 <= y <= 3 and 0 <= z <= 2; s[x = 0, y = 0, z = 0] -> [0, 0, 0] }"
    )
    with pytest.raises(IslError, match="loops that miss points"):
        cheapest_loops(schedule, separation)
    assert visited(schedule, separation) == in_time(schedule)


@pytest.mark.parametrize("separation", get_args(Separation))
def test_points_that_isl_visits_twice_are_one_statement(separation: Separation) -> None:
    """On each of three cores. ISL's loops over disjoint pieces visit seven points, of six."""
    schedule = isl.Map(
        "[q0] -> { [0, i, w] -> [q0, i] : 3w = -q0 + i and (-q0 - 2i) mod 6 = 0 and 0 <= q0 <= 2 and i >= q0 and "
        "0 <= i <= 6 and 7*floor((-3 - q0 + 2i)/7) <= -5 - q0 + 2i and 12*floor((-3 - q0 + 2i)/7) <= -6 - 5q0 + 2i; "
        "[0, i, w = 2] -> [q0, i] : exists (e: (-q0 + i) mod 3 = 0 and 0 <= q0 <= 2 and 0 <= i <= 6 and "
        "-4 + i <= e <= 2 and e <= -2 + i and 24*floor((-1 + q0 - e)/3) >= 36 + 8q0 - 11i - 24e) }"
    )
    cores = isl.Set("[q0] -> { : 0 <= q0 <= 2 }")
    block = Block(arg_types=[IndexType()])
    emit = lambda builder, at: builder.insert(FireOp(at))  # noqa: E731
    visit_in_order(schedule, emit, block, separation, cores=cores)
    region = Region(block)
    for core in range(3):
        found = visits(region, FireOp, np.array([[core]]))
        rows = in_order(found, lambda op: op.operands).tolist() if found else []
        own = schedule.fix_val(isl.dim_type.param, 0, isl.Val(core)).project_out_all_params()
        assert [tuple(row) for row in rows] == in_time(own)
