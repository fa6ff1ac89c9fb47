"""Unions of many relations or sets, at a cost that is near linear in their number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import islpy as isl
import numpy as np

MOST_COALESCED = 64
"""The most disjuncts that are coalesced at once: ISL compares each of them with each."""

_Union = TypeVar("_Union", isl.Map, isl.Set)


def union(parts: Sequence[_Union]) -> _Union:
    """Return the union of at least one part, coalesced among neighbours.

    Halves are united first. Each disjunct is then copied a logarithmic number of times, and disjuncts of neighbouring
    parts meet while there are few of them.
    """
    if len(parts) == 1:
        return coalesced(parts[0])
    middle = len(parts) // 2
    return coalesced(union(parts[:middle]).union(union(parts[middle:])))


def coalesced(whole: _Union) -> _Union:
    """Return the union with fewer disjuncts where ISL finds some to join; unchanged if it has too many."""
    pieces = whole.n_basic_map() if isinstance(whole, isl.Map) else whole.n_basic_set()
    return whole.coalesce() if 1 < pieces <= MOST_COALESCED else whole


def is_single_valued(relation: isl.Map) -> bool:
    """Return True if no input has two outputs.

    ISL compares each disjunct with each. Here, equal ones count once, and two are compared if the boxes around their
    inputs overlap.
    """
    if relation.n_basic_map() <= MOST_COALESCED:
        return relation.is_single_valued()
    distinct = {str(piece): piece for piece in relation.get_basic_maps()}
    pieces = [isl.Map.from_basic_map(piece) for piece in distinct.values()]
    if not all(piece.is_single_valued() for piece in pieces):
        return False
    low, high = _boxes([piece.domain() for piece in pieces])
    pairs = [
        (one, one + 1 + int(other))
        for one in range(len(pieces))
        for other in np.flatnonzero(
            ((low[one] <= high[one + 1 :]) & (low[one + 1 :] <= high[one])).all(axis=1)
        )
    ]
    if len(pairs) > MOST_COALESCED * len(pieces):  # interleaved pieces; ISL is faster at that
        return relation.is_single_valued()
    return all(pieces[one].union(pieces[other]).is_single_valued() for one, other in pairs)


def _boxes(parts: Sequence[isl.Set]) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and largest coordinates of sets, shape (parts, coordinates); a bound that is missing is far."""
    dims = range(parts[0].dim(isl.dim_type.set))
    low = [[_number(part.dim_min_val(d), -_FAR) for d in dims] for part in parts]
    high = [[_number(part.dim_max_val(d), _FAR) for d in dims] for part in parts]
    return np.array(low, np.float64), np.array(high, np.float64)


_FAR = 2.0**80


def _number(bound: isl.Val, missing: float) -> float:
    """Return a bound as a number; `missing` stands for a bound that is none, or too large for a float."""
    if not bound.is_int():
        return missing
    number = bound.to_python()
    return float(number) if abs(number) < 1 << 53 else missing
