"""Elementwise operations of `arith` and `math`, on arrays.

Semantics are those of the MLIR documentation; where it leaves a result undefined, it is NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from xdsl.dialects import arith, math
from xdsl.ir import Operation

from cmir.dialects.element_types import dtype_of
from cmir.semantics.elements import as_integers, as_signed, as_unsigned
from cmir.support.numerics import divide_towards_zero, erf

Evaluate = Callable[..., np.ndarray]
"""Called with an operation and the arrays of its operands."""


@dataclass(frozen=True)
class Plain:
    """Of an operation that its operands say all about."""

    function: Callable[..., np.ndarray]

    def __call__(self, op: Operation, *operands: np.ndarray) -> np.ndarray:
        return self.function(*operands)


def _wrapping(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Evaluate:
    """Of integers, modulo 2 to their width."""
    return lambda op, a, b: as_integers(
        function(as_signed(a), as_signed(b)), dtype_of(op.results[0].type)
    )


def _unsigned(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Evaluate:
    return lambda op, a, b: as_integers(
        function(as_unsigned(a), as_unsigned(b)), dtype_of(op.results[0].type)
    )


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
    """Predicates 1 to 7 are false for NaNs, 8 to 14 are true for them; of NumPy's, only "not equal" is true."""
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    match predicate:
        case 0 | 15:
            return np.full(np.broadcast_shapes(a.shape, b.shape), predicate == 15)
        case 1 | 2 | 3 | 4 | 5 | 13:
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


def _float(number: Callable[[np.ndarray], np.ndarray]) -> Evaluate:
    """A number, read from the operand so, as a float."""
    return lambda op, x: number(x).astype(dtype_of(op.results[0].type))


def _integer(number: Callable[[np.ndarray], np.ndarray]) -> Evaluate:
    """A number, read from the operand so, as an integer."""
    return lambda op, x: as_integers(number(x), dtype_of(op.results[0].type))


ELEMENTWISE: dict[type[Operation], Evaluate] = {
    arith.AddfOp: Plain(np.add),
    arith.SubfOp: Plain(np.subtract),
    arith.MulfOp: Plain(np.multiply),
    arith.DivfOp: Plain(np.divide),
    arith.NegfOp: Plain(np.negative),
    arith.MaximumfOp: Plain(np.maximum),
    arith.MinimumfOp: Plain(np.minimum),
    arith.MaxnumfOp: Plain(np.fmax),
    arith.MinnumfOp: Plain(np.fmin),
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
    arith.AndIOp: Plain(np.bitwise_and),
    arith.OrIOp: Plain(np.bitwise_or),
    arith.XOrIOp: Plain(np.bitwise_xor),
    arith.ShLIOp: _wrapping(np.left_shift),
    arith.ShRSIOp: _wrapping(np.right_shift),
    arith.ShRUIOp: _unsigned(np.right_shift),
    arith.CmpiOp: _cmpi,
    arith.SelectOp: Plain(_select),
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
    math.AbsFOp: Plain(np.abs),
    math.AbsIOp: Plain(np.abs),
    math.CeilOp: Plain(np.ceil),
    math.FloorOp: Plain(np.floor),
    math.RoundOp: Plain(_round),
    math.RoundEvenOp: Plain(np.rint),
    math.TruncOp: Plain(np.trunc),
    math.CopySignOp: Plain(np.copysign),
    math.FmaOp: Plain(lambda a, b, c: a * b + c),
    math.SqrtOp: Plain(np.sqrt),
    math.RsqrtOp: Plain(lambda x: 1 / np.sqrt(x)),
    math.CbrtOp: Plain(np.cbrt),
    math.PowFOp: Plain(np.power),
    math.FPowIOp: Plain(_power),
    math.ExpOp: Plain(np.exp),
    math.Exp2Op: Plain(np.exp2),
    math.ExpM1Op: Plain(np.expm1),
    math.LogOp: Plain(np.log),
    math.Log2Op: Plain(np.log2),
    math.Log10Op: Plain(np.log10),
    math.Log1pOp: Plain(np.log1p),
    math.ErfOp: Plain(erf),
    math.SinOp: Plain(np.sin),
    math.CosOp: Plain(np.cos),
    math.TanOp: Plain(np.tan),
    math.AsinOp: Plain(np.arcsin),
    math.AcosOp: Plain(np.arccos),
    math.AtanOp: Plain(np.arctan),
    math.Atan2Op: Plain(np.arctan2),
    math.SinhOp: Plain(np.sinh),
    math.CoshOp: Plain(np.cosh),
    math.TanhOp: Plain(np.tanh),
    math.AsinhOp: Plain(np.arcsinh),
    math.AcoshOp: Plain(np.arccosh),
    math.AtanhOp: Plain(np.arctanh),
}
