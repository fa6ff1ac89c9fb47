"""Reports know the nodes of an ONNX model by their names, also through IR with locations."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from cmir.support.origins import middle_cut, tells_more
from cmir.tools.cm_opt import main as cm_opt
from cmir.tools.cm_run import main as cm_run
from cmir.tools.cm_translate import main as cm_translate

MODEL = """
<ir_version: 8, opset_import: ["" : 17]>
net (float[1,1,8] x) => (float[1,1,4] y)
<float[1,1,3] w = {1, 2, 3}>
{
  a = Conv(x, w)
  b = Relu(a)
  y = Conv(b, w)
}
"""
FIRST = "/encoder/layers.0/conv"
LAST = "/head/a_name_that_is_much_too_long_to_be_shown_in_a_table/conv"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    proto = onnx.parser.parse_model(MODEL)
    for node, name in zip(proto.graph.node, (FIRST, "/encoder/layers.0/act", LAST), strict=True):
        node.name = name
    onnx.save(proto, path)
    return path


def test_table_and_json(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "out.json"
    arguments = ["--timing-only", "--hardware", "puma", "--json", str(table)]
    assert cm_run([str(model), *arguments]) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[-1] for line in printed.splitlines() if line}
    assert rows["conv1"] == FIRST
    assert rows["conv2"] == "/head/a_name_that_is…own_in_a_table/conv"
    assert len(rows["conv2"]) == 40
    assert f"what binds: conv1 ({FIRST}): " in printed
    figures = json.loads(table.read_text())
    nodes = {program["name"]: program["node"] for program in figures["programs"]}
    assert (nodes["conv1"], nodes["conv2"]) == (FIRST, LAST)
    assert figures["binds"]["node"] == FIRST


def test_names_survive_in_ir_with_locations(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = tmp_path / "a.mlir", tmp_path / "b.mlir"
    assert cm_translate(["--import-onnx", str(model), "-o", str(a), "--print-debuginfo"]) == 0
    assert cm_opt([str(a), "-p", "nn-to-polyhedral", "--print-debuginfo", "-o", str(b)]) == 0
    capsys.readouterr()
    assert cm_run([str(b), "--timing-only"]) == 0
    assert FIRST in capsys.readouterr().out
    assert cm_translate(["--import-onnx", str(model), "-o", str(a)]) == 0
    assert cm_run([str(a), "--timing-only"]) == 0
    assert "node" not in capsys.readouterr().out


def test_dependences(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = ["--relation-to-svg", str(model), "-o", str(tmp_path / "out.svg"), "--dependence"]
    for names in (f"{FIRST}:{LAST}", f"conv1:{LAST}", "conv1:conv2", FIRST):
        assert cm_translate([*draw, names]) == 0
    capsys.readouterr()
    assert cm_translate([*draw, f"{LAST}:{FIRST}"]) == 1
    assert (
        f"there are: conv1:conv2:encoder_layers_0_act ({FIRST} -> {LAST})"
        in capsys.readouterr().err
    )


def test_errors(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = tmp_path / "small.toml"
    small.write_text("[core]\nsram_bytes = 8\n")
    assert cm_run([str(model), "--timing-only", "--hardware", str(small)]) == 1
    assert f"net.onnx: node '{FIRST}' (Conv): error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("node", "name", "more"),
    [
        ("conv1", "conv1", False),
        ("conv2", "conv2_partial", False),
        ("pool", "max_pool1", True),
        (None, "a", False),
    ],
)
def test_names_that_tell_more(node: str | None, name: str, more: bool) -> None:
    assert tells_more(node, name) == more


def test_names_are_cut_in_the_middle() -> None:
    assert middle_cut("abcdefg", 7) == "abcdefg"
    assert middle_cut("abcdefgh", 7) == "abc…fgh"
    assert middle_cut("abcdefgh", 6) == "abc…gh"
