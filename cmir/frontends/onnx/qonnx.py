"""Arithmetic of QONNX's quantisers.

Sources: `qonnx.custom_op.general.quant` and `bipolar_quant` of https://github.com/fastmachinelearning/qonnx.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Constant
from cmir.frontends.onnx.quantized import QuantizedConstant
from cmir.support.counts import count_of

DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
"""The domains in which exporters put the quantisers."""

MOST_BITS = 16


@dataclass(frozen=True)
class Quantiser:
    """The integers of a quantiser, and how it rounds. bipolar: its only integers are −1 and 1."""

    low: int
    high: int
    bipolar: bool
    rounding: str
    dtype: np.dtype
    """The smallest type that holds the integers, and in which they can be clipped."""

    @classmethod
    def of(cls, bits: float, signed: bool, narrow: bool, rounding_mode: str) -> Self:
        """Return the quantiser with these settings. Raises ImporterError."""
        if bits != int(bits) or not 1 <= bits <= MOST_BITS:
            raise ImporterError(f"a bit width of {bits:g} is not supported: 1 to {MOST_BITS}")
        rounding = rounding_mode.upper()
        if rounding not in ("ROUND", "CEIL", "FLOOR"):
            raise ImporterError(f"attribute rounding_mode = {rounding_mode} is not supported")
        bits = int(bits)
        if signed:
            high = 2 ** (bits - 1) - 1
            low = -high if narrow else -high - 1
        else:
            low, high = 0, 2**bits - (2 if narrow else 1)
        bipolar = bits == 1 and signed
        for dtype in map(np.dtype, (np.int8, np.uint8, np.int16, np.uint16)):
            limits = np.iinfo(dtype)
            whole = (low, high) == (limits.min, limits.max)
            if whole or (dtype.kind == "i" and limits.min <= low and high <= limits.max):
                return cls(low, high, bipolar, rounding, dtype)
        raise ImporterError(
            f"unsigned integers of {count_of(bits, 'bit')} in a narrow range are not supported"
        )

    def bounds(self) -> Iterator[tuple[Literal["low", "high"], int]]:
        """Yield the bounds that the type does not have."""
        limits = np.iinfo(self.dtype)
        if self.low > limits.min:
            yield "low", self.low
        if self.high < limits.max:
            yield "high", self.high

    def zero(self, zeropt: np.ndarray) -> np.ndarray:
        """Return the zero points as integers. Raises ImporterError if they are not."""
        whole = zeropt.astype(np.int64)
        if (whole != zeropt).any():
            raise ImporterError("zero points that are no integers are not supported")
        return whole

    def numbers(self, x: np.ndarray, scale: np.ndarray, zero: np.ndarray) -> np.ndarray:
        """Return the integers that floats are quantised to."""
        quotient = x / scale + zero.astype(x.dtype)
        if self.bipolar:
            return np.where(quotient >= 0, 1, -1).astype(np.int8)
        round_ = {"ROUND": np.rint, "CEIL": np.ceil, "FLOOR": np.floor}[self.rounding]
        return round_(np.clip(quotient, self.low, self.high)).astype(self.dtype)


def number_of(bitwidth: Constant) -> float:
    """Return the bit width. Raises ImporterError if there are several."""
    if bitwidth.array.size != 1:
        raise ImporterError("bit widths must be one number")
    return float(bitwidth.array.item())


def quant(
    x: Constant,
    scale: Constant,
    zeropt: Constant,
    bitwidth: Constant,
    *,
    signed: bool = True,
    narrow: bool = True,
    rounding_mode: str = "ROUND",
) -> QuantizedConstant:
    """Compute Quant of constants."""
    quantiser = Quantiser.of(number_of(bitwidth), signed, narrow, rounding_mode)
    zero = quantiser.zero(zeropt.array)
    return _constant(x, quantiser.numbers(x.array, scale.array, zero), scale.array, zero)


def bipolar_quant(x: Constant, scale: Constant) -> QuantizedConstant:
    """Compute BipolarQuant of constants."""
    numbers = np.where(x.array >= 0, 1, -1).astype(np.int8)
    return _constant(x, numbers, scale.array, np.zeros((), np.int64))


def _constant(
    x: Constant, numbers: np.ndarray, scale: np.ndarray, zero: np.ndarray
) -> QuantizedConstant:
    scale, zero = (
        a.reshape(()) if a.size == 1 else a.reshape((1,) * (numbers.ndim - a.ndim) + a.shape)
        for a in (np.asarray(scale, np.float32), zero)
    )
    products = np.asarray((numbers - zero).astype(np.float32) * scale)
    return QuantizedConstant(x.name, products.astype(x.array.dtype), numbers, scale, zero)
