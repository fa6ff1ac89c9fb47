"""Elements of values as NumPy elements: constants, and signed and unsigned interpretations of integers."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr

from cmir.dialects.element_types import dtype_of


def dense_values(attribute: DenseIntOrFPElementsAttr) -> np.ndarray:
    """Return the elements of a `dense<…>` attribute, in its shape."""
    shape, dtype = attribute.get_shape(), dtype_of(attribute.get_type())
    if attribute.is_splat():
        return np.full(shape, next(iter(attribute.iter_values())), dtype)
    return np.array(list(attribute.iter_values()), dtype).reshape(shape)


def as_signed(x: np.ndarray) -> np.ndarray:
    """Return integers as signed numbers; true of `i1` is −1."""
    return -x.astype(np.int8) if x.dtype == np.bool_ else x


def as_unsigned(x: np.ndarray) -> np.ndarray:
    """Return integers as numbers of the unsigned type of the same width; true of `i1` is 1."""
    if x.dtype == np.bool_:
        return x.astype(np.uint8)
    return x if x.dtype.kind == "u" else x.view(np.dtype(f"u{x.dtype.name}"))


def as_integers(x: np.ndarray, dtype: np.dtype[np.generic]) -> np.ndarray:
    """Return numbers as integers of a type, truncated to their low bits."""
    return (x & 1).astype(np.bool_) if dtype == np.bool_ else x.astype(dtype)
