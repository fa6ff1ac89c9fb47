"""Converters between numbers and the codes that drive rows (DAC) or are read from columns (ADC).

Codes are integers in arrays of `float64`. Where there are converters, all sums of products of codes and weights are
exact: weights are integers on a fixed-point grid that leaves room for them (`fixed_point`). No order of additions can
then flip a code, so results are equal bit for bit for any chunks, threads and lanes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, frexp, inf, ldexp, log2

import numpy as np

from cmir.crossbars.model import Conversions
from cmir.crossbars.ranges import MatrixRange

EXACT_BITS = 52
"""Bits of sums: one less than float64 holds, because the grid's rounding may add to them."""

FINE_BITS = 20
"""Bits of an input's magnitude if only outputs are converted: fine enough to stand for a number without a converter."""


@dataclass(frozen=True)
class InputConverter:
    """A DAC with the codes least … most, `step` apart. reach: largest magnitude of the codes that are expected."""

    step: float
    least: float
    most: float
    reach: float

    @staticmethod
    def of(found: MatrixRange, bits: int | None, integers: bool) -> InputConverter:
        """Return the converter for inputs in a range.

        Inputs that are never negative have the codes 0 … 2^bits − 1, others −(2^(bits − 1) − 1) … 2^(bits − 1) − 1. The
        codes of integers are at least 1 apart, so that integers that fit are exact. bits: None for exact inputs, on a
        grid of FINE_BITS.
        """
        if bits is None:
            step = 1.0 if integers else _power_of_two(found.reach) * 2.0**-FINE_BITS
            return InputConverter(step, -inf, inf, max(1.0, ceil(found.reach / step)))
        signed = found.low < 0
        most = float(2 ** (bits - 1) - 1 if signed else 2**bits - 1) or 1.0
        step = found.reach / most or 1.0
        step = max(1.0, step) if integers else step
        return InputConverter(step, -most if signed else 0.0, most, most)

    def codes(self, x: np.ndarray) -> np.ndarray:
        """Return the codes nearest to numbers, clipped."""
        codes = x.astype(np.float64)
        codes /= self.step
        np.rint(codes, out=codes)
        return np.clip(codes, self.least, self.most, out=codes)


@dataclass(frozen=True)
class OutputConverter:
    """An ADC with the codes −most … most, `step` apart."""

    step: float
    most: float

    @staticmethod
    def of(reach: float, bits: int) -> OutputConverter:
        """Return the converter for outputs of a magnitude up to `reach`."""
        most = float(2 ** (bits - 1) - 1) or 1.0
        return OutputConverter(reach / most or 1.0, most)

    def convert(self, y: np.ndarray, counted: Conversions) -> np.ndarray:
        """Return the numbers of the codes nearest to outputs, clipped, in the same memory."""
        y /= self.step
        np.rint(y, out=y)
        counted.all += y.size
        counted.clipped += int(np.count_nonzero(np.abs(y) > self.most))
        np.clip(y, -self.most, self.most, out=y)
        y *= self.step
        return y


def fixed_point(weights: np.ndarray, reach: float) -> tuple[np.ndarray, float]:
    """Return weights as integers, and the power of two that they are multiples of.

    weights: shape (outputs, inputs). reach: largest magnitude of a code. The grid is as fine as exact sums of products
    with such codes allow.
    """
    largest = float(np.abs(weights).sum(axis=1).max(initial=0)) * reach
    exponent = EXACT_BITS - frexp(largest)[1] if largest else 0
    return np.rint(np.ldexp(weights, exponent)), ldexp(1.0, -exponent)


def _power_of_two(x: float) -> float:
    """Return the least power of two that is no smaller than a number; 1 for 0."""
    return 2.0 ** ceil(log2(x)) if x else 1.0
