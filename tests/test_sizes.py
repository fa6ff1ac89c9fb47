"""Files and functions of the package stay of a size that can be read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import cmir

PACKAGE = Path(cmir.__file__).parent
MOST_LINES_OF_A_FILE = 700
MOST_LINES_OF_A_FUNCTION = 60


def too_long(path: Path, text: str) -> Iterator[str]:
    """What is too long in the source text of a file, as lines that an editor can follow."""
    lines = text.count("\n")
    if lines > MOST_LINES_OF_A_FILE:
        yield f"{path}: {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield f"{path}:{node.lineno}: {node.name}: {lines} lines"


def test_nothing_is_too_long() -> None:
    found = [
        problem
        for path in sorted(PACKAGE.rglob("*.py"))
        for problem in too_long(path, path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_what_is_too_long_is_found() -> None:
    function = "def f():\n" + "    pass\n" * 60
    assert list(too_long(Path("a.py"), function)) == ["a.py:1: f: 61 lines"]
    assert list(too_long(Path("a.py"), "\n" * 701)) == ["a.py: 701 lines"]
    assert list(too_long(Path("a.py"), "\n" * 640 + function.removesuffix("    pass\n"))) == []
