"""cm-new-extension: write a package that extends cmir."""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from cmir.extensions import installed_universe
from cmir.support.diagnostics import CompileError
from cmir.tools.common import run_tool
from cmir.tools.options import CommandParser
from cmir.tools.version import add_version

NAME = "cm-new-extension"

_PLACEHOLDER = "newname"
"""Name of the dialect of the template."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code."""
    options = _parser().parse_args(arguments)
    return run_tool(NAME, lambda: _run(options))


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog=NAME,
        description="Write a package that extends cmir: an operator, a pass, an ONNX importer, and tests of them.",
    )
    parser.add_argument("name", help="name of the new dialect, such as `morphology`")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, help="new folder (default: cmir-NAME)"
    )
    add_version(parser)
    return parser


def _run(options: argparse.Namespace) -> int:
    name: str = options.name
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) is None or keyword.iskeyword(name):
        what = "lower-case letters, digits and `_`, and must be no keyword of Python"
        raise CompileError(NAME, f"the name of a dialect consists of {what}, got `{name}`")
    if name in installed_universe().all_dialects:
        raise CompileError(NAME, f"there is a dialect `{name}` already: choose another name")
    folder: Path = options.output or Path(f"cmir-{name}")
    if folder.exists():
        raise CompileError(folder, "it exists already: give a new folder (-o)")
    _copy(files("cmir") / "templates" / "extension", folder, name)
    print(f"wrote {folder}; next: pip install -e '{folder}[dev]' && lit {folder}/tests")
    return 0


def _copy(source: Traversable, target: Path, name: str) -> None:
    """Copy a file or folder, with the name of the dialect in names of files and in texts."""
    if source.is_dir():
        target.mkdir(parents=True)
        for child in source.iterdir():
            if child.name != "__pycache__":
                _copy(child, target / _renamed(child.name, name), name)
    else:
        target.write_text(_renamed(source.read_text("utf-8"), name), encoding="utf-8")


def _renamed(text: str, name: str) -> str:
    camel = "".join(map(str.capitalize, name.split("_")))
    for old, new in (
        (_PLACEHOLDER, name),
        (_PLACEHOLDER.capitalize(), camel),
        (_PLACEHOLDER.upper(), name.upper()),
    ):
        text = text.replace(old, new)
    return text


if __name__ == "__main__":
    from cmir.tools.entry import enter

    sys.exit(enter(NAME))
