"""Walks: registers that step through the iterations of a core, and functions of them.

The coordinates of an iteration are registers, each relative to its least value. The next value of a register, and each
function of the iteration that a control unit needs, is a decision tree over the registers. Where the coordinates alone
make trees large, helpers become registers, too: iterators of the core's loops, such as the position within a tile, and
remainders of coordinates by numbers that are no powers of two, such as the phase of a stride of 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from cmir.elaboration.program import Core
from cmir.rtl.bounds import unsigned_width
from cmir.rtl.trees import MOST_LEAVES, Tree, TreeTooLarge, fit, leaves

_PLAIN = 12
"""Number of leaves of a tree that is not worth a helper."""

_MODULI = tuple(m for m in range(3, 16) if m & (m - 1))
"""Divisors of the remainders that can be helpers. Remainders by powers of two are bits of a register."""

_TRIED = 4
"""Number of helpers that are tried before a walk goes without another one."""


@dataclass(frozen=True)
class Register:
    """A register of a walk. next: its value in the next iteration. coordinate: which one it is; None for a helper."""

    name: str
    reset: int
    high: int
    next: Tree
    coordinate: int | None

    @property
    def width(self) -> int:
        """Flip-flops."""
        return unsigned_width(self.high)


@dataclass(frozen=True, eq=False)
class Walk:
    """Registers that step through iterations, and functions of them.

    least: the least value of each coordinate. words: trees of the functions, in their order.
    rows: the registers in each iteration, shape (iterations, registers).
    """

    least: tuple[int, ...]
    registers: tuple[Register, ...]
    words: tuple[Tree, ...]
    rows: np.ndarray


def walk_of(core: Core, words: Sequence[np.ndarray]) -> Walk:
    """Return the walk through the iterations of a core. words: functions, by iteration.

    Raises TreeTooLarge if a function has no small tree.
    """
    least = core.points.min(axis=0)
    search = _Search(core.points - least, core.iterators, words)
    chosen = search.chosen()
    rows = search.rows(chosen)
    following = [search.next_of(name, chosen) for name in chosen]
    found = [search.word(number, chosen) for number in range(len(words))]
    if None in following or None in found:
        raise TreeTooLarge
    registers = tuple(
        Register(name, int(column[0]), int(column.max()), tree, search.coordinates.get(name))
        for name, column, tree in zip(chosen, rows.T, following, strict=True)
        if tree is not None
    )
    trees = tuple(tree for tree in found if tree is not None)
    return Walk(tuple(least.tolist()), registers, trees, rows)


@dataclass(eq=False)
class _Search:
    """The choice of helpers. points: iterations relative to their least coordinates."""

    points: np.ndarray
    iterators: np.ndarray
    words: Sequence[np.ndarray]
    _trees: dict[tuple[object, ...], Tree | None] = field(default_factory=dict)

    @cached_property
    def columns(self) -> dict[str, np.ndarray]:
        """What can be a register, by name: coordinates, iterators, and remainders of coordinates."""
        found = {f"x{d}": column for d, column in enumerate(self.points.T) if column.any()}
        coordinates = dict(found)
        for depth, column in enumerate(self.iterators.T):
            own = column - column.min()
            if own.any() and not any((own == other).all() for other in found.values()):
                found[f"j{depth}"] = own
        for name, column in coordinates.items():
            for modulus in _MODULI:
                if column.max() >= 2 * modulus:
                    found[f"{name}mod{modulus}"] = column % modulus
        return found

    @cached_property
    def coordinates(self) -> dict[str, int]:
        """The coordinates that are registers; the others are constants."""
        return {f"x{d}": d for d, column in enumerate(self.points.T) if column.any()}

    def rows(self, chosen: Sequence[str]) -> np.ndarray:
        """Return the registers in each iteration."""
        if not chosen:
            return np.zeros((len(self.points), 0), np.int64)
        return np.stack([self.columns[name] for name in chosen], axis=1)

    def next_of(self, name: str, chosen: Sequence[str]) -> Tree | None:
        """Return the tree of the next value of a register, None if it is too large."""
        column = self.columns[name]
        return self._tree(name, chosen, np.roll(column, -1), column)

    def word(self, number: int, chosen: Sequence[str]) -> Tree | None:
        """Return the tree of a word, None if it is too large."""
        return self._tree(number, chosen, self.words[number], None)

    def _tree(
        self, key: object, chosen: Sequence[str], target: np.ndarray, driven: np.ndarray | None
    ) -> Tree | None:
        of = (key, *chosen)
        if of not in self._trees:
            try:
                self._trees[of] = fit(self.rows(chosen), target, driven)
            except TreeTooLarge:
                self._trees[of] = None
        return self._trees[of]

    def sizes(self, chosen: Sequence[str]) -> list[int]:
        """Return the leaves of all trees; those of one that is too large count as twice the limit."""
        trees = [self.next_of(name, chosen) for name in chosen]
        trees += [self.word(number, chosen) for number in range(len(self.words))]
        return [2 * MOST_LEAVES if tree is None else leaves(tree) for tree in trees]

    def cost(self, chosen: Sequence[str]) -> int:
        """Return the leaves of all trees and the bits of all registers."""
        bits = sum(int(self.columns[name].max()).bit_length() for name in chosen)
        return sum(self.sizes(chosen)) + bits

    def chosen(self) -> list[str]:
        """Return the names of the registers: coordinates, and helpers as long as they make the circuit smaller."""
        chosen = list(self.coordinates)
        while max(self.sizes(chosen), default=0) > _PLAIN:
            tried = [[*chosen, helper] for helper in self._promising(chosen)]
            best = min(tried, key=self.cost, default=chosen)
            if self.cost(best) >= self.cost(chosen):
                break
            chosen = best
        return chosen

    def _promising(self, chosen: Sequence[str]) -> list[str]:
        """Return the helpers that tell most about the functions whose trees are large, the best first."""
        functions = [
            *(np.roll(self.columns[name], -1) - self.columns[name] for name in chosen),
            *self.words,
        ]
        large = [
            function
            for function, size in zip(functions, self.sizes(chosen), strict=True)
            if size > _PLAIN
        ]
        helpers = [name for name in self.columns if name not in chosen]
        left = {
            name: sum(_entropy_given(self.columns[name], function) for function in large)
            for name in helpers
        }
        return sorted(helpers, key=left.__getitem__)[:_TRIED]


def _entropy_given(column: np.ndarray, function: np.ndarray) -> float:
    """Return the entropy of a function, in bits for all rows, where a register is known."""
    pairs = np.unique(np.stack([column, function], axis=1), axis=0, return_counts=True)[1]
    values = np.unique(column, return_counts=True)[1]
    return float((values * np.log2(values)).sum() - (pairs * np.log2(pairs)).sum())
