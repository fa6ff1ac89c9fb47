"""What an inference costs, as text and as a table: by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cmir.analysis.energy import Programming
from cmir.analysis.headlines import Headlines
from cmir.analysis.inference_costs import InferenceCosts, LinkUse, Stream
from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.hardware.description import Hardware
from cmir.report.cost_summary import print_costs, run_figures, warn_of_overload, write_json
from cmir.timing.report import CoreReport, RunReport
from cmir.timing.starts import Starts

LINK = LinkUse(((0, 0), (0, 1)), 120, 4)
COSTS = InferenceCosts(
    interval=50,
    energy={"crossbar": 3e-9, "sram": 1e-9},
    energy_missing={"adc": "energy.adc_conversion"},
    area={"core": 2.5},
    area_missing={},
    links=[LINK, LinkUse(((0, 1), (1, 1)), 80, 4)],
    streams=[Stream("inputs", 30, 2)],
    byte_hops=200,
    crossbars=7,
    headlines=Headlines(200, 1000, 4e-7, None, 5e-4, None, None, 0.25, None, None, ()),
)


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_costs(COSTS, 3)
    assert capsys.readouterr().out == (
        "energy of an inference: 4 nJ, without adc (energy.adc_conversion)\n"
        "  crossbar            3 nJ   75.0 %\n"
        "  sram                1 nJ   25.0 %\n"
        "area of the 3 cores in use: 2.5 mm²\n"
        "  core             2.5 mm²  100.0 %\n"
        "busiest link (0, 0) -> (0, 1): 120 bytes an inference, 60.0 % of 4 bytes a cycle\n"
        "inputs: 30 elements an inference, at least 15 cycles at 2 a cycle\n"
    )


@pytest.mark.parametrize(
    ("programming", "text"),
    [
        (Programming(3000, 3e-6, 6.2e-10), "3000 cycles (3e-06 s), 620 pJ"),
        (Programming(3000, None, None), "3000 cycles"),
        (Programming(None, None, 6.2e-10), "620 pJ"),
    ],
)
def test_programming(
    programming: Programming, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_costs(replace(COSTS, programming=programming), 3)
    assert f"programming, once: {text}\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("joules", "text"),
    [
        (2.5, "2.5 J"),
        (1, "1 J"),
        (0.9, "900 mJ"),
        (1.5e-6, "1.5 µJ"),
        (1.23456e-9, "1.235 nJ"),
        (5e-12, "5 pJ"),
        (5e-15, "0.005 pJ"),
        (0, "0 pJ"),
    ],
)
def test_prefixes(joules: float, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_costs(replace(COSTS, energy={"dpu": joules}, energy_missing={}), 3)
    assert capsys.readouterr().out.splitlines()[0] == f"energy of an inference: {text}"


def test_nothing_unknown_counts_as_zero(capsys: pytest.CaptureFixture[str]) -> None:
    unlimited = LinkUse(((0,), (1,)), 9, None)
    missing = {"adc": "energy.adc_conversion", "dpu": "energy.vector_element"}
    costs = replace(COSTS, energy={}, energy_missing=missing, links=[unlimited], streams=[])
    print_costs(costs, 3)
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == (
        "energy of an inference: no figures for adc (energy.adc_conversion), dpu (energy.vector_element)"
    )
    assert last == "busiest link (0) -> (1): 9 bytes an inference, no limit"
    print_costs(replace(costs, links=[]), 3)
    assert capsys.readouterr().out.endswith("busiest link: cores send each other nothing\n")


def test_no_warning_up_to_the_interval(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_overload(replace(COSTS, interval=30))
    assert capsys.readouterr().err == ""


def test_warnings_above_the_interval(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of_overload(replace(COSTS, interval=14))
    assert capsys.readouterr().err.splitlines() == [
        "warning: inputs of 30 elements take 15 cycles an inference at 2 a cycle: the interval of 14 is "
        "not reached",
        "warning: link (0, 0) -> (0, 1) has 120 bytes to carry in an inference, and 1 other link too "
        "much, which take 30 cycles: cores alone would have an interval of 14, which is not reached; other "
        "places of cores, or wider links, would help",
    ]


def core(name: CoreName, *starts: tuple[int, ...]) -> CoreReport:
    return CoreReport(name, len(starts[0]), Starts.of(np.array(starts)), Pace(2), 3, 1, 0)


A0, A1 = CoreName("a", (0,)), CoreName("a", (1,))
REPORT = RunReport([core(A0, (0, 2), (4, 6)), core(A1, (5, 7), (9, 12))], [])


def test_figures_in_seconds_where_there_is_a_clock() -> None:
    ideal = Hardware.load("ideal")
    clocked = replace(ideal, system=replace(ideal.system, clock_hz=1e9))
    sram = {A0: 10, A1: 20}
    table = run_figures(REPORT, COSTS, clocked, sram, cores=2)
    assert table["cycles"] == 15 and table["latency_cycles"] == 10
    assert table["latency_seconds"] == pytest.approx(10e-9)
    assert table["interval_seconds"] == pytest.approx(50e-9)
    assert table["sram_bytes"] == 30 and table["cores"] == 2 and table["inferences"] == 2
    assert table["busiest_link"] == {
        "from": [0, 0],
        "to": [0, 1],
        "bytes_per_inference": 120,
        "bytes_per_cycle": 4,
        "busy_cycles_per_inference": 30,
        "utilisation": 0.6,
    }
    (stream,) = table["streams"]
    assert (stream["cycles_per_inference"], stream["utilisation"]) == (15, 0.3)
    (line,) = table["programs"]
    assert (line["cores"], line["iterations"], line["sram_bytes"]) == (2, 8, 30)
    lines = run_figures(REPORT, COSTS, clocked, sram, cores=2, each=True)["programs"]
    assert [line["name"] for line in lines] == ["a[0]", "a[1]"]
    assert run_figures(REPORT, COSTS, ideal, sram, cores=2)["latency_seconds"] is None
    assert run_figures(REPORT, replace(COSTS, links=[]), ideal, sram, 2)["busiest_link"] is None


def test_json(tmp_path: Path) -> None:
    table = run_figures(REPORT, COSTS, Hardware.load("ideal"), {A0: 1, A1: 2}, cores=2)
    write_json(table, tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")) == table
