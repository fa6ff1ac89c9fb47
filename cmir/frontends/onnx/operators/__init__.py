"""The importers, by family. Importing this package registers them."""

from cmir.frontends.onnx.operators import elementwise, layout, linear, windows

__all__ = ["elementwise", "layout", "linear", "windows"]
