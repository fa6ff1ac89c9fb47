"""Progress of long work, on a terminal only."""

from __future__ import annotations

import sys
import time
from types import TracebackType

_PATIENCE = 0.5
"""Seconds of work before anything is shown."""


class Progress:
    """A line on stderr that says what is going on; nothing where stderr is not a terminal."""

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
        """A pass begins."""
        self._show(f"compiling: {name}")

    def executing(self, done: int, total: int) -> None:
        """Some of the iterations have been executed."""
        self._show(f"executing: {100 * done // total} % of {total} iterations")

    def working(self, text: str) -> None:
        """Show the progress of a pass, in its own words; empty when it is done."""
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
