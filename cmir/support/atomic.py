"""Output files that appear complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

from cmir.support.interruption import at_interruption, shielded


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Generator[Path]:
    """Yield a temporary file beside `path` that is renamed to `path` at the end of the `with` block.

    It is removed if the block raises. Paths other than regular files (`/dev/null`, a pipe) are written directly.
    """
    with atomic_paths() as temporary_for:
        yield temporary_for(path)


@contextmanager
def atomic_paths() -> Generator[Callable[[str | os.PathLike[str]], Path]]:
    """Yield a function that returns a temporary file for a path, as `atomic_path` does.

    All files are renamed at the end of the `with` block, also if a signal interrupts the process there.
    """
    temporaries: dict[Path, Path] = {}

    def temporary_for(path: str | os.PathLike[str]) -> Path:
        path = Path(path)
        if path.exists() and not path.is_file():
            return path
        path = path.resolve()  # keep a symbolic link and replace its target
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
                error.filename = str(path)  # the user does not know the temporary name
        raise
    finally:
        remove()


def name_beside(name: str, ending: str) -> str:
    """Return the name of a hidden file that belongs to the file `name`, short enough for any file system."""
    return f".{crc32(os.fsencode(name)):08x}.{ending}"
