"""Pareto front of a sweep: the rows that no other row dominates.

A row dominates another one if it is no worse in any of some figures, and better in one. All figures are costs: less is
better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, Where
from cmir.support.similar import did_you_mean
from cmir.sweeps.point import COLUMNS, TEXTS

DEFAULT = ("interval", "latency", "energy", "crossbars")
"""Figures of a front, unless others are chosen. Energy is left out if no row has it."""

_SHORT = {
    "interval": ("interval_seconds", "interval_cycles"),
    "latency": ("latency_seconds", "latency_cycles"),
    "energy": ("energy_joules",),
    "area": ("area_mm2",),
    "sram": ("sram_bytes",),
}
"""Columns by short name: the first one that some row has is meant."""

FIGURES = (*_SHORT, *(column for column in COLUMNS if column not in TEXTS))
"""Names of figures of which a front can be: columns with numbers, and short names for some of them."""


@dataclass(frozen=True)
class Front:
    """The front of some rows, and what it was chosen from.

    columns: the figures. values: those of the rows that have all of them, shape (rows, columns). on_front: True for
    rows that no other row dominates. rows: the rows of `values`. left_out: number of rows without one of the figures.
    """

    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, Any]]
    values: np.ndarray
    on_front: np.ndarray
    left_out: int

    @property
    def best(self) -> list[Mapping[str, Any]]:
        """The rows of the front, by their figures, the first one first."""
        order = np.lexsort(self.values.T[::-1])
        return [self.rows[k] for k in order if self.on_front[k]]

    @property
    def summary(self) -> str:
        """The figures, and the number of rows on the front."""
        figures = ", ".join(self.columns)
        text = f"front of {figures}: {len(self.best)} of {count_of(len(self.rows), 'point')}"
        return f"{text}, and {self.left_out} without these figures" if self.left_out else text


def check_figures(figures: Iterable[str], where: Where) -> None:
    """Raise CompileError for a name that is no figure, and for one that is given twice. where: for the message."""
    seen: set[str] = set()
    for name in figures:
        if name not in FIGURES:
            hint = did_you_mean(name, FIGURES, "``")
            known = "" if hint else f"; there are {', '.join(FIGURES)}"
            raise CompileError(where, f"no figure is called `{name}`{hint or known}")
        if name in seen:
            raise CompileError(where, f"the figure `{name}` is given twice")
        seen.add(name)


def front_of(
    rows: Iterable[Mapping[str, Any]], figures: Sequence[str] = (), where: Where = None
) -> Front:
    """Return the front of the rows of a sweep. Failed rows, and those that lack a figure, are not on it.

    figures: columns, or short names for some (`FIGURES`); by default `DEFAULT`. Raises CompileError for figures that
    are none, or that no row has, and if all rows have failed.
    """
    check_figures(figures, where)
    done = [row for row in rows if row["status"] == "ok"]
    if not done:
        raise CompileError(where, "there is no front: no point has succeeded")
    columns = [_column(name, done) for name in figures or DEFAULT]
    if figures and None in columns:
        name = figures[columns.index(None)]
        raise CompileError(
            where, f"no point has the figure `{name}`; the column `missing` says why"
        )
    found = tuple(dict.fromkeys(column for column in columns if column is not None))
    whole = [row for row in done if all(row.get(column) is not None for column in found)]
    if not whole:
        raise CompileError(where, f"no point has all of the figures {', '.join(found)}")
    values = np.array([[row[column] for column in found] for row in whole], np.float64)
    return Front(found, whole, values, undominated(values), len(done) - len(whole))


def _column(name: str, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the column that a figure means; None if no row has it."""
    for column in _SHORT.get(name, (name,)):
        if any(row.get(column) is not None for row in rows):
            return column
    return None


def undominated(values: np.ndarray) -> np.ndarray:
    """Return True for each row that no other one dominates. values: shape (rows, figures).

    A row that dominates another one comes before it in lexicographic order, and so does one of the front, which then
    dominates it, too. So each row is compared with the front of those before it.
    """
    front = np.empty((0, values.shape[1]))
    found = np.zeros(len(values), bool)
    for k in np.lexsort(values.T[::-1]):
        no_worse = front[(front <= values[k]).all(axis=1)]
        found[k] = not (no_worse < values[k]).any()
        if found[k]:
            front = np.vstack([front, values[k]])
    return found
