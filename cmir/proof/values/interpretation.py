"""Random interpretation of the functions of a network over the field.

Sums, differences and products are those of the field; division multiplies by the inverse. Every other function
is random: its only law is that equal operands give equal results. Exceptions are the functions for which compiled
programs rely on more laws:

- The maximum of a and b is h⁻¹(h(a) + h(b)), with h a random permutation, and the minimum likewise with another one. It
  does not depend on the order of operands, and −∞ (for integers, the minimum of their type) is neutral. An order of the
  residues would hide faults: the largest of nine is rarely the wrong one.
- a < b is a random function f of a − b with f(0) = 0, and a ≤ b is 1 − (b < a). With f(x) = 1 − f(−x), as for different
  numbers, the two would coincide. a = b is a function with f(x) = f(−x) and f(0) = 1. Truth values are residues: "and"
  is the product, and a selection by c is c·a + (1 − c)·b.
- Rounding to a narrower float is multiplication by a random residue, so that it differs from no rounding and
  distributes over sums; widening is exact. Conversions of integers are random functions that preserve 0.
- exp(−∞) = 0, and 1 / ±∞ = 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from math import inf

import numpy as np

from cmir.proof.values.field import HALF, P, inverses, is_finite, look_up, reduce

MANY = P // 8
"""Minimum number of elements for which functions are looked up in a table; for fewer, each value is computed."""

Function = Callable[[np.ndarray], np.ndarray]
"""A function of residues, without infinities."""

_RESIDUES = reduce(np.arange(P, dtype=np.float64))
"""All residues, with negative ones at the end."""


class _Tables(dict[str, np.ndarray]):
    """Tables of the values of functions for all residues, by name."""

    def apply(self, name: str, function: Function, x: np.ndarray) -> np.ndarray:
        """Return the values of a function. The name identifies the function."""
        if name not in self and x.size >= MANY:
            self[name] = function(_RESIDUES).astype(np.float32)
        table = self.get(name)
        return function(x) if table is None else look_up(table, x)


class Interpretation:
    """The random functions of a seed, on arrays of residues."""

    def __init__(self, seed: int):
        self.seed = seed
        self._tables = _Tables()
        self._orders: dict[str, Order] = {}
        self._constants: dict[str, float] = {}
        self._parameters: dict[tuple[str, tuple[int, ...]], np.ndarray] = {}

    def array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return random residues that depend only on seed, name and shape."""
        generator = np.random.default_rng(self._hash(name))
        return generator.integers(-HALF, HALF + 1, shape, np.int32).astype(np.float64)

    def parameter(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return random residues for a parameter of a network. The result is cached."""
        key = name, shape
        if key not in self._parameters:
            self._parameters[key] = self.array(f"parameter {name}", shape)
        return self._parameters[key]

    def constant(self, name: str) -> float:
        """Return a random residue."""
        if name not in self._constants:
            self._constants[name] = float(self._hash(name) % P - HALF)
        return self._constants[name]

    def unary(
        self, name: str, x: np.ndarray, ends: Mapping[float, float] | None = None
    ) -> np.ndarray:
        """Apply a random function. ends: its values at −∞ and +∞, if they are not random."""
        return self._apply(name, self._random(name), x, ends)

    def binary(self, name: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Apply a random function of two operands."""
        a, b = self.finite(name, a), self.finite(name, b)
        mixed = self.unary(f"{name} of", a) + b * self.constant(f"{name} factor")
        return self.unary(name, reduce(mixed))

    def of_sequence(self, name: str, x: np.ndarray, axis: int) -> np.ndarray:
        """Return a random function of all elements along an axis, in their order."""
        shape = [1] * x.ndim
        shape[axis] = -1
        factors = self.array(f"{name} factors", (x.shape[axis],)).reshape(shape)
        terms = reduce(self.unary(f"{name} of", x) * factors)
        return self.unary(name, reduce(terms.sum(axis=axis)))

    def inverse(self, x: np.ndarray) -> np.ndarray:
        """Return 1 / x; random for x = 0."""
        of_zero = self.constant("inverse of 0")

        def inverse(x: np.ndarray) -> np.ndarray:
            return np.where(x == 0, of_zero, look_up(inverses(), x))

        return self._apply("inverse", inverse, x, {-inf: 0.0, inf: 0.0})

    def round(self, kind: str, x: np.ndarray) -> np.ndarray:
        """Round numbers to a narrower floating-point type."""
        return reduce(x * self.constant(f"rounding to {kind}"))

    def convert(self, name: str, x: np.ndarray) -> np.ndarray:
        """Convert numbers from or to integers."""
        random = self._random(name)
        return self._apply(name, lambda x: np.where(x == 0, 0.0, random(x)), x)

    def less(self, kind: str, difference: np.ndarray) -> np.ndarray:
        """Return the truth of difference < 0."""
        name = f"less {kind}"
        random = self._random(name)

        def less(x: np.ndarray) -> np.ndarray:
            return np.where(x == 0, 0.0, random(x))

        return self._apply(name, less, difference, {-inf: 1.0, inf: 0.0})

    def equal(self, difference: np.ndarray) -> np.ndarray:
        """Return the truth of difference = 0."""
        random = self._random("equal")

        def equal(x: np.ndarray) -> np.ndarray:
            return np.where(x == 0, 1.0, random(np.abs(x)))

        return self._apply("equal", equal, difference, {-inf: 0.0, inf: 0.0})

    def order(self, name: str, neutral: float) -> Order:
        """Return the order used by a maximum or minimum of this name."""
        if name not in self._orders:
            names = (f"{name} factor", f"{name} offset", f"{name} origin")
            numbers = [self.constant(n) for n in names]
            self._orders[name] = Order(self._tables, name, neutral, *numbers)
        return self._orders[name]

    def finite(self, name: str, x: np.ndarray) -> np.ndarray:
        """Replace infinities by constants of this name."""
        if is_finite(x):
            return x
        low, high = (self.constant(f"{name} of {end}") for end in (-inf, inf))
        return np.where(x == -inf, low, np.where(x == inf, high, x))

    def _apply(
        self,
        name: str,
        function: Function,
        x: np.ndarray,
        ends: Mapping[float, float] | None = None,
    ) -> np.ndarray:
        """Return the values of a function.

        Infinities give the values in `ends`, or else constants of the function's name; NaN gives NaN.
        """
        x = np.asarray(x)
        if is_finite(x):
            return self._tables.apply(name, function, x)
        result = self._tables.apply(name, function, np.where(np.isfinite(x), x, 0.0))
        for end in (-inf, inf):
            value = (ends or {}).get(end)
            value = self.constant(f"{name} at {end}") if value is None else value
            result = np.where(x == end, value, result)
        return np.where(np.isnan(x), x, result)

    def _random(self, name: str) -> Function:
        """Return a function with random values: a hash of the residue and the name.

        The hash is the function mix64 of Steele, Lea and Flood, "Fast splittable pseudorandom number generators"
        (2014).
        """
        key = np.uint64(self._hash(name) & (2**64 - 1))

        @np.errstate(over="ignore")  # integers wrap around, and NumPy warns about scalars
        def random(x: np.ndarray) -> np.ndarray:
            z = np.asarray(x).astype(np.int64).view(np.uint64) * _GOLDEN
            z += key
            for shift, factor in ((30, _MIX_1), (27, _MIX_2)):
                z ^= z >> np.uint64(shift)
                z *= factor
            z ^= z >> np.uint64(31)
            return np.floor((z >> np.uint64(11)) * (P / 2.0**53)) - HALF

        return random

    def _hash(self, name: str) -> int:
        digest = hashlib.sha256(f"{self.seed} {name}".encode()).digest()
        return int.from_bytes(digest[:16])


_GOLDEN, _MIX_1, _MIX_2 = map(
    np.uint64, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)


@cache
def _permutation() -> tuple[np.ndarray, np.ndarray]:
    """Return a random permutation of the residues, and its inverse."""
    forward = np.random.default_rng(P).permutation(P)
    backward = np.empty(P, np.float32)
    backward[forward] = _RESIDUES
    return reduce(forward.astype(np.float64)).astype(np.float32), backward


class Order:
    """A maximum or minimum: h⁻¹ of the sum of all h(x), with h(neutral) = 0.

    h(x) = π(a·x + b) − c, with one random permutation π for all, and a, b and c random by name.

    neutral: an element, or an infinity. The other infinity is the result wherever it is an operand.
    """

    def __init__(
        self,
        tables: _Tables,
        name: str,
        neutral: float,
        factor: float,
        offset: float,
        origin: float,
    ):
        self.name, self.neutral = name, neutral
        self._tables = tables
        self._factor, self._offset, self._origin = factor or 1.0, offset, origin
        if np.isfinite(neutral):
            self._origin = 0.0
            self._origin = float(self._weight(np.array(neutral)))

    def of_two(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the element-wise maximum or minimum of two arrays."""
        if is_finite(a) and is_finite(b):
            if a.size == 1 or b.size == 1:
                return self._with(*((a, b) if b.size == 1 else (b, a)))
            return self._element(reduce(self._weights(a) + self._weights(b)))
        return self.along(np.stack(np.broadcast_arrays(a, b)), (0,), False)

    def along(self, x: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
        """Return the maximum or minimum of the elements along axes."""
        if is_finite(x):
            weights = self._weights(x)
            return self._element(reduce(weights.sum(axis=axes, keepdims=keepdims)))
        finite = np.isfinite(x)
        weights = np.where(finite, self._weights(np.where(finite, x, 0.0)), 0.0)
        result = self._element(reduce(weights.sum(axis=axes, keepdims=keepdims)))
        none = ~finite.any(axis=axes, keepdims=keepdims)
        result = np.where(none, self.neutral, result)
        others = np.where(finite | (x == self.neutral), 0.0, x)
        absorbing = others.sum(axis=axes, keepdims=keepdims)
        return np.where(absorbing == 0, result, absorbing)

    def _with(self, x: np.ndarray, constant: np.ndarray) -> np.ndarray:
        """Return the maximum or minimum of each element and a constant."""
        shape = np.broadcast_shapes(x.shape, constant.shape)
        weight = self._weights(constant).reshape(())

        def function(x: np.ndarray) -> np.ndarray:
            return self._element(reduce(self._weights(x) + weight))

        return self._tables.apply(f"{self.name} with {weight}", function, x).reshape(shape)

    def _weights(self, x: np.ndarray) -> np.ndarray:
        return self._tables.apply(f"{self.name} weight", self._weight, x)

    def _element(self, weight: np.ndarray) -> np.ndarray:
        return self._tables.apply(f"{self.name} element", self._of_weight, np.asarray(weight))

    def _weight(self, x: np.ndarray) -> np.ndarray:
        place = reduce(x * self._factor + self._offset)
        return reduce(look_up(_permutation()[0], place) - self._origin)

    def _of_weight(self, weight: np.ndarray) -> np.ndarray:
        place = reduce(weight + self._origin)
        inverse = float(inverses()[int(self._factor)])
        return reduce(reduce(look_up(_permutation()[1], place) - self._offset) * inverse)
