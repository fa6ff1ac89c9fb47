"""ONNX's codes of element types, which a file may hold without a meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from cmir.frontends.onnx.errors import ImporterError


def element_name(code: int) -> str:
    """Return the name of an element type; its number if it has none."""
    known = code in TensorProto.DataType.values()
    return TensorProto.DataType.Name(code) if known else f"type {code}"


def numpy_dtype(code: int) -> np.dtype[Any]:
    """Return NumPy's type of an element type. Raises ImporterError if there is none."""
    if code not in TensorProto.DataType.values() or code == TensorProto.UNDEFINED:
        raise ImporterError(f"there is no element type {code}")
    return helper.tensor_dtype_to_np_dtype(code)
