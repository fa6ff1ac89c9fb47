"""The arithmetic of iteration bodies, on many iterations at once.

A value of the body is an array with a leading axis for iterations, of length 1 where it is the same in all of
them, followed by the dimensions of its vector type. A crossbar product over a chunk is one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr
from xdsl.ir import Operation

from cmir.dialects.cmcore import ArgReduceOp, CompareOp, ConvertOp, MxvOp, ReduceOp, SelectOp
from cmir.dialects.element_types import dtype_of
from cmir.semantics.elements import as_integers, as_unsigned, dense_values
from cmir.semantics.elementwise import ELEMENTWISE, Plain
from cmir.semantics.vectors import VECTORS, reduced
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import convert, matrix_product, position


def evaluate(op: Operation, *operands: np.ndarray) -> np.ndarray:
    """The result of a body operation, for all iterations of a chunk."""
    # Infinities and NaNs are results like others, as on the accelerator.
    with np.errstate(all="ignore"):
        return function_of(op)(*operands)


def function_of(op: Operation) -> Callable[..., np.ndarray]:
    """The result of a body operation as a function of its operands; it may warn of infinities and NaNs."""
    if (function := _OPERATIONS.get(type(op))) is None:
        raise CompileError(op, f"{op.name} cannot be executed in the body of an iteration")
    return function.function if isinstance(function, Plain) else partial(function, op)


def is_new(op: Operation) -> bool:
    """Whether the result of a body operation is sure to lie in memory of its own."""
    return isinstance(op, MxvOp) or isinstance(function_of(op), np.ufunc)


def can_evaluate(op: Operation) -> bool:
    return type(op) in _OPERATIONS


def _constant(op: Operation) -> np.ndarray:
    assert isinstance(op, arith.ConstantOp)
    match op.value:
        case DenseIntOrFPElementsAttr():
            return dense_values(op.value)[None]
        case IntegerAttr():
            return as_integers(np.array([op.value.value.data]), dtype_of(op.result.type))
        case FloatAttr():
            return np.full(1, op.value.value.data, dtype_of(op.result.type))
        case _:
            raise CompileError(op, f"constant {op.value} cannot be executed")


def _mxv(op: Operation, matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """One matrix product for the chunk, in whichever order of axes the lanes lie in memory."""
    assert isinstance(op, MxvOp)
    *blocks, rows, columns = matrix.shape
    lanes = x.reshape(len(x), *blocks, columns)
    if lanes.strides[0] > lanes.itemsize and not blocks:
        product = matrix_product(lanes, matrix.T)
    else:  # iterations come last, as windows are read: so do those of the result
        last = lanes.transpose(*range(1, lanes.ndim), 0)
        product = matrix_product(matrix, last)
        product = product.transpose(product.ndim - 1, *range(product.ndim - 1))
    return product.reshape(len(x), *op.result.type.get_shape())


def _reduce(op: Operation, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, ReduceOp)
    return reduced(op, op.kind.data, x, tuple(d + 1 for d in op.dims.get_values()))


def _arg_reduce(op: Operation, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, ArgReduceOp)
    axis = op.dim.value.data + 1
    x = as_unsigned(x) if op.kind.data.endswith("ui") else x
    return position(x, axis, op.kind.data.startswith("max"), op.last is not None)


_RELATIONS: dict[str, np.ufunc] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def _compare(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    assert isinstance(op, CompareOp)
    return _RELATIONS[op.relation.data](a, b)


def _convert(op: Operation, x: np.ndarray) -> np.ndarray:
    return convert(x, dtype_of(op.results[0].type))


_OPERATIONS: dict[type[Operation], Callable[..., np.ndarray]] = {
    MxvOp: _mxv,
    ReduceOp: _reduce,
    ArgReduceOp: _arg_reduce,
    CompareOp: _compare,
    SelectOp: lambda _, condition, a, b: np.where(condition, a, b),
    ConvertOp: _convert,
    arith.ConstantOp: _constant,
    **ELEMENTWISE,
    **VECTORS,
}
