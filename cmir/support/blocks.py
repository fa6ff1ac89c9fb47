"""Runs of iterations, so that work on arrays takes bounded memory however many iterations there are."""

from __future__ import annotations

from collections.abc import Iterator

LANES_AT_ONCE = 1 << 20
"""The lanes of iterations that are worked on together, at most about: 8 MiB an array of numbers."""


def blocks(first: int, last: int, lanes: int, most: int | None = None) -> Iterator[tuple[int, int]]:
    """Cut iterations first ≤ i < last into runs, from where to where, of at most `most` lanes together,
    or LANES_AT_ONCE.

    lanes: those of one iteration. A run has at least one iteration.
    """
    most = LANES_AT_ONCE if most is None else most
    step = max(1, most // max(1, lanes))
    for start in range(first, last, step):
        yield start, min(last, start + step)
