"""Elementwise operations of `arith` and `math`, on arrays.

Semantics are those of the MLIR documentation; where it leaves a result undefined, it is NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from xdsl.dialects import arith, math
from xdsl.ir import Operation

from cmir.accelerator.elements import as_integers, as_signed, as_unsigned, dtype_of
from cmir.numerics import erf

Evaluate = Callable[..., np.ndarray]
"""Called with an operation and the arrays of its operands."""


def _plain(function: Callable[..., np.ndarray]) -> Evaluate:
    """Of an operation that its operands say all about."""
    return lambda _, *operands: function(*operands)


def _wrapping(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Evaluate:
    """Of integers, modulo 2 to their width."""
    return lambda op, a, b: as_integers(
        function(as_signed(a), as_signed(b)), dtype_of(op.results[0].type)
    )


def _unsigned(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Evaluate:
    return lambda op, a, b: as_integers(
        function(as_unsigned(a), as_unsigned(b)), dtype_of(op.results[0].type)
    )


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Towards zero."""
    return (a - np.fmod(a, b)) // b


def _divide_up(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a // b + (a % b != 0)


def _round(x: np.ndarray) -> np.ndarray:
    """Halves away from zero."""
    whole = np.trunc(x)
    return whole + np.copysign((np.abs(x - whole) >= 0.5).astype(x.dtype), x)


def _power(x: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """x to an integer, in the precision of x."""
    return np.power(x, exponent.astype(x.dtype))


def _select(condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The condition may be one for a whole vector."""
    lanes = max(a.ndim, b.ndim) - condition.ndim
    return np.where(condition.reshape(*condition.shape, *(1,) * lanes), a, b)


_ORDERED = (np.equal, np.greater, np.greater_equal, np.less, np.less_equal, np.not_equal)


def _cmpf(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Predicates 1 to 7 are false for NaNs, 8 to 14 are true for them."""
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    nan = np.isnan(a) | np.isnan(b)
    match predicate:
        case 0 | 15:
            return np.full(nan.shape, predicate == 15)
        case 7 | 14:
            return nan == (predicate == 14)
        case _ if predicate < 7:
            return _ORDERED[predicate - 1](a, b) & ~nan
        case _:
            return _ORDERED[predicate - 8](a, b) | nan


_SIGNED = (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)


def _cmpi(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    assert isinstance(op, arith.CmpiOp)
    predicate = op.predicate.value.data
    if predicate < 6:
        return _SIGNED[predicate](as_signed(a), as_signed(b))
    return _SIGNED[predicate - 4](as_unsigned(a), as_unsigned(b))


def _float(number: Callable[[np.ndarray], np.ndarray]) -> Evaluate:
    """A number, read from the operand so, as a float."""
    return lambda op, x: number(x).astype(dtype_of(op.results[0].type))


def _integer(number: Callable[[np.ndarray], np.ndarray]) -> Evaluate:
    """A number, read from the operand so, as an integer."""
    return lambda op, x: as_integers(number(x), dtype_of(op.results[0].type))


ELEMENTWISE: dict[type[Operation], Evaluate] = {
    arith.AddfOp: _plain(np.add),
    arith.SubfOp: _plain(np.subtract),
    arith.MulfOp: _plain(np.multiply),
    arith.DivfOp: _plain(np.divide),
    arith.NegfOp: _plain(np.negative),
    arith.MaximumfOp: _plain(np.maximum),
    arith.MinimumfOp: _plain(np.minimum),
    arith.MaxnumfOp: _plain(np.fmax),
    arith.MinnumfOp: _plain(np.fmin),
    arith.CmpfOp: _cmpf,
    arith.AddiOp: _wrapping(np.add),
    arith.SubiOp: _wrapping(np.subtract),
    arith.MuliOp: _wrapping(np.multiply),
    arith.DivSIOp: _wrapping(_divide),
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
    arith.AndIOp: _plain(np.bitwise_and),
    arith.OrIOp: _plain(np.bitwise_or),
    arith.XOrIOp: _plain(np.bitwise_xor),
    arith.ShLIOp: _wrapping(np.left_shift),
    arith.ShRSIOp: _wrapping(np.right_shift),
    arith.ShRUIOp: _unsigned(np.right_shift),
    arith.CmpiOp: _cmpi,
    arith.SelectOp: _plain(_select),
    arith.SIToFPOp: _float(as_signed),
    arith.UIToFPOp: _float(as_unsigned),
    arith.ExtFOp: _float(np.asarray),
    arith.TruncFOp: _float(np.asarray),
    arith.FPToSIOp: _integer(lambda x: x.astype(np.int64)),
    arith.FPToUIOp: _integer(lambda x: x.astype(np.uint64)),
    arith.ExtSIOp: _integer(as_signed),
    arith.ExtUIOp: _integer(as_unsigned),
    arith.TruncIOp: _integer(as_signed),
    arith.IndexCastOp: _integer(as_signed),
    arith.BitcastOp: lambda op, x: x.view(dtype_of(op.results[0].type)),
    math.AbsFOp: _plain(np.abs),
    math.AbsIOp: _plain(np.abs),
    math.CeilOp: _plain(np.ceil),
    math.FloorOp: _plain(np.floor),
    math.RoundOp: _plain(_round),
    math.RoundEvenOp: _plain(np.rint),
    math.TruncOp: _plain(np.trunc),
    math.CopySignOp: _plain(np.copysign),
    math.FmaOp: _plain(lambda a, b, c: a * b + c),
    math.SqrtOp: _plain(np.sqrt),
    math.RsqrtOp: _plain(lambda x: 1 / np.sqrt(x)),
    math.CbrtOp: _plain(np.cbrt),
    math.PowFOp: _plain(np.power),
    math.FPowIOp: _plain(_power),
    math.ExpOp: _plain(np.exp),
    math.Exp2Op: _plain(np.exp2),
    math.ExpM1Op: _plain(np.expm1),
    math.LogOp: _plain(np.log),
    math.Log2Op: _plain(np.log2),
    math.Log10Op: _plain(np.log10),
    math.Log1pOp: _plain(np.log1p),
    math.ErfOp: _plain(erf),
    math.SinOp: _plain(np.sin),
    math.CosOp: _plain(np.cos),
    math.TanOp: _plain(np.tan),
    math.AsinOp: _plain(np.arcsin),
    math.AcosOp: _plain(np.arccos),
    math.AtanOp: _plain(np.arctan),
    math.Atan2Op: _plain(np.arctan2),
    math.SinhOp: _plain(np.sinh),
    math.CoshOp: _plain(np.cosh),
    math.TanhOp: _plain(np.tanh),
    math.AsinhOp: _plain(np.arcsinh),
    math.AcoshOp: _plain(np.arccosh),
    math.AtanhOp: _plain(np.arctanh),
}
