"""Probability that two different values have the same residue (`docs/mathematics.md`, §7, Theorem 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cmir.proof.values.field import P
from cmir.proof.values.parts import INPUT


class Chance(NamedTuple):
    """Bound for the probability that two different values of one kind have the same residue: total / P.

    A value is a polynomial in inputs, parameters and table entries. Two different polynomials agree in at most a
    fraction degree / P of all points (Schwartz 1980, Zippel 1979), unless entries at different places coincide and
    cancel in the difference. Consider a monomial of the difference. It remains if none of its entries, of which there
    are at most `power`, coincides with another entry of the difference. There are 2 · entries − 1 other entries, and
    often fewer count (see the methods). The assumptions are those of Theorem 7.

    degree: of the polynomial. claim: times 1 / P, the probability that entries cancel. collisions: times 1 / P, the
    probability that two different places of its entries have the same residue. power: degree in entries. entries:
    number of entries. tables: the tables of these entries, as a bit set. uses: the parameters in the value and in
    places below it, as a bit set, with bit 0 for the input. own: a bit set of parameters such that each monomial has
    one of them as a factor, or 0. distinct: for an array each of whose elements has a variable that occurs in no other
    element: 1 if the variables are parameters, 2 if they are entries at parameters.
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
        """Return the bound for elements of a parameter."""
        return Chance(1, uses=bits, own=bits, distinct=int(distinct))

    @property
    def total(self) -> int:
        """P times the bound, at most P."""
        return min(P, self.degree + self.claim)

    @property
    def is_constant(self) -> bool:
        return self.degree == 0

    @staticmethod
    def of_any(chances: Iterable[Chance]) -> Chance:
        """Return the maximum of several bounds: the bound of an array whose elements have these."""
        found = [c for c in dict.fromkeys(chances) if c != ZERO]
        if len(found) == 1:
            return found[0]._replace(distinct=0)
        return _merged(found) if found else ZERO

    def plus(self, other: Chance) -> Chance:
        """Return the bound for the sum of two values.

        An operand may have parameters that do not occur in the other one. A monomial of the difference of two sums that
        has one of these parameters comes from that operand alone; if there is no such monomial, the difference is that
        of the other operand. The same holds for an entry of a table of which the other operand has no entry. Otherwise
        entries of both operands may have the same factors, and all count.
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
        """Return the bound for the product of two values.

        A parameter that does not occur in the other operand has that operand as its factor: if the products differ, the
        operands differ, or one value of the parameter makes them equal. An entry of a table of which the other operand
        has no entry has that operand as its factor, too, unless it coincides with the entry in the other product. In
        other products, all entries of both operands count.
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
        """Return True for a random entry, or its sum with terms of degree 1, if `other` has no entry of that table."""
        return self.degree == self.entries == 1 and not self.tables & (other.tables | _FIXED)

    def rounded(self) -> Chance:
        """Return the bound for the product with a residue that is the same for all numbers of a type."""
        return self if self.is_constant else self._replace(degree=self.degree + 1)

    def to_the(self, count: int) -> Chance:
        """Return the bound for the product of `count` values."""
        entries = min(P, self.entries * count)
        more = self._replace(degree=self.degree * count, power=self.power * count, entries=entries)
        return more._replace(distinct=0)._spread()

    def summed(self, count: int, separate: bool = False) -> Chance:
        """Return the bound for the sum of `count` elements.

        If each element has its own variables, entries of different elements have different factors. The variables are
        parameters that occur in no other element if the elements are `separate`. A variable that is an entry at a
        parameter coincides with one of the others with a probability of at most count / P.
        """
        alone = self._replace(distinct=0)
        if count <= 1 or self.is_constant:
            return alone
        alone = alone._replace(entries=min(P, self.entries * count))
        if not self.distinct and not separate:
            return alone._spread()
        return alone._replace(degree=self.degree + (count if self.distinct == 2 else 0))

    def in_table(self, name: str, ways: int = 1, fixed: bool = False) -> Chance:
        """Return the bound for an entry of a table.

        ways: number of places at which the table has entries that depend on one another. fixed: True if the entry at 0,
        or at another constant, is not random.
        """
        places = min(P, ways * self.total)
        return Chance(1, places, places, 1, 1, _bit_of(name) | (_FIXED if fixed else 0), self.uses)

    def converted(self, name: str) -> Chance:
        """Return the bound for an entry of a table. At an element of a parameter, it equals a new parameter."""
        return self._replace(distinct=2) if self.distinct else self.in_table(name, fixed=True)

    def in_order(self, name: str, count: int, fixed: bool = False) -> Chance:
        """Return the bound for the maximum or minimum of `count` non-constant values: h⁻¹ of a sum of entries of h.

        All entries have the coefficient 1, so the sums differ if one entry coincides with none of the `count` entries
        of the other sum. Entries at constants either occur in both sums, or one of them plays that part.
        """
        count = max(1, count + (fixed and count > 1))
        sums = Chance(min(1, self.degree), count * self.total, uses=self.uses)
        return sums.in_table(name, fixed=fixed)

    def _spread(self) -> Chance:
        """Return the bound if all entries count, because their parameters may occur elsewhere.

        One more counts at a place with a fixed entry.
        """
        others = 2 * self.entries - (self.entries == 1 or not self.tables & _FIXED)
        others = max(0, others)
        return self._replace(claim=min(P, self.power * others * self.collisions))


ZERO = Chance(own=-1)
"""The bound of the constant 0, which has no monomials."""

INPUT_CHANCE = Chance(1, uses=INPUT)
"""The bound of inputs, and of all random residues that are not parameters."""


_FIXED = 1
"""The bit for tables with a fixed entry."""

_BITS: dict[str, int] = {}
"""Bits of tables, by name."""


def _bit_of(table: str) -> int:
    return _BITS.setdefault(table, 2 << len(_BITS))


def _merged(chances: Sequence[Chance]) -> Chance:
    """Return the component-wise maximum of several bounds."""
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
