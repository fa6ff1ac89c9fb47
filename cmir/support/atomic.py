"""Output files that appear complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Generator[Path]:
    """
    A temporary file beside `path` that takes its name at the end of the `with` block, or is removed
    when the block raises. What is not a regular file (`/dev/null`, a pipe) is written directly.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve()  # a link stays a link
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename == str(temporary):
            error.filename = str(path)  # the user knows no other
        raise
    finally:
        temporary.unlink(missing_ok=True)
