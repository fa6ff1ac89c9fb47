"""Mappings that are published, and the compiler's for the same networks and crossbars."""

from __future__ import annotations

from itertools import product

import numpy as np
import published
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import Mapped, compiled, crossbars, interval, mapped, total
from zoo import build

sizes = st.integers(1, 12)


@given(st.tuples(sizes, sizes), sizes, sizes, st.integers(1, 4))
def test_crossbars_are_those_that_hold_cells(
    matrix: tuple[int, int], rows: int, columns: int, cells: int
) -> None:
    if cells > columns:
        with pytest.raises(ValueError, match="have no room for"):
            crossbars(matrix, rows, columns, cells)
        return
    outputs, inputs = matrix
    # Weights are put beside each other until the next does not fit.
    where: list[int] = []
    crossbar, used = 0, 0
    for _ in range(outputs):
        if used + cells > columns:
            crossbar, used = crossbar + 1, 0
        where.append(crossbar)
        used += cells
    taken = {(where[o], i // rows) for o, i in product(range(outputs), range(inputs))}
    assert crossbars(matrix, rows, columns, cells) == len(taken)


def test_the_table_is_consistent() -> None:
    mappings = published.published()
    assert {name: total(mapping) for name, mapping in mappings.items()} == {
        "resnet18": 5335,
        "googlenet": 5149,
        "squeezenet": 5674,
    }
    for mapping in mappings.values():
        for layer in mapping:
            assert layer.windows_of_a_copy == int(np.ceil(layer.windows / layer.copies))
        assert total(mapping) <= published.CHIP


@pytest.mark.parametrize("name", ["resnet18", "squeezenet"])
def test_layers_are_those_published_and_mappings_no_worse(name: str) -> None:
    theirs = published.published()[name]
    ours = mapped(compiled(build(name)), total(theirs))
    assert [o.matrix for o in ours] == [t.matrix for t in theirs]
    assert [o.crossbars for o in ours] == [t.crossbars for t in theirs]
    assert interval(ours) <= interval(theirs)
    assert total(ours) <= total(theirs)
    # Nothing faster fits, and nothing that is as fast takes fewer.
    needed = {n: _crossbars_for(theirs, n) for n in (interval(ours) - 1, interval(ours))}
    assert needed[interval(ours) - 1] > total(theirs)
    assert needed[interval(ours)] == total(ours)


def _crossbars_for(layers: list[Mapped], windows: int) -> int:
    """The crossbars with which no copy has more windows."""
    return sum(layer.crossbars * -(-layer.windows // windows) for layer in layers)


def test_what_differs_from_the_published_layers_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not published.compare("chain:2,3,5", published.published()["squeezenet"])
    assert "its matrices are not those of the published mapping" in capsys.readouterr().err
