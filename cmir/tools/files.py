"""The files of a command: no output may overwrite an input, or another output."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from cmir.support.diagnostics import CompileError

_Path = str | os.PathLike[str] | None


def file_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file. Raises CompileError for one without a name, such as `/` or an empty text."""
    if not Path(path).name:
        raise CompileError(Path(path), "it is a directory; give a file")
    return Path(path)


def check_outputs(inputs: Iterable[_Path], outputs: Iterable[_Path]) -> None:
    """Raise CompileError if two outputs are the same file, one is an input, or one has no name. None is no file.

    What is not a regular file (`/dev/null`, a pipe) can be several of them.
    """
    read = [Path(path) for path in inputs if path is not None]
    written: list[Path] = []
    for output in (file_path(path) for path in outputs if path is not None):
        if os.path.exists(output) and not os.path.isfile(output):
            continue
        if any(_same(output, other) for other in read):
            raise CompileError(output, "the output would overwrite an input; give another file")
        if any(_same(output, other) for other in written):
            raise CompileError(output, "two outputs need a file each")
        written.append(output)


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them is not there
        return os.path.realpath(one) == os.path.realpath(other)
