"""Decision trees that compute a function of registers exactly.

A leaf adds a constant to the register that the tree drives, or sets it; a split tests one register. Trees are fitted
greedily, by the entropy of what is left (J. R. Quinlan, "Induction of Decision Trees", Machine Learning 1, 1986), until
every leaf is pure: a tree is exact at each row that it was fitted to, however well the greedy choice does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

MOST_LEAVES = 64
"""Limit of the leaves of a tree, beyond which no circuit is made of it."""

_MODULI = (2, 4, 8, 16)
"""Divisors whose remainders are the low bits of a register."""

_MOST_CLASSES = 64
"""Number of values that a split is judged by; the rarer ones count as one. Leaves always have one value."""


class TreeTooLarge(Exception):
    """A tree needs more leaves than allowed."""


class Leaf(Enum):
    """What a leaf does with its constant."""

    ADD = "add"
    SET = "set"


@dataclass(frozen=True)
class Value:
    """A leaf: the register is set to `value`, or `value` is added to it."""

    kind: Leaf
    value: int


@dataclass(frozen=True)
class Test:
    """A test of a register: equal to `value`, at least `value`, or congruent to `value` modulo a power of two."""

    register: int
    kind: str
    value: int
    modulus: int = 0

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Return which rows of registers, shape (rows, registers), pass."""
        column = rows[:, self.register]
        if self.kind == "eq":
            return column == self.value
        if self.kind == "ge":
            return column >= self.value
        return column % self.modulus == self.value


@dataclass(frozen=True)
class Split:
    """A node: `then` where the test passes, `other` elsewhere."""

    test: Test
    then: Tree
    other: Tree


Tree = Value | Split


def leaves(tree: Tree) -> int:
    """Return the number of leaves of a tree."""
    return 1 if isinstance(tree, Value) else leaves(tree.then) + leaves(tree.other)


def evaluate(tree: Tree, rows: np.ndarray, driven: np.ndarray | int = 0) -> np.ndarray:
    """Return what a tree computes at each row of registers. driven: the register that it drives."""
    if isinstance(tree, Value):
        return np.broadcast_to(
            tree.value + driven if tree.kind is Leaf.ADD else tree.value, len(rows)
        )
    passes = tree.test.of(rows)
    found = np.empty(len(rows), np.int64)
    for mask, branch in (passes, tree.then), (~passes, tree.other):
        of_branch = driven if isinstance(driven, int) else driven[mask]
        found[mask] = evaluate(branch, rows[mask], of_branch)
    return found


def fit(
    rows: np.ndarray, target: np.ndarray, driven: np.ndarray | None = None, most: int = MOST_LEAVES
) -> Tree:
    """Return a tree that computes `target` at each row of registers.

    rows: registers, not negative and different from each other, shape (rows, registers). driven: the register that the
    tree drives, for leaves that add to it; None for leaves that are constants. Raises TreeTooLarge.
    """
    targets = {Leaf.SET: target}
    if driven is not None:
        targets = {Leaf.ADD: target - driven, **targets}
    return _Fit(most).tree(rows, targets)


class _Fit:
    """The growth of one tree. left: leaves that it may still get."""

    def __init__(self, most: int):
        self.left = most

    def tree(self, rows: np.ndarray, targets: dict[Leaf, np.ndarray]) -> Tree:
        for kind, target in targets.items():
            if (target == target[0]).all():
                self.left -= 1
                return Value(kind, int(target[0]))
        if self.left < 2:
            raise TreeTooLarge
        test = _best(rows, list(targets.values()))
        passes = test.of(rows)
        then, other = (
            self.tree(rows[mask], {kind: target[mask] for kind, target in targets.items()})
            for mask in (passes, ~passes)
        )
        return Split(test, then, other)


def _best(rows: np.ndarray, targets: Sequence[np.ndarray]) -> Test:
    """Return the test that leaves the least entropy: the sum over both sides, each for the target that is simplest."""
    classes = [_classes(target) for target in targets]
    found: list[tuple[float, int, Test]] = []
    for register in range(rows.shape[1]):
        column = rows[:, register]
        high = int(column.max())
        if high == int(column.min()):
            continue
        tables = [_table(column, high, of_target) for of_target in classes]
        for rank, kind, values, modulus, left in _candidates(tables, len(column)):
            best = int(np.argmin(left))
            test = Test(register, kind, int(values[best]), modulus)
            found.append((round(float(left[best]), 6), rank, test))
    return min(found, key=lambda each: each[:2])[2]


def _classes(target: np.ndarray) -> np.ndarray:
    """Return the target as numbers of its values, of which all but the most frequent have one number."""
    _, numbers, counts = np.unique(target, return_inverse=True, return_counts=True)
    if len(counts) <= _MOST_CLASSES:
        return numbers
    rank = np.empty(len(counts), np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    return np.minimum(rank, _MOST_CLASSES)[numbers]


def _table(column: np.ndarray, high: int, classes: np.ndarray) -> np.ndarray:
    """Return how often each value of a register meets each class."""
    width = int(classes.max()) + 1
    return np.bincount(column * width + classes, minlength=(high + 1) * width).reshape(-1, width)


def _candidates(
    tables: Sequence[np.ndarray], rows: int
) -> Iterator[tuple[int, str, np.ndarray, int, np.ndarray]]:
    """Yield (rank, kind, values, modulus, entropy left by each value) of tests; the lower rank is smaller."""
    values = np.flatnonzero(tables[0].sum(axis=1))
    yield 0, "eq", values, 0, _left([table[values] for table in tables], tables)
    for modulus in _MODULI:
        if values[-1] >= modulus and len(values) > 2:
            folded = [_folded(table, modulus) for table in tables]
            counts = folded[0].sum(axis=1)
            some = np.flatnonzero((counts > 0) & (counts < rows))
            if len(some):
                yield 1, "mod", some, modulus, _left([table[some] for table in folded], tables)
    above = [table[::-1].cumsum(axis=0)[::-1][values[1:]] for table in tables]
    yield 2, "ge", values[1:], 0, _left(above, tables)


def _folded(table: np.ndarray, modulus: int) -> np.ndarray:
    padded = np.zeros((-(-len(table) // modulus) * modulus, table.shape[1]), table.dtype)
    padded[: len(table)] = table
    return padded.reshape(-1, modulus, table.shape[1]).sum(axis=0)


def _left(passing: Sequence[np.ndarray], tables: Sequence[np.ndarray]) -> np.ndarray:
    """Return the entropy that each test leaves. passing: by target, counts of classes that pass each test.

    tables: by target, counts of classes of each value of the register.
    """
    totals = [table.sum(axis=0) for table in tables]
    then = [_entropy(counts) for counts in passing]
    other = [_entropy(total - counts) for total, counts in zip(totals, passing, strict=True)]
    return np.min(then, axis=0) + np.min(other, axis=0)


def _entropy(counts: np.ndarray) -> np.ndarray:
    """Return the entropy of rows of counts, in bits, times the number that they count."""
    counts = counts.astype(np.float64)
    total = counts.sum(axis=1)
    return _log(total) - _log(counts).sum(axis=1)


def _log(counts: np.ndarray) -> np.ndarray:
    return counts * np.log2(np.maximum(counts, 1))
