"""Points of sets as arrays, against ISL's enumeration."""

from __future__ import annotations

import islpy as isl
from enumeration import points
from hypothesis import given
from hypothesis import strategies as st
from isl.strategies import sets

from cmir.isl.points import points_of

DIMS = ["x", "y", "z"]


@given(st.data())
def test_points_in_order(data: st.DataObject) -> None:
    domain = data.draw(sets(DIMS[: data.draw(st.integers(1, 3))], "s"))
    assert [tuple(row) for row in points_of(domain).tolist()] == sorted(points(domain))


def test_the_point_without_coordinates() -> None:
    assert points_of(isl.Set("{ s[] }")).shape == (1, 0)
