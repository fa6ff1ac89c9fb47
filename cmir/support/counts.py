"""Numbers of things in messages."""

from __future__ import annotations


def count_of(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number and its noun: `1 core`, `2 cores`, `2 copies`. plural: by default, the noun and an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
