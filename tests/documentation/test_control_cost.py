"""The table of docs/control-cost.md has the figures of the benchmark, and those of small networks hold."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from networks import compile_network
from rtl.programs import timed_on

from cmir.rtl.costing import control_cost

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
PASSES = {
    "whole arrays": "",
    "rings": "polyhedral-assign-storage",
    "rings, streamed": "polyhedral-stream-inputs,polyhedral-stream-outputs,polyhedral-assign-storage",
}


def rows() -> list[dict[str, str]]:
    with open(ROOT / "benchmarks" / "control_cost.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_the_page_has_the_figures() -> None:
    page = (ROOT / "docs" / "control-cost.md").read_text(encoding="utf-8")
    lines = [re.findall(r"[^|]+", line) for line in page.splitlines() if line.startswith("| ")]
    shown = {tuple(cell.strip() for cell in line) for line in lines}
    for row in rows():
        counters = f"{row['counter_flip_flops']}, {row['counter_gates']}"
        words = f"{row['words']}, {row['word_flip_flops']}, {row['word_gates']}"
        names = ("network", "buffers", "machine", "units", "flip_flops", "gates", "luts")
        figures = [row[name] for name in (*names, "line_flip_flops")]
        assert (*figures, counters, words) in shown


@pytest.mark.parametrize(
    "row",
    [r for r in rows() if r["network"] == "digits"],
    ids=lambda row: f"{row['buffers']} {row['machine']}",
)
def test_flip_flops_of_digits(row: dict[str, str]) -> None:
    network = compile_network(DIGITS, passes=PASSES[row["buffers"]]).network
    cost = control_cost(timed_on(network, row["machine"]), gates=False)
    bits = {"flip_flops": cost.chip, "line_flip_flops": cost.in_lines}
    bits |= {"counter_flip_flops": cost.in_counters, "word_flip_flops": cost.in_words}
    assert {name: size.state_bits for name, size in bits.items()} == {
        name: int(row[name]) for name in bits
    }
