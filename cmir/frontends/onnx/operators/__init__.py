"""Importers, by family of operators. Importing this package registers them."""

from cmir.frontends.onnx.operators import (
    arithmetic,
    elementwise,
    indexing,
    layout,
    linear,
    moving,
    quantization,
    reductions,
    resizing,
    windows,
)

__all__ = [
    "arithmetic",
    "elementwise",
    "indexing",
    "layout",
    "linear",
    "moving",
    "quantization",
    "reductions",
    "resizing",
    "windows",
]
