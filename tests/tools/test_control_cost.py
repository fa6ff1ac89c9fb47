"""cm-run --control-cost: the table, the figures in --json, and the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rtl.programs import needs_yosys

import cmir
from cmir.tools import cm_run

TEXTBOOK = str(Path(__file__).parents[1] / "filecheck" / "textbook.mlir")


def run(*arguments: str) -> int:
    return cm_run.main([TEXTBOOK, "--timing-only", "--quiet", *arguments])


def table_of(printed: str) -> list[list[str]]:
    """The cells of the lines from the head of the table on."""
    lines = printed.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("control unit "))
    return [re.split(r"  +", line) for line in lines[start:]]


def test_without_yosys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    table, page = tmp_path / "run.json", tmp_path / "page"
    assert run("--control-cost", "--json", str(table), "--report", str(page)) == 0
    printed = capsys.readouterr()
    assert "remark: gates and LUTs of control units are not counted: install yosys" in printed.err
    # Two coordinates of 3 bits each, from 0 to 7 and from 0 to 5. The writer gets a credit for each of its 8 iterations
    # at most, counts −8 … 7 or fewer; the reader gets up to 8 events and takes 3 at once at most.
    head, conv1, conv2, words = table_of(printed.out)
    assert head == ["control unit", "units", "walk", "counters", "pace", "flip-flops"]
    assert conv1[:3] == ["conv1", "1", "3"] and conv2[:3] == ["conv2", "1", "3"]
    # The buffer holds 8 elements, each read by 3 iterations.
    assert words[0].endswith("valid bits and counts of their words: 24 flip-flops")
    control = json.loads(table.read_text())["control"]
    bits = [int(row[-1]) for row in (conv1, conv2)]
    assert [unit["state_bits"] for unit in control["units"]] == bits
    assert control["state_bits"] == sum(bits) and control["gates"] is None
    (buffer,) = control["per_word"]["buffers"]
    assert (buffer["words"], buffer["reads"], buffer["state_bits"]) == (8, 3, 24)
    shown = json.loads(
        re.findall(
            r'<script type="application/json" id="run">(.*?)</script>',
            (page / "index.html").read_text(),
        )[0]
    )
    assert shown["control"] == control


@needs_yosys
def test_with_yosys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--control-cost", "--json", str(tmp_path / "run.json")) == 0
    printed = capsys.readouterr()
    assert "yosys" not in printed.err
    head, *units, words = table_of(printed.out)
    assert head[-3:] == ["flip-flops", "gates", "LUTs"]
    control = json.loads((tmp_path / "run.json").read_text())["control"]
    for row, unit in zip(units, control["units"], strict=True):
        assert row[-3:] == [str(unit[name]) for name in ("state_bits", "gates", "luts")]
    figures = control["per_word"]
    text = f"{figures['state_bits']} flip-flops, {figures['gates']} gates, {figures['luts']} LUTs"
    assert words[0].endswith(text)


def test_only_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", str(tmp_path / "run.json")) == 0
    assert "control" not in json.loads((tmp_path / "run.json").read_text())
    assert "control" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--buffer-curve"], "--buffer-curve runs nothing: it has no control for --control-cost"),
        (["--verify"], "--control-cost needs a run, and --verify alone has none"),
    ],
)
def test_needs_a_run(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cm_run.main([TEXTBOOK, *arguments, "--control-cost"]) == 1
    assert message in capsys.readouterr().err


def test_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = cmir.compile(TEXTBOOK, progress=False)
    cost = net.control_cost(gates=False, progress=False)
    page = net.timing().report(tmp_path, control=cost)
    assert '"control":{"state_bits":' in page.read_text()
    assert str(cost).startswith("control logic of 2 units: ")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert net.control_cost(progress=False) == cost
    with pytest.raises(cmir.CompileError, match="gates are counted with Yosys, which is missing"):
        net.control_cost(gates=True, progress=False)
