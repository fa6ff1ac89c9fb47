"""Plots: what is drawn is the run, and the same run gives the same file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from report.runs import SLOW, residual_block

from cmir.report import plot
from cmir.report.activity import activities
from cmir.report.plot import COLOURS, timeline_figure, write_plot

STREAMED = "polyhedral-stream-inputs"


def areas(columns: int, monkeypatch: pytest.MonkeyPatch, passes: str = "") -> dict[str, float]:
    """Cycles of each colour, by the area of what is drawn."""
    monkeypatch.setattr(plot, "COLUMNS", columns)
    drawn = residual_block(machine=SLOW, passes=passes)
    timed = drawn.compiled.timed
    found = activities(timed.actors, drawn.report)
    (axes,) = timeline_figure(found, drawn.report.cycles, timed.control_units).axes
    total = dict.fromkeys(COLOURS.values(), 0.0)
    for bars in axes.collections:
        assert isinstance(bars, PolyCollection)
        boxes = [path.get_extents() for path in bars.get_paths()]
        colour = to_hex(tuple(np.asarray(bars.get_facecolor())[0])).upper() if boxes else ""
        for box in boxes:
            total[colour] += box.width * box.height / 0.8
    return total


@pytest.mark.parametrize("columns", [10**6, 50])
def test_areas_are_cycles(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    report = residual_block(machine=SLOW).report
    even, odd, data, credit, held = areas(columns, monkeypatch).values()
    assert held == 0
    one = sum(core.iterations * core.pace.step for core in report.cores)
    expected = [
        2 * one,
        one,
        *(sum(c) for c in zip(*((c.data_stalls, c.credit_stalls) for c in report.cores))),
    ]
    rounding = 0 if columns > report.cycles else 0.005 * report.cycles * len(report.cores)
    # Cycles, not data. Where columns are fewer, each core's bars may be half a percent off.
    assert np.allclose([even, odd, data, credit], expected, atol=max(rounding, 1e-6), rtol=0)


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
def test_same_file(tmp_path: Path, suffix: str) -> None:
    drawn = residual_block()
    files = [tmp_path / f"{name}{suffix}" for name in ("one", "other")]
    for file in files:
        write_plot(drawn.compiled.timed, drawn.report, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(files[0].read_bytes()) > 1000


def test_control_unit_that_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is grey: inputs are ahead, which is no alarm."""
    drawn = residual_block(machine=SLOW, passes=STREAMED)
    (unit,) = drawn.compiled.timed.control_units
    *_, credit, held = areas(10**6, monkeypatch, STREAMED).values()
    stalls = {core.name: core.credit_stalls for core in drawn.report.cores}
    assert np.isclose(held, stalls[unit]) and held > 0
    assert np.isclose(credit, sum(stalls.values()) - held)
