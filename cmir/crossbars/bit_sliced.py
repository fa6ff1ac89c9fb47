"""Products of integers in slices and phases: a phase drives a digit of the inputs, and a cell holds one of a weight.

An ADC converts the sum of each column, phase and group of active rows to an integer, and clips it. Sums are exact
otherwise, so that a product on a tile where nothing can clip is the product of the integers.

Inputs are in two's complement: the last phase of a negative number drives its top digit less the digit's base. The rows
with a negative digit are converted by themselves, and subtracted. Weights are held as `crossbar.signed_weights` says:

- `cells`: digits of the magnitude, with the sign of the weight; sums have both signs
- `column-pairs`: digits of the magnitude in one of two columns, which are converted and subtracted
- `unit-column`: digits of w + 2^(`weight_bits` − 1); a column of ones gives the sum of the inputs, of which this
  multiple is subtracted
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cmir.crossbars.converters import InputConverter
from cmir.crossbars.model import CrossbarModel, Where, computes
from cmir.crossbars.random import Columns
from cmir.crossbars.ranges import MatrixRange, range_of
from cmir.crossbars.tiles import Tile
from cmir.hardware.crossbar_models import BitSliced
from cmir.hardware.sections import Crossbar
from cmir.support.diagnostics import CompileError

_SINGLE = 2**24
"""Bound of the integers that float32 holds exactly."""


@dataclass(frozen=True)
class Plane:
    """Digits of a tile's weights that have one place value, shape (outputs, rows), or (1, rows) for all outputs."""

    digits: np.ndarray
    value: float


@dataclass(frozen=True)
class SlicedTile:
    """A tile after programming.

    whole: the weights as integers. planes: their digits; empty if no sum of a column can clip. conversions: number of
    conversions for a product.
    """

    tile: Tile
    whole: np.ndarray
    planes: tuple[Plane, ...]
    conversions: int


@dataclass(frozen=True)
class SlicedMatrix:
    """A matrix after programming. input: codes of floats; None for integers. unit: value of a product of codes."""

    outputs: int
    input: InputConverter | None
    unit: float
    tiles: tuple[SlicedTile, ...]


@computes(BitSliced)
class BitSlicedCrossbars(CrossbarModel):
    """Products of integers in slices and phases.

    cell_bits, phase_bits: bits of a digit of weights, and of inputs. least, most: bounds of a conversion.
    """

    settings: BitSliced

    def __init__(
        self, settings: BitSliced, crossbar: Crossbar, ranges: dict[str, MatrixRange] | None = None
    ):
        super().__init__(settings, crossbar, ranges)
        if crossbar.weight_bits is None or crossbar.input_bits is None:
            message = (
                "the model `bit-sliced` needs `crossbar.weight_bits` and `crossbar.input_bits`"
            )
            raise CompileError(None, message)
        self.weight_bits, self.input_bits = crossbar.weight_bits, crossbar.input_bits
        self.cell_bits = crossbar.cell_bits or -(-self.weight_bits // crossbar.slices)
        self.phase_bits = crossbar.dac_bits or -(-self.input_bits // crossbar.phases)
        signed = crossbar.signed_weights == "cells"
        codes = np.inf if crossbar.adc_bits is None else 2.0**crossbar.adc_bits
        self.least = -codes / 2 if signed else 0.0
        self.most = (codes / 2 if signed else codes) - 1

    @property
    def calibration(self) -> int:
        return self.settings.calibration_inputs if self.settings.input_range is None else 0

    def program(self, where: Where, matrix: np.ndarray, tiles: Sequence[Tile]) -> SlicedMatrix:
        outputs = max(tile.outputs.stop for tile in tiles)
        if matrix.dtype.kind in "iub":
            whole = matrix.astype(np.int64)
            bound = 2 ** (self.weight_bits - 1)
            if whole.size and not -bound <= whole.min() <= whole.max() < bound:
                message = f"weights of {where.matrix} are {whole.min()} to {whole.max()}: they do not fit into "
                raise CompileError(None, f"{message}`crossbar.weight_bits` = {self.weight_bits}")
            converter, unit = None, 1.0
        else:
            step = float(np.abs(matrix).max(initial=0)) / max(1, 2 ** (self.weight_bits - 1) - 1)
            step = step or 1.0
            whole = np.rint(matrix.astype(np.float64) / step).astype(np.int64)
            reach = self.settings.input_range
            found = (
                range_of(self.ranges, where.matrix)
                if reach is None
                else MatrixRange(-reach, reach, ())
            )
            converter = InputConverter.of(found, self.input_bits, False)
            unit = step * converter.step
        sliced = tuple(self._program_tile(tile, tile.weights(whole)) for tile in tiles)
        return SlicedMatrix(outputs, converter, unit, sliced)

    def _program_tile(self, tile: Tile, whole: np.ndarray) -> SlicedTile:
        planes = [*self._planes(whole)]
        groups = [*self._groups(whole.shape[1])]
        largest = 2**self.phase_bits - 1
        sums = [
            float(np.abs(plane.digits[:, rows]).sum(axis=1).max()) * largest
            for plane in planes
            for rows in groups
        ]
        kept = tuple(planes) if max(sums) > self.most else ()
        if max(sums) < _SINGLE:
            kept = tuple(Plane(p.digits.astype(np.float32), p.value) for p in kept)
        columns = sum(len(plane.digits) for plane in planes)
        conversions = columns * len(groups) * self.crossbar.phases
        return SlicedTile(tile, whole.astype(np.float64), kept, conversions)

    def _groups(self, rows: int) -> Iterator[slice]:
        """Yield the rows that are driven at a time."""
        step = self.crossbar.active_rows or rows
        return (slice(start, min(start + step, rows)) for start in range(0, rows, step))

    def _planes(self, whole: np.ndarray) -> Iterator[Plane]:
        """Yield the digits that the cells of a tile hold."""
        match self.crossbar.signed_weights:
            case "unit-column":
                bias = 2 ** (self.weight_bits - 1)
                yield from self._digits_of_weights(whole + bias, 1)
                yield Plane(np.ones((1, whole.shape[1])), -float(bias))
            case "column-pairs":
                yield from self._digits_of_weights(np.maximum(whole, 0), 1)
                yield from self._digits_of_weights(np.maximum(-whole, 0), -1)
            case _:
                for plane in self._digits_of_weights(np.abs(whole), 1):
                    yield Plane(np.sign(whole) * plane.digits, plane.value)

    def _digits_of_weights(self, weights: np.ndarray, sign: int) -> Iterator[Plane]:
        for k in range(self.crossbar.slices):
            digits = (weights >> (self.cell_bits * k)) & (2**self.cell_bits - 1)
            yield Plane(digits.astype(np.float64), sign * 2.0 ** (self.cell_bits * k))

    def product(
        self, where: Where, programmed: SlicedMatrix, x: np.ndarray, columns: Columns
    ) -> np.ndarray:
        codes = self._codes(programmed, x)
        total = np.zeros((programmed.outputs, x.shape[1]))
        counted = self.conversions[where.matrix]
        for tile in programmed.tiles:
            part = codes[tile.tile.inputs]
            counted.all += tile.conversions * x.shape[1]
            if tile.planes:
                y, clipped = self._convert(tile, part)
                counted.clipped += clipped
            else:
                y = tile.whole @ part
            total[tile.tile.outputs] += y
        total *= programmed.unit
        return total

    def _codes(self, programmed: SlicedMatrix, x: np.ndarray) -> np.ndarray:
        """Return the inputs as integers, in float64; integers with too many bits are clipped."""
        if programmed.input is not None:
            return programmed.input.codes(x)
        signed = x.dtype.kind == "i"
        codes = 2.0**self.input_bits
        least, most = (-codes / 2, codes / 2 - 1) if signed else (0, codes - 1)
        return np.clip(x.astype(np.float64), least, most)

    def _convert(self, tile: SlicedTile, codes: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the sum of all conversions of a tile, each at its place value, and how many were clipped."""
        dtype = tile.planes[0].digits.dtype
        total, clipped = np.zeros((len(tile.whole), codes.shape[1])), 0
        for digits, place in self._drives(codes.astype(np.int64)):
            driven = digits.astype(dtype)
            for rows in self._groups(codes.shape[0]):
                for plane in tile.planes:
                    y = plane.digits[:, rows] @ driven[rows]
                    clipped += int(np.count_nonzero((y < self.least) | (y > self.most)))
                    np.clip(y, self.least, self.most, out=y)
                    total += y.astype(np.float64) * (plane.value * place)
        return total, clipped

    def _drives(self, codes: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
        """Yield the digits that rows are driven with, and their place value; it is negative if they are subtracted."""
        base, phases = 2**self.phase_bits, self.crossbar.phases
        for phase in range(phases):
            digits = (codes >> (self.phase_bits * phase)) & (base - 1)
            place = float(base**phase)
            if phase == phases - 1 and (negative := codes < 0).any():
                yield np.where(negative, base - digits, 0), -place
                digits = np.where(negative, 0, digits)
            yield digits, place
