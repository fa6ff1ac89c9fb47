"""Products of a model beside exact ones, matrix by matrix: how much smaller they are, and how far apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from cmir.crossbars.calibration import Recorder
from cmir.crossbars.model import CrossbarModel, Where
from cmir.crossbars.random import Columns
from cmir.crossbars.tiles import Tile


@dataclass
class _Moments:
    """Sums over elements y of products and e of exact products."""

    yy: float = 0.0
    ye: float = 0.0
    ee: float = 0.0


@dataclass(frozen=True)
class MatrixDeviation:
    """Deviation of the products of a matrix.

    matrix: see `Where.matrix`. slope: Σ y·e / Σ e² of products y and exact products e of the same inputs. error: root
    mean square of y − slope · e, relative to that of e. clipped: share of conversions that were clipped.
    """

    matrix: str
    slope: float
    error: float
    clipped: float


class Compared(CrossbarModel):
    """A model whose products are compared with exact ones. model: the model."""

    def __init__(self, model: CrossbarModel):
        super().__init__(model.settings, model.crossbar, model.ranges)
        self.model, self.conversions = model, model.conversions
        self._exact = Recorder(model.crossbar)
        self._moments: dict[str, _Moments] = defaultdict(_Moments)

    @property
    def calibration(self) -> int:
        return self.model.calibration

    def program(
        self, where: Where, matrix: np.ndarray, tiles: Sequence[Tile]
    ) -> tuple[Any, list[tuple[Tile, np.ndarray]]]:
        exact = self._exact.program(where, matrix, tiles)
        return self.model.program(where, matrix, tiles), exact

    def product(
        self,
        where: Where,
        programmed: tuple[Any, list[tuple[Tile, np.ndarray]]],
        x: np.ndarray,
        columns: Columns,
    ) -> np.ndarray:
        inner, weights = programmed
        y = self.model.product(where, inner, x, columns)
        e = self._exact.product(where, weights, x, columns)
        moments = self._moments[where.matrix]
        moments.yy += float(np.vdot(y, y))
        moments.ye += float(np.vdot(y, e))
        moments.ee += float(np.vdot(e, e))
        return y

    def deviations(self) -> tuple[MatrixDeviation, ...]:
        """Return the deviation of each matrix so far."""
        return tuple(self._deviation(matrix, sums) for matrix, sums in self._moments.items())

    def _deviation(self, matrix: str, sums: _Moments) -> MatrixDeviation:
        scale = sums.ee or 1.0
        slope = sums.ye / scale
        error = sqrt(max(0.0, sums.yy - slope * sums.ye) / scale)
        counted = self.conversions[matrix]
        return MatrixDeviation(matrix, slope, error, counted.clipped / max(1, counted.all))
