"""Import of ONNX models to `nn` IR.

The rest of the toolkit does not import this package, so the `onnx` package, which takes longer to load than everything
else, is loaded only when a model is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

# Registers the importers.
import cmir.frontends.onnx.operators  # noqa: F401  # pyright: ignore[reportUnusedImport]
from cmir.frontends.onnx.building import ImportedModule, build_module
from cmir.frontends.onnx.errors import ImporterError, OnnxError
from cmir.frontends.onnx.loading import load_graph
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.registry import importer, operators
from cmir.renamed import former_names

__all__ = [
    "Activation",
    "Constant",
    "ImportedModule",
    "ImporterError",
    "Node",
    "OnnxError",
    "Value",
    "import_onnx",
    "importer",
    "operators",
]

__getattr__ = former_names(
    __name__, {"Imported": "ImportedModule", "NotImportable": "ImporterError"}
)


def import_onnx(
    path: str | PathLike[str],
    shapes: Mapping[str, Sequence[int]] | None = None,
    batch: bool = True,
) -> ImportedModule:
    """Translate an ONNX file into a module with one function `main` for one sample.

    path: a file in ONNX's binary format, or with the suffix `.onnxtxt` in its textual format. Batch dimensions (the
    first of every input) must be 1 or symbolic, and are removed.
    shapes: shapes of inputs, batch dimension included, for inputs whose shape the model leaves open.
    batch: if False, tensors have no batch dimension: the whole input is one sample. Operators that always treat the
    first dimension as a batch, such as Conv, then need a batch of 1.

    Raises OnnxError, which lists all obstacles at once.
    """
    return build_module(load_graph(Path(path), shapes or {}, batch))
