"""Conversion of MLIR element types to NumPy types."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects.builtin import (
    BFloat16Type,
    ContainerType,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    Signedness,
)
from xdsl.ir import Attribute, SSAValue

from cmir.support.diagnostics import CompileError
from cmir.support.numerics import BFLOAT16

_INTEGERS = {1: np.bool_, 8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}


def dtype_of(value: SSAValue | Attribute) -> np.dtype[Any]:
    """Return the NumPy type of a value's elements, or of the elements of a type.

    Signless integers become signed (two's complement); `i1` becomes bool. `bf16` has the type of `ml_dtypes`. Raises
    CompileError if there is no such type.
    """
    type = value.type if isinstance(value, SSAValue) else value
    element = type.get_element_type() if isinstance(type, ContainerType) else type
    match element:
        case Float16Type():
            return np.dtype(np.float16)
        case BFloat16Type():
            return BFLOAT16
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
