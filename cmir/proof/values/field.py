"""Arithmetic of the field of P = 2¹⁹ − 1 elements in double precision.

A residue is the representative of its class from −(P − 1)/2 to (P − 1)/2. Products of two are below 2³⁶, so sums
of up to 2¹⁵ products are exact in any order, and BLAS multiplies matrices of residues without an error.

An array may also hold −∞, +∞ and NaN. They stand for what a network has in their place: infinities absorb what is added
to them, and NaN is a value that is not defined.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from functools import cache
from math import floor, isfinite
from typing import Any

import numpy as np

P = (1 << 19) - 1
"""The order of the field, a Mersenne prime."""

HALF = (P - 1) // 2

_PRIMITIVE = 3
"""Its powers are all residues but 0."""

_EXACT = 1 << 51
"""`reduce` takes integers below this: x / P, rounded twice, is off by less than half a P-th."""

COLUMNS = _EXACT // (HALF * HALF)
"""Maximum number of products that are added up before they are reduced."""


def reduce(x: Any) -> np.ndarray:
    """Return the residues of integers below 2⁵¹, as a new array; NaN for what is not finite.

    The nearest multiple of P is that of the rounded quotient: the exact one is at least 1 / 2P away from a half, and
    the computed one is nearer than that to it.
    """
    multiple = np.multiply(x, 1.0 / P)
    multiple = np.asarray(np.rint(multiple))
    multiple *= P
    return np.subtract(x, multiple, out=multiple)


def is_finite(x: np.ndarray) -> bool:
    """Return True if no element is infinite or NaN.

    One sum tells, which is below 2⁵³ for any array that fits memory.
    """
    return isfinite(float(x.sum()))


def reduce_sums(x: Any) -> np.ndarray:
    """Return the residues of integers below 2⁵¹; infinities and NaN stay what they are."""
    residues = reduce(x)
    return residues if is_finite(residues) else np.where(np.isfinite(x), residues, x)


def residue_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the product of matrices of residues. Columns are added up in parts that stay exact."""
    columns = a.shape[-1]
    if columns <= COLUMNS:
        return reduce(np.matmul(a, b))
    starts = range(0, columns, COLUMNS)
    parts = (reduce(np.matmul(a[..., k : k + COLUMNS], b[..., k : k + COLUMNS, :])) for k in starts)
    return reduce(sum(parts))


def product_along(x: np.ndarray, axis: int) -> np.ndarray:
    """Return the products of all residues along an axis, which vanishes: of halves, and their halves."""
    x = np.moveaxis(x, axis, 0)
    while len(x) > 1:
        half = len(x) // 2
        pairs = reduce(x[:half] * x[half : 2 * half])
        x = np.concatenate((pairs, x[2 * half :]))
    return x[0] if len(x) else np.ones(x.shape[1:])


def look_up(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the values of a table, with those of negative residues at its end. Single precision holds them exactly."""
    return table[np.asarray(x).astype(np.intp)].astype(np.float64)


@cache
def inverses() -> np.ndarray:
    """1 / x for each residue x, a negative one counted from the end; 0 for 0."""
    powers = np.ones(1, np.int64)
    step = _PRIMITIVE
    while len(powers) < P - 1:  # those of exponents below 2ⁿ, then times the 2ⁿ-th
        powers = np.concatenate((powers, powers * step % P))
        step = step * step % P
    powers = powers[: P - 1]
    table = np.zeros(P, np.int64)
    table[powers[0]], table[powers[1:]] = 1, powers[:0:-1]
    return reduce(table.astype(np.float64)).astype(np.float32)


def residue_of(numbers: np.ndarray) -> np.ndarray:
    """Return the residues of numbers, of which those of integers that have no residue of their own are arbitrary.

    Floats that are whole are themselves, in every precision. Others are the simplest rationals that round to them: 0.1
    is 1/10 in every precision, and 1/49 times 49 is 1. Infinities and NaN stay.
    """
    numbers = np.asarray(numbers)
    floats = numbers.dtype.kind == "f"
    exact = numbers.astype(np.float64 if floats else np.int64)
    small = (exact >= -HALF) & (exact <= HALF) & (exact == np.rint(exact))
    result = np.where(small, exact, 0).astype(np.float64)
    if not small.all():
        others, which = np.unique(exact[~small], return_inverse=True)
        name = numbers.dtype.name
        found = [
            _residue_of_float(x, name) if floats else _balanced(_integer(x))
            for x in others.tolist()
        ]
        result[~small] = np.array(found)[which]
    return result


@cache
def _residue_of_float(x: float, dtype: str) -> float:
    if not isfinite(x):
        return x
    if x == round(x):
        return _balanced(_integer(round(x)))
    rational = simplest_rational(x, np.dtype(dtype))
    return _balanced(_integer(rational.numerator) * pow(_integer(rational.denominator), -1, P))


def _integer(n: int) -> int:
    """Return an integer as one that is no multiple of P unless it is 0. Modulo P a factor of 2¹⁹ would be none."""
    if abs(n) <= HALF:
        return n
    size = 1 + int.from_bytes(hashlib.sha256(str(abs(n)).encode()).digest()[:8]) % (P - 1)
    return size if n > 0 else -size


def _balanced(x: int) -> float:
    return float((x + HALF) % P - HALF)


def simplest_rational(x: float, dtype: np.dtype[Any]) -> Fraction:
    """Return the smallest rational of the smallest denominator that rounds to `x` in a type of floats."""
    if x < 0:
        return -simplest_rational(-x, dtype)
    if x == 0:
        return Fraction(0)
    number = dtype.type(x)
    middle = Fraction(float(number))
    neighbours = (np.nextafter(number, dtype.type(bound)) for bound in (-np.inf, np.inf))
    low, high = (
        (middle + Fraction(float(n))) / 2 if np.isfinite(n) else 2 * middle for n in neighbours
    )
    return _simplest_between(low, high)


def _simplest_between(low: Fraction, high: Fraction | None) -> Fraction:
    """Return the simplest rational strictly between two that are not negative, by continued fractions.

    None is infinity.
    """
    whole = floor(low)
    if high is None or whole + 1 < high:
        return Fraction(whole + 1)
    rest = low - whole
    return whole + 1 / _simplest_between(1 / (high - whole), 1 / rest if rest else None)
