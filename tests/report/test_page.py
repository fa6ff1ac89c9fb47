"""The figures of a page, and the file that holds them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report.runs import SLOW, Drawn, residual_block

from cmir.report import figures as figures_module
from cmir.report.figures import page_figures
from cmir.report.page import run_page, write_page


def figures_of(drawn: Drawn | None = None) -> dict[str, Any]:
    drawn = drawn or residual_block(machine=SLOW)
    return page_figures(drawn.compiled.timed, drawn.report)


def test_cores() -> None:
    report, data = residual_block(machine=SLOW).report, figures_of()
    for core, found in zip(report.cores, data["cores"], strict=True):
        assert found["name"] == str(core.name)
        by_kind = {"data": 0, "credit": 0}
        for kind, _, _, cycles in found["causes"]:
            by_kind[kind] += cycles
        assert by_kind == {"data": core.data_stalls, "credit": core.credit_stalls}
        stretches = {name: np.array(values) for name, values in found["stretches"].items()}
        assert (stretches["fire"] * stretches["count"]).sum() == core.busy == found["busy"]
        lengths = (stretches["wait"] + stretches["fire"]) * stretches["count"]
        assert lengths.sum() == found["end"]


def test_long_runs_are_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures_module, "MOST_STRETCHES", 0)
    monkeypatch.setattr(figures_module, "LEAST_PARTS", 3)
    monkeypatch.setattr(figures_module, "MOST_PARTS", 0)
    drawn = residual_block((3, 1), 2, machine=SLOW)
    report, data = drawn.report, figures_of(drawn)
    assert len(data["notes"]) == 2 and "3 equal parts" in data["notes"][0]
    summed = 0
    for core, found in zip(report.cores, data["cores"], strict=True):
        if "parts" in found:
            summed += 1
            totals = [sum(found["parts"][name]) for name in ("fire", "data", "credit")]
            assert totals == [core.busy, core.data_stalls, core.credit_stalls]
            assert len(found["parts"]["fire"]) == 3
        else:
            assert len(found["stretches"]["wait"]) <= 3
    assert summed
    for buffer in data["buffers"]:
        assert len(buffer["low"]) == len(buffer["high"]) == 3
        assert max(buffer["high"]) == buffer["most"]


def test_graph_and_layers() -> None:
    data = figures_of()
    boxes = {box["name"]: box["kind"] for box in data["graph"]["boxes"]}
    lines = {(line["from"], line["to"]): line["arrays"] for line in data["graph"]["lines"]}
    stages = [name for name, kind in boxes.items() if kind == "stage"]
    assert stages == [layer["stage"] for layer in data["layers"]]
    assert boxes["input x"] == "input" and lines["input x", "conv1"] == ["x"]
    # conv1 is read by the next convolution, and by the addition at the end, which is part of the last one.
    assert [edge for edge in lines if edge[0] == "conv1"] == [
        ("conv1", "conv2"),
        ("conv1", "conv3"),
    ]
    assert [edge for edge in lines if edge[1].startswith("output")] == [
        ("conv3", next(name for name, kind in boxes.items() if kind == "output"))
    ]
    assert all(layer["interval"] == 3 for layer in data["layers"])
    assert data["chip"] is None


class _Resources(HTMLParser):
    """What a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        for name, value in attrs:
            fetches = name in ("src", "srcset", "data", "action") or (tag, name) == ("link", "href")
            if fetches and not (value or "").startswith("data:"):
                self.found.append(f"{tag} {name}={value}")


def test_file(tmp_path: Path) -> None:
    drawn = residual_block(machine=SLOW)
    title = "</script><b>& 'x'"
    write_page(drawn.compiled.timed, drawn.report, title, tmp_path / "a" / "b")
    text = (tmp_path / "a" / "b" / "index.html").read_text(encoding="utf-8")
    parser = _Resources()
    parser.feed(text)
    assert parser.found == [] and parser.scripts == 2
    assert "<b>" not in text and "{{" not in text
    (data,) = re.findall(r'id="run">(.*?)</script>', text, re.S)
    assert json.loads(data)["cycles"] == drawn.report.cycles
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_figures_are_not_markup() -> None:
    data = {**figures_of(), "hardware": "</script><!--"}
    text = run_page(data, "title")
    (found,) = re.findall(r'id="run">(.*?)</script>', text, re.S)
    assert "<" not in found and json.loads(found)["hardware"] == "</script><!--"
