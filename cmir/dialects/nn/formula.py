"""
Formulas that are written once, in NumPy, and are both computed and built as the body of an iteration.

A formula is a function of arrays that uses operators, NumPy's ufuncs, their `reduce`, and `erf`. Given
arrays it computes; given `Vector`s, each step of it appends an operation to a body.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from xdsl.builder import Builder
from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import VectorType, f16, f32
from xdsl.ir import Attribute, Operation, SSAValue

from cmir.dialects.nn.body import splat
from cmir.dialects.nn.operation import DTYPES, FLOATS
from cmir.dialects.vectors import CompareOp, ConvertOp, ReduceOp, SelectOp
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
    np.absolute: math.AbsFOp,
    np.floor: math.FloorOp,
    np.ceil: math.CeilOp,
    np.rint: math.RoundEvenOp,
}
_INTEGER_OPERATIONS: dict[np.ufunc, Callable[..., Operation]] = {
    np.add: arith.AddiOp,
    np.subtract: arith.SubiOp,
    np.multiply: arith.MuliOp,
    np.maximum: arith.MaxSIOp,
    np.minimum: arith.MinSIOp,
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
_REDUCTIONS: dict[np.ufunc, str] = {
    np.add: "add",
    np.multiply: "mul",
    np.maximum: "maximumf",
    np.minimum: "minimumf",
}


class Vector(NDArrayOperatorsMixin):
    """A vector of a body in the place of an array in a formula."""

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
            return self._reduce(_REDUCTIONS[ufunc], **options)
        assert method == "__call__" and not options
        shape = np.broadcast_shapes(*(i.shape for i in inputs if isinstance(i, Vector)))
        operands = [self.spread(i, shape) for i in inputs]
        if ufunc in _RELATIONS:
            return self.append(CompareOp(_RELATIONS[ufunc], *operands))
        operations = _OPERATIONS if self.element in FLOATS else _INTEGER_OPERATIONS
        return self.append((_LOGIC if ufunc in _LOGIC else operations)[ufunc](*operands))

    def append(self, operation: Operation) -> Vector:
        """Append an operation; its result."""
        return Vector(self.builder, self.builder.insert(operation).results[0])

    def spread(self, value: Vector | float, shape: tuple[int, ...]) -> SSAValue:
        """The number or vector as a vector of this shape."""
        assert isinstance(self.value.type, VectorType)
        type = VectorType(self.value.type.element_type, shape)
        if not isinstance(value, Vector):
            return splat(self.builder, value, type)
        if value.shape == shape:
            return value.value
        return self.builder.insert(vector.BroadcastOp(value.value, type)).vector

    def _reduce(self, kind: str, axis: Sequence[int], keepdims: bool = False) -> Vector:
        # Lanes are kept by what broadcasts like them: one element, or the last dimensions.
        axes = sorted(a % len(self.shape) for a in axis)
        assert not keepdims or axes == list(range(len(axes)))
        return self.append(ReduceOp(kind, self.value, axes))


def erf(x: Any) -> Any:
    """The error function of an array, or of a vector of a body."""
    return x.append(math.ErfOp(x.value)) if isinstance(x, Vector) else numerics.erf(x)


def where(condition: Any, a: Any, b: Any) -> Any:
    """The elements of one array or vector where a condition holds, those of another one elsewhere."""
    if not isinstance(condition, Vector):
        return np.where(condition, a, b)
    shape = np.broadcast_shapes(condition.shape, a.shape, b.shape)
    operands = [x.spread(x, shape) for x in (condition, a, b)]
    return condition.append(SelectOp(*operands))


def convert(x: Any, element: Attribute) -> Any:
    """An array, or a vector of a body, as numbers of another type, rounded and within its range."""
    if not isinstance(x, Vector):
        return numerics.convert(x, DTYPES[element])
    return x if x.element == element else x.append(ConvertOp(x.value, element))


def build(builder: Builder, formula: Callable[..., Any], values: Sequence[SSAValue]) -> SSAValue:
    """Append a formula of these vectors to a body. What is `f16` is computed in `f32`, and rounded once."""
    vectors = [Vector(builder, value) for value in values]
    result = formula(*(convert(v, f32) if v.element == f16 else v for v in vectors))
    halves = all(vector.element == f16 for vector in vectors)
    return (convert(result, f16) if halves else result).value


def compute(formula: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """The formula of these arrays, in their type. What is `f16` is computed in `f32`, and rounded once."""
    wide = (x.astype(np.float32) if x.dtype == np.float16 else x for x in arrays)
    with np.errstate(all="ignore"):
        return numerics.as_type(formula(*wide), np.result_type(*arrays))
