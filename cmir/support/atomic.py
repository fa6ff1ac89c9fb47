"""Output files that appear complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

from cmir.support.interruption import at_interruption, shielded


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """
    A temporary file beside `path` that takes its name at the end of the `with` block, or is removed
    when the block raises. What is not a regular file (`/dev/null`, a pipe) is written directly.
    """
    with atomic_paths() as temporary_for:
        yield temporary_for(path)


@contextmanager
def atomic_paths() -> Iterator[Callable[[str | os.PathLike[str]], Path]]:
    """
    A function that takes a path and gives a temporary file for it, like `atomic_path`. All of them take their names at
    the end of the `with` block, also if a signal interrupts the process there.
    """
    temporaries: dict[Path, Path] = {}

    def temporary_for(path: str | os.PathLike[str]) -> Path:
        path = Path(path)
        if path.exists() and not path.is_file():
            return path
        path = path.resolve()  # a link stays a link
        temporaries[path] = path.with_name(name_beside(path.name, f"{os.getpid()}.tmp"))
        return temporaries[path]

    def remove() -> None:
        for temporary in list(temporaries.values()):
            temporary.unlink(missing_ok=True)

    try:
        with at_interruption(remove):
            yield temporary_for
            with shielded():
                for path, temporary in temporaries.items():
                    os.replace(temporary, path)
    except OSError as error:
        for path, temporary in temporaries.items():
            if error.filename == str(temporary):
                error.filename = str(path)  # the user knows no other
        raise
    finally:
        remove()


def name_beside(name: str, ending: str) -> str:
    """Return the name of a hidden file that belongs to the file `name`, short enough for any file system."""
    return f".{crc32(os.fsencode(name)):08x}.{ending}"
