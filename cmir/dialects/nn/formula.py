"""Formulas written once in NumPy, which are both computed and built as the body of an iteration.

A formula is a function of arrays that uses operators, NumPy's ufuncs and their `reduce`, `np.where`, and `erf`,
`convert`, `wrap` and `position` of `cmir.support.numerics`. Applied to arrays, a formula computes; applied to
`Vector`s, each of its steps appends an operation to a body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from xdsl.builder import Builder
from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import VectorType, f32
from xdsl.ir import Attribute, Operation, SSAValue

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.body import splat
from cmir.dialects.nn.operation import ELEMENT_TYPE_OF, FLOATS, NARROW_FLOATS
from cmir.dialects.vectors import (
    ArgReduceOp,
    CompareOp,
    ConvertOp,
    ReduceOp,
    RemainderOp,
    SelectOp,
)
from cmir.support import numerics

_OPERATIONS: dict[np.ufunc, Callable[..., Operation]] = {
    np.add: arith.AddfOp,
    np.subtract: arith.SubfOp,
    np.multiply: arith.MulfOp,
    np.divide: arith.DivfOp,
    np.negative: arith.NegfOp,
    np.maximum: arith.MaximumfOp,
    np.minimum: arith.MinimumfOp,
    np.power: math.PowFOp,
    np.sqrt: math.SqrtOp,
    np.exp: math.ExpOp,
    np.expm1: math.ExpM1Op,
    np.log: math.LogOp,
    np.log1p: math.Log1pOp,
    np.tanh: math.TanhOp,
    np.sin: math.SinOp,
    np.cos: math.CosOp,
    np.tan: math.TanOp,
    np.arcsin: math.AsinOp,
    np.arccos: math.AcosOp,
    np.arctan: math.AtanOp,
    np.sinh: math.SinhOp,
    np.cosh: math.CoshOp,
    np.arcsinh: math.AsinhOp,
    np.arccosh: math.AcoshOp,
    np.arctanh: math.AtanhOp,
    np.absolute: math.AbsFOp,
    np.floor: math.FloorOp,
    np.ceil: math.CeilOp,
    np.rint: math.RoundEvenOp,
    np.fmod: RemainderOp,
    np.trunc: math.TruncOp,
}
_INTEGER_OPERATIONS: dict[np.ufunc, Callable[..., Operation]] = {
    np.add: arith.AddiOp,
    np.subtract: arith.SubiOp,
    np.multiply: arith.MuliOp,
    np.absolute: math.AbsIOp,
    np.maximum: arith.MaxSIOp,
    np.minimum: arith.MinSIOp,
    np.fmod: RemainderOp,
    np.bitwise_and: arith.AndIOp,
    np.bitwise_or: arith.OrIOp,
    np.bitwise_xor: arith.XOrIOp,
    np.left_shift: arith.ShLIOp,
    np.right_shift: arith.ShRSIOp,
}
_LOGIC: dict[np.ufunc, Callable[..., Operation]] = {
    np.logical_and: arith.AndIOp,
    np.logical_or: arith.OrIOp,
    np.logical_xor: arith.XOrIOp,
}
_RELATIONS: dict[np.ufunc, str] = {
    np.equal: "eq",
    np.less: "lt",
    np.less_equal: "le",
    np.greater: "gt",
    np.greater_equal: "ge",
}
_REDUCTIONS: dict[np.ufunc, Mapping[str, str]] = {
    np.add: dict.fromkeys("fiu", "add"),
    np.multiply: dict.fromkeys("fiu", "mul"),
    np.maximum: {"f": "maximumf", "i": "maxsi", "u": "maxui"},
    np.minimum: {"f": "minimumf", "i": "minsi", "u": "minui"},
}
"""Kinds of reduction, by the kind of the NumPy type of the elements."""


class Vector(NDArrayOperatorsMixin):
    """A vector of a body that stands for an array in a formula."""

    def __init__(self, builder: Builder, value: SSAValue):
        self.builder = builder
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:
        """The vector's shape."""
        assert isinstance(self.value.type, VectorType)
        return self.value.type.get_shape()

    @property
    def element(self) -> Attribute:
        """The type of the vector's elements."""
        assert isinstance(self.value.type, VectorType)
        return self.value.type.element_type

    def __getitem__(self, index: int) -> Vector:
        type = self.value.type
        assert isinstance(type, VectorType)
        part = VectorType(type.element_type, self.shape[1:])
        return self.append(vector.ExtractOp(self.value, [index], part))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Vector:
        if method == "reduce":
            return self._reduce(self.reduction(ufunc), **options)
        assert method == "__call__" and not options
        shape = np.broadcast_shapes(*(i.shape for i in inputs if isinstance(i, Vector)))
        operands = [self.spread(i, shape) for i in inputs]
        if ufunc in _RELATIONS:
            return self.append(CompareOp(_RELATIONS[ufunc], *operands))
        operations = _OPERATIONS if self.element in FLOATS else _INTEGER_OPERATIONS
        return self.append((_LOGIC if ufunc in _LOGIC else operations)[ufunc](*operands))

    def __array_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Vector:
        assert function is np.where and not options
        condition, *values = arguments
        shape = np.broadcast_shapes(*(x.shape for x in arguments if isinstance(x, Vector)))
        # A number takes the type of the other value.
        value = next(x for x in values if isinstance(x, Vector))
        chosen = (value.spread(x, shape) for x in values)
        return self.append(SelectOp(condition.spread(condition, shape), *chosen))

    def view(self, dtype: np.dtype[Any]) -> Vector:
        """Return the bits of the elements as elements of another type of the same size."""
        type = VectorType(ELEMENT_TYPE_OF[dtype], self.shape)
        return self.append(arith.BitcastOp(self.value, type))

    def append(self, operation: Operation) -> Vector:
        """Append an operation and return its result."""
        return Vector(self.builder, self.builder.insert(operation).results[0])

    def spread(self, value: Vector | float, shape: tuple[int, ...]) -> SSAValue:
        """Return the number or vector broadcast to this shape."""
        assert isinstance(self.value.type, VectorType)
        type = VectorType(self.value.type.element_type, shape)
        if not isinstance(value, Vector):
            return splat(self.builder, value, type)
        if value.shape == shape:
            return value.value
        return self.builder.insert(vector.BroadcastOp(value.value, type)).vector

    def as_element(self, element: Attribute) -> Vector:
        """Return the elements converted to another type, rounded and clamped to its range."""
        return self if self.element == element else self.append(ConvertOp(self.value, element))

    def reduction(self, ufunc: np.ufunc) -> str:
        """Return the kind of reduction that corresponds to `ufunc.reduce` for elements of this type."""
        kind = "f" if self.element in FLOATS else dtype_of(self.element).kind
        return _REDUCTIONS[ufunc][kind]

    def _reduce(self, kind: str, axis: Sequence[int], keepdims: bool = False) -> Vector:
        # A value that broadcasts (one element, or the last dimensions) keeps the lanes.
        axes = sorted(a % len(self.shape) for a in axis)
        assert not keepdims or axes == list(range(len(axes)))
        return self.append(ReduceOp(kind, self.value, axes))


@numerics.erf.register
def _(x: Vector) -> Vector:
    return x.append(math.ErfOp(x.value))


@numerics.divide_towards_zero.register
def _(x: Vector, divisor: Vector | int) -> Vector:
    shape = np.broadcast_shapes(x.shape, getattr(divisor, "shape", ()))
    return x.append(arith.DivSIOp(x.spread(x, shape), x.spread(divisor, shape)))


@numerics.integer_power.register
def _(x: Vector, exponent: Vector) -> Vector:
    shape = np.broadcast_shapes(x.shape, exponent.shape)
    return x.append(math.IPowIOp(x.spread(x, shape), x.spread(exponent, shape)))


@numerics.convert.register
def _(x: Vector, dtype: np.dtype[Any]) -> Vector:
    return x.as_element(ELEMENT_TYPE_OF[dtype])


@numerics.wrap.register
def _(x: Vector, dtype: np.dtype[Any]) -> Vector:
    element = ELEMENT_TYPE_OF[dtype]
    if x.element == element:
        return x
    return x.append(ConvertOp(x.value, element, wrapping=True))


@numerics.position.register
def _(x: Vector, axis: int, largest: bool, last: bool) -> Vector:
    kind = x.reduction(np.maximum if largest else np.minimum)
    return x.append(ArgReduceOp(kind, x.value, axis, last))


def build_formula(
    builder: Builder, formula: Callable[..., Any], values: Sequence[SSAValue]
) -> SSAValue:
    """Append a formula of these vectors to a body. Narrow floats are computed in `f32` and rounded once."""
    (result,) = build_formulas(builder, lambda *vectors: (formula(*vectors),), values)
    return result


def build_formulas(
    builder: Builder, formula: Callable[..., Sequence[Any]], values: Sequence[SSAValue]
) -> Sequence[SSAValue]:
    """Append a formula with several results to a body, as `build_formula` does."""
    vectors = [Vector(builder, value) for value in values]
    narrow = [vector.element in NARROW_FLOATS for vector in vectors]
    results = formula(
        *(v.as_element(f32) if n else v for v, n in zip(vectors, narrow, strict=True))
    )
    element = vectors[0].element
    return [(result.as_element(element) if all(narrow) else result).value for result in results]


def compute(formula: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """Evaluate the formula on these arrays, in their type. Narrow floats are computed in `f32` and rounded once."""
    (result,) = compute_all(lambda *arrays: (formula(*arrays),), *arrays)
    return result


def compute_all(formula: Callable[..., Sequence[Any]], *arrays: np.ndarray) -> Sequence[np.ndarray]:
    """Evaluate a formula with several results, as `compute` does."""
    dtype = np.result_type(*arrays)
    with np.errstate(all="ignore"):
        return [numerics.as_type(y, dtype) for y in formula(*map(numerics.widened, arrays))]
