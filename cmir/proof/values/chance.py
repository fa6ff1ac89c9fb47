"""How likely it is that values that differ look equal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Chance(NamedTuple):
    """How likely two values that are made in different ways are one residue: (degree + collisions) / P at most.

    degree: of the value as a polynomial of parameters, inputs and entries of tables, of which two different ones agree
    in a share of degree / P of all points (Schwartz 1980, Zippel 1979). collisions: by how likely the operands of the
    tables on the way to it were one residue already.
    """

    degree: int = 0
    collisions: int = 0

    @property
    def total(self) -> int:
        return self.degree + self.collisions

    @staticmethod
    def of_any(chances: Iterable[Chance]) -> Chance:
        """The greatest of several."""
        pairs = list(chances) or [Chance()]
        return Chance(max(c.degree for c in pairs), max(c.collisions for c in pairs))

    def times(self, other: Chance) -> Chance:
        """Of a product."""
        return Chance(self.degree + other.degree, max(self.collisions, other.collisions))

    def in_table(self, count: int = 1) -> Chance:
        """Of an entry of a table, or of one at a place that other tables give; that of a constant is one."""
        return Chance(1, self.total + count - 1) if self.total else self
