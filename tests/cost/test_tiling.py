"""Matrices on crossbars, laid out cell by cell."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.cost.firing import Matrix
from cmir.cost.tiling import Tiling
from cmir.hardware.sections import Crossbar

sizes = st.integers(1, 20)
matrices = st.builds(Matrix, sizes, sizes, st.integers(1, 6))


@st.composite
def crossbars(draw: st.DrawFn) -> Crossbar:
    slices = draw(st.integers(1, 3))
    return Crossbar(
        rows=draw(st.none() | st.integers(1, 24)),
        columns=draw(st.none() | st.integers(2 * slices, 24)),
        weight_slices=slices,
        slicing=draw(st.sampled_from(["crossbars", "columns"])),
        signed_weights=draw(st.sampled_from(["cells", "column-pairs", "unit-column"])),
        convert_all_columns=draw(st.booleans()),
    )


def lay_out(
    matrix: Matrix, crossbar: Crossbar
) -> dict[tuple[int, ...], dict[tuple[int, int], tuple[int, int]]]:
    """For each crossbar, which (input, output) of the whole matrix the cell at (row, column) connects.

    Block by block: into the crossbar of the one before, beside it on the diagonal, if it fits there; else cut into
    tiles, each in a crossbar of its own.
    """
    wide = crossbar.slicing == "columns"
    pair = 2 if crossbar.signed_weights == "column-pairs" else 1
    placed: dict[tuple[int, ...], dict[tuple[int, int], tuple[int, int]]] = {}
    rows, columns = crossbar.rows or 10**6, crossbar.columns or 10**6
    width = pair * (crossbar.slices if wide else 1)
    for copy in range(1 if wide else crossbar.slices):
        number, row, column = 0, 0, 0
        for block in range(matrix.blocks):
            fits = matrix.inputs <= rows and matrix.outputs * width <= columns
            if fits and (row + matrix.inputs > rows or column + matrix.outputs * width > columns):
                number, row, column = number + 1, 0, 0
            for i, o in np.ndindex(matrix.inputs, matrix.outputs):
                across = columns // width
                tile = (number,) if fits else (block, i // rows, o // across)
                r, c = (row + i, column + o * width) if fits else (i % rows, o % across * width)
                for w in range(width):
                    cells = placed.setdefault((copy, *tile), {})
                    assert (r, c + w) not in cells
                    assert r < rows and c + w < columns
                    cells[r, c + w] = block * matrix.inputs + i, block * matrix.outputs + o
            row, column = row + matrix.inputs, column + matrix.outputs * width
    return placed


@given(matrices, crossbars())
def test_counts_are_those_of_a_layout(matrix: Matrix, crossbar: Crossbar) -> None:
    """A row has one input and a column one output, and the counts are those of crossbars, rows and columns in use."""
    tiling, placed = Tiling.of(matrix, crossbar), lay_out(matrix, crossbar)
    used_rows, used_columns, conversions, driven, read = 0, 0, 0, 0, 0
    unit = int(crossbar.signed_weights == "unit-column")
    adding: dict[tuple[int, int], set[tuple[int, ...]]] = {}
    for where, cells in placed.items():
        inputs: dict[int, set[int]] = {}
        outputs: dict[int, set[int]] = {}
        for (row, column), (i, o) in cells.items():
            inputs.setdefault(row, set()).add(i)
            outputs.setdefault(column, set()).add(o)
            adding.setdefault((where[0], o), set()).add(where)
        assert all(len(found) == 1 for found in (*inputs.values(), *outputs.values()))
        whole = crossbar.convert_all_columns and crossbar.columns
        converted = unit + (whole or len(outputs))
        used_rows, used_columns = max(used_rows, len(inputs)), max(used_columns, converted)
        conversions, driven, read = (
            conversions + converted,
            driven + len(inputs),
            read + len(outputs),
        )
    assert tiling.crossbars == len(placed)
    assert (tiling.rows, tiling.columns) == (used_rows, used_columns)
    assert (tiling.conversions, tiling.driven, tiling.read) == (conversions, driven, read)
    assert tiling.parts == max(map(len, adding.values()))


@given(matrices, crossbars())
def test_tiles_are_those_of_a_layout(matrix: Matrix, crossbar: Crossbar) -> None:
    """As many crossbars hold as many rows, columns and cells as in the layout; without a size, there are no tiles."""
    tiles = list(Tiling.tiles(matrix, crossbar))
    if crossbar.rows is None or crossbar.columns is None:
        assert not tiles
        return
    expected: Counter[tuple[int, int, int]] = Counter()
    for cells in lay_out(matrix, crossbar).values():
        rows, columns = ({place[d] for place in cells} for d in (0, 1))
        expected[len(rows), len(columns), len(cells)] += 1
    found: Counter[tuple[int, int, int]] = Counter()
    for tile in tiles:
        rows, columns = tile.blocks * tile.rows, tile.blocks * tile.columns
        found[rows, columns, tile.blocks * tile.rows * tile.columns] += tile.count
    assert found == expected


@given(matrices, crossbars(), st.integers(1, 8))
def test_larger_crossbars_are_never_more(matrix: Matrix, crossbar: Crossbar, more: int) -> None:
    rows, columns = crossbar.rows, crossbar.columns
    larger = Crossbar(
        rows=rows and rows + more,
        columns=columns and columns + more,
        weight_slices=crossbar.slices,
        slicing=crossbar.slicing,
        signed_weights=crossbar.signed_weights,
    )
    assert Tiling.of(matrix, larger).crossbars <= Tiling.of(matrix, crossbar).crossbars


@pytest.mark.parametrize(
    ("matrix", "slicing", "crossbars"),
    [
        (Matrix(64, 576), "crossbars", 5 * 1 * 8),
        (Matrix(64, 576), "columns", 5 * 4),
        (Matrix(1, 9, blocks=64), "crossbars", 5 * 8),  # 14 windows in 128 rows
        (Matrix(1, 9, blocks=64), "columns", 5),  # 14 windows in 128 rows, 16 in the columns
        (Matrix(4, 4, blocks=8), "columns", 2),
        (Matrix(200, 200, blocks=2), "crossbars", 2 * 2 * 2 * 8),
    ],
)
def test_by_hand(matrix: Matrix, slicing: str, crossbars: int) -> None:
    """On 128 × 128 cells of two bits, weights of 16."""
    crossbar = Crossbar(rows=128, columns=128, cell_bits=2, weight_bits=16, slicing=slicing)
    assert Tiling.of(matrix, crossbar).crossbars == crossbars
