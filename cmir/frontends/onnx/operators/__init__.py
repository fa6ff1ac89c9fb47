"""The importers, by family. Importing this package registers them."""

from cmir.frontends.onnx.operators import (
    arithmetic,
    elementwise,
    layout,
    linear,
    reductions,
    windows,
)

__all__ = ["arithmetic", "elementwise", "layout", "linear", "reductions", "windows"]
