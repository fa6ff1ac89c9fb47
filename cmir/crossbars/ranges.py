"""Ranges of the numbers that pass the converters of a matrix, and their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cmir.support.diagnostics import CompileError
from cmir.support.parameters import Parameters


@dataclass(frozen=True)
class MatrixRange:
    """Ranges of the products of a matrix.

    low, high: of the inputs. tiles: largest magnitude of an output of each tile.
    """

    low: float
    high: float
    tiles: tuple[float, ...]

    @property
    def reach(self) -> float:
        """The largest magnitude of an input."""
        return max(-self.low, self.high)


Ranges = Mapping[str, MatrixRange]
"""Ranges by name of the matrix, see `Where.matrix`."""


def range_of(ranges: Ranges, matrix: str) -> MatrixRange:
    """Return the ranges of a matrix. Raises CompileError if it has none."""
    if (found := ranges.get(matrix)) is None:
        message = f"no ranges are calibrated for the converters of {matrix}: calibrate them on inputs of this network"
        raise CompileError(None, message)
    return found


def write_ranges(ranges: Ranges, path: Path) -> None:
    """Write ranges to a safetensors file."""
    arrays = {name: np.array([r.low, r.high, *r.tiles]) for name, r in ranges.items()}
    Parameters(arrays).save(path)


def read_ranges(path: Path) -> dict[str, MatrixRange]:
    """Read the ranges of a file. Raises CompileError if it holds something else."""
    arrays = Parameters.open(path)
    for name, array in arrays.items():
        if array.ndim != 1 or len(array) < 3 or not np.isfinite(array).all():
            raise CompileError(path, f"'{name}' must have two bounds, and a range for each tile")
    return {
        name: MatrixRange(float(low), float(high), tuple(map(float, tiles)))
        for name, (low, high, *tiles) in arrays.items()
    }
