"""Runs of iterations that bound the memory of array operations, however many iterations there are."""

from __future__ import annotations

from collections.abc import Iterator

LANES_AT_ONCE = 1 << 20
"""Approximate limit of the lanes that are processed at a time: 8 MiB per array of numbers."""


def blocks(first: int, last: int, lanes: int, most: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of consecutive runs of iterations first ≤ i < last.

    lanes: lanes per iteration. most: limit of the lanes of a run, LANES_AT_ONCE by default. A run has at least one
    iteration.
    """
    most = LANES_AT_ONCE if most is None else most
    step = max(1, most // max(1, lanes))
    for start in range(first, last, step):
        yield start, min(last, start + step)
