"""Number of crossbars that a matrix takes, and the work of a product on them."""

from __future__ import annotations

from dataclasses import dataclass

from cmir.cost.firing import Matrix
from cmir.hardware.sections import Crossbar


@dataclass(frozen=True)
class Tiling:
    """A matrix laid out on crossbars.

    crossbars: how many. parts: how many of them add up to one output, for the inputs that each has. rows, columns:
    those used of the crossbar that is used most. conversions: columns that are read in a phase, of all crossbars.
    """

    crossbars: int
    parts: int
    rows: int
    columns: int
    conversions: int

    @staticmethod
    def of(matrix: Matrix, crossbar: Crossbar) -> Tiling:
        """Return the layout in a grid of crossbars, the cells of a weight as `crossbar.slicing` says.

        Blocks of a block-diagonal matrix that fit into a crossbar share it, along its diagonal: as many as its rows and
        its columns allow. A block that does not fit has crossbars of its own.
        """
        spread = crossbar.slices if crossbar.slicing == "columns" else 1
        copies = crossbar.slices // spread
        rows = crossbar.rows or matrix.inputs * matrix.blocks
        columns = (crossbar.columns or matrix.outputs * matrix.blocks * spread) // spread
        sharing = min(rows // matrix.inputs, columns // matrix.outputs, matrix.blocks)
        if sharing:
            tiles, parts = -(-matrix.blocks // sharing), 1
            rows, columns = sharing * matrix.inputs, sharing * matrix.outputs
        else:
            parts = -(-matrix.inputs // rows)
            tiles = -(-matrix.outputs // columns) * matrix.blocks * parts
            rows, columns = min(rows, matrix.inputs), min(columns, matrix.outputs)
        conversions = matrix.blocks * matrix.outputs * parts * crossbar.slices
        return Tiling(tiles * copies, parts, rows, columns * spread, conversions)

    def rounds(self, crossbar: Crossbar) -> int:
        """Return how often a product drives the rows of a crossbar, in groups and phases."""
        return crossbar.phases * -(-self.rows // (crossbar.active_rows or self.rows))

    def interval(self, crossbar: Crossbar) -> int:
        """Cycles from a product to the next: each phase takes the crossbar's time or that of its ADCs."""
        conversions = -(-self.columns // (crossbar.adcs or self.columns))
        phase = max(crossbar.phase_cycles, conversions * crossbar.adc_cycles)
        return self.rounds(crossbar) * phase
