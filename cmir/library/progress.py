"""Progress of long work: a callback of the user, a line on a terminal, or an output of a notebook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

ProgressCallback = Callable[[str], None]
"""Called with a text that says what is being done: `compiling: PASS`, `executing: 40 % of 9216 iterations`."""


@contextmanager
def shown(progress: ProgressCallback | bool) -> Generator[ProgressCallback]:
    """Yield the function to report progress to.

    progress: a callback; True for a line that changes, on a terminal or in a notebook; False for nothing.
    """
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda _: None
    elif (display := _notebook_display()) is not None:
        yield from _in_notebook(display)
    else:
        from cmir.support.progress import Progress

        with Progress() as line:
            yield line.working


def _notebook_display() -> Any | None:
    """Return IPython's `display` in a notebook, None elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or type(shell).__name__ != "ZMQInteractiveShell":
        return None
    from IPython.display import display  # pyright: ignore[reportMissingImports]

    return display


def _in_notebook(display: Any) -> Generator[ProgressCallback]:
    handle = display({"text/plain": ""}, raw=True, display_id=True)

    def show(text: str) -> None:
        handle.update({"text/plain": text}, raw=True)

    try:
        yield show
    finally:
        show("")
