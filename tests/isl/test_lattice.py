"""Points found variable by variable, against ISL's own enumeration."""

from __future__ import annotations

from unittest.mock import patch

import islpy as isl
import pytest
from enumeration import pairs, points
from hypothesis import given
from hypothesis import strategies as st
from isl.strategies import Accesses, accesses, orders, sets

from cmir.isl import IslError, lattice
from cmir.isl.lattice import lattice_pairs, lattice_points


@given(st.data())
def test_points_of_sets(data: st.DataObject) -> None:
    dims = ["x", "y", "z"][: data.draw(st.integers(1, 3))]
    drawn = data.draw(sets(dims, "s"))
    found = [tuple(point) for point in lattice_points(drawn).tolist()]
    assert found == sorted(points(drawn))


@given(st.data())
def test_points_of_schedules(data: st.DataObject) -> None:
    dims = ["x", "y"]
    schedule = data.draw(orders("s", dims, data.draw(sets(dims, "s"))))
    inputs, outputs = lattice_pairs(schedule)
    found = zip(map(tuple, inputs.tolist()), map(tuple, outputs.tolist()), strict=True)
    assert list(found) == sorted(pairs(schedule))


@given(accesses())
def test_pairs_of_quantified_accesses(case: Accesses) -> None:
    needs = case.read.apply_range(case.write.reverse())
    inputs, outputs = lattice_pairs(needs)
    found = zip(map(tuple, inputs.tolist()), map(tuple, outputs.tolist()), strict=True)
    assert list(found) == sorted(pairs(needs))


@pytest.mark.parametrize(
    "text",
    [
        "{ [x, y] : 0 <= x < 20 and y = floor((3*floor((4x + 1)/3) + 2)/5) }",
        "{ [x, y] : exists (e : 2e = x + y) and 0 <= x <= 5 and 0 <= y <= 5 }",
        "{ [x] : exists (a, b : 0 <= a < 3 and 0 <= b < 3 and x = 3a + 7b) }",
        "{ [x, y] : x - 2y >= -3 and x + y <= 4 and 3x + 2y >= -5 and y >= -2 }",
        # y has no lower bound but from a division; its upper bounds count all the same.
        "{ [x, y] : 0 <= x <= 4 and y <= 2 and y < x and 2*floor((x + y)/2) >= x }",
        "{ [] : }",
        "{ [x] : false }",
        "{ [x] : 1 <= 3x <= 2 }",
    ],
)
def test_points_of(text: str) -> None:
    expected = sorted(points(isl.Set(text)))
    assert [tuple(point) for point in lattice_points(isl.Set(text)).tolist()] == expected


def test_sets_without_bounds_or_with_too_many_points_are_refused() -> None:
    with pytest.raises(IslError, match="for lack of bounds"):
        lattice_points(isl.Set("{ [x, y] : x >= 0 and 0 <= y < 4 }"))
    with (
        patch.object(lattice, "MOST_TUPLES", 99),
        pytest.raises(IslError, match="more than 99 points"),
    ):
        lattice_points(isl.Set("{ [x, y] : 0 <= x < 10 and 0 <= y < 10 }"))
