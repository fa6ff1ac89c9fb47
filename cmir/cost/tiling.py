"""Number of crossbars that a matrix takes, and the work of a product on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cmir.cost.firing import Matrix
from cmir.hardware.sections import Crossbar


@dataclass(frozen=True)
class Tile:
    """Contents of a crossbar, and of others alike: `blocks` of rows × columns cells along the diagonal.

    count: number of crossbars.
    """

    rows: int
    columns: int
    blocks: int
    count: int


@dataclass(frozen=True)
class Tiling:
    """Layout of a matrix on crossbars.

    crossbars: number of crossbars. parts: number of crossbars whose partial sums add up to one output. rows, columns:
    used rows and converted columns of the fullest crossbar. conversions: columns converted per phase, over all
    crossbars. driven, read: used rows and columns, over all crossbars.
    """

    crossbars: int
    parts: int
    rows: int
    columns: int
    conversions: int
    driven: int = 0
    read: int = 0

    @staticmethod
    def of(matrix: Matrix, crossbar: Crossbar) -> Tiling:
        """Return the layout in a grid of crossbars, with the cells of a weight placed by `crossbar.slicing`.

        Blocks of a block-diagonal matrix that fit into a crossbar share it along its diagonal, as many as its rows and
        columns allow. A block that does not fit has crossbars of its own.
        """
        spread, copies = crossbar.columns_per_weight, crossbar.crossbars_per_weight
        rows, columns = _extents(matrix, crossbar)
        if sharing := blocks_sharing(matrix, crossbar):
            tiles, parts, across = -(-matrix.blocks // sharing), 1, 1
            rows, columns = sharing * matrix.inputs, sharing * matrix.outputs
        else:
            parts, across = -(-matrix.inputs // rows), -(-matrix.outputs // columns)
            tiles = across * matrix.blocks * parts
            rows, columns = min(rows, matrix.inputs), min(columns, matrix.outputs)
        crossbars, unit = tiles * copies, crossbar.unit_columns
        driven = matrix.blocks * matrix.inputs * across * copies
        read = matrix.blocks * matrix.outputs * parts * crossbar.cells
        converted, conversions = columns * spread + unit, read + crossbars * unit
        if crossbar.convert_all_columns and crossbar.columns is not None:
            converted = crossbar.columns + unit
            conversions = crossbars * converted
        return Tiling(crossbars, parts, rows, converted, conversions, driven, read)

    @staticmethod
    def tiles(matrix: Matrix, crossbar: Crossbar) -> Iterator[Tile]:
        """Yield what is in each crossbar of a matrix, as few different tiles as there are, if crossbars have a size."""
        if crossbar.rows is None or crossbar.columns is None:
            return
        spread, copies = crossbar.columns_per_weight, crossbar.crossbars_per_weight
        columns = crossbar.columns // spread
        inputs, outputs = matrix.inputs, matrix.outputs
        if sharing := blocks_sharing(matrix, crossbar):
            full, rest = divmod(matrix.blocks, sharing)
            for blocks, count in ((sharing, full), (rest, 1)):
                if blocks and count:
                    yield Tile(inputs, outputs * spread, blocks, count * copies)
            return
        for rows, parts in _pieces(inputs, crossbar.rows):
            for width, tiles in _pieces(outputs, columns):
                yield Tile(rows, width * spread, 1, parts * tiles * matrix.blocks * copies)

    def rounds(self, crossbar: Crossbar) -> int:
        """Return how many times a product drives the rows of a crossbar: row groups times phases."""
        return crossbar.phases * -(-self.rows // (crossbar.active_rows or self.rows))

    def interval(self, crossbar: Crossbar) -> int:
        """Return the cycles between products: the time of the phases, each limited by the crossbar or its ADCs."""
        conversions = -(-self.columns // (crossbar.adcs or self.columns))
        phase = max(crossbar.phase_cycles, conversions * crossbar.adc_cycles)
        return self.rounds(crossbar) * phase


def blocks_sharing(matrix: Matrix, crossbar: Crossbar) -> int:
    """Return how many blocks of a matrix share a crossbar along its diagonal; 0 if a block does not fit."""
    rows, columns = _extents(matrix, crossbar)
    return min(rows // matrix.inputs, columns // matrix.outputs, matrix.blocks)


def _extents(matrix: Matrix, crossbar: Crossbar) -> tuple[int, int]:
    """Return the rows of a crossbar, and how many weights its columns hold; without a limit, as the matrix needs."""
    spread = crossbar.columns_per_weight
    rows = crossbar.rows or matrix.inputs * matrix.blocks
    return rows, (crossbar.columns or matrix.outputs * matrix.blocks * spread) // spread


def _pieces(extent: int, most: int) -> list[tuple[int, int]]:
    """Return the sizes of the pieces of an extent, of at most `most`, each with their number."""
    full, rest = divmod(extent, most)
    return [(size, count) for size, count in ((most, full), (rest, 1)) if size and count]
