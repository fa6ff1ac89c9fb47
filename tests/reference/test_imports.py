"""The reference machine shares no code with what it checks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import cmir.reference

FILES = sorted(Path(cmir.reference.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_imports(path: Path) -> None:
    """Of cmir, only operations of the dialects; none of their mathematics."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not any(name.name.startswith("cmir") for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module, names = node.module or "", {alias.name for alias in node.names}
            if module.startswith("cmir.dialects"):
                assert all(name.endswith("Op") or name == "symbol" for name in names)
            elif module.startswith("cmir"):
                assert module.startswith("cmir.reference")
