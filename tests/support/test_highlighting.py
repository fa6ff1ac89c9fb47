"""The lexers understand all the IR there is, and tell its parts from each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Error, Keyword, Name, Number, Operator, String

from cmir.support.highlighting import IslLexer, MlirLexer, colored
from cmir.tools.cm_opt import main

ROOT = Path(__file__).parents[2]
SOURCES = [
    *sorted((ROOT / "tests" / "filecheck").rglob("*.mlir")),
    *sorted((ROOT / "examples").rglob("*.mlir")),
]
LOSSLESS = {"stripnl": False, "ensurenl": False}
TEXT = "func.func @f(%a: i32) {\n  func.return\n}\n"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_an_error(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tokens = list(MlirLexer(**LOSSLESS).get_tokens(text))
    assert "".join(value for _, value in tokens) == text
    errors = {value for kind, value in tokens if kind in Error}
    assert errors == set()


def test_other_text_is_an_error() -> None:
    assert (Error, "`") in MlirLexer().get_tokens("func.func `f`")
    assert (Error, '"') in IslLexer().get_tokens('{ "a" }')


def test_kinds_of_tokens() -> None:
    text = (
        '%x#1 = polyhedral.read @b #polyhedral.map<"{ [conv[w] -> lane[k]] -> b[w mod 2] : w >= 0 }">'
        ' pad 0xff800000 : vector<1x3xf32> "arith.addi"() {a = "text", b = !my.type, c = -1.5e-3} index.add'
    )
    tokens = list(MlirLexer().get_tokens(text))
    for expected in (
        (Name.Variable, "%x#1"),
        (Keyword, "polyhedral.read"),
        (Name.Function, "@b"),
        (Name.Attribute, "#polyhedral.map"),
        (Name.Function, "conv"),
        (Name.Builtin, "mod"),
        (Operator, ">="),
        (Number.Hex, "0xff800000"),
        (Keyword.Type, "vector"),
        (Number.Integer, "1x3x"),
        (Keyword.Type, "f32"),
        (Keyword, '"arith.addi"'),
        (String, '"text"'),
        (Keyword.Type, "!my.type"),
        (Number.Float, "1.5e-3"),
        (Keyword, "index.add"),
    ):
        assert expected in tokens


def test_pygments_finds_the_lexers() -> None:
    assert type(get_lexer_by_name("mlir")).__name__ == MlirLexer.__name__
    assert type(get_lexer_for_filename("a.mlir")).__name__ == MlirLexer.__name__
    assert type(get_lexer_by_name("isl")).__name__ == IslLexer.__name__


def without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_colours_change_nothing_else() -> None:
    shown = colored(f"\n{TEXT}\n")
    assert "\x1b[" in shown
    assert without_colours(shown) == f"\n{TEXT}\n"


@pytest.mark.parametrize(
    ("choice", "terminal", "no_color", "coloured"),
    [
        ([], True, False, True),
        ([], True, True, False),
        ([], False, False, False),
        (["--color=always"], False, False, True),
        (["--color=never"], True, False, False),
        (["--color=always", "-t", "riscv-asm"], False, False, False),
    ],
)
def test_cm_opt(
    choice: list[str],
    terminal: bool,
    no_color: bool,
    coloured: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, output = tmp_path / "in.mlir", tmp_path / "out.mlir"
    source.write_text(TEXT if "riscv-asm" not in choice else "")
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    assert main([str(source), *choice]) == 0
    shown = capsys.readouterr().out
    assert ("\x1b[" in shown) == coloured
    assert main([str(source), *choice, "-o", str(output)]) == 0
    assert output.read_text() == without_colours(shown)
