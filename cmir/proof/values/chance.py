"""Probability that two different values have one residue (`docs/mathematics.md`, §7, Theorem 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cmir.proof.values.field import P
from cmir.proof.values.parts import INPUT


class Chance(NamedTuple):
    """Bound for the probability that two different values of one kind have one residue: total / P.

    A value is a polynomial in inputs, parameters and entries of tables. Two different polynomials agree in a share of
    degree / P of all points at most (Schwartz 1980, Zippel 1979), unless entries at different places are one and cancel
    in the difference. Take one of its monomials. It stays if none of its entries, at most `power`, is one with another
    entry of the difference. There are 2 · entries − 1 others, and often fewer count: see the methods. The
    assumptions are those of Theorem 7.

    degree: of the polynomial. claim: times 1 / P, the probability that entries cancel. collisions: times 1 / P, the
    probability that two different places of its entries are one residue. power: degree in entries. entries: number of
    entries. tables: set of the tables of which they are entries, as bits. uses: set of the parameters in the value and
    in places below it, as bits, and bit 0 for the input. own: set of parameters of which each monomial has one as a
    factor, or 0. distinct: for an array whose elements have a variable each that occurs in no other, 1 if that is a
    parameter and 2 an entry at one.
    """

    degree: int = 0
    claim: int = 0
    collisions: int = 0
    power: int = 0
    entries: int = 0
    tables: int = 0
    uses: int = 0
    own: int = 0
    distinct: int = 0

    @staticmethod
    def of_parameter(bits: int, distinct: bool = True) -> Chance:
        """Elements of a parameter."""
        return Chance(1, uses=bits, own=bits, distinct=int(distinct))

    @property
    def total(self) -> int:
        """P times the bound. P stands for all that is greater."""
        return min(P, self.degree + self.claim)

    @property
    def is_constant(self) -> bool:
        return self.degree == 0

    @staticmethod
    def of_any(chances: Iterable[Chance]) -> Chance:
        """Greatest of several: that of an array whose elements have these."""
        found = [c for c in dict.fromkeys(chances) if c != ZERO]
        if len(found) == 1:
            return found[0]._replace(distinct=0)
        return _merged(found) if found else ZERO

    def plus(self, other: Chance) -> Chance:
        """Sum of two values.

        One of them may have parameters of its own that do not occur in the other one. A monomial of the difference of
        two sums that has one of these is of that operand alone; if there is none, the difference is that of the other
        operand. So it is with an entry of a table of which the other operand has none. Else entries of both operands
        may have the same factors, and all count.
        """
        if ZERO in (self, other):
            return self if other == ZERO else other
        if other.is_constant or self.is_constant:
            return (self if other.is_constant else other)._replace(own=0)
        chance = _merged((self, other))._replace(entries=min(P, self.entries + other.entries))
        for a, b in ((self, other), (other, self)):
            if (b.own and not b.own & a.uses) or b._is_entry_beside(a):
                return chance
        return chance._spread()

    def times(self, other: Chance) -> Chance:
        """Product of two values.

        A parameter that does not occur in the other operand has that operand as its factor: where the products differ,
        the operands do, or one value of the parameter makes them equal. An entry of a table of which the other operand
        has none has that operand as its factor, too, if it is not one with the entry in the other product. In other
        products, all entries of both operands count.
        """
        if self.is_constant or other.is_constant:
            return other if self.is_constant else self
        a, b = (self, other) if other.entries == 0 else (other, self)
        chance = Chance(
            a.degree + b.degree,
            0,
            max(a.collisions, b.collisions),
            a.power + b.power,
            min(P, a.entries + b.entries),
            a.tables | b.tables,
            a.uses | b.uses,
            b.own or a.own,
        )
        if b.entries == 0 and (b.own or b.distinct) and not a.uses & b.uses:
            distinct = b.distinct or (0 if a.entries else a.distinct)
            return chance._replace(claim=a.claim, distinct=distinct)
        if a._is_entry_beside(b) or b._is_entry_beside(a):
            return chance._replace(claim=min(P, a.claim + b.claim))
        return chance._spread()

    def _is_entry_beside(self, other: Chance) -> bool:
        """Return True for a random entry, or its sum with terms of degree 1, if `other` has none of that table."""
        return self.degree == self.entries == 1 and not self.tables & (other.tables | _FIXED)

    def rounded(self) -> Chance:
        """Product with a residue that is the same for all numbers of a type."""
        return self if self.is_constant else self._replace(degree=self.degree + 1)

    def to_the(self, count: int) -> Chance:
        """Product of so many values."""
        entries = min(P, self.entries * count)
        more = self._replace(degree=self.degree * count, power=self.power * count, entries=entries)
        return more._replace(distinct=0)._spread()

    def summed(self, count: int, separate: bool = False) -> Chance:
        """Sum of so many elements.

        If each has variables of its own, entries of different elements have different factors. These are parameters
        that occur in no other element if the elements are `separate`. A variable that is an
        entry at a parameter is one with none of the others but with a probability of count / P.
        """
        alone = self._replace(distinct=0)
        if count <= 1 or self.is_constant:
            return alone
        alone = alone._replace(entries=min(P, self.entries * count))
        if not self.distinct and not separate:
            return alone._spread()
        return alone._replace(degree=self.degree + (count if self.distinct == 2 else 0))

    def in_table(self, name: str, ways: int = 1, fixed: bool = False) -> Chance:
        """Entry of a table.

        ways: at so many places a table has entries that depend on one another. fixed: the entry at 0, or at another
        constant, is not random.
        """
        places = min(P, ways * self.total)
        return Chance(1, places, places, 1, 1, _bit_of(name) | (_FIXED if fixed else 0), self.uses)

    def converted(self, name: str) -> Chance:
        """Entry of a table; at an element of a parameter, it is as good as another parameter."""
        return self._replace(distinct=2) if self.distinct else self.in_table(name, fixed=True)

    def in_order(self, name: str, count: int, fixed: bool = False) -> Chance:
        """Largest or smallest of so many values that are no constants: h⁻¹ of a sum of entries of h.

        All entries have the coefficient 1, so the sums are different if one of them is one with none of the `count`
        entries of the other sum. Entries at constants either occur in both sums, or one of them takes that part.
        """
        count = max(1, count + (fixed and count > 1))
        sums = Chance(min(1, self.degree), count * self.total, uses=self.uses)
        return sums.in_table(name, fixed=fixed)

    def _spread(self) -> Chance:
        """All entries count, as their parameters may occur elsewhere, and one at a place with a fixed entry."""
        others = 2 * self.entries - (self.entries == 1 or not self.tables & _FIXED)
        others = max(0, others)
        return self._replace(claim=min(P, self.power * others * self.collisions))


ZERO = Chance(own=-1)
"""That of the constant 0, which has no monomials."""

INPUT_CHANCE = Chance(1, uses=INPUT)
"""That of inputs, and of all random residues that are no parameters."""


_FIXED = 1
"""The bit of tables with a fixed entry."""

_BITS: dict[str, int] = {}
"""Tables by name."""


def _bit_of(table: str) -> int:
    return _BITS.setdefault(table, 2 << len(_BITS))


def _merged(chances: Sequence[Chance]) -> Chance:
    """Return the maxima of several."""
    tables = uses = own = 0
    for c in chances:
        tables, uses, own = tables | c.tables, uses | c.uses, own | c.own
    return Chance(
        max(c.degree for c in chances),
        max(c.claim for c in chances),
        max(c.collisions for c in chances),
        max(c.power for c in chances),
        max(c.entries for c in chances),
        tables,
        uses,
        own if all(c.own for c in chances) else 0,
    )
