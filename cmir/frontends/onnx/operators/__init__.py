"""Importers, by family of operators. Importing this package registers them."""

from cmir.frontends.onnx.operators import (
    arithmetic,
    composed,
    control,
    einsum,
    elementwise,
    fused,
    indexing,
    layout,
    linear,
    moving,
    qlinear,
    quantization,
    reductions,
    resizing,
    sampling,
    windows,
)

__all__ = [
    "arithmetic",
    "composed",
    "control",
    "einsum",
    "elementwise",
    "fused",
    "indexing",
    "layout",
    "linear",
    "moving",
    "qlinear",
    "quantization",
    "reductions",
    "resizing",
    "sampling",
    "windows",
]
