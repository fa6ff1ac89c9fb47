"""Arithmetic of iteration bodies, on many iterations at once.

A value of the body is an array with a leading axis for iterations, of length 1 if the value is the same in all of them,
followed by the dimensions of its vector type. A crossbar product over a chunk is one matrix product.
"""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np
from xdsl.dialects import arith
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, FloatAttr, IntegerAttr, TensorType
from xdsl.ir import Operation

# Registers implementations, as does cmir.semantics.vectors.
import cmir.semantics.elementwise  # noqa: F401  # pyright: ignore[reportUnusedImport]
from cmir import extensions
from cmir.dialects.element_types import dtype_of
from cmir.dialects.vectors import (
    ArgReduceOp,
    ArgTopKOp,
    CompareOp,
    ConvertOp,
    MxvOp,
    PickOp,
    PlaceOp,
    ReduceOp,
    RemainderOp,
    SelectOp,
)
from cmir.semantics.elements import as_integers, as_unsigned, dense_values
from cmir.semantics.implementations import Function, Implementation, implements, registered
from cmir.semantics.vectors import reduced
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import arg_top_k, convert, matrix_product, pick, place, position, wrap


def evaluate_operation(op: Operation, *operands: np.ndarray) -> np.ndarray:
    """Return the result of a body operation for all iterations of a chunk."""
    # Infinities and NaNs are ordinary results, as on the accelerator.
    with np.errstate(all="ignore"):
        return function_of(op)(*operands)


def function_of(op: Operation) -> Function:
    """Return the function that computes a body operation from its operands; it may warn of infinities and NaNs.

    Raises CompileError if the operation has no implementation.
    """
    if (implementation := implementation_of(op)) is None:
        raise CompileError(op, f"{op.name} cannot be executed in the body of an iteration")
    return implementation.of(op)


def function_of_iteration(op: Operation) -> Function | None:
    """Like `function_of`, for arrays without an axis of iterations. None if `op` has no implementation."""
    if (implementation := implementation_of(op)) is None:
        return None
    function = implementation.of(op)
    matrices = [isinstance(operand.type, TensorType) for operand in op.operands]

    def of_iteration(*operands: np.ndarray) -> np.ndarray:
        given = zip(operands, matrices, strict=True)
        return function(*(x if matrix else np.asarray(x)[None] for x, matrix in given))[0]

    return of_iteration


def is_new(op: Operation) -> bool:
    """Return True if the result of a body operation is known not to share memory with other values."""
    implementation = implementation_of(op)
    return implementation is not None and (
        implementation.owns_result or isinstance(implementation.function, np.ufunc)
    )


def implementation_of(op: Operation) -> Implementation | None:
    """Return the implementation of a body operation, from cmir or an installed package; None if there is none.

    Raises CompileError if a package cannot be loaded.
    """
    found = registered().get(type(op))
    if found is None:
        load_implementations()
        found = registered().get(type(op))
    return found


@cache
def load_implementations() -> None:
    """Load the implementations of other packages. Raises CompileError if one of them cannot be loaded."""
    for _ in extensions.load(extensions.SEMANTICS):
        pass  # loading a module registers its operations


@implements(arith.ConstantOp, takes_operation=True, interpreted=True)
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


@implements(MxvOp, takes_operation=True, interpreted=True, owns_result=True)
def _mxv(op: Operation, matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Compute one matrix product for the whole chunk, in the order of axes in which the lanes lie in memory."""
    assert isinstance(op, MxvOp)
    *blocks, _, columns = matrix.shape
    lanes = x.reshape(len(x), *blocks, columns)
    if lanes.strides[0] > lanes.itemsize and not blocks:
        product = matrix_product(lanes, matrix.T)
    else:  # iterations come last, as in reads of windows, so they do in the result
        last = lanes.transpose(*range(1, lanes.ndim), 0)
        product = matrix_product(matrix, last)
        product = product.transpose(product.ndim - 1, *range(product.ndim - 1))
    return product.reshape(len(x), *op.result.type.get_shape())


@implements(ReduceOp, takes_operation=True, interpreted=True)
def _reduce(op: Operation, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, ReduceOp)
    return reduced(op, op.kind.data, x, tuple(d + 1 for d in op.dims.get_values()))


@implements(ArgReduceOp, takes_operation=True, interpreted=True)
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


@implements(CompareOp, takes_operation=True, elementwise=True, interpreted=True)
def _compare(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    assert isinstance(op, CompareOp)
    return _RELATIONS[op.relation.data](a, b)


@implements(ConvertOp, takes_operation=True, elementwise=True, interpreted=True)
def _convert(op: Operation, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, ConvertOp)
    to = convert if op.wrapping is None else wrap
    return to(x, dtype_of(op.result.type))


@implements(
    PickOp, takes_operation=True, interpreted=True, work=lambda op: prod(op.result.type.get_shape())
)
def _pick(op: Operation, x: np.ndarray, *indices: np.ndarray) -> np.ndarray:
    try:
        return pick(x, *indices)
    except IndexError as error:
        raise CompileError(op, str(error)) from error


@implements(PlaceOp, takes_operation=True, interpreted=True, owns_result=True)
def _place(op: Operation, updates: np.ndarray, x: np.ndarray, *indices: np.ndarray) -> np.ndarray:
    assert isinstance(op, PlaceOp)
    try:
        return place(x, updates, *indices, kind=None if op.kind is None else op.kind.data)
    except IndexError as error:
        raise CompileError(op, str(error)) from error


@implements(ArgTopKOp, takes_operation=True, interpreted=True)
def _arg_top_k(op: Operation, x: np.ndarray) -> np.ndarray:
    assert isinstance(op, ArgTopKOp)
    return arg_top_k(x, op.result.type.get_shape()[0], op.largest is not None)


@implements(RemainderOp, elementwise=True, interpreted=True)
def _remainder(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.fmod(a, b)


@implements(SelectOp, elementwise=True, interpreted=True)
def _select(condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where(condition, a, b)
