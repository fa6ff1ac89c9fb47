"""Resistive memory of NeuRRAM (W. Wan et al., Nature 608, 504-512, 2022).

A weight is a pair of cells with the targets G = g_max · γ, as in `cmir.crossbars.pcm`. A conductance is
max(G + σ_t(γ) · ξ, 0), where σ_t is a polynomial of degree 4 in γ for each time t at which deviations were measured.
The standard normal deviate ξ of a cell is the same at all times: a cell that deviates early deviates later, too.
"""

from __future__ import annotations

import numpy as np

from cmir.crossbars.analog import Analog
from cmir.crossbars.model import Where, computes
from cmir.crossbars.random import normals_of_cells
from cmir.crossbars.tiles import Tile
from cmir.hardware.crossbar_models import Reram
from cmir.support.diagnostics import CompileError

REFERENCE = 40.0
"""Conductance in µS at which the deviations were measured."""

DEVIATION: dict[float, tuple[float, ...]] = {
    1: (0.348, 16.030, -43.853, 45.393, -16.815),
    86400: (0.701, 22.086, -50.773, 47.095, -16.458),
    172800: (0.782, 20.274, -43.507, 37.062, -11.934),
}
"""Coefficients of σ_t in µS, from the constant on, by time in seconds (aihwkit's ReRamWan2022NoiseModel)."""


@computes(Reram)
class ReramCrossbars(Analog):
    """Pairs of resistive cells."""

    settings: Reram

    def devices(self, where: Where, tile: Tile, weights: np.ndarray) -> tuple[np.ndarray, float]:
        if (coefficients := DEVIATION.get(self.settings.at)) is None:
            known = ", ".join(map(str, DEVIATION))
            message = f"`crossbar.model.at` of reram must be one of {known}, the times that were measured, "
            raise CompileError(None, f"{message}got {self.settings.at:g}")
        largest = float(np.abs(weights).max(initial=0)) or 1.0
        plus, minus = (
            self._conductance(
                where, tile, sign, np.maximum(sign * weights / largest, 0), coefficients
            )
            for sign in (1, -1)
        )
        return (plus - minus) * (largest / self.settings.g_max), 1.0

    def _conductance(
        self,
        where: Where,
        tile: Tile,
        sign: int,
        share: np.ndarray,
        coefficients: tuple[float, ...],
    ) -> np.ndarray:
        """Return the conductances of cells in µS. share: target, relative to g_max."""
        given = self.settings
        deviation = np.polynomial.polynomial.polyval(share, coefficients) * (
            given.g_max / REFERENCE
        )
        deviates = normals_of_cells(self.key(where, tile, sign, "programming"), share.shape)
        return np.maximum(given.g_max * share + given.noise_scale * deviation * deviates, 0)
