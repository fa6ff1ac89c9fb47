"""Kinds of dependence between iterations.

This module holds the vocabulary alone, so that the code that derives dependences, the code that runs them and the code
that checks them can share it.
"""

from __future__ import annotations

from enum import StrEnum


class DependenceKind(StrEnum):
    """Reason why an iteration waits for an iteration of another stage; the value is the keyword in the IR."""

    RAW = "raw"
    """Read after write: a reader waits for data."""

    WAR = "war"
    """Write after read: a writer waits for room, which the reader's credits announce."""

    @property
    def awaited(self) -> str:
        """Word used in reports for what the iteration waits for: `data` or `credit`."""
        return {DependenceKind.RAW: "data", DependenceKind.WAR: "credit"}[self]
