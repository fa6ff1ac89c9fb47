"""Ties of roundings: numbers so near the border between two integers that errors of floats decide between them.

Where two evaluations of a network round such a number differently, both are right, and all that follows differs. An
evaluation that rounds as another one does at ties, and only there, has results that can be compared.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Guide:
    """The integers to which another evaluation of a model rounds.

    numbers: by node, in a shape that broadcasts to that of the node's result. atol: how far from the border a number
    may be, as a fraction of the largest integer of a tensor.
    """

    numbers: Mapping[str, np.ndarray]
    atol: float


@dataclass
class _Preference:
    numbers: np.ndarray
    atol: float
    exact: bool


_preference: ContextVar[_Preference | None] = ContextVar("_preference", default=None)


@contextmanager
def preferring(numbers: np.ndarray, atol: float, exact: bool = False) -> Generator[None]:
    """Let `settled` prefer these integers at ties.

    exact: True if the numbers to be rounded have no errors. Exactly on a border, the rule for ties then holds.
    """
    token = _preference.set(_Preference(numbers, atol, exact))
    try:
        yield
    finally:
        _preference.reset(token)


def settled(
    quotient: np.ndarray, rounded: np.ndarray, offset: np.ndarray | int = 0, step: int = 1
) -> np.ndarray:
    """Return rounded numbers, at ties the preferred ones.

    quotient: the numbers before they were rounded to the nearest multiple of `step`. offset: what is added to the
    rounded numbers before they are compared with the preferred ones.
    """
    preference = _preference.get()
    if preference is None or not rounded.size:
        return rounded
    try:
        wanted = np.broadcast_to(preference.numbers.astype(np.float64), rounded.shape) - offset
    except ValueError:  # of another tensor: the node has several results
        return rounded
    border = (rounded + wanted) / 2
    tie = tied(quotient, border, rounded, wanted, preference.atol, step)
    if preference.exact:
        tie &= quotient != border
    return np.where(tie, wanted, rounded).astype(rounded.dtype)


def tied(
    numbers: np.ndarray,
    border: np.ndarray,
    rounded: np.ndarray,
    wanted: np.ndarray,
    atol: float,
    step: int = 1,
) -> np.ndarray:
    """Return which numbers are so near the border between two neighbouring results of a rounding that both are right.

    atol: as in `Guide`. step: the distance of neighbours.
    """
    limit = atol * max(1.0, float(np.abs(rounded).max(initial=0.0)))
    with np.errstate(invalid="ignore", over="ignore"):
        return (np.abs(numbers - border) <= limit) & (np.abs(wanted - rounded) == step)
