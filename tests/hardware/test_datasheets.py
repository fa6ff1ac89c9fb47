"""Data sheets of the presets: every published figure is met, or the difference is explained."""

from __future__ import annotations

import datasheets
import pytest

from cmir.documentation import datasheets as sheets
from cmir.documentation.datasheets import PUBLISHED, Published, Row, datasheet, figures
from cmir.hardware.description import Hardware, presets

ROWS = [row for name in presets() for row in datasheet(Hardware.load(name)) if row.published]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.preset}-{row.figure}")
def test_figures_are_those_published_or_explained(row: Row) -> None:
    """An explanation is given where it is needed, and nowhere else."""
    assert row.published is not None
    assert row.agrees == (not row.published.because), row
    assert row.published.where


def test_every_published_figure_is_compared() -> None:
    assert [(row.preset, row.figure) for row in ROWS] == [
        (name, figure)
        for name in presets()
        for figure in sheets.UNITS
        if figure in {p.figure for p in PUBLISHED.get(name, ())}
    ]
    assert len(ROWS) == sum(map(len, PUBLISHED.values()))
    assert set(PUBLISHED) == set(presets()) - {"ideal"}


@pytest.mark.parametrize("name", ["isaac", "puma"])
def test_areas_are_within_two_percent(name: str) -> None:
    (row,) = (row for row in ROWS if (row.preset, row.figure) == (name, "mm²"))
    assert abs(row.difference) < 0.02


def test_tile_of_isaac_is_that_of_its_table() -> None:
    """0.372 mm² and, without the rest of the chip, 330 mW at full load (ISCA 2016, table I)."""
    hardware = Hardware.load("isaac")
    chip, area = figures(hardware), hardware.area
    assert area.crossbar and area.adc and area.core and area.router
    assert 96 * (area.crossbar + area.adc) + area.core + area.router == pytest.approx(
        0.372, rel=0.002
    )
    assert (chip["W"] - 10.4) / 168 == pytest.approx(0.330, rel=0.02)


def test_figures_depend_on_what_is_given() -> None:
    """Without sizes, there is no peak; without energies or areas, there are none; conversions can be included."""
    hermes = Hardware.load("hermes")
    assert figures(Hardware.load("ideal")) == {}
    without = figures(hermes.replace(energy__includes=[], area__includes=[]))
    assert set(figures(hermes)) - set(without) == {
        "W", "TOPS/W", "product energy", "mm²", "TOPS/mm²",
    }  # fmt: skip


def test_the_command_prints_all_presets(capsys: pytest.CaptureFixture[str]) -> None:
    assert datasheets.main([]) == 0
    text = capsys.readouterr().out
    assert all(f"\n{name}: " in text for name in presets())
    assert "mm²                 85.42         85.4    +0.0 %  ISCA 2016, table I\n" in text


def test_the_command_fails_at_an_unexplained_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PUBLISHED, "hermes", (Published("TOPS", 20.0, "nowhere"),))
    assert datasheets.main(["hermes"]) == 1
    assert capsys.readouterr().err == "hermes: TOPS differs by more than 5 %, unexplained\n"


def test_an_unknown_preset_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        datasheets.main(["hermess"])
    assert "there is no preset hermess" in capsys.readouterr().err
