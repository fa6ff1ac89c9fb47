"""Phase-change memory, after Nandakumar et al. (ICECS 2019) and Joshi et al. (Nature Communications 11, 2020).

A weight w of a tile with the largest magnitude W is a pair of cells with the target conductances G = g_max · γ, where
γ = max(±w, 0) / W. With ξ for a standard normal deviate of each cell and purpose, and t for the time after programming:

    programmed   P = max(G + σ(γ) · ξ, 0),   σ(γ) = (c₀ + c₁ γ + c₂ γ²) · g_max / 25 µS
    drifted      D = P · ((t + t₀) / t₀)^−ν,   ν = |m(γ) + s(γ) · ξ|,   m, s = a · ln γ + b within bounds
    read         R = max(D + D · q(P) · √(ln((t + t₀ + t_r) / (2 t_r))) · ξ, 0),   q(P) = min(c / (P / g_max)^k, most)

With `drifting = "differences"`, the difference P₊ − P₋ of a pair becomes the conductance of one of its cells before it
drifts, in the unit that makes the largest difference of the tile g_max. aihwkit does so.

Compensation scales the outputs of a tile by the mean magnitude of its weights as programmed over that as read.
"""

from __future__ import annotations

from math import log, sqrt

import numpy as np

from cmir.crossbars.analog import Analog
from cmir.crossbars.model import Where, computes
from cmir.crossbars.random import normals_of_cells
from cmir.crossbars.tiles import Tile
from cmir.hardware.crossbar_models import Pcm

REFERENCE = 25.0
"""Conductance in µS at which the programming errors were measured."""

_LEAST_SHARE = 1e-7
"""Lower bound of γ in logarithms, as in aihwkit."""

_LEAST_POWER = 1e-3
"""Lower bound of (P / g_max)^k, as in aihwkit."""


@computes(Pcm)
class PcmCrossbars(Analog):
    """Pairs of phase-change cells."""

    settings: Pcm

    def devices(self, where: Where, tile: Tile, weights: np.ndarray) -> tuple[np.ndarray, float]:
        given = self.settings
        largest = float(np.abs(weights).max(initial=0)) or 1.0
        pairs = [(sign, np.maximum(sign * weights / largest, 0)) for sign in (1, -1)]
        plus, minus = (self._programmed(where, tile, sign, share) for sign, share in pairs)
        programmed, unit = plus - minus, 1.0
        if given.drifting == "differences":
            unit = float(np.abs(programmed).max(initial=0)) / given.g_max or 1.0
            plus, minus = (np.maximum(sign * programmed / unit, 0) for sign in (1, -1))
        plus, minus = (
            self._read(where, tile, *pair, cells)
            for pair, cells in zip(pairs, (plus, minus), strict=True)
        )
        read = (plus - minus) * unit
        mean = float(np.abs(read).mean())
        gain = float(np.abs(programmed).mean()) / mean if given.compensation and mean else 1.0
        return read * (largest / given.g_max), gain

    def _programmed(self, where: Where, tile: Tile, sign: int, share: np.ndarray) -> np.ndarray:
        """Return the conductances of cells after programming, in µS. share: target, relative to g_max."""
        given = self.settings
        c0, c1, c2 = given.programming_error
        error = (c0 + c1 * share + c2 * share**2) * (given.g_max / REFERENCE)
        deviates = normals_of_cells(self.key(where, tile, sign, "programming"), share.shape)
        programmed = given.g_max * share + given.programming_scale * error * deviates
        return np.maximum(programmed, 0)

    def _read(
        self, where: Where, tile: Tile, sign: int, share: np.ndarray, programmed: np.ndarray
    ) -> np.ndarray:
        """Return the conductances of cells at the time of reading, in µS. share: target, relative to g_max."""
        given = self.settings

        def deviates(*purpose: object) -> np.ndarray:
            return normals_of_cells(self.key(where, tile, sign, *purpose), share.shape)

        since = given.at + given.drift_start
        logarithm = np.log(np.maximum(share, _LEAST_SHARE))
        mean, spread = (
            np.clip(a * logarithm + b, least, most)
            for a, b, least, most in (given.drift_mean, given.drift_spread)
        )
        exponent = given.drift_scale * np.abs(mean + spread * deviates("drift"))
        drifted = programmed * (since / given.drift_start) ** -exponent
        c, k, most = given.read_noise
        power = np.maximum((programmed / given.g_max) ** k, _LEAST_POWER)
        grown = sqrt(log((since + given.read_time) / (2 * given.read_time)))
        noise = given.read_scale * np.minimum(c / power, most) * grown
        return np.maximum(drifted + drifted * noise * deviates("read", given.at), 0)
