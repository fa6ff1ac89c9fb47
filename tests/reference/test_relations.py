"""The reference machine's evaluator of relations, against ISL's enumeration."""

from __future__ import annotations

import islpy as isl
import numpy as np
import pytest
from enumeration import Point, pairs
from hypothesis import given
from hypothesis import strategies as st
from isl.strategies import orders, sets

from cmir.reference.relations import IntegerRelation, RelationError

BOX = range(-8, 9)
"""The coordinates of the points that are tried."""


def images(text: str, rank: int, **parameters: int) -> dict[Point, Point]:
    """The image of each point of the box that has one."""
    axes = np.ix_(*(np.array(BOX) for _ in range(rank)))
    outputs, defined = IntegerRelation(text, parameters).image(*axes)
    shape = (len(BOX),) * rank
    where = np.argwhere(np.broadcast_to(defined, shape))
    columns = [np.broadcast_to(x, shape) for x in outputs]
    return {
        tuple(int(BOX[i]) for i in at): tuple(int(x[tuple(at)]) for x in columns) for at in where
    }


def in_box(relation: isl.Map) -> dict[Point, Point]:
    """The same, by ISL."""
    bounds = relation.domain()
    for d in range(bounds.dim(isl.dim_type.set)):
        bounds = bounds.lower_bound_val(isl.dim_type.set, d, isl.Val(BOX[0]))
        bounds = bounds.upper_bound_val(isl.dim_type.set, d, isl.Val(BOX[-1]))
    return dict(pairs(relation.intersect_domain(bounds)))


@given(st.data())
def test_functions_of_points(data: st.DataObject) -> None:
    """Affine, tiled and skewed functions on unions of polyhedra and lattices, forwards and backwards."""
    domain = data.draw(sets(["i", "j"], "S"))
    order = data.draw(orders("S", ["i", "j"], domain))
    assert images(str(order), 2) == in_box(order)
    back = order.reverse().project_out(isl.dim_type.in_, 2, order.dim(isl.dim_type.out) - 2)
    if back.is_single_valued():
        assert images(str(back), 2) == in_box(back)


@given(st.integers(1, 7), st.integers(1, 5), st.integers(-3, 3).filter(bool), st.integers(-9, 9))
def test_rings(rows: int, height: int, sign: int, shift: int) -> None:
    relation = isl.Map(
        f"{{ b[n, h] -> slot[o] : 0 <= o < {rows} and ({height}n + {sign}h + {shift} + o) mod {rows} = 0 }}"
    )
    assert images(str(relation), 2) == in_box(relation)


@given(st.integers(2, 4), st.integers(2, 4), st.integers(-2, 2))
def test_existential_variables(a: int, b: int, shift: int) -> None:
    """Variables that no equality determines, and that have bounds only together."""
    text = (
        f"{{ [x, y] -> [x + y] : exists (p, q : {a}p <= x <= {a}p + 1 and "
        f"x - {b} <= p + q <= y + {shift} and {b}q <= y + x <= {b}q + 1) }}"
    )
    assert images(text, 2) == in_box(isl.Map(text))


def test_parameters() -> None:
    text = "[p1, p0] -> { a[x] -> b[p0, 2x + p1] : 0 <= x < p0 }"
    assert images(text, 1, p0=3, p1=5) == {(x,): (3, 2 * x + 5) for x in range(3)}
    with pytest.raises(RelationError, match="the parameter p1 has no value"):
        IntegerRelation(text, {"p0": 1})


def test_no_function() -> None:
    with pytest.raises(RelationError, match="a point is related to two"):
        images("{ [x] -> [y] : x <= y <= x + 1 }", 1)
    with pytest.raises(RelationError, match="has no bounds"):
        images("{ [x] -> [y] : y >= x }", 1)
