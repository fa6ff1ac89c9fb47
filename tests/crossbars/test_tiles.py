"""Tiles of a matrix, against a layout cell by cell and against the counts of the cost model."""

from __future__ import annotations

import numpy as np
from cost.test_tiling import crossbars, matrices
from hypothesis import given

from cmir.cost.firing import Matrix
from cmir.cost.tiling import Tiling
from cmir.crossbars.tiles import matrix_of, tiles_of
from cmir.hardware.sections import Crossbar


def weights_of(matrix: Matrix) -> np.ndarray:
    """Weights that are all different, and not 0."""
    shape = (matrix.blocks, matrix.outputs, matrix.inputs)
    weights = np.arange(1.0, matrix.weights + 1).reshape(shape)
    return weights[0] if matrix.blocks == 1 else weights


def whole(matrix: Matrix) -> np.ndarray:
    """The matrix with its zeros."""
    weights = weights_of(matrix).reshape(matrix.blocks, matrix.outputs, matrix.inputs)
    dense = np.zeros((matrix.blocks * matrix.outputs, matrix.blocks * matrix.inputs))
    for b in range(matrix.blocks):
        for o in range(matrix.outputs):
            for i in range(matrix.inputs):
                dense[b * matrix.outputs + o, b * matrix.inputs + i] = weights[b, o, i]
    return dense


@given(matrices, crossbars())
def test_tiles_hold_the_matrix(matrix: Matrix, crossbar: Crossbar) -> None:
    """Each cell of a tile holds the element of the whole matrix at its output and input, and each weight is on one."""
    weights, dense = weights_of(matrix), whole(matrix)
    assert matrix_of(weights) == matrix
    held = np.zeros(dense.shape, int)
    for number, tile in enumerate(tiles_of(matrix, crossbar)):
        assert tile.number == number
        assert np.array_equal(tile.weights(weights), dense[tile.outputs, tile.inputs])
        held[tile.outputs, tile.inputs] += 1
    assert (held[dense != 0] == 1).all()


@given(matrices, crossbars())
def test_tiles_fit_on_crossbars_and_are_those_that_cost_counts(
    matrix: Matrix, crossbar: Crossbar
) -> None:
    tiles, tiling = tiles_of(matrix, crossbar), Tiling.of(matrix, crossbar)
    assert len(tiles) * crossbar.crossbars_per_weight == tiling.crossbars
    for tile in tiles:
        outputs, inputs = tile.weights(weights_of(matrix)).shape
        assert crossbar.rows is None or inputs <= crossbar.rows
        assert crossbar.columns is None or outputs * crossbar.columns_per_weight <= crossbar.columns
    rows = max(tile.inputs.stop - tile.inputs.start for tile in tiles)
    assert rows == tiling.rows
    parts = np.zeros(matrix.blocks * matrix.outputs, int)
    for tile in tiles:
        parts[tile.outputs] += 1
    assert (parts == tiling.parts).all()


def test_blocks_that_share_a_crossbar_leave_cells() -> None:
    """Three windows of nine inputs share a crossbar of 30 rows; a fourth has one of its own."""
    tiles = tiles_of(Matrix(1, 9, 4), Crossbar(rows=30, columns=30))
    assert [tile.blocks for tile in tiles] == [slice(0, 3), slice(3, 4)]
    cells = tiles[0].weights(np.ones((4, 1, 9)))
    assert cells.shape == (3, 27) and cells.sum() == 27
