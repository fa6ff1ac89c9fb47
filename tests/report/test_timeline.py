"""Timelines in a terminal."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.runs import SLOW, residual_block
from rich.console import Console

from cmir.isl.dependence_kind import DependenceKind
from cmir.report.activity import activities
from cmir.report.timeline import column_cycles, print_timeline


def lines(width: int, terminal: bool = False) -> list[str]:
    drawn, out = residual_block(machine=SLOW), StringIO()
    console = Console(
        file=out,
        width=width,
        highlight=False,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
    )
    print_timeline(drawn.compiled.timed.actors, drawn.report, console)
    return out.getvalue().splitlines()


def test_a_column_a_cycle() -> None:
    drawn = residual_block(machine=SLOW)
    found = activities(drawn.compiled.timed.actors, drawn.report)
    _, *rows, legend = lines(drawn.report.cycles + 20)
    assert legend.startswith("A column is a cycle.")
    for activity, row in zip(found, rows, strict=True):
        cells = np.full(drawn.report.cycles, " ")
        kinds = {DependenceKind.RAW: "-", DependenceKind.WAR: "x"}
        for k, (start, wait) in enumerate(zip(activity.start, activity.wait, strict=True)):
            cells[start : start + activity.firing[k]] = str(k // activity.iterations)
            if wait:
                cells[start - wait : start] = kinds[activity.causes[activity.cause[k]].kind]
        name, _, text = row.partition("  ")
        assert name.rstrip() == str(activity.name) and text.strip() == "".join(cells).strip()


def test_narrow() -> None:
    found = lines(60)
    assert max(map(len, found[:-1])) <= 60 and "+" in "".join(found)


def test_colours_only_in_a_terminal() -> None:
    assert "\x1b[" in "".join(lines(80, terminal=True))
    assert "\x1b[" not in "".join(lines(80))


@given(st.integers(1, 10**7), st.integers(10, 200))
def test_column_cycles(cycles: int, columns: int) -> None:
    step = column_cycles(cycles, columns)
    assert step * columns >= cycles and int(str(step)[0]) in (1, 2, 5)
    assert step == 1 or (step // 2.5) * columns < cycles


@pytest.mark.parametrize("machine", ["", SLOW])
def test_time_is_divided_among_states(machine: str) -> None:
    drawn = residual_block(machine=machine)
    cycles = np.arange(drawn.report.cycles + 1)
    for activity in activities(drawn.compiled.timed.actors, drawn.report):
        fired, data, credit = np.diff(activity.until(cycles), axis=1)
        assert set(fired + data + credit) <= {0, 1}
        exact = np.zeros(len(cycles) - 1, np.int64)
        for start, firing in zip(activity.start, activity.firing, strict=True):
            exact[start : start + firing] = 1
        assert fired.tolist() == exact.tolist()
        assert (fired + data + credit).sum() == activity.end
