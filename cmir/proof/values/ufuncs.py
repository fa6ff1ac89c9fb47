"""NumPy ufuncs over the field, as far as they are not interpreted as random functions."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, prod
from typing import Any, Protocol

import numpy as np

from cmir.proof.values import field
from cmir.proof.values.chance import INPUT_CHANCE, Chance
from cmir.proof.values.field import reduce, reduce_sums
from cmir.proof.values.interpretation import Interpretation, Order


class FieldArray(Protocol):
    """The attributes of an array of residues that ufuncs need, see `Residues`."""

    world: Interpretation
    values: np.ndarray
    dtype: np.dtype[Any]
    chance: Chance

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def kind(self) -> str: ...

    @property
    def order_kind(self) -> str: ...

    def like(self, values: Any, dtype: Any = None, chance: Chance | None = None) -> Any: ...

    def apply(self, name: str) -> Any: ...

    def order_of(self, ufunc: np.ufunc) -> Order: ...


ORDERS = (np.maximum, np.minimum, np.fmax, np.fmin)
"""Functions of the form h⁻¹(h(a) + h(b)), see `Order`."""


def binary(name: str, dtype: Any, a: FieldArray, b: FieldArray) -> Any:
    place = a.chance.in_table(f"{name} of").plus(b.chance.times(INPUT_CHANCE))
    chance = place.in_table(name)
    return a.like(a.world.binary(name, a.values, b.values), dtype, chance)


def _sum(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
    chance = a.chance.plus(b.chance)
    return a.like(reduce_sums(a.values + b.values), dtype, chance)


def _difference(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
    chance = a.chance.plus(b.chance)
    return a.like(reduce_sums(a.values - b.values), dtype, chance)


def _product(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
    values = reduce(a.values * b.values)
    return a.like(values, dtype, _chance_of_product(a, b, values.shape))


def _chance_of_product(a: FieldArray, b: FieldArray, shape: tuple[int, ...]) -> Chance:
    chance = a.chance.times(b.chance)
    if any(x.chance.distinct and x.shape != shape for x in (a, b)):
        chance = chance._replace(distinct=0)
    return chance


def sum_of_products(a: FieldArray, b: FieldArray, axes: tuple[int, ...]) -> Any:
    """Return the sums of a · b along axes of the product. Products are added up before they are reduced."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    count = prod(shape[axis] for axis in axes)
    values = field.sum_of_products(a.values, b.values, axes)
    return a.like(values, a.dtype, _chance_of_product(a, b, shape).summed(count))


def _quotient(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
    chance = b.chance if b.chance.is_constant else b.chance.in_table("inverse")
    inverse = b.like(b.world.inverse(b.values), dtype, chance)
    return _product(dtype, a, inverse)


def _matmul(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
    chance = a.chance.times(b.chance).summed(a.shape[-1])
    return a.like(field.residue_product(a.values, b.values), dtype, chance)


def _negative(dtype: Any, a: FieldArray) -> Any:
    return a.like(-a.values)


def _extreme(ufunc: np.ufunc) -> Callable[..., Any]:
    def function(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
        count = sum(not x.chance.is_constant for x in (a, b))
        chance = Chance.of_any((a.chance, b.chance)).in_order(
            ufunc.__name__, count, dtype.kind in "iu"
        )
        typed = a if a.dtype == dtype else a.like(a.values, dtype)
        return a.like(typed.order_of(ufunc).of_two(a.values, b.values), dtype, chance)

    return function


def _truth(name: str, holds: Callable[[FieldArray, FieldArray], np.ndarray]) -> Callable[..., Any]:
    """Return the interpretation of a relation, as a function of the difference of its operands."""

    def function(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
        chance = a.chance.plus(b.chance).in_table(name, 2, fixed=True)
        return a.like(holds(a, b), np.bool_, chance)

    return function


def _less(a: FieldArray, b: FieldArray) -> np.ndarray:
    kind = a.order_kind
    return a.world.less(kind, reduce_sums(a.values - b.values))


def _equal(a: FieldArray, b: FieldArray) -> np.ndarray:
    return a.world.equal(reduce_sums(a.values - b.values))


def _and(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
    return _product(np.bool_, a, b)


def _or(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
    both = reduce(a.values * b.values)
    return a.like(reduce(a.values + b.values - both), np.bool_, a.chance.times(b.chance))


def _xor(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
    both = reduce(a.values * b.values)
    return a.like(reduce(a.values + b.values - 2 * both), np.bool_, a.chance.times(b.chance))


def _bitwise(name: str, truth: Callable[..., Any]) -> Callable[..., Any]:
    def function(dtype: Any, a: FieldArray, b: FieldArray) -> Any:
        if dtype == np.bool_:
            return truth(dtype, a, b)
        return binary(f"{name} {a.kind}", dtype, a, b)

    return function


def _not(dtype: Any, a: FieldArray) -> Any:
    return a.like(reduce(1 - a.values)) if dtype == np.bool_ else a.apply("invert")


def _is_nan(dtype: Any, a: FieldArray) -> Any:
    """Apply a random function: residues are never NaN, but a program with the test must differ from one without."""
    values = a.world.unary("isnan", a.values, {-inf: 0.0, inf: 0.0})
    return a.like(values, np.bool_, a.chance.in_table("isnan"))


UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: _sum,
    np.subtract: _difference,
    np.multiply: _product,
    np.divide: _quotient,
    np.matmul: _matmul,
    np.negative: _negative,
    np.positive: lambda dtype, a: a,
    **{ufunc: _extreme(ufunc) for ufunc in ORDERS},
    np.less: _truth("less", _less),
    np.greater: _truth("less", lambda a, b: _less(b, a)),
    np.less_equal: _truth("less", lambda a, b: reduce(1 - _less(b, a))),
    np.greater_equal: _truth("less", lambda a, b: reduce(1 - _less(a, b))),
    np.equal: _truth("equal", _equal),
    np.not_equal: _truth("equal", lambda a, b: reduce(1 - _equal(a, b))),
    np.logical_and: _and,
    np.logical_or: _or,
    np.logical_xor: _xor,
    np.logical_not: _not,
    np.bitwise_and: _bitwise("and", _and),
    np.bitwise_or: _bitwise("or", _or),
    np.bitwise_xor: _bitwise("xor", _xor),
    np.invert: _not,
    np.isnan: _is_nan,
}
