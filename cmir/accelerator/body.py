"""The arithmetic of iteration bodies, on many iterations at once.

A value of the body is an array with a leading axis for iterations, of length 1 where it is the same in all of
them, followed by the dimensions of its vector type. A crossbar product over a chunk is one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from xdsl.dialects import arith, math, vector
from xdsl.dialects.builtin import (
    BFloat16Type,
    ContainerType,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
)
from xdsl.ir import Attribute, Operation

from cmir.diagnostics import CompileError
from cmir.dialects.cmcore import MxvOp, ReduceOp
from cmir.numerics import erf

_DTYPES: dict[type[Attribute], type[np.generic]] = {
    Float16Type: np.float16,
    Float32Type: np.float32,
    Float64Type: np.float64,
    IndexType: np.int64,
}


def dtype_of(type: Attribute) -> np.dtype[np.generic]:
    """The NumPy type of the elements of an MLIR type. Raises CompileError where there is none."""
    element = type.get_element_type() if isinstance(type, ContainerType) else type
    if isinstance(element, IntegerType):
        width = element.width.data
        return np.dtype(np.bool_ if width == 1 else f"int{max(8, width)}")
    if (found := _DTYPES.get(element.__class__)) is None or isinstance(element, BFloat16Type):
        raise CompileError(None, f"elements of type {element} cannot be executed")
    return np.dtype(found)


def dense_values(attribute: DenseIntOrFPElementsAttr) -> np.ndarray:
    """The elements of a `dense<…>` attribute, in its shape."""
    shape, dtype = attribute.get_shape(), dtype_of(attribute.get_type())
    if attribute.is_splat():
        return np.full(shape, next(iter(attribute.iter_values())), dtype)
    return np.array(list(attribute.iter_values()), dtype).reshape(shape)


def evaluate(op: Operation, *operands: np.ndarray) -> np.ndarray:
    """The result of a body operation, for all iterations of a chunk."""
    if (function := _OPERATIONS.get(type(op))) is None:
        raise CompileError(op, f"{op.name} cannot be executed in the body of an iteration")
    # Infinities and NaNs are results like others, as on the accelerator.
    with np.errstate(all="ignore"):
        return function(op, *operands)


def can_evaluate(op: Operation) -> bool:
    return type(op) in _OPERATIONS


def _constant(op: Operation) -> np.ndarray:
    assert isinstance(op, arith.ConstantOp)
    match op.value:
        case DenseIntOrFPElementsAttr():
            return dense_values(op.value)[None]
        case IntegerAttr() | FloatAttr():
            return np.full(1, op.value.value.data, dtype_of(op.result.type))
        case _:
            raise CompileError(op, f"constant {op.value} cannot be executed")


def _mxv(op: Operation, matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, MxvOp)
    shape = op.result.type.get_shape()
    if matrix.ndim == 2:
        return (x.reshape(len(x), -1) @ matrix.T).reshape(-1, *shape)
    blocks, rows, columns = matrix.shape
    lanes = x.reshape(len(x), blocks, columns)
    if (
        rows == 1
    ):  # depthwise: a dot product a block, which a batch of tiny matrix products does slowly
        return np.einsum("nbc,bc->nb", lanes, matrix[:, 0]).reshape(-1, *shape)
    product = np.matmul(lanes.transpose(1, 0, 2), matrix.transpose(0, 2, 1))
    return np.ascontiguousarray(product.transpose(1, 0, 2)).reshape(-1, *shape)


_REDUCTIONS: dict[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "maximumf": np.maximum,
    "minimumf": np.minimum,
}


def _reduce(op: Operation, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, ReduceOp)
    axes = tuple(d + 1 for d in op.dims.get_values())
    return _REDUCTIONS[op.kind.data].reduce(x, axis=axes)


_KINDS: dict[str, np.ufunc] = {
    "add": np.add,
    "mul": np.multiply,
    "maximumf": np.maximum,
    "minimumf": np.minimum,
    "maxnumf": np.fmax,
    "minnumf": np.fmin,
    "maxsi": np.maximum,
    "minsi": np.minimum,
}


def _reduction(op: Operation, x: np.ndarray, acc: np.ndarray | None = None) -> np.ndarray:
    assert isinstance(op, vector.ReductionOp)
    kind = _KINDS.get(str(op.kind.data))
    if kind is None:
        raise CompileError(op, f"reduction {op.kind.data} cannot be executed")
    result = kind.reduce(x, axis=-1)
    return result if acc is None else kind(result, acc)


def _broadcast(op: Operation, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, vector.BroadcastOp)
    shape = op.vector.type.get_shape()
    missing = len(shape) - (x.ndim - 1)
    aligned = x.reshape(len(x), *(1,) * missing, *x.shape[1:])
    return np.broadcast_to(aligned, (len(x), *shape))


def _extract(op: Operation, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, vector.ExtractOp)
    if op.dynamic_position:
        raise CompileError(op, "only positions that are constants can be executed")
    return x[(slice(None), *op.static_position.get_values())]


_FLOAT_PREDICATES: dict[int, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    1: np.equal,
    2: np.greater,
    3: np.greater_equal,
    4: np.less,
    5: np.less_equal,
    6: np.not_equal,
}


def _cmpf(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    if predicate not in _FLOAT_PREDICATES:
        raise CompileError(op, "only ordered comparisons can be executed")
    return _FLOAT_PREDICATES[predicate](a, b)


def _cast(op: Operation, x: np.ndarray) -> np.ndarray:
    return x.astype(dtype_of(op.results[0].type))


def _same(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda _, *operands: function(*operands)


_OPERATIONS: dict[type[Operation], Callable[..., np.ndarray]] = {
    MxvOp: _mxv,
    ReduceOp: _reduce,
    arith.ConstantOp: _constant,
    vector.BroadcastOp: _broadcast,
    vector.ExtractOp: _extract,
    vector.ReductionOp: _reduction,
    vector.FMAOp: _same(lambda a, b, c: a * b + c),
    arith.AddfOp: _same(np.add),
    arith.SubfOp: _same(np.subtract),
    arith.MulfOp: _same(np.multiply),
    arith.DivfOp: _same(np.divide),
    arith.NegfOp: _same(np.negative),
    arith.MaximumfOp: _same(np.maximum),
    arith.MinimumfOp: _same(np.minimum),
    arith.MaxnumfOp: _same(np.fmax),
    arith.MinnumfOp: _same(np.fmin),
    arith.AddiOp: _same(np.add),
    arith.SubiOp: _same(np.subtract),
    arith.MuliOp: _same(np.multiply),
    arith.AndIOp: _same(np.bitwise_and),
    arith.OrIOp: _same(np.bitwise_or),
    arith.XOrIOp: _same(np.bitwise_xor),
    arith.CmpfOp: _cmpf,
    arith.SelectOp: _same(np.where),
    arith.SIToFPOp: _cast,
    arith.FPToSIOp: _cast,
    arith.ExtFOp: _cast,
    arith.TruncFOp: _cast,
    arith.ExtSIOp: _cast,
    arith.IndexCastOp: _cast,
    math.ExpOp: _same(np.exp),
    math.ExpM1Op: _same(np.expm1),
    math.LogOp: _same(np.log),
    math.Log1pOp: _same(np.log1p),
    math.ErfOp: _same(erf),
    math.SqrtOp: _same(np.sqrt),
    math.RsqrtOp: _same(lambda x: 1 / np.sqrt(x)),
    math.TanhOp: _same(np.tanh),
    math.AbsFOp: _same(np.abs),
    math.PowFOp: _same(np.power),
    math.FloorOp: _same(np.floor),
    math.CeilOp: _same(np.ceil),
    math.RoundEvenOp: _same(np.rint),
    math.SinOp: _same(np.sin),
    math.CosOp: _same(np.cos),
}
