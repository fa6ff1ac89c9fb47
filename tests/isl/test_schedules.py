"""Changes of schedules, against orders of points made in Python."""

from __future__ import annotations

from collections.abc import Callable

import islpy as isl
import pytest
from enumeration import Point, pairs
from hypothesis import given
from hypothesis import strategies as st

from cmir.isl.dependences import identity_schedule
from cmir.isl.schedules import interchange, reschedule, reverse, schedule_problem, tile

DOMAIN = isl.Set("{ s[h, w] : 0 <= h < 7 and 2 <= w < 7 and h + w < 11 }")
IDENTITY = identity_schedule(DOMAIN)


def in_time(schedule: isl.Map) -> list[Point]:
    return [point for point, _ in sorted(pairs(schedule), key=lambda pair: pair[1])]


def sorted_by(key: Callable[[Point], Point]) -> list[Point]:
    return sorted((point for point, _ in pairs(IDENTITY)), key=key)


def test_interchange() -> None:
    assert in_time(reschedule(IDENTITY, interchange([1, 0]))) == sorted_by(lambda p: (p[1], p[0]))


@given(st.integers(0, 8), st.integers(0, 8))
def test_tile(h: int, w: int) -> None:
    def key(p: Point) -> Point:
        return (*(x // size for x, size in zip(p, (h, w), strict=True) if size), *p)

    assert in_time(reschedule(IDENTITY, tile([h, w]))) == sorted_by(key)


@pytest.mark.parametrize("dims", [[0], [1], [0, 1]])
def test_reverse(dims: list[int]) -> None:
    schedule = reschedule(IDENTITY, reverse(IDENTITY, dims))
    backwards = [-1 if d in dims else 1 for d in range(2)]
    assert in_time(schedule) == sorted_by(lambda p: (backwards[0] * p[0], backwards[1] * p[1]))
    for dim in range(2):  # the times have the bounds they had
        assert schedule.range().dim_min_val(dim) == DOMAIN.dim_min_val(dim)
        assert schedule.range().dim_max_val(dim) == DOMAIN.dim_max_val(dim)


def test_changes_compose() -> None:
    """Tiles of a transposed, reversed order."""
    schedule = reschedule(IDENTITY, interchange([1, 0]))
    schedule = reschedule(schedule, reverse(schedule, [0]))
    schedule = reschedule(schedule, tile([2, 3]))
    assert in_time(schedule) == sorted_by(lambda p: ((8 - p[1]) // 2, p[0] // 3, 8 - p[1], p[0]))
    assert schedule_problem(DOMAIN, schedule) is None


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("{ s[h, w] -> [w, h] : h < 6 }", "no time to iteration s[6, 2]"),
        ("{ s[h, w] -> [w, h, k] : 0 <= k <= 1 and k <= h }", "iteration s[1, 2] two times"),
        ("{ s[h, w] -> [h, w mod 4] }", "iterations s[0, 2] and s[0, 6] the same time"),
    ],
)
def test_what_is_no_schedule(schedule: str, problem: str) -> None:
    assert schedule_problem(DOMAIN, isl.Map(schedule)) == f"gives {problem}"
