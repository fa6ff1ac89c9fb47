"""Arithmetic of one iteration: each operation of a body as a function of its operands' values.

A value is an array in the shape of its vector type, of rank 0 for a scalar. The results follow MLIR's documentation, or
for `cmcore` operations their docstrings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Set
from typing import Any

import numpy as np
from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr
from xdsl.ir import Operation

from cmir.dialects.vectors import (
    ArgReduceOp,
    ArgTopKOp,
    CompareOp,
    ConvertOp,
    MxvOp,
    PickOp,
    PlaceOp,
    ReduceOp,
)
from cmir.reference.findings import ProgramFault
from cmir.reference.values import elements, is_float, numpy_type

Value = np.ndarray
Function = Callable[..., Any]


def own_operations() -> Set[str]:
    """Return the names of the operations that have a function here."""
    return {*_PLAIN, *_MADE}


Others = Callable[[Operation], Function | None]
"""Functions of operations that are unknown to this module; None for an operation that is not a function."""


def reference_function(op: Operation, others: Others = lambda op: None) -> Function:
    """Return the operation as a function of its operands' values. Raises ProgramFault if it is not a function."""
    if (plain := _PLAIN.get(op.name)) is not None:
        return plain
    if (make := _MADE.get(op.name)) is not None:
        return make(op)
    if (other := others(op)) is not None:
        return other
    raise ProgramFault(f"{op.name} cannot be run in the body of an iteration", op)


def _result(op: Operation) -> np.dtype[Any]:
    return numpy_type(op.results[0].type)


def _shape(op: Operation) -> tuple[int, ...]:
    type = op.results[0].type
    return type.get_shape() if hasattr(type, "get_shape") else ()  # pyright: ignore[reportAttributeAccessIssue]


# Integers. Operations interpret the bits of a signless integer as signed (two's complement) or unsigned.


def _signed(x: Value) -> Value:
    return -np.asarray(x).astype(np.int8) if x.dtype == np.bool_ else x


def _unsigned(x: Value) -> Value:
    return x.astype("u1" if x.dtype == np.bool_ else f"u{x.dtype.itemsize}")


def _bits(x: Value, dtype: np.dtype[Any]) -> Value:
    """Return the low bits of integers."""
    return np.asarray(x & 1, np.bool_) if dtype == np.bool_ else np.asarray(x).astype(dtype)


def _integers(read: Function, compute: Function) -> Callable[[Operation], Function]:
    def make(op: Operation) -> Function:
        dtype = _result(op)
        return lambda *operands: _bits(compute(*map(read, operands)), dtype)

    return make


def _quotient(a: Value, b: Value) -> Value:
    return (a - np.fmod(a, b)) // b


def _integer_power(x: Value, exponent: Value) -> Value:
    """Square and multiply, for the bits of the exponent; divide 1 by that for negative exponents."""
    size, result, square = np.abs(exponent), np.ones_like(x), x
    while size.any():
        result = np.where(size & 1, result * square, result)
        size, square = size >> 1, square * square
    unit = np.abs(x) == 1  # other reciprocals are less than 1
    return np.where(exponent < 0, np.where(unit, result, 0), result)


def _compare_integers(op: Operation) -> Function:
    assert isinstance(op, arith.CmpiOp)
    predicate = op.predicate.value.data
    compare = (
        *(np.equal, np.not_equal),
        *(np.less, np.less_equal, np.greater, np.greater_equal) * 2,
    )[predicate]
    read = _unsigned if predicate >= 6 else _signed
    return lambda a, b: compare(read(a), read(b))


# Floats.


def _compare_floats(op: Operation) -> Function:
    """Return the comparison: false, six ordered predicates, ordered, six unordered predicates, unordered, or true."""
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    relations = (
        *(np.equal, np.greater, np.greater_equal),
        *(np.less, np.less_equal, np.not_equal),
    )

    def compare(a: Value, b: Value) -> Value:
        unordered = np.isnan(a) | np.isnan(b)
        if predicate in (0, 15):
            return np.full_like(unordered, predicate == 15)
        if predicate in (7, 14):
            return unordered if predicate == 14 else ~unordered
        if predicate < 7:
            return relations[predicate - 1](a, b) & ~unordered
        return relations[predicate - 8](a, b) | unordered

    return compare


def _away_from_zero(x: Value) -> Value:
    """Round halves away from zero."""
    whole = np.trunc(x)
    return np.where(np.abs(x - whole) >= 0.5, whole + np.copysign(1, x), whole).astype(x.dtype)


_erf = np.vectorize(math.erf, otypes=[np.float64])


def _convert(op: Operation) -> Function:
    assert isinstance(op, ConvertOp)
    dtype = _result(op)
    if is_float(dtype):
        return lambda x: x.astype(dtype)
    if op.wrapping is not None:
        return lambda x: x.astype(dtype)
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max

    def to_integer(x: Value) -> Value:
        if not is_float(x.dtype):
            return np.clip(x.astype(np.int64), low, high).astype(dtype)
        whole = np.where(np.isnan(x), 0, np.rint(x.astype(np.float64)))
        # As a double, the largest integer of 64 bits is rounded up, out of range.
        below = np.minimum(whole, np.nextafter(2.0**63, 0)) if high == 2**63 - 1 else whole
        result = np.clip(below, low, high).astype(dtype)
        return np.where(whole >= high, dtype.type(high), result)

    return to_integer


def _pick(op: Operation) -> Function:
    assert isinstance(op, PickOp)

    def pick(x: Value, *indices: Value) -> Value:
        _check_indices(op, x, indices)
        return x[indices]

    return pick


def _check_indices(op: Operation, x: Value, indices: tuple[Value, ...]) -> None:
    for size, index in zip(x.shape, indices, strict=False):
        if (wrong := (index < -size) | (index >= size)).any():
            found = index[wrong].flat[0]
            raise ProgramFault(f"index {found} is outside a dimension of {size} elements", op)


_COMBINE: dict[str, Function] = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def _place(op: Operation) -> Function:
    assert isinstance(op, PlaceOp)
    combine = (lambda old, new: new) if op.kind is None else _COMBINE[op.kind.data]

    def place(updates: Value, x: Value, *indices: Value) -> Value:
        _check_indices(op, x, indices)
        result = np.array(x)
        for at in np.ndindex(indices[0].shape):
            where = tuple(int(index[at]) for index in indices)
            result[where] = combine(result[where], updates[at])
        return result

    return place


def _arg_top_k(op: Operation) -> Function:
    assert isinstance(op, ArgTopKOp)
    (count,), largest = _shape(op), op.largest is not None

    def arg_top_k(x: Value) -> Value:
        numbers = x.tolist()
        # NaN, which is larger than all numbers, is the only one that differs from itself.
        undefined = [i for i, number in enumerate(numbers) if number != number]
        defined = [i for i, number in enumerate(numbers) if number == number]
        defined.sort(key=lambda i: -numbers[i] if largest else numbers[i])
        order = [*undefined, *defined] if largest else [*defined, *undefined]
        return np.array(order[:count], np.int32)

    return arg_top_k


def _to_float(read: Function) -> Callable[[Operation], Function]:
    return lambda op: lambda x: read(x).astype(_result(op))


def _to_integer(wide: str) -> Callable[[Operation], Function]:
    return lambda op: lambda x: _bits(x.astype(wide), _result(op))


# Vectors.


def _constant(op: Operation) -> Function:
    assert isinstance(op, arith.ConstantOp)
    if isinstance(op.value, DenseIntOrFPElementsAttr):
        value = elements(op.value)
    elif isinstance(op.value, IntegerAttr):
        value = _bits(np.array(op.value.value.data), _result(op))
    elif isinstance(op.value, FloatAttr):
        value = np.array(op.value.value.data, _result(op))
    else:
        raise ProgramFault(f"there is no value of {op.value}", op)
    return lambda: value


def _mxv(op: Operation) -> Function:
    assert isinstance(op, MxvOp)
    shape, dtype = _shape(op), _result(op)
    # Integers are summed modulo 2³², so the order of summation does not matter.
    wide = {"float16": "f4", "bfloat16": "f4", "int32": "i8"}.get(dtype.name, dtype)

    def product(matrix: Value, x: Value) -> Value:
        lanes = x.reshape(*matrix.shape[:-2], matrix.shape[-1], 1)
        found = matrix.astype(wide, copy=False) @ lanes.astype(wide, copy=False)
        return found.astype(dtype, copy=False).reshape(shape)

    return product


_REDUCTIONS: dict[str, tuple[Function, np.ufunc]] = {
    "add": (_signed, np.add),
    "mul": (_signed, np.multiply),
    "maximumf": (_signed, np.maximum),
    "minimumf": (_signed, np.minimum),
    "maxnumf": (_signed, np.fmax),
    "minnumf": (_signed, np.fmin),
    "maxsi": (_signed, np.maximum),
    "minsi": (_signed, np.minimum),
    "maxui": (_unsigned, np.maximum),
    "minui": (_unsigned, np.minimum),
    "and": (np.asarray, np.bitwise_and),
    "or": (np.asarray, np.bitwise_or),
    "xor": (np.asarray, np.bitwise_xor),
}


def _reduce(op: Operation) -> Function:
    assert isinstance(op, ReduceOp)
    axes = tuple(op.dims.get_values())
    read, ufunc = _REDUCTIONS[op.kind.data]

    def reduce(x: Value) -> Value:
        read_x = read(x)
        found = ufunc.reduce(read_x, axis=axes, dtype=read_x.dtype)
        return found.astype(x.dtype) if is_float(x.dtype) else _bits(found, x.dtype)

    return reduce


def _reduction(op: Operation) -> Function:
    assert isinstance(op, vector.ReductionOp)
    if str(op.kind.data) not in _REDUCTIONS:
        raise ProgramFault(f"reduction {op.kind.data} cannot be run", op)
    read, ufunc = _REDUCTIONS[str(op.kind.data)]

    def reduce(x: Value, start: Value | None = None) -> Value:
        if start is not None:
            x = np.append(x, start)
        read_x = read(x)
        found = ufunc.reduce(read_x, axis=None, dtype=read_x.dtype)
        return found.astype(x.dtype) if is_float(x.dtype) else _bits(found, x.dtype)

    return reduce


def _arg_reduce(op: Operation) -> Function:
    assert isinstance(op, ArgReduceOp)
    axis, last = op.dim.value.data, op.last is not None
    find = np.argmax if op.kind.data.startswith("max") else np.argmin
    read = _unsigned if op.kind.data.endswith("ui") else _signed

    def reduce(x: Value) -> Value:
        size = x.shape[axis]
        if last:
            return (size - 1 - find(np.flip(read(x), axis), axis=axis)).astype(np.int32)
        return find(read(x), axis=axis).astype(np.int32)

    return reduce


def _compare(op: Operation) -> Function:
    assert isinstance(op, CompareOp)
    names = {"lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal}
    return {"eq": np.equal, "ne": np.not_equal, **names}[op.relation.data]


def _select(condition: Value, a: Value, b: Value) -> Value:
    return np.where(condition, a, b)


def _broadcast(op: Operation) -> Function:
    shape = _shape(op)
    return lambda x: np.broadcast_to(x, shape)


def _positions(op: vector.ExtractOp | vector.InsertOp, dynamic: tuple[Value, ...]) -> Any:
    values = iter(dynamic)
    mixed = op.get_mixed_position()
    return tuple(p if isinstance(p, int) else int(next(values)) for p in mixed)


def _extract(op: Operation) -> Function:
    assert isinstance(op, vector.ExtractOp)
    return lambda x, *dynamic: np.asarray(x[_positions(op, dynamic)])


def _insert(op: Operation) -> Function:
    assert isinstance(op, vector.InsertOp)

    def insert(x: Value, into: Value, *dynamic: Value) -> Value:
        result = np.array(into)
        result[_positions(op, dynamic)] = x
        return result

    return insert


def _shuffle(op: Operation) -> Function:
    assert isinstance(op, vector.ShuffleOp)
    chosen = list(op.mask.get_values())
    return lambda a, b: np.concatenate((np.atleast_1d(a), np.atleast_1d(b)))[chosen]


def _create_mask(op: Operation) -> Function:
    shape = _shape(op)

    def create(*sizes: Value) -> Value:
        mask = np.zeros(shape, np.bool_)
        mask[tuple(slice(0, max(0, int(size))) for size in sizes)] = True
        return mask

    return create


def _view(op: Operation) -> Function:
    dtype = _result(op)
    return lambda x: np.ascontiguousarray(x).view(dtype).reshape(_shape(op))


_PLAIN: dict[str, Function] = {
    "arith.addf": np.add,
    "arith.subf": np.subtract,
    "arith.mulf": np.multiply,
    "arith.divf": np.divide,
    "arith.negf": np.negative,
    "arith.maximumf": np.maximum,
    "arith.minimumf": np.minimum,
    "arith.maxnumf": np.fmax,
    "arith.minnumf": np.fmin,
    "arith.andi": np.bitwise_and,
    "arith.ori": np.bitwise_or,
    "arith.xori": np.bitwise_xor,
    "arith.select": _select,
    "cmcore.select": _select,
    "cmcore.remainder": np.fmod,
    "math.absf": np.abs,
    "math.absi": np.abs,
    "math.ceil": np.ceil,
    "math.floor": np.floor,
    "math.round": _away_from_zero,
    "math.roundeven": np.rint,
    "math.trunc": np.trunc,
    "math.copysign": np.copysign,
    "math.fma": lambda a, b, c: a * b + c,
    "vector.fma": lambda a, b, c: a * b + c,
    "math.sqrt": np.sqrt,
    "math.rsqrt": lambda x: np.reciprocal(np.sqrt(x)),
    "math.cbrt": np.cbrt,
    "math.powf": np.power,
    "math.fpowi": lambda x, n: np.power(x, n.astype(x.dtype)),
    "math.exp": np.exp,
    "math.exp2": np.exp2,
    "math.expm1": np.expm1,
    "math.log": np.log,
    "math.log2": np.log2,
    "math.log10": np.log10,
    "math.log1p": np.log1p,
    "math.erf": lambda x: _erf(x).astype(x.dtype),
    "math.sin": np.sin,
    "math.cos": np.cos,
    "math.tan": np.tan,
    "math.asin": np.arcsin,
    "math.acos": np.arccos,
    "math.atan": np.arctan,
    "math.atan2": np.arctan2,
    "math.sinh": np.sinh,
    "math.cosh": np.cosh,
    "math.tanh": np.tanh,
    "math.asinh": np.arcsinh,
    "math.acosh": np.arccosh,
    "math.atanh": np.arctanh,
}
"""Operations that are functions of their operands alone."""

_MADE: dict[str, Callable[[Operation], Function]] = {
    "arith.constant": _constant,
    "arith.cmpf": _compare_floats,
    "arith.cmpi": _compare_integers,
    "arith.addi": _integers(_signed, np.add),
    "arith.subi": _integers(_signed, np.subtract),
    "arith.muli": _integers(_signed, np.multiply),
    "arith.divsi": _integers(_signed, _quotient),
    "arith.floordivsi": _integers(_signed, np.floor_divide),
    "arith.ceildivsi": _integers(_signed, lambda a, b: a // b + (a % b != 0)),
    "arith.remsi": _integers(_signed, np.fmod),
    "arith.maxsi": _integers(_signed, np.maximum),
    "arith.minsi": _integers(_signed, np.minimum),
    "arith.divui": _integers(_unsigned, np.floor_divide),
    "arith.ceildivui": _integers(_unsigned, lambda a, b: a // b + (a % b != 0)),
    "arith.remui": _integers(_unsigned, np.remainder),
    "arith.maxui": _integers(_unsigned, np.maximum),
    "arith.minui": _integers(_unsigned, np.minimum),
    "math.ipowi": _integers(_signed, _integer_power),
    "arith.shli": _integers(_signed, np.left_shift),
    "arith.shrsi": _integers(_signed, np.right_shift),
    "arith.shrui": _integers(_unsigned, np.right_shift),
    "arith.sitofp": _to_float(_signed),
    "arith.uitofp": _to_float(_unsigned),
    "arith.extf": _to_float(np.asarray),
    "arith.truncf": _to_float(np.asarray),
    "arith.fptosi": _to_integer("i8"),
    "arith.fptoui": _to_integer("u8"),
    "arith.extsi": _integers(_signed, np.asarray),
    "arith.extui": _integers(_unsigned, np.asarray),
    "arith.trunci": _integers(_signed, np.asarray),
    "arith.index_cast": _integers(_signed, np.asarray),
    "arith.bitcast": _view,
    "cmcore.mxv": _mxv,
    "cmcore.reduce": _reduce,
    "cmcore.arg_reduce": _arg_reduce,
    "cmcore.compare": _compare,
    "cmcore.convert": _convert,
    "cmcore.pick": _pick,
    "cmcore.place": _place,
    "cmcore.arg_top_k": _arg_top_k,
    "vector.broadcast": _broadcast,
    "vector.reduction": _reduction,
    "vector.extract": _extract,
    "vector.insert": _insert,
    "vector.shuffle": _shuffle,
    "vector.create_mask": _create_mask,
    "vector.bitcast": _view,
}
"""Operations that also depend on attributes or types, each converted to a function once."""
