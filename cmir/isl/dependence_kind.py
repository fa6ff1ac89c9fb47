"""Kinds of dependence between iterations.

A vocabulary and nothing else, so that those who derive dependences, those who run them and those who judge them can
all speak it.
"""

from __future__ import annotations

from enum import StrEnum


class DependenceKind(StrEnum):
    """Reason for which an iteration waits for one of another stage; the value is the keyword in the IR."""

    RAW = "raw"
    """Read after write: a reader waits for data."""

    WAR = "war"
    """Write after read: a writer waits for room, of which the reader's credits tell."""

    @property
    def awaited(self) -> str:
        """Word of reports for what the iteration waits for: `data` or `credit`."""
        return {DependenceKind.RAW: "data", DependenceKind.WAR: "credit"}[self]
