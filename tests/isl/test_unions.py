"""Unions of many parts, and budgets for reading texts."""

from __future__ import annotations

from functools import reduce
from itertools import combinations

import islpy as isl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmir.isl import text, unions
from cmir.isl.points import box_points
from cmir.isl.text import IslError, read_map, read_set
from cmir.isl.unions import is_single_valued, union

INTERVALS = st.lists(
    st.tuples(st.integers(-9, 9), st.integers(0, 5), st.integers(-2, 2)), min_size=1, max_size=150
)


@settings(max_examples=30)
@given(INTERVALS)
def test_union_is_that_of_isl(intervals: list[tuple[int, int, int]]) -> None:
    parts = [read_map(f"{{ [i] -> [i + {d}] : {a} <= i <= {a + n} }}") for a, n, d in intervals]
    assert union(parts).is_equal(reduce(isl.Map.union, parts))
    domains = [part.domain() for part in parts]
    assert union(domains).is_equal(reduce(isl.Set.union, domains))


def test_neighbours_are_coalesced_even_where_there_are_many() -> None:
    parts = [read_set(f"{{ [i] : {2 * i} <= i <= {2 * i + 1} }}") for i in range(1000)]
    assert union(parts).n_basic_set() <= 2


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 4))
def test_boxes_hold_the_points(height: int, width: int, step: int) -> None:
    points = read_set(
        f"{{ [h, w] : 0 <= h < {height} and 0 <= w < {width} and (h + w) mod {step} = 0 }}"
    )
    assert points.count_val().to_python() <= box_points(points) <= height * width
    if step == 1:
        assert box_points(points) == height * width


def test_parts_without_bounds_have_no_box() -> None:
    assert box_points(read_set("{ [i] : 0 <= i }")) == 0
    assert box_points(read_set("[p] -> { s[i] : 0 <= p < 3 and (0 <= i < 4 or i > 9) }")) == 12
    assert box_points(read_set("{ s[i] : false }")) == 0


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("coalesced_at_once", [2, 10**6])
def test_values_of_many_pieces(
    step: int, shift: int, coalesced_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of two columns and `step` columns apart: overlapping ones disagree if they are shifted."""
    monkeypatch.setattr(unions, "MOST_COALESCED", coalesced_at_once)
    pieces = [
        f"[i, j] -> [i + {shift * n}, j] : {step * n} <= i < {step * n + 2} and j > i"
        for n in range(9)
    ]
    relation = read_map(f"{{ {'; '.join(pieces)} }}")
    assert relation.n_basic_map() == 9 or not shift
    assert is_single_valued(relation) == (step > 1 or not shift)


def test_a_piece_with_two_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unions, "MOST_COALESCED", 1)
    relation = read_map("{ [i] -> [j] : 0 <= i < 4 and 0 <= j < 2; [i] -> [0] : 5 <= i < 9 }")
    assert not is_single_valued(relation)


def distinct(count: int) -> str:
    """Points whose coordinates all differ: count! orders, each a piece."""
    names = [f"x{i}" for i in range(count)]
    inside = " and ".join(f"0 <= {name} < {count}" for name in names)
    apart = " and ".join(f"{a} != {b}" for a, b in combinations(names, 2))
    return f"{{ s[{', '.join(names)}] : {inside} and {apart} }}"


def test_a_text_with_too_many_pieces_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MOST_OPERATIONS", 100_000)
    with pytest.raises(IslError, match="has too many pieces: ISL needs more than 100000 operat"):
        read_set(distinct(14))
    assert read_set(distinct(3)).count_val().to_python() == 6
    with pytest.raises(IslError, match=r"ill-formed set .* syntax error"):
        read_set("{ s[i] : 0 <= i < }")
