"""ONNX models as nn IR.

The rest of the toolkit imports none of this, so that the ``onnx`` package, which takes longer to
load than all else, is loaded only when a model is imported.
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
    """Translate an ONNX file into a module with one function ``main`` for one sample.

    Batch dimensions (the first of every input) must be 1 or symbolic and disappear. ``shapes`` sets
    the shapes of inputs, batch dimension included, where the model leaves them open. A file named
    ``.onnxtxt`` is in ONNX's textual syntax.

    Without ``batch``, tensors have no batch dimension: all of an input is one sample. Operators that
    treat the first dimension as a batch whatever it is, such as Conv, then need one of 1.

    Raises OnnxError, which lists everything that stands in the way at once.
    """
    return build_module(load_graph(Path(path), shapes or {}, batch))
