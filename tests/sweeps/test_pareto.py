"""Pareto fronts: those of the definition, of rows as sweeps have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.support.diagnostics import CompileError
from cmir.sweeps.pareto import DEFAULT, FIGURES, front_of, undominated
from cmir.sweeps.point import COLUMNS


def dominates(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """The definition: no worse in any figure, and better in one."""
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(
        x < y for x, y in zip(a, b, strict=True)
    )


@st.composite
def points(draw: st.DrawFn) -> list[tuple[float, ...]]:
    """Points of one to four figures, with many equal ones."""
    figures = draw(st.integers(1, 4))
    value = st.integers(0, 4) | st.sampled_from([0.5, 1e-9, 1e9])
    return draw(st.lists(st.tuples(*[value] * figures), min_size=1, max_size=40))


@given(points())
def test_the_front_is_that_of_the_definition(found: list[tuple[float, ...]]) -> None:
    expected = [not any(dominates(other, point) for other in found) for point in found]
    assert undominated(np.array(found, np.float64)).tolist() == expected


def row(**figures: Any) -> dict[str, Any]:
    return {**dict.fromkeys(COLUMNS), "status": "ok", **figures}


def test_rows_of_the_front_are_ordered_by_its_figures() -> None:
    rows = [
        row(interval_cycles=4.0, crossbars=1, name="small"),
        row(interval_cycles=2.0, crossbars=3, name="dominated"),
        row(interval_cycles=1.0, crossbars=3, name="fast"),
        row(interval_cycles=2.0, crossbars=2, name="one"),
        row(interval_cycles=2.0, crossbars=2, name="other"),
        row(interval_cycles=0.5, name="unknown"),
        row(interval_cycles=0.1, crossbars=0, status="failed", name="failed"),
    ]
    front = front_of(rows, ["interval", "crossbars"])
    assert front.columns == ("interval_cycles", "crossbars")
    assert [row["name"] for row in front.best] == ["fast", "one", "other", "small"]
    assert front.summary == (
        "front of interval_cycles, crossbars: 4 of 5 points, and 1 without these figures"
    )


def test_default_figures_are_those_that_rows_have() -> None:
    """Seconds rather than cycles, which another clock makes longer."""
    fast = row(interval_cycles=9.0, interval_seconds=1.0, latency_cycles=9, crossbars=2)
    slow = row(interval_cycles=8.0, interval_seconds=2.0, latency_cycles=9, crossbars=2)
    front = front_of([fast, slow])
    assert front.columns == ("interval_seconds", "latency_cycles", "crossbars")
    assert front.best == [fast]
    assert "energy_joules" in front_of([row(**dict.fromkeys(COLUMNS[2:], 1))]).columns
    assert set(DEFAULT) <= set(FIGURES)


@pytest.mark.parametrize(
    ("figures", "rows", "message"),
    [
        (["intervall"], [row()], "no figure is called `intervall`; did you mean `interval`"),
        (["x1y"], [row()], "no figure is called `x1y`; there are interval, latency, energy,"),
        (["status"], [row()], "no figure is called `status`"),
        (["area", "area"], [row()], "the figure `area` is given twice"),
        (["area"], [row(cores=1)], "no point has the figure `area`; the column `missing` says why"),
        (["area", "cores"], [row(area_mm2=1), row(cores=1)], "no point has all of the figures"),
        ([], [row(status="failed")], "there is no front: no point has succeeded"),
        ([], [], "there is no front: no point has succeeded"),
    ],
)
def test_fronts_that_there_are_not(
    figures: list[str], rows: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(CompileError, match=message):
        front_of(rows, figures, "cm-sweep")
