"""Functions that NumPy lacks.

They apply to NumPy arrays, and to other array classes that register their own versions: `erf.register(…)`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any

import numpy as np
from ml_dtypes import bfloat16, int2, int4, uint2, uint4

from cmir.support.counts import count_of

BFLOAT16 = np.dtype(bfloat16)
"""The type of `bf16`, which NumPy lacks. It is none of NumPy's kinds of floats."""

NARROW_FLOATS = (np.dtype(np.float16), BFLOAT16)
"""The types of floats that are computed in `float32`, and rounded once."""


NARROW_INTEGERS = tuple(map(np.dtype, (int4, uint4, int2, uint2)))
"""Types of integers that arrays hold as `int8`."""


def held(x: np.ndarray) -> np.ndarray:
    """Return an array in the type that holds its elements: `int8` for integers of 2 and 4 bits."""
    return x.astype(np.int8) if x.dtype in NARROW_INTEGERS else x


def plain(x: np.ndarray) -> np.ndarray:
    """Return an array in a type of NumPy, which its files have: `bfloat16` as `float32`, 2 and 4 bits as `int8`."""
    return x.astype(np.float32) if x.dtype == BFLOAT16 else held(x)


def is_float(dtype: np.dtype[Any]) -> bool:
    """Return True for a type of floats."""
    return dtype.kind == "f" or dtype == BFLOAT16


def widened(x: Any) -> Any:
    """Return an array in the type in which its elements are computed with: narrow floats as `float32`."""
    return x.astype(np.float32) if x.dtype in NARROW_FLOATS else x


class DuckArray(ABC):
    """An array of numbers other than NumPy's, for which the functions of this module are registered."""

    @abstractmethod
    def uninterpreted(
        self, name: str, function: Callable[..., Any], operands: Sequence[Any], elementwise: bool
    ) -> Any:
        """Apply a function of which only its name and the shape of its results are known.

        Operands have a leading axis, which the function does not mix. elementwise: it does not mix other axes, either.
        """


# W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation
# 23 (1969), with the coefficients of his program CALERF. Numerator and denominator, highest power
# first, of erf(x) / x in x² for |x| <= 0.46875 and of exp(x²) erfc(x) for 0.46875 <= x <= 4.
_SMALL = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e00,
        1.13864154151050156e02,
        3.77485237685302021e02,
        3.20937758913846947e03,
    ),
    (
        1.0,
        2.36012909523441209e01,
        2.44024637934444173e02,
        1.28261652607737228e03,
        2.84423683343917062e03,
    ),
)
_MEDIUM = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594e0,
        6.61191906371416295e01,
        2.98635138197400131e02,
        8.81952221241769090e02,
        1.71204761263407058e03,
        2.05107837782607147e03,
        1.23033935479799725e03,
    ),
    (
        1.0,
        1.57449261107098347e01,
        1.17693950891312499e02,
        5.37181101862009858e02,
        1.62138957456669019e03,
        3.29079923573345963e03,
        4.36261909014324716e03,
        3.43936767414372164e03,
        1.23033935480374942e03,
    ),
)
_BORDER = 0.46875
_ONE = 6.0
"""Threshold from which erf(x) is 1 in double precision; the approximation of erfc can be inaccurate there."""


@singledispatch
def erf(x: Any) -> Any:
    """Return the error function, computed in double precision and rounded to the type of `x`."""
    x = np.asarray(x)
    exact = x.astype(np.float64)
    size = np.minimum(np.abs(exact), _ONE)
    small = exact * _ratio(_SMALL, np.minimum(size, _BORDER) ** 2)
    large = 1 - np.exp(-(size**2)) * _ratio(_MEDIUM, size)
    return np.where(size <= _BORDER, small, np.copysign(large, exact)).astype(x.dtype)


def _ratio(polynomials: tuple[tuple[float, ...], tuple[float, ...]], x: np.ndarray) -> np.ndarray:
    numerator, denominator = polynomials
    return np.polyval(numerator, x) / np.polyval(denominator, x)


@singledispatch
def as_type(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return `x` as an array of this type, converted as by NumPy."""
    return np.asarray(x, dtype)


@singledispatch
def convert(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return `x` as numbers of another type, rounded to the nearest, ties to even, and saturated to its range.

    Numbers become `bfloat16` by way of `float32`.
    """
    x = np.asarray(x)
    if is_float(dtype):
        return x.astype(dtype)
    limits = np.iinfo(dtype)
    if is_float(x.dtype):
        # Double precision represents the limits of all integers exactly, except the largest of 64 bits.
        whole = np.nan_to_num(np.rint(x.astype(np.float64)), nan=0.0, posinf=np.inf, neginf=-np.inf)
        above = whole >= float(limits.max)
        inside = np.where(above, 0.0, np.maximum(whole, float(limits.min)))
        return np.where(above, dtype.type(limits.max), inside.astype(dtype))
    return np.clip(x.astype(np.int64), limits.min, limits.max).astype(dtype)


@singledispatch
def wrap(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return integers as integers of another type: their low bits, in two's complement."""
    return np.asarray(x).astype(dtype)


@singledispatch
def pick(x: Any, *indices: Any) -> Any:
    """Return x[n, indices[0][n, …], indices[1][n, …], …] for all n: elements, or parts, of `x`.

    The first axis may have length 1 in some of the arrays. Negative indices count from the end. Raises IndexError,
    which names an index that is out of range.
    """
    found = places_of(x.shape[1:], indices)
    if len(x) == 1:
        return x[0].take(found[0], axis=0) if len(found) == 1 else x[0][tuple(found)]
    return x[(np.arange(len(x)).reshape(-1, *(1,) * (found[0].ndim - 1)), *found)]


@singledispatch
def place(x: Any, updates: Any, *indices: Any, kind: str | None = None) -> Any:
    """Return `x` with x[n, indices[0][n, …], …] replaced by updates[n, …], or combined with it by `kind`.

    kind: add, mul, max or min. Axes and errors are those of `pick`; the last of several updates counts.
    """
    found = places_of(x.shape[1:], indices)
    count = max(map(len, (x, updates, *found)))
    result = np.array(np.broadcast_to(x, (count, *x.shape[1:])))
    key = (np.arange(count).reshape(-1, *(1,) * (found[0].ndim - 1)), *found)
    if kind is None:
        result[key] = updates
    else:
        ufuncs = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
        ufuncs[kind].at(result, key, updates)
    return result


@singledispatch
def arg_top_k(x: Any, count: int, largest: bool) -> Any:
    """Return the `i32` positions along the second axis of the `count` smallest elements, or the largest, in order.

    Equal elements have the order of their positions.
    """
    x = widened(x)  # the order of bfloat16 is not NumPy's where there are NaNs
    if not largest:
        return np.argsort(x, axis=1, kind="stable")[:, :count].astype(np.int32)
    backwards = np.argsort(np.flip(x, 1), axis=1, kind="stable")
    return (x.shape[1] - 1 - np.flip(backwards, 1)[:, :count]).astype(np.int32)


class OutsideError(IndexError):
    """An index that is out of range. row: its index along the first axis."""

    def __init__(self, message: str, row: int):
        self.row = row
        super().__init__(message)


def places_of(shape: Sequence[int], indices: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the indices of the first dimensions of an array of this shape, with those from the end counted up.

    Raises IndexError, which names an index that is out of range.
    """
    found: list[np.ndarray] = []
    for size, given in zip(shape, indices, strict=False):
        places = np.where(given < 0, given + size, given)
        outside = (places < 0) | (places >= size)
        if outside.any():
            wrong = given[outside].flat[0]
            message = f"index {wrong} is outside a dimension of {count_of(size, 'element')}"
            raise OutsideError(message, int(np.argwhere(outside)[0, 0]))
        found.append(places)
    return found


@singledispatch
def position(x: Any, axis: int, largest: bool, last: bool) -> Any:
    """Return the `i32` positions of the largest or smallest elements along an axis, the first or last of equals."""
    seen = np.flip(x, axis) if last else x
    found = (np.argmax if largest else np.argmin)(seen, axis)
    return (x.shape[axis] - 1 - found if last else found).astype(np.int32)


@singledispatch
def matrix_product(a: Any, b: Any) -> Any:
    """Return the matrix product. Narrow floats are summed in `float32` and rounded once."""
    if not is_float(a.dtype):
        return integer_product(a, b)
    with np.errstate(over="ignore"):
        return np.matmul(widened(a), widened(b)).astype(a.dtype, copy=False)


def integer_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the product of integer matrices, summed in 64 bits if one of them has so many, else in 32 bits."""
    total = np.int64 if np.int64 in (a.dtype, b.dtype) else np.int32
    largest = [int(np.abs(x.astype(np.int64)).max(initial=0)) for x in (a, b)]
    if largest[0] * largest[1] * a.shape[-1] < 2**53:
        # Doubles are exact up to this bound, and much faster to multiply.
        product = np.matmul(a.astype(np.float64), b.astype(np.float64))
    else:
        product = np.matmul(a.astype(np.int64), b.astype(np.int64))
    return product.astype(np.int64).astype(total, copy=False)


@singledispatch
def divide_towards_zero(a: Any, b: Any) -> Any:
    """Return the quotients of integers, rounded towards zero; 0 where the divisor is 0."""
    return (a - np.fmod(a, b)) // b


@singledispatch
def integer_power(x: Any, exponent: Any) -> Any:
    """Return integers to the power of integers, modulo 2 to the power of their width.

    A negative exponent gives the reciprocal, rounded towards zero; that of 0 is 0.
    """
    power = np.power(x, np.maximum(exponent, 0))
    sign = np.where(x == 1, 1, np.where(x == -1, 1 - 2 * (exponent & 1), 0))
    return np.where(exponent < 0, sign, power)


def ravel(coordinates: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return row-major indices, adding up broadcastable parts so that small ones are combined first."""
    parts: list[np.ndarray] = []
    stride = 1
    for coordinate, size in zip(reversed(coordinates), reversed(shape), strict=True):
        parts.append(coordinate * stride)
        stride *= size
    index: np.ndarray = np.zeros((), np.int64)
    for part in sorted(parts, key=lambda p: p.size):
        index = index + part
    return index
