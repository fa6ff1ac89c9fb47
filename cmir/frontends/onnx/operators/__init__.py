"""Importers, by family of operators. Importing this package registers them."""

from cmir.frontends.onnx.operators import (
    arithmetic,
    composed,
    einsum,
    elementwise,
    fused,
    layout,
    linear,
    moving,
    qlinear,
    quantization,
    reductions,
    resizing,
    windows,
)

__all__ = [
    "arithmetic",
    "composed",
    "einsum",
    "elementwise",
    "fused",
    "layout",
    "linear",
    "moving",
    "qlinear",
    "quantization",
    "reductions",
    "resizing",
    "windows",
]
