"""Ranges of converters, measured on exact products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cmir.crossbars.model import CrossbarModel, Where
from cmir.crossbars.random import Columns
from cmir.crossbars.ranges import MatrixRange
from cmir.crossbars.tiles import Tile
from cmir.hardware.crossbar_models import Ideal
from cmir.hardware.sections import Crossbar


class Recorder(CrossbarModel):
    """Exact products that record the ranges of inputs, and of the outputs of each tile.

    found: ranges so far, by matrix.
    """

    def __init__(self, crossbar: Crossbar):
        super().__init__(Ideal(), crossbar)
        self.found: dict[str, MatrixRange] = {}

    def program(
        self, where: Where, matrix: np.ndarray, tiles: Sequence[Tile]
    ) -> list[tuple[Tile, np.ndarray]]:
        return [(tile, tile.weights(matrix).astype(np.float64)) for tile in tiles]

    def product(
        self,
        where: Where,
        programmed: list[tuple[Tile, np.ndarray]],
        x: np.ndarray,
        columns: Columns,
    ) -> np.ndarray:
        x = x.astype(np.float64)
        y = np.zeros((max(tile.outputs.stop for tile, _ in programmed), x.shape[1]))
        largest: list[float] = []
        for tile, weights in programmed:
            part = weights @ x[tile.inputs]
            y[tile.outputs] += part
            largest.append(float(np.abs(part).max(initial=0)))
        self._record(where.matrix, float(x.min(initial=0)), float(x.max(initial=0)), largest)
        return y

    def _record(self, matrix: str, low: float, high: float, tiles: list[float]) -> None:
        known = self.found.get(matrix, MatrixRange(0, 0, (0,) * len(tiles)))
        most = tuple(map(max, known.tiles, tiles))
        self.found[matrix] = MatrixRange(min(known.low, low), max(known.high, high), most)
