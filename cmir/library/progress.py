"""Progress of long work: a callback of the user, a bar on a terminal, or a bar in the output of a notebook."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Protocol

from cmir.support.counts import count_of

ProgressCallback = Callable[[str, float | None], None]
"""Called with a text and the fraction that is done, None if that is unknown.

`compiling: nn-outline-stages`, None; `executing: 40 of 100 inferences`, 0.4.
"""

_PERIOD = 0.1
"""Seconds between updates in a notebook."""


class Show(Protocol):
    """A function that reports progress, as a ProgressCallback does."""

    def __call__(self, text: str, fraction: float | None = None) -> None: ...


def executing(show: Show) -> Callable[[float, int | None], None]:
    """Return a function that reports how many inferences of how many have been executed."""

    def executed(done: float, total: int | None) -> None:
        if total is None:
            show(f"executing: {count_of(int(done), 'inference')}")
        else:
            of_all = count_of(total, "inference")
            show(f"executing: {int(done)} of {of_all}", done / total)

    return executed


@contextmanager
def shown(progress: ProgressCallback | bool) -> Generator[Show]:
    """Yield the function to report progress to.

    progress: a callback; True for a bar on a terminal or in a notebook; False for nothing.
    """
    if callable(progress):
        yield lambda text, fraction=None: progress(text, fraction)
    elif not progress:
        yield lambda text, fraction=None: None
    elif (display := _notebook_display()) is not None:
        yield from _in_notebook(display)
    else:
        from cmir.support.progress import Progress

        with Progress() as line:
            yield line.working


def _notebook_display() -> Callable[..., Any] | None:
    """Return IPython's `display` in a notebook, None elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if getattr(shell, "kernel", None) is None:  # a terminal has no kernel
        return None
    from IPython.display import display  # pyright: ignore[reportMissingImports]

    return display


def _in_notebook(display: Callable[..., Any]) -> Generator[Show]:
    handle = display(_output("", None), raw=True, display_id=True)
    last = 0.0

    def show(text: str, fraction: float | None = None) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= _PERIOD:
            handle.update(_output(text, fraction), raw=True)
            last = now

    try:
        yield show
    finally:
        handle.update(_output("", None), raw=True)


def _output(text: str, fraction: float | None) -> dict[str, str]:
    """Return an output of a notebook as a MIME bundle: a bar and a text, or nothing for an empty text."""
    value = "" if fraction is None else f' value="{fraction:.3f}"'
    bar = f"<progress{value}></progress> {html.escape(text)}" if text else ""
    return {"text/plain": text, "text/html": bar}
