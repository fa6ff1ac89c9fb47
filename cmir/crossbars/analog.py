"""Products on analog devices between converters.

    y[o] = gain · ADC( Σ_i w[o, i] · DAC(x[i]) + noise )      on each tile; then the tiles are added up

The models differ in w, the weights that the devices of a tile have, and in the gain of its outputs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cmir.crossbars.converters import InputConverter, OutputConverter, fixed_point
from cmir.crossbars.model import CrossbarModel, Where, computes
from cmir.crossbars.random import Columns, Key, key_of, normals
from cmir.crossbars.ranges import MatrixRange, range_of
from cmir.crossbars.tiles import Tile
from cmir.hardware.crossbar_models import Quantised


@dataclass(frozen=True)
class AnalogTile:
    """A tile after programming.

    cells: weights in units of `unit`, shape (outputs, inputs). gain: of all outputs or, with the shape (outputs, 1), of
    each. output: the ADC; None for exact outputs. noise: standard deviation of an output. key: of the noise.
    """

    tile: Tile
    cells: np.ndarray
    unit: float
    gain: float | np.ndarray
    output: OutputConverter | None
    noise: float
    key: Key


@dataclass(frozen=True)
class AnalogMatrix:
    """A matrix after programming. outputs: number of elements of a product. input: the DAC; None for exact inputs."""

    outputs: int
    integers: bool
    input: InputConverter | None
    tiles: tuple[AnalogTile, ...]


class Analog(CrossbarModel):
    """Products on devices whose weights a subclass gives."""

    @property
    def converts(self) -> bool:
        """True if inputs or outputs have codes."""
        return self.crossbar.input_bits is not None or self.crossbar.adc_bits is not None

    @property
    def _scales_outputs(self) -> bool:
        return self.crossbar.adc_bits is not None or self.settings.output_noise > 0

    @property
    def calibration(self) -> int:
        given = self.settings
        outputs = self._scales_outputs and given.output_range is None
        inputs = given.input_range is None and (self.converts or self._scales_outputs)
        return given.calibration_inputs if outputs or inputs else 0

    @abstractmethod
    def devices(
        self, where: Where, tile: Tile, weights: np.ndarray
    ) -> tuple[np.ndarray, float | np.ndarray]:
        """Return the weights that devices have, and the gain of the tile's outputs.

        weights: target, shape (outputs, inputs), in float64. The gain is that of all outputs or, with the shape
        (outputs, 1), of each.
        """

    def program(self, where: Where, matrix: np.ndarray, tiles: Sequence[Tile]) -> AnalogMatrix:
        integers = matrix.dtype.kind in "iub"
        found = self._range(where)
        converter = None
        if self.converts and found is not None:
            converter = InputConverter.of(found, self.crossbar.input_bits, integers)
        return AnalogMatrix(
            max(tile.outputs.stop for tile in tiles),
            integers,
            converter,
            tuple(self._program_tile(where, matrix, tile, found, converter) for tile in tiles),
        )

    def _range(self, where: Where) -> MatrixRange | None:
        """Return the ranges of a matrix, with those that the settings give; None if none are needed."""
        reach = self.settings.input_range
        found = range_of(self.ranges, where.matrix) if self.calibration else None
        if reach is None:
            return found
        return MatrixRange(-reach, reach, () if found is None else found.tiles)

    def _program_tile(
        self,
        where: Where,
        matrix: np.ndarray,
        tile: Tile,
        found: MatrixRange | None,
        converter: InputConverter | None,
    ) -> AnalogTile:
        weights = tile.weights(matrix).astype(np.float64)
        cells, gain = self.devices(where, tile, weights)
        unit = 1.0
        if converter is not None:
            cells, unit = fixed_point(cells, converter.reach)
            unit *= converter.step
        reach = 0.0
        if self._scales_outputs and found is not None:
            share = self.settings.output_range
            reach = (
                found.tiles[tile.number]
                if share is None
                else share * found.reach * float(np.abs(weights).max(initial=0))
            )
        bits = self.crossbar.adc_bits
        output = None if bits is None else OutputConverter.of(reach, bits)
        noise = self.settings.output_noise * reach
        return AnalogTile(tile, cells, unit, gain, output, noise, self.key(where, tile, "output"))

    def key(self, where: Where, tile: Tile, *purpose: object) -> Key:
        """Return the key of the random numbers of a tile for a purpose."""
        return key_of(
            self.settings.seed, where.core, where.crossbar, where.copy, tile.number, *purpose
        )

    def product(
        self, where: Where, programmed: AnalogMatrix, x: np.ndarray, columns: Columns
    ) -> np.ndarray:
        converter = programmed.input
        codes = x.astype(np.float64) if converter is None else converter.codes(x)
        total = np.zeros((programmed.outputs, x.shape[1]))
        counted = self.conversions[where.matrix]
        for tile in programmed.tiles:
            y = tile.cells @ codes[tile.tile.inputs]
            y *= tile.unit
            if tile.noise:
                y += tile.noise * normals(tile.key, len(y), columns)
            if tile.output is not None:
                y = tile.output.convert(y, counted)
            y *= tile.gain
            total[tile.tile.outputs] += y
        return np.rint(total, out=total) if programmed.integers else total


@computes(Quantised)
class QuantisedCrossbars(Analog):
    """Exact weights between converters."""

    def devices(self, where: Where, tile: Tile, weights: np.ndarray) -> tuple[np.ndarray, float]:
        return weights, 1.0
