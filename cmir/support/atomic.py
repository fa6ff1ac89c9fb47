"""Output files that appear complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Generator[Path]:
    """Yield a temporary file beside `path` that is renamed to `path` at the end of the `with` block.

    It is removed if the block raises. Paths other than regular files (`/dev/null`, a pipe) are written directly.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        yield path
        return
    path = path.resolve()  # keep a symbolic link and replace its target
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename == str(temporary):
            error.filename = str(path)  # the user does not know the temporary name
        raise
    finally:
        temporary.unlink(missing_ok=True)
