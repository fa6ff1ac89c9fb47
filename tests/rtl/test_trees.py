"""Decision trees compute exactly what they were fitted to, and walks step through all iterations in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.rtl.trees import Leaf, Split, Tree, TreeTooLarge, Value, evaluate, fit, leaves


def at(tree: Tree, row: list[int], driven: int) -> int:
    """A tree at one row, test by test."""
    while isinstance(tree, Split):
        test = tree.test
        value = row[test.register]
        passes = {
            "eq": value == test.value,
            "ge": value >= test.value,
            "mod": test.modulus > 0 and value % max(test.modulus, 1) == test.value,
        }[test.kind]
        tree = tree.then if passes else tree.other
    return tree.value + driven if tree.kind is Leaf.ADD else tree.value


@given(st.data())
def test_trees_are_exact(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    rows = np.argwhere(np.ones(shape))
    values = st.integers(-3, 3)
    target = np.array(data.draw(st.lists(values, min_size=len(rows), max_size=len(rows))))
    driven = data.draw(st.sampled_from([None, *rows.T]))
    tree = fit(rows, target, driven, most=len(rows))
    own = np.zeros(len(rows), int) if driven is None else driven
    found = [at(tree, row, int(d)) for row, d in zip(rows.tolist(), own, strict=True)]
    assert found == target.tolist()
    assert evaluate(tree, rows, own).tolist() == target.tolist()
    assert leaves(tree) <= len(rows)


def test_a_row_has_two_leaves_however_long_it_is() -> None:
    """The next column: one more, or the first again."""
    for size in 5, 50, 5000:
        column = np.arange(size)
        tree = fit(column[:, None], np.roll(column, -1), column)
        assert leaves(tree) == 2


def test_too_many_leaves_are_refused() -> None:
    rows = np.arange(100)[:, None]
    with pytest.raises(TreeTooLarge):
        fit(rows, rows[:, 0] ** 2, most=64)
    assert fit(rows, np.full(100, 7)) == Value(Leaf.SET, 7)
