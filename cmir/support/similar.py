"""Hints at names that a user may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_CUTOFF = 0.65
"""Similarity of names from which one is suggested, between 0 and 1."""


def did_you_mean(name: str, known: Iterable[str], quotes: str = "''", prefix: str = "") -> str:
    """Return `; did you mean 'x'?` for the most similar of the known names, or an empty text if none is similar.

    quotes: the characters around the name. prefix: stands before the name.
    """
    names = list(known)
    similar = difflib.get_close_matches(name, names, n=1, cutoff=_CUTOFF)
    if not similar:
        others = {each.lower(): each for each in reversed(names)}
        similar = [others[x] for x in difflib.get_close_matches(name.lower(), others, 1, _CUTOFF)]
    return f"; did you mean {quotes[0]}{prefix}{similar[0]}{quotes[1]}?" if similar else ""
