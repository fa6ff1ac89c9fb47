"""Types, constants and parameters as NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ml_dtypes import bfloat16
from xdsl.dialects.builtin import (
    BFloat16Type,
    ContainerType,
    DenseIntOrFPElementsAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    Signedness,
    StringAttr,
)
from xdsl.ir import Attribute

from cmir.dialects.polyhedral import ArrayOp
from cmir.reference.findings import ProgramFault

_FLOATS = {
    BFloat16Type: bfloat16,
    Float16Type: np.float16,
    Float32Type: np.float32,
    Float64Type: np.float64,
}


def is_float(dtype: np.dtype[Any]) -> bool:
    """Return True for a type of floats; `bf16` is none of NumPy's kinds."""
    return dtype.kind == "f" or dtype == bfloat16


def numpy_type(type: Attribute) -> np.dtype[Any]:
    """Return the NumPy type of a scalar, or of a vector's elements.

    Signless integers are signed, and `i1` is a bool.
    """
    element = type.get_element_type() if isinstance(type, ContainerType) else type
    if (found := _FLOATS.get(element.__class__)) is not None:  # pyright: ignore[reportCallIssue, reportArgumentType]
        return np.dtype(found)
    if isinstance(element, IndexType):
        return np.dtype(np.int64)
    if isinstance(element, IntegerType):
        width = element.width.data
        if width == 1:
            return np.dtype(np.bool_)
        if width in (8, 16, 32, 64):
            sign = "u" if element.signedness.data == Signedness.UNSIGNED else "i"
            return np.dtype(f"{sign}{width // 8}")
    raise ProgramFault(f"there are no numbers of type {element}")


def elements(attribute: DenseIntOrFPElementsAttr) -> np.ndarray:
    """Return the elements of a `dense<…>`, in its shape."""
    shape, dtype = attribute.get_shape(), numpy_type(attribute.get_type())
    values = np.array(list(attribute.get_values()), dtype)
    return np.full(shape, values[0]) if values.size == 1 else values.reshape(shape)


def parameter_array(array: ArrayOp, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the elements of a parameter: the inline ones, or those that `given` has under its name."""
    if isinstance(array.source, DenseIntOrFPElementsAttr):
        return elements(array.source)
    assert isinstance(array.source, StringAttr)
    if (value := given.get(array.source.data)) is None:
        raise ProgramFault(f"there is no parameter '{array.source.data}'", array)
    if value.shape != array.shape:
        raise ProgramFault(f"parameter '{array.source.data}' has shape {list(value.shape)}", array)
    if value.dtype != numpy_type(array.type):
        raise ProgramFault(f"parameter '{array.source.data}' has type {value.dtype}", array)
    return value
