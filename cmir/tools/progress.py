"""Progress of long tasks, shown on terminals only."""

from __future__ import annotations

import sys
import time
from types import TracebackType

_PATIENCE = 0.5
"""Seconds before progress is shown."""


class Progress:
    """A status line on stderr; nothing if stderr is not a terminal."""

    def __init__(self):
        self.started = time.monotonic()
        self.shown = 0.0
        self.visible = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._erase()

    def compiling(self, name: str) -> None:
        """Report the start of a pass."""
        self._show(f"compiling: {name}")

    def executing(self, done: int, total: int) -> None:
        """Report the number of executed iterations."""
        self._show(f"executing: {100 * done // total} % of {total} iterations")

    def working(self, text: str) -> None:
        """Show the progress text of a pass; an empty text when it is done."""
        if text:
            self._show(text)
        else:
            self._erase()

    def _erase(self) -> None:
        if self.shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _show(self, text: str) -> None:
        now = time.monotonic()
        if self.visible and now - self.started > _PATIENCE and now - self.shown > 0.1:
            self.shown = now
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
