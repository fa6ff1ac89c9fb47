"""Elementwise operations of `arith` and `math` on arrays.

The semantics are those of the MLIR documentation; results that it leaves undefined are NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from xdsl.dialects import arith, math
from xdsl.ir import Operation

from cmir.dialects.element_types import dtype_of
from cmir.semantics.elements import as_integers, as_signed, as_unsigned
from cmir.semantics.implementations import Function, implements
from cmir.support.numerics import divide_towards_zero, erf, integer_power


def _wrapping(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Function:
    """Return the implementation of a function of integers, modulo 2 to the power of their width."""
    return lambda op, a, b: as_integers(
        function(as_signed(a), as_signed(b)), dtype_of(op.results[0].type)
    )


def _unsigned(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Function:
    return lambda op, a, b: as_integers(
        function(as_unsigned(a), as_unsigned(b)), dtype_of(op.results[0].type)
    )


def _divide_up(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a // b + (a % b != 0)


def _round(x: np.ndarray) -> np.ndarray:
    """Round to the nearest integer, halves away from zero."""
    whole = np.trunc(x)
    return whole + np.copysign((np.abs(x - whole) >= 0.5).astype(x.dtype), x)


def _power(x: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Return `x` to the power of an integer, in the precision of `x`."""
    return np.power(x, exponent.astype(x.dtype))


def _select(condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Select lanes of `a` or `b`; a scalar condition selects whole vectors."""
    lanes = max(a.ndim, b.ndim) - condition.ndim
    return np.where(condition.reshape(*condition.shape, *(1,) * lanes), a, b)


_ORDERED = (np.equal, np.greater, np.greater_equal, np.less, np.less_equal, np.not_equal)


def _cmpf(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compare floats. For NaNs, predicates 1 to 7 are false and 8 to 14 true; in NumPy, only "not equal" is true."""
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    if predicate in (0, 15):
        return np.full(np.broadcast_shapes(a.shape, b.shape), predicate == 15)
    if predicate in (1, 2, 3, 4, 5, 13):
        return _ORDERED[(predicate - 1) % 7](a, b)
    nan = np.isnan(a) | np.isnan(b)
    match predicate:
        case 6:
            return np.not_equal(a, b) & ~nan
        case 7 | 14:
            return nan if predicate == 14 else ~nan
        case _:
            return _ORDERED[predicate - 8](a, b) | nan


_SIGNED = (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)


def _cmpi(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    assert isinstance(op, arith.CmpiOp)
    predicate = op.predicate.value.data
    if predicate < 6:
        return _SIGNED[predicate](as_signed(a), as_signed(b))
    return _SIGNED[predicate - 4](as_unsigned(a), as_unsigned(b))


def _same(x: np.ndarray) -> np.ndarray:
    return x


def _float(number: Callable[[np.ndarray], np.ndarray]) -> Function:
    """Return the implementation that interprets its operand by `number` and converts it to a float."""
    return lambda op, x: number(x).astype(dtype_of(op.results[0].type))


def _integer(number: Callable[[np.ndarray], np.ndarray]) -> Function:
    """Return the implementation that interprets its operand by `number` and converts it to an integer."""
    return lambda op, x: as_integers(number(x), dtype_of(op.results[0].type))


_OF_OPERANDS: dict[type[Operation], Function] = {
    arith.AddfOp: np.add,
    arith.SubfOp: np.subtract,
    arith.MulfOp: np.multiply,
    arith.DivfOp: np.divide,
    arith.NegfOp: np.negative,
    arith.MaximumfOp: np.maximum,
    arith.MinimumfOp: np.minimum,
    arith.MaxnumfOp: np.fmax,
    arith.MinnumfOp: np.fmin,
    arith.AndIOp: np.bitwise_and,
    arith.OrIOp: np.bitwise_or,
    arith.XOrIOp: np.bitwise_xor,
    arith.SelectOp: _select,
    math.AbsFOp: np.abs,
    math.AbsIOp: np.abs,
    math.CeilOp: np.ceil,
    math.FloorOp: np.floor,
    math.RoundOp: _round,
    math.RoundEvenOp: np.rint,
    math.TruncOp: np.trunc,
    math.CopySignOp: np.copysign,
    math.FmaOp: lambda a, b, c: a * b + c,
    math.SqrtOp: np.sqrt,
    math.RsqrtOp: lambda x: 1 / np.sqrt(x),
    math.CbrtOp: np.cbrt,
    math.PowFOp: np.power,
    math.FPowIOp: _power,
    math.ExpOp: np.exp,
    math.Exp2Op: np.exp2,
    math.ExpM1Op: np.expm1,
    math.LogOp: np.log,
    math.Log2Op: np.log2,
    math.Log10Op: np.log10,
    math.Log1pOp: np.log1p,
    math.ErfOp: erf,
    math.SinOp: np.sin,
    math.CosOp: np.cos,
    math.TanOp: np.tan,
    math.AsinOp: np.arcsin,
    math.AcosOp: np.arccos,
    math.AtanOp: np.arctan,
    math.Atan2Op: np.arctan2,
    math.SinhOp: np.sinh,
    math.CoshOp: np.cosh,
    math.TanhOp: np.tanh,
    math.AsinhOp: np.arcsinh,
    math.AcoshOp: np.arccosh,
    math.AtanhOp: np.arctanh,
}
"""Implementations that take the operands only."""

_OF_TYPES: dict[type[Operation], Function] = {
    arith.CmpfOp: _cmpf,
    arith.AddiOp: _wrapping(np.add),
    arith.SubiOp: _wrapping(np.subtract),
    arith.MuliOp: _wrapping(np.multiply),
    arith.DivSIOp: _wrapping(divide_towards_zero),
    arith.FloorDivSIOp: _wrapping(np.floor_divide),
    arith.CeilDivSIOp: _wrapping(_divide_up),
    arith.RemSIOp: _wrapping(np.fmod),
    arith.MaxSIOp: _wrapping(np.maximum),
    arith.MinSIOp: _wrapping(np.minimum),
    arith.DivUIOp: _unsigned(np.floor_divide),
    arith.CeilDivUIOp: _unsigned(_divide_up),
    arith.RemUIOp: _unsigned(np.fmod),
    arith.MaxUIOp: _unsigned(np.maximum),
    arith.MinUIOp: _unsigned(np.minimum),
    math.IPowIOp: _wrapping(integer_power),
    arith.ShLIOp: _wrapping(np.left_shift),
    arith.ShRSIOp: _wrapping(np.right_shift),
    arith.ShRUIOp: _unsigned(np.right_shift),
    arith.CmpiOp: _cmpi,
    arith.SIToFPOp: _float(as_signed),
    arith.UIToFPOp: _float(as_unsigned),
    arith.ExtFOp: _float(_same),
    arith.TruncFOp: _float(_same),
    arith.FPToSIOp: _integer(lambda x: x.astype(np.int64)),
    arith.FPToUIOp: _integer(lambda x: x.astype(np.uint64)),
    arith.ExtSIOp: _integer(as_signed),
    arith.ExtUIOp: _integer(as_unsigned),
    arith.TruncIOp: _integer(as_signed),
    arith.IndexCastOp: _integer(as_signed),
    arith.BitcastOp: lambda op, x: x.view(dtype_of(op.results[0].type)),
}
"""Implementations that take the operation first, because its types or attributes matter."""

for _operation, _function in _OF_OPERANDS.items():
    implements(_operation, elementwise=True, interpreted=True)(_function)
for _operation, _function in _OF_TYPES.items():
    implements(_operation, takes_operation=True, elementwise=True, interpreted=True)(_function)
