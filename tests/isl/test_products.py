"""Products of relations, and release relations of products, against brute force."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from unittest.mock import patch

import islpy as isl
from enumeration import Point, pairs, points
from hypothesis import given
from hypothesis import strategies as st
from isl.strategies import sets

from cmir.isl import dependences
from cmir.isl.dependences import allowed_after, last_allowed, maximum
from cmir.isl.inferences import across
from cmir.isl.products import factors, set_factors

ROWS = st.sampled_from([["h"], ["g", "h"]])
SHOWN, LAST = 4, 8
"""The inference whose events are looked at, and the last one."""


def related(points: isl.Set, inputs: int, parameters: int = 0) -> isl.Map:
    """The set `{ [p, i, o] }` as `[p] -> { [i] -> [o] }`."""
    kinds = isl.dim_type.param, isl.dim_type.in_, isl.dim_type.out
    relation = isl.Map.from_range(points).move_dims(kinds[0], 0, kinds[2], 0, parameters)
    return relation.move_dims(kinds[1], 0, kinds[2], 0, inputs)


def at(value: isl.Map, core: int) -> isl.Map:
    value = value.fix_val(isl.dim_type.param, 0, isl.Val(core))
    return value.project_out(isl.dim_type.param, 0, 1)


@given(st.data())
def test_factors(data: st.DataObject) -> None:
    first = related(data.draw(sets(["g", "h", "e"])), 2)
    second = related(data.draw(sets(["p", "w", "c"])), 1, 1)
    whole = first.flat_product(second)
    split = factors(whole, 1)
    assert split is not None
    assert split[0].flat_product(split[1]).is_equal(whole)
    assert maximum(whole).is_equal(maximum(first).flat_product(maximum(second)))


def test_no_factors() -> None:
    assert factors(isl.Map("{ [h, w] -> [h, w] : w <= h < 4 }"), 1) is None
    assert factors(isl.Map("{ [w] -> [w] }"), 1) is None
    assert set_factors(isl.Set("[p] -> { [h, w] : p <= h <= p + 1 and 0 <= w < 4 }")) is None


class Products:
    """Times of rows and columns, and what both need; the columns depend on the core p."""

    def __init__(self, data: st.DataObject, inferences: str = ""):
        dims = data.draw(ROWS)
        self.rows = data.draw(sets(dims))
        self.columns = related(data.draw(sets(["p", "w"])), 0, 1).range()
        in_rows = related(data.draw(sets([*dims, *inferences, "e"])), len(dims))
        in_columns = related(data.draw(sets(["p", "w", "c"])), 1, 1)
        self.in_rows = in_rows.intersect_domain(self.rows)
        self.in_columns = in_columns.intersect_domain(self.columns)
        self.times = self.rows.flat_product(self.columns)

    def needs(self, core: int) -> dict[Point, list[Point]]:
        """What the core needs at each of its times."""
        columns = [w for (w,) in points(at(isl.Map.from_range(self.columns), core).range())]
        found: dict[Point, list[Point]] = {
            (*h, w): [] for h, w in product(points(self.rows), columns)
        }
        for (h, e), ((w,), (c,)) in product(pairs(self.in_rows), pairs(at(self.in_columns, core))):
            found[*h, w].append((*e, c))
        return dict(sorted(found.items()))


def latest(so_far: Point | None, needed: Iterable[Point]) -> Point | None:
    return max([*needed, *([so_far] if so_far is not None else [])], default=None)


@given(st.data())
def test_release_of_a_product(data: st.DataObject) -> None:
    case = Products(data)
    with patch.object(dependences, "_last_with_each", None):
        limits = last_allowed(case.times, case.in_rows.flat_product(case.in_columns))
    for core in range(-4, 11):
        expected: dict[Point, Point] = {}
        event = None
        for time, needed in case.needs(core).items():
            event = latest(event, needed)
            if event is not None:
                expected[event] = time
        assert dict(pairs(at(limits, core))) == expected


@given(st.data())
def test_release_of_a_product_in_the_stream(data: st.DataObject) -> None:
    case = Products(data, "m")
    case.in_rows = case.in_rows.intersect_range(isl.Set("{ [m, e] : -2 <= m <= 0 }"))
    with patch.object(dependences, "_last_with_each", None):
        limits = allowed_after(case.times, across(case.in_rows).flat_product(case.in_columns))
    for core in range(-4, 11):
        expected: dict[Point, Point] = {}
        event = None
        for n in range(LAST + 1):
            for time, needed in case.needs(core).items():
                event = latest(event, ((n + m, *e) for m, *e in needed))
                if event is not None and event[0] == SHOWN:
                    expected[event[1:]] = (n - SHOWN, *time)
        assert dict(pairs(at(limits, core))) == expected
