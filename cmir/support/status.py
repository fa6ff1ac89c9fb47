"""A status line on stderr that never shares a line with messages."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from threading import RLock

_lock = RLock()
_is_shown = False


def show_status(text: str) -> None:
    """Show a text on the terminal's last line, cut to its width; an empty text removes the line."""
    with _lock:
        global _is_shown
        cut = text[: shutil.get_terminal_size().columns - 1]  # a longer line could not be removed
        print(f"\r{cut}\x1b[K\r", end="", file=sys.stderr, flush=True)
        _is_shown = bool(text)


@contextmanager
def without_status() -> Generator[None]:
    """Keep the status line away while a message is printed."""
    with _lock:
        if _is_shown:
            show_status("")
        yield
