"""Progress of long tasks, shown on terminals only."""

from __future__ import annotations

import sys
import time
from threading import Event, Thread
from types import TracebackType

_PATIENCE = 0.5
"""Seconds before progress is shown."""

_PERIOD = 0.1
"""Seconds between updates."""


class Progress:
    """A status line on stderr; nothing if stderr is not a terminal.

    A thread of its own shows the line, also if what it is about says nothing for long.
    """

    def __init__(self):
        self.started = time.monotonic()
        self.text = ""
        self._ended = Event()
        self._thread = Thread(target=self._run, name="progress", daemon=True)
        if sys.stderr.isatty():
            self._thread.start()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def compiling(self, name: str) -> None:
        """Report the start of a pass."""
        self.text = f"compiling: {name}"

    def executing(self, done: int, total: int) -> None:
        """Report the number of executed iterations."""
        self.text = f"executing: {100 * done // total} % of {total} iterations"

    def working(self, text: str) -> None:
        """Show the progress text of a pass; an empty text when it is done."""
        self.text = text

    def _run(self) -> None:
        shown = ""
        self._ended.wait(_PATIENCE)
        while not self._ended.is_set():
            text = self.text and f"{self.text} ({time.monotonic() - self.started:.0f} s)"
            if text != shown:
                _show(text)
                shown = text
            self._ended.wait(_PERIOD)
        if shown:
            _show("")


def _show(text: str) -> None:
    """Show a line, and leave the cursor at its beginning, so that messages overwrite it."""
    print(f"\r{text}\x1b[K\r", end="", file=sys.stderr, flush=True)
