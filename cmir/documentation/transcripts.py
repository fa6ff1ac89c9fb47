"""Execution of examples in Markdown pages, and comparison with the output shown.

A page is executed from top to bottom:

- a `console` block has commands after `$ ` and, below each, its output;
- an `mlir` or `text` block right below a `console` block is the output of its last command, if that shows none;
- a `pycon` block is a Python session as in `doctest`; the sessions of a page share one namespace.

A line `…` stands for any number of lines, including none. Other blocks are not executed.
"""

from __future__ import annotations

import doctest
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

ELLIPSIS = "…"

_BLOCK = re.compile(
    r"^```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL
)
_OUTPUT = ("mlir", "text")


@dataclass(frozen=True)
class Block:
    """A fenced block. line: number of its first line in the page."""

    language: str
    text: str
    line: int
    below: str | None
    """The language of the preceding block, if only blank lines are in between."""


@dataclass(frozen=True)
class TranscriptStep:
    """A command, its location, and its expected output lines."""

    command: str
    line: int
    expected: Sequence[str]


def blocks(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page, in order."""
    previous: re.Match[str] | None = None
    for match in _BLOCK.finditer(page):
        adjacent = previous is not None and not page[previous.end() : match.start()].strip()
        above = previous["language"] if previous is not None and adjacent else None
        line = page.count("\n", 0, match.start()) + 2
        yield Block(match["language"], match["text"], line, above)
        previous = match


def steps(page: str) -> list[TranscriptStep | Block]:
    """Return the steps of a page in order: commands and Python sessions."""
    found: list[TranscriptStep | Block] = []
    for block in blocks(page):
        if block.language == "console":
            found += _steps_of(block)
        elif block.language == "pycon":
            found.append(block)
        elif block.language in _OUTPUT and block.below == "console":
            last = found[-1]
            if isinstance(last, TranscriptStep) and not last.expected:
                found[-1] = TranscriptStep(last.command, last.line, block.text.splitlines())
    return found


def _steps_of(block: Block) -> Iterator[TranscriptStep]:
    lines = block.text.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield TranscriptStep(
            lines[start].removeprefix("$ "), block.line + start, lines[start + 1 : end]
        )


def matches(printed: Sequence[str], expected: Sequence[str]) -> bool:
    """Return True if the lines match, except for empty lines at the end; a line `…` matches any number of lines."""
    lines = (".*" if e.strip() == ELLIPSIS else re.escape(e.rstrip()) + "\n" for e in expected)
    text = "".join(f"{line.rstrip()}\n" for line in printed).rstrip("\n") + "\n"
    return re.fullmatch("".join(lines) or "\n", text, re.DOTALL) is not None


def check_page(path: Path, folder: Path) -> str | None:
    """Return the first example of a page whose output differs, and the difference; None if all agree.

    folder: the working directory of commands, which they may write to. The tools of this Python come first in the path.
    """
    names: dict[str, object] = {}
    for step in steps(path.read_text(encoding="utf-8")):
        if isinstance(step, TranscriptStep):
            problem = _check_command(path, step, folder)
        else:
            problem = _check_session(path, step, names, folder)
        if problem is not None:
            return problem
    return None


def _check_command(path: Path, step: TranscriptStep, folder: Path) -> str | None:
    search = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    done = subprocess.run(
        step.command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": search},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    where = f"{path}:{step.line}: error: '{step.command}'"
    if done.returncode != 0:
        return f"{where} fails with code {done.returncode}: {done.stderr}"
    if not matches(done.stdout.splitlines(), step.expected):
        return f"{where} prints something else:\n{done.stdout}"
    return None


def _check_session(path: Path, block: Block, names: dict[str, object], folder: Path) -> str | None:
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    parser = doctest.DocTestParser()
    session = parser.get_doctest(block.text, names, path.name, str(path), block.line - 1)
    report = io.StringIO()
    with chdir(folder):
        failed, _ = runner.run(session, out=report.write, clear_globs=False)
    names.update(session.globs)
    return report.getvalue() if failed else None


def workplace(repository: Path, folder: Path) -> Path:
    """Create a folder in which commands find the repository's files without writing into the repository."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in repository.iterdir():
        if not entry.name.startswith(".") and entry.name not in ("build", "site", "__pycache__"):
            (folder / entry.name).symlink_to(entry)
    return folder
