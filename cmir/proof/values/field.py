"""Arithmetic of the field of P = 2¹⁹ − 1 elements in double precision.

A residue is the representative of its class from −(P − 1)/2 to (P − 1)/2. Products of two residues are below 2³⁶, so
sums of up to 2¹⁵ products are exact in any order, and BLAS multiplies matrices of residues without an error.

An array may also hold −∞, +∞ and NaN, which stand for themselves: infinities absorb finite addends, and NaN is an
undefined value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from math import floor, isfinite, prod
from typing import Any

import numpy as np

from cmir.support.numerics import is_float

P = (1 << 19) - 1
"""The order of the field, a Mersenne prime."""

HALF = (P - 1) // 2

_PRIMITIVE = 3
"""A primitive root: its powers are all residues except 0."""

_EXACT = 1 << 51
"""`reduce` takes integers below this: x / P, rounded twice, is off by less than half a P-th."""

COLUMNS = _EXACT // (HALF * HALF)
"""Maximum number of products that are summed before reduction."""


def reduce(x: Any) -> np.ndarray:
    """Return the residues of integers below 2⁵¹; NaN for infinities and NaN.

    x: a temporary. An array in double precision is overwritten.

    The rounded quotient gives the nearest multiple of P: the exact quotient is at least 1 / 2P away from a
    half-integer, and the error of the computed quotient is smaller.
    """
    return _overwrite(x, np.subtract)


def is_finite(x: np.ndarray) -> bool:
    """Return True if no element is infinite or NaN.

    Tests one sum, which is finite for integers below 2⁵¹ in any array that fits in memory.
    """
    return isfinite(float(x.sum()))


def reduce_sums(x: Any) -> np.ndarray:
    """Return the residues of integers below 2⁵¹; infinities and NaN are unchanged. x: a temporary, as for `reduce`."""
    return _overwrite(x, _subtract_from_finite)


def _subtract_from_finite(x: np.ndarray, multiple: np.ndarray, out: np.ndarray) -> None:
    np.subtract(x, multiple, out=out, where=is_finite(x) or np.isfinite(x))


def _overwrite(x: Any, subtract: Callable[..., Any]) -> np.ndarray:
    """Subtract from integers the nearest multiples of P, in blocks that stay in the caches."""
    x = np.asarray(x, np.float64)
    if (flat := _flat(x)) is None:
        flat = _flat(x := x.copy(order="K"))
        assert flat is not None
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        multiple = block * (1.0 / P)
        np.rint(multiple, out=multiple)
        multiple *= P
        subtract(block, multiple, out=block)
    return x


_BLOCK = 1 << 15
"""Number of elements that are reduced at a time: 256 KiB."""


def _flat(x: np.ndarray) -> np.ndarray | None:
    """Return the elements in the order of memory, as a view; None if there are gaps between them."""
    order = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
    flat = x.transpose(order).reshape(-1)
    return flat if x.size == 0 or np.may_share_memory(flat, x) else None


def residue_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the product of matrices of residues. Columns are summed in parts for which double precision is exact."""
    columns = a.shape[-1]
    if columns <= COLUMNS:
        return reduce(np.matmul(a, b))
    starts = range(0, columns, COLUMNS)
    parts = (reduce(np.matmul(a[..., k : k + COLUMNS], b[..., k : k + COLUMNS, :])) for k in starts)
    return reduce(sum(parts))


def sum_of_products(a: np.ndarray, b: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Return the sums of the products of residues along axes of a · b, which are removed."""
    a, b = np.broadcast_arrays(a, b)
    if prod(a.shape[axis] for axis in axes) > COLUMNS:
        return reduce(reduce(a * b).sum(axis=axes))
    every = list(range(a.ndim))
    return reduce(np.einsum(a, every, b, every, [axis for axis in every if axis not in axes]))


def product_along(x: np.ndarray, axis: int) -> np.ndarray:
    """Return the products of the residues along an axis, which is removed, by recursive halving."""
    x = np.moveaxis(x, axis, 0)
    while len(x) > 1:
        half = len(x) // 2
        pairs = reduce(x[:half] * x[half : 2 * half])
        x = np.concatenate((pairs, x[2 * half :]))
    return x[0] if len(x) else np.ones(x.shape[1:])


def look_up(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Look up residues in a table, which ends with the values of negative ones. Single precision is exact for them."""
    return table[np.asarray(x).astype(np.intp)].astype(np.float64)


@cache
def inverses() -> np.ndarray:
    """Return the table of 1 / x for each residue x, with negative residues at the end; 0 for 0."""
    powers = np.ones(1, np.int64)
    step = _PRIMITIVE
    while len(powers) < P - 1:  # powers with exponents below 2ⁿ, then these times the 2ⁿ-th power
        powers = np.concatenate((powers, powers * step % P))
        step = step * step % P
    powers = powers[: P - 1]
    table = np.zeros(P, np.int64)
    table[powers[0]], table[powers[1:]] = 1, powers[:0:-1]
    return reduce(table.astype(np.float64)).astype(np.float32)


def residue_of(numbers: np.ndarray) -> np.ndarray:
    """Return the residues of numbers.

    Integral floats stand for themselves, in every precision. Other floats stand for the simplest rational that rounds
    to
    them: 0.1 is 1/10 in every precision, and 1/49 times 49 is 1. Integers beyond the range of residues have arbitrary
    residues. Infinities and NaN are unchanged.
    """
    numbers = np.asarray(numbers)
    floats = is_float(numbers.dtype)
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
    """Map an integer to one that is a multiple of P only if it is 0. Modulo P, a factor 2¹⁹ would have no effect."""
    if abs(n) <= HALF:
        return n
    size = 1 + int.from_bytes(hashlib.sha256(str(abs(n)).encode()).digest()[:8]) % (P - 1)
    return size if n > 0 else -size


def _balanced(x: int) -> float:
    return float((x + HALF) % P - HALF)


def simplest_rational(x: float, dtype: np.dtype[Any]) -> Fraction:
    """Return the rational of smallest denominator, then numerator, that rounds to `x` in a floating-point type."""
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
    """Return the simplest rational strictly between two non-negative ones, by continued fractions.

    None stands for infinity.
    """
    whole = floor(low)
    if high is None or whole + 1 < high:
        return Fraction(whole + 1)
    rest = low - whole
    return whole + 1 / _simplest_between(1 / (high - whole), 1 / rest if rest else None)
