"""A model of crossbars with IR drop: the resistance of wires lowers the voltages of cells.

A row is driven at column 1, and a column is read at row 1, at 0 V. A wire has the resistance r from each cell to the
next, and from the first cell to the driver or ADC. Cells k and l of a wire share min(k, l) segments, so a current of
cell k lowers the voltage of cell l by r · min(k, l) for each ampere, or raises it on a column. To first order in r,
Kirchhoff's laws give the cell in row i and column j the conductance

    G'[i, j] = G[i, j] · (1 − r · Σ_k min(i, k) · G[k, j] − r · Σ_l min(j, l) · G[i, l])

The circuit is linear, so this does not depend on the inputs. S. Jain et al., RxNN: A framework for evaluating deep
neural networks on resistive crossbars, IEEE TCAD 40 (2021), reduce wires to effective conductances in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmir.crossbars.analog import Analog
from cmir.crossbars.model import Where, computes
from cmir.crossbars.tiles import Tile
from cmir.hardware.crossbar_models import AnalogSettings, crossbar_model
from cmir.hardware.fields import described, real
from cmir.support.diagnostics import CompileError

MOST_LOST = 0.3
"""Share of a cell's current up to which the first order is used; its error is about the square of the share."""


@crossbar_model("ir-drop")
@dataclass(frozen=True)
class IrDrop(AnalogSettings):
    """Pairs of exact cells, at wires with a resistance, between the converters of `quantised`."""

    wire_resistance: float = described(
        real(0), "resistance of a wire from one cell to the next", "Ω", default=0.35
    )
    g_max: float = described(
        real(), "conductance of the largest weight of a tile", "µS", default=25.0
    )


@computes(IrDrop)
class IrDropCrossbars(Analog):
    """Weights that wires have lowered. The cells of a pair are in adjacent columns."""

    settings: IrDrop

    def devices(self, where: Where, tile: Tile, weights: np.ndarray) -> tuple[np.ndarray, float]:
        outputs, inputs = weights.shape
        largest = float(np.abs(weights).max(initial=0)) or 1.0
        siemens = self.settings.g_max * 1e-6 / largest
        cells = np.empty((inputs, 2 * outputs))
        cells[:, 0::2] = np.maximum(weights, 0).T * siemens
        cells[:, 1::2] = np.maximum(-weights, 0).T * siemens
        lost = self.settings.wire_resistance * (
            _shared_segments(inputs) @ cells + cells @ _shared_segments(2 * outputs)
        )
        if (most := float(lost[cells > 0].max(initial=0))) > MOST_LOST:
            message = (
                f"tile {tile.number} of {where.matrix} loses {100 * most:.0f} % of a current, "
            )
            hint = f"more than {100 * MOST_LOST:.0f} %: lower `crossbar.rows`, `columns` or `model.g_max`"
            raise CompileError(None, message + hint)
        read = cells * (1 - lost)
        return (read[:, 0::2] - read[:, 1::2]).T / siemens, 1.0


def _shared_segments(cells: int) -> np.ndarray:
    """Return the number of segments between the end of a wire and two of its cells, shape (cells, cells)."""
    number = np.arange(1, cells + 1)
    return np.minimum.outer(number, number).astype(float)
