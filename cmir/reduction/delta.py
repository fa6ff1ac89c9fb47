"""Delta debugging: the search for a small subset that still fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, pairwise
from typing import TypeVar

_T = TypeVar("_T")


def minimize(items: Sequence[_T], fails: Callable[[Sequence[_T]], bool]) -> list[_T]:
    """Return a subset that fails, in order, from which no single item can be removed.

    `fails(items)` must be True. This is `ddmin` (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing
    Input, 2002), which tries ever smaller parts and their complements.
    """
    found, parts = list(items), 2
    while len(found) > 1:
        pieces = _pieces(found, parts)
        if (piece := next((p for p in pieces if fails(p)), None)) is not None:
            found, parts = piece, 2
            continue
        rests = ([*chain(*pieces[:i], *pieces[i + 1 :])] for i in range(len(pieces)))
        rest = None if parts == 2 else next((r for r in rests if fails(r)), None)
        if rest is not None:
            found, parts = rest, max(2, parts - 1)
        elif parts >= len(found):
            break
        else:
            parts = min(len(found), 2 * parts)
    if len(found) == 1 and fails([]):
        return []
    return found


def _pieces(items: list[_T], parts: int) -> list[list[_T]]:
    size, more = divmod(len(items), parts)
    ends = [0]
    for index in range(parts):
        ends.append(ends[-1] + size + (index < more))
    return [items[a:b] for a, b in pairwise(ends)]
