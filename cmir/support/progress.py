"""Progress of long tasks, shown on terminals only."""

from __future__ import annotations

import sys
import time
from threading import Event, Thread
from types import TracebackType

from cmir.support.status import show_status

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

    def working(self, text: str, fraction: float | None = None) -> None:
        """Show a text, and a bar of the fraction that is done, if it is known; an empty text for nothing."""
        self.text = text if fraction is None else f"{_bar(fraction)} {text}"

    def _run(self) -> None:
        shown = ""
        self._ended.wait(_PATIENCE)
        while not self._ended.is_set():
            text = self.text and f"{self.text} ({time.monotonic() - self.started:.0f} s)"
            if text != shown:
                show_status(text)
                shown = text
            self._ended.wait(_PERIOD)
        if shown:
            show_status("")


_WIDTH = 20
"""Characters of a bar."""


def _bar(fraction: float) -> str:
    filled = int(_WIDTH * min(fraction, 1.0))
    return "█" * filled + "░" * (_WIDTH - filled)
