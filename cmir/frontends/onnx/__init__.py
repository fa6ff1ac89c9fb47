"""Import of ONNX models to `nn` IR.

The rest of the toolkit does not import this package, so the `onnx` package, which takes longer to load than everything
else, is loaded only when a model is imported.
"""

from __future__ import annotations

import warnings
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
from cmir.frontends.onnx.state import ImportedState
from cmir.frontends.samples import Samples
from cmir.frontends.state import State
from cmir.renamed import former_names

__all__ = [
    "Activation",
    "Constant",
    "ImportedModule",
    "ImportedState",
    "ImporterError",
    "Node",
    "OnnxError",
    "State",
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
    batch: bool | None = None,
    samples: Samples = "auto",
    state: State | None = None,
) -> ImportedModule:
    """Translate an ONNX file into a module with one function `main` for one inference.

    path: a file in ONNX's binary format, or with the suffix `.onnxtxt` in its textual format.
    shapes: shapes of inputs, batch dimension included, for inputs whose shape the model leaves open. A symbolic first
    dimension is a batch of 1 by default.
    samples: the part of the inputs that one inference takes. "split": one sample of a batch, the first dimension of
    all inputs, which tensors lose; nodes that mix it with another dimension are refused. "whole": everything; the batch
    is a dimension like any other. "auto": as "split" if the batch is 1 and no node mixes it, else as "whole", with a
    remark that says why.
    state: inputs that are carried from outputs of the inference before; by default, those whose names say so.
    batch: deprecated; True means samples = "split", False "whole".

    Raises OnnxError, which lists all obstacles at once.
    """
    if batch is not None:
        warnings.warn("`batch` of import_onnx is now `samples`", DeprecationWarning, stacklevel=2)
        samples = "split" if batch else "whole"
    graph = load_graph(Path(path), shapes or {}, samples)
    return build_module(graph, samples, state or State())
