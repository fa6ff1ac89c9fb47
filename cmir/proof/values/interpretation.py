"""A random interpretation: what each function of a network means over the field.

Sums, differences and products are those of the field; division multiplies by the inverse. Every other function is a
table of random residues, so that nothing holds of it but that it gives the same for the same. Exceptions, where
compiled programs may rely on more:

- The maximum of a and b is h⁻¹(h(a) + h(b)), with h a random permutation, and the minimum likewise with another one. It
  does not depend on the order of operands, and −∞ (for integers, the least of their type) is neutral. An order of the
  residues would hide faults: the largest of nine is rarely the one that is wrong.
- a < b is a random function of a − b with values f(x) = 1 − f(−x); a = b is one with f(x) = f(−x) and f(0) = 1. Truth is
  a residue: "and" is the product, and a choice by c is c·a + (1 − c)·b.
- Rounding to a narrower float is multiplication by a random residue, so that it can be told from none and moves through
  sums; widening is exact. Conversions of integers are random functions that keep 0.
- exp(−∞) = 0, and 1 / ±∞ = 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from math import inf

import numpy as np

from cmir.proof.values.field import HALF, P, inverses, is_finite, reduce

Table = np.ndarray
"""A value for each residue, a negative one counted from the end."""


class Interpretation:
    """The functions that a seed stands for, on arrays of residues."""

    def __init__(self, seed: int):
        self.seed = seed
        self._tables: dict[str, Table] = {}
        self._orders: dict[str, Order] = {}

    def random(self, name: str) -> np.random.Generator:
        """Random numbers that only depend on seed and name."""
        digest = hashlib.sha256(f"{self.seed} {name}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:16]))

    def array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Random residues: a parameter or an input."""
        return self.random(name).integers(-HALF, HALF + 1, shape).astype(np.float64)

    def constant(self, name: str) -> float:
        """A random residue."""
        return float(self.array(name, (1,))[0])

    def table(self, name: str) -> Table:
        """Random residues for all residues."""
        return self._kept(name, lambda: self.array(f"table {name}", (P,)))

    def unary(
        self, name: str, x: np.ndarray, ends: Mapping[float, float] | None = None
    ) -> np.ndarray:
        """A random function. ends: its values at −∞ and +∞, if they are not random."""
        return self.look_up(name, self.table(name), x, ends)

    def binary(self, name: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """A random function of two operands."""
        a, b = self.finite(name, a), self.finite(name, b)
        mixed = self.unary(f"{name} of", a) + b * self.constant(f"{name} factor")
        return self.unary(name, reduce(mixed))

    def of_sequence(self, name: str, x: np.ndarray, axis: int) -> np.ndarray:
        """A random function of all elements along an axis, in their order."""
        shape = [1] * x.ndim
        shape[axis] = -1
        factors = self.array(f"{name} factors", (x.shape[axis],)).reshape(shape)
        terms = reduce(self.unary(f"{name} of", x) * factors)
        return self.unary(name, reduce(terms.sum(axis=axis)))

    def look_up(
        self, name: str, table: Table, x: np.ndarray, ends: Mapping[float, float] | None = None
    ) -> np.ndarray:
        """The values of a table; for infinities those in `ends`, or else constants of this name; NaN for NaN."""
        x = np.asarray(x)
        if is_finite(x):
            return table.take(x.astype(np.intp), mode="wrap")
        result = table.take(np.where(np.isfinite(x), x, 0).astype(np.intp), mode="wrap")
        for end in (-inf, inf):
            value = (ends or {}).get(end)
            value = self.constant(f"{name} at {end}") if value is None else value
            result = np.where(x == end, value, result)
        return np.where(np.isnan(x), x, result)

    def inverse(self, x: np.ndarray) -> np.ndarray:
        """1 / x; that of 0 is random."""

        def table() -> Table:
            result = inverses().copy()
            result[0] = self.constant("inverse of 0")
            return result

        return self.look_up("inverse", self._kept("inverse", table), x, {-inf: 0.0, inf: 0.0})

    def round(self, kind: str, x: np.ndarray) -> np.ndarray:
        """Numbers of a type of floats nearest to wider ones."""
        return reduce(x * self.constant(f"rounding to {kind}"))

    def convert(self, name: str, x: np.ndarray) -> np.ndarray:
        """A conversion from or to integers."""

        def table() -> Table:
            result = self.array(f"table {name}", (P,))
            result[0] = 0
            return result

        return self.look_up(name, self._kept(name, table), x)

    def less(self, kind: str, difference: np.ndarray) -> np.ndarray:
        """True of a difference below 0."""
        name = f"less {kind}"
        ends = {-inf: 1.0, inf: 0.0}
        return self.look_up(name, self._kept(name, lambda: self._less(name)), difference, ends)

    def equal(self, difference: np.ndarray) -> np.ndarray:
        """True of a difference of 0."""

        def table() -> Table:
            result = self.array("table equal", (P,))
            result[0] = 1
            result[:HALF:-1] = result[1 : HALF + 1]
            return result

        ends = {-inf: 0.0, inf: 0.0}
        return self.look_up("equal", self._kept("equal", table), difference, ends)

    def order(self, name: str, neutral: float) -> Order:
        """What a maximum or minimum of this name is made of."""
        if name not in self._orders:
            self._orders[name] = Order(self, name, neutral)
        return self._orders[name]

    def finite(self, name: str, x: np.ndarray) -> np.ndarray:
        """Infinities as constants of this name."""
        if is_finite(x):
            return x
        low, high = (self.constant(f"{name} of {end}") for end in (-inf, inf))
        return np.where(x == -inf, low, np.where(x == inf, high, x))

    def _less(self, name: str) -> Table:
        result = self.array(f"table {name}", (P,))
        result[0] = 0
        result[:HALF:-1] = reduce(1 - result[1 : HALF + 1])
        return result

    def _kept(self, name: str, make: Callable[[], Table]) -> Table:
        if name not in self._tables:
            self._tables[name] = make()
        return self._tables[name]


class Order:
    """A maximum or minimum: h⁻¹ of the sum of all h(x), with h(neutral) = 0.

    neutral: an element, or an infinity. The other infinity is the result wherever it is an operand.
    """

    def __init__(self, interpretation: Interpretation, name: str, neutral: float):
        self.neutral = neutral
        forward = interpretation.random(name).permutation(P).astype(np.float64) - HALF
        if np.isfinite(neutral):
            there, zero = int(neutral), int(np.flatnonzero(forward == 0)[0])
            forward[there], forward[zero] = forward[zero], forward[there]
        self.forward = forward
        self.backward = np.empty(P)
        self.backward[forward.astype(np.intp)] = reduce(np.arange(P, dtype=np.float64))

    def of_two(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The larger, or the smaller, of two elements each."""
        if is_finite(a) and is_finite(b):
            total = reduce(self._weigh(a) + self._weigh(b))
            return self.backward.take(total.astype(np.intp), mode="wrap")
        return self.along(np.stack(np.broadcast_arrays(a, b)), 0, False)

    def along(self, x: np.ndarray, axis: tuple[int, ...] | int, keepdims: bool) -> np.ndarray:
        """The largest, or smallest, of all elements along axes."""
        if is_finite(x):
            total = reduce(self._weigh(x).sum(axis=axis, keepdims=keepdims))
            return self.backward.take(total.astype(np.intp), mode="wrap")
        finite = np.isfinite(x)
        weights = np.where(finite, self._weigh(np.where(finite, x, 0)), 0)
        total = reduce(weights.sum(axis=axis, keepdims=keepdims))
        result = self.backward.take(total.astype(np.intp), mode="wrap")
        ends = np.where(finite, 0, x)
        none = ~finite.any(axis=axis, keepdims=keepdims)
        absorbing = np.where(ends == self.neutral, 0, ends).sum(axis=axis, keepdims=keepdims)
        result = np.where(none, self.neutral, result)
        return np.where(absorbing == 0, result, absorbing)

    def _weigh(self, x: np.ndarray) -> np.ndarray:
        return self.forward.take(np.asarray(x).astype(np.intp), mode="wrap")
