"""MLIR's element types as NumPy's. Signless integers are kept signed, as two's complement; `i1` is a bool."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import (
    ContainerType,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    Signedness,
)
from xdsl.ir import Attribute

from cmir.support.diagnostics import CompileError

_INTEGERS = {1: np.bool_, 8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}


def dtype_of(type: Attribute) -> np.dtype[np.generic]:
    """The NumPy type of the elements of an MLIR type. Raises CompileError where there is none."""
    element = type.get_element_type() if isinstance(type, ContainerType) else type
    match element:
        case Float16Type():
            return np.dtype(np.float16)
        case Float32Type():
            return np.dtype(np.float32)
        case Float64Type():
            return np.dtype(np.float64)
        case IndexType():
            return np.dtype(np.int64)
        case IntegerType() if element.width.data in _INTEGERS:
            signed = np.dtype(_INTEGERS[element.width.data])
            unsigned = element.signedness.data == Signedness.UNSIGNED
            return np.dtype(f"u{signed.name}") if unsigned else signed
        case _:
            raise CompileError(None, f"elements of type {element} cannot be executed")


def dense_values(attribute: DenseIntOrFPElementsAttr) -> np.ndarray:
    """The elements of a `dense<…>` attribute, in its shape."""
    shape, dtype = attribute.get_shape(), dtype_of(attribute.get_type())
    if attribute.is_splat():
        return np.full(shape, next(iter(attribute.iter_values())), dtype)
    return np.array(list(attribute.iter_values()), dtype).reshape(shape)


def as_signed(x: np.ndarray) -> np.ndarray:
    """Integers as numbers: the true of `i1` is −1."""
    return -x.astype(np.int8) if x.dtype == np.bool_ else x


def as_unsigned(x: np.ndarray) -> np.ndarray:
    """Integers as numbers of the unsigned type of the same width: the true of `i1` is 1."""
    if x.dtype == np.bool_:
        return x.astype(np.uint8)
    return x if x.dtype.kind == "u" else x.view(np.dtype(f"u{x.dtype.name}"))


def as_integers(x: np.ndarray, dtype: np.dtype[np.generic]) -> np.ndarray:
    """Numbers as integers of a type: their low bits."""
    return (x & 1).astype(np.bool_) if dtype == np.bool_ else x.astype(dtype)
