"""The changelog names all modules that have other names now."""

from __future__ import annotations

import re
from pathlib import Path

from cmir.renamed import MODULES

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"


def table() -> dict[str, str]:
    """The new names of modules by old ones, with braces expanded."""
    names: dict[str, str] = {}
    for old, new in re.findall(
        r"^\| `(cmir\.[^`]*)` \| `(cmir\.[^`]*)` \|$", CHANGELOG.read_text("utf-8"), re.M
    ):
        package, brace, modules = old.partition(".{")
        if brace:
            for module in modules.removesuffix("}").split(", "):
                names[f"{package}.{module}"] = f"{new}.{module}"
        else:
            names[old] = new
    return names


def test_renamed_modules() -> None:
    assert MODULES.items() <= table().items()
