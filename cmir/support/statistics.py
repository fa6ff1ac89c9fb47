"""Counts of what passes do, for `cm-opt --pass-statistics`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_counts: ContextVar[Counter[str] | None] = ContextVar("counts", default=None)


def tally(what: str, number: int = 1) -> None:
    """Add to a count of the pass that runs, such as "stages"; without anyone who collects counts, do nothing.

    A number of 0 makes the count appear, as 0.
    """
    counts = _counts.get()
    if counts is not None:
        counts[what] += number


@contextmanager
def collect_counts() -> Generator[Counter[str]]:
    """Collect what is counted inside the `with` block, in the order in which it is first counted."""
    counts = Counter[str]()
    token = _counts.set(counts)
    try:
        yield counts
    finally:
        _counts.reset(token)
