"""Unions of many relations or sets, at a cost that is near linear in their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import islpy as isl

MOST_COALESCED = 64
"""The most disjuncts that are coalesced at once: ISL compares each of them with each."""

_Union = TypeVar("_Union", isl.Map, isl.Set)


def union(parts: Sequence[_Union]) -> _Union:
    """Return the union of at least one part, coalesced among neighbours.

    Halves are united first. Each disjunct is then copied a logarithmic number of times, and disjuncts of neighbouring
    parts meet while there are few of them.
    """
    if len(parts) == 1:
        return _coalesced(parts[0])
    middle = len(parts) // 2
    return _coalesced(union(parts[:middle]).union(union(parts[middle:])))


def _coalesced(whole: _Union) -> _Union:
    pieces = whole.n_basic_map() if isinstance(whole, isl.Map) else whole.n_basic_set()
    return whole.coalesce() if 1 < pieces <= MOST_COALESCED else whole
