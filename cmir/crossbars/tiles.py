"""Tiles of a matrix: which outputs and inputs lie on which crossbar, as `cmir.cost.tiling` counts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmir.cost.firing import Matrix
from cmir.cost.tiling import blocks_sharing
from cmir.hardware.sections import Crossbar


@dataclass(frozen=True)
class Tile:
    """Part of a matrix on one crossbar, or on one crossbar for each slice of the weights.

    outputs, inputs: ranges of the elements of the result and of the vector that the columns and rows of the tile stand
    for. blocks: range of the diagonal blocks on the tile. part: ranges of outputs and inputs within each block.
    """

    number: int
    outputs: slice
    inputs: slice
    blocks: slice
    part: tuple[slice, slice]

    def weights(self, matrix: np.ndarray) -> np.ndarray:
        """Return the weights of all cells, shape (outputs, inputs).

        Cells outside of the diagonal blocks hold 0; their devices still conduct.
        """
        if matrix.ndim == 2:
            return matrix[self.part]
        blocks = matrix[(self.blocks, *self.part)]
        count, outputs, inputs = blocks.shape
        cells = np.zeros((count, outputs, count, inputs), matrix.dtype)
        diagonal = np.arange(count)
        cells[diagonal, :, diagonal, :] = blocks
        return cells.reshape(count * outputs, count * inputs)


def matrix_of(weights: np.ndarray) -> Matrix:
    """Return the sizes of a matrix, shape (outputs, inputs), or (blocks, outputs, inputs) if it is block-diagonal."""
    *blocks, outputs, inputs = weights.shape
    return Matrix(outputs, inputs, *blocks)


def tiles_of(matrix: Matrix, crossbar: Crossbar) -> list[Tile]:
    """Return the tiles of a matrix, in the order of blocks, then outputs, then inputs.

    Their number times `crossbar.crossbars_per_weight` is the number of crossbars.
    """
    outputs, inputs = matrix.outputs, matrix.inputs
    if sharing := blocks_sharing(matrix, crossbar):
        whole = slice(0, outputs), slice(0, inputs)
        corners = [(first, *whole) for first in range(0, matrix.blocks, sharing)]
    else:
        columns = crossbar.columns and crossbar.columns // crossbar.columns_per_weight
        corners = [
            (block, rows, run)
            for block in range(matrix.blocks)
            for rows in _runs(outputs, columns)
            for run in _runs(inputs, crossbar.rows)
        ]
    count = max(1, sharing)
    return [
        _tile(number, matrix, slice(first, min(first + count, matrix.blocks)), part)
        for number, (first, *part) in enumerate(corners)
    ]


def _tile(number: int, matrix: Matrix, blocks: slice, part: list[slice]) -> Tile:
    def run_of(size: int, run: slice) -> slice:
        return slice(blocks.start * size + run.start, (blocks.stop - 1) * size + run.stop)

    rows, columns = part
    outputs, inputs = run_of(matrix.outputs, rows), run_of(matrix.inputs, columns)
    return Tile(number, outputs, inputs, blocks, (rows, columns))


def _runs(extent: int, most: int | None) -> list[slice]:
    step = most or extent
    return [slice(start, min(start + step, extent)) for start in range(0, extent, step)]
