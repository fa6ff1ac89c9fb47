"""Networks as users have them: files, IR, ONNX protos, PyTorch modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cmir.analysis.workload import check_workload
from cmir.compilation.model import Model, read_model
from cmir.compilation.verification import verify
from cmir.context import make_context
from cmir.frontends.samples import Samples
from cmir.frontends.state import State
from cmir.support.diagnostics import CompileError
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module

WeightsLike: TypeAlias = "str | os.PathLike[str] | Mapping[str, np.ndarray]"
"""A safetensors file, or arrays by name."""

ImportOptions: TypeAlias = tuple[Mapping[str, Sequence[int]] | None, Samples, State]
"""Shapes, samples and state of an ONNX model; see `cmir.compile`."""

_OPSET = 18
"""The opset that PyTorch's exporter is asked for, its default."""


def read_source(
    source: Any,
    example_inputs: Sequence[Any] | None,
    imported: ImportOptions,
    weights: WeightsLike | None,
) -> Model:
    """Return a model. See `cmir.compile` for the arguments."""
    if _is_torch(source):
        return _exported(source, example_inputs, imported)
    if example_inputs is not None:
        raise CompileError(None, "example_inputs are for modules of PyTorch")
    if type(source).__module__.partition(".")[0] == "onnx":
        return _saved(source, imported)
    if isinstance(source, ModuleOp):
        return _of_module(source.clone(), weights)
    if isinstance(source, str) and "\n" in source:
        return _of_module(parse_module(source, make_context()), weights)
    path = Path(source)
    if isinstance(weights, Mapping):
        model = read_model(path, None, *imported)
        model.context.parameters = Parameters(weights)
        return model
    return read_model(path, None if weights is None else Path(weights), *imported)


def _of_module(module: ModuleOp, weights: WeightsLike | None) -> Model:
    context = make_context()
    verify(module)
    check_workload(module)
    if isinstance(weights, Mapping):
        context.parameters = Parameters(weights)
    elif weights is not None:
        context.parameters = Parameters.open(weights)
    return Model(Path("<module>"), module, context, None, None)


def _saved(proto: Any, imported: ImportOptions) -> Model:
    """Import a `ModelProto`, from a file: ONNX checks models there, whatever their size."""
    import onnx

    if not isinstance(proto, onnx.ModelProto):
        raise CompileError(None, f"an onnx.{type(proto).__name__} is no model")
    folder = TemporaryDirectory(prefix="cmir-")
    path = Path(folder.name) / "model.onnx"
    onnx.save(proto, path)
    return _in_folder(path, imported, folder)


def _is_torch(source: Any) -> bool:
    """Return True for modules and exported programs of PyTorch, without importing it."""
    if (torch := sys.modules.get("torch")) is None:
        return False
    kinds = [torch.nn.Module]
    if (export := getattr(torch, "export", None)) is not None:
        kinds.append(export.ExportedProgram)
    return isinstance(source, tuple(kinds))


def _exported(
    source: Any,
    example_inputs: Sequence[Any] | None,
    imported: ImportOptions,
) -> Model:
    """Export a module with PyTorch's own exporter, and import the result."""
    import torch  # pyright: ignore[reportMissingImports]

    is_module = isinstance(source, torch.nn.Module)
    if is_module and example_inputs is None:
        raise CompileError(
            None, "a module needs example inputs: cmir.compile(module, example_inputs=(x,))"
        )
    folder = TemporaryDirectory(prefix="cmir-")
    path = Path(folder.name) / f"{type(source).__name__}.onnx"
    arguments = () if example_inputs is None else tuple(example_inputs)
    training = is_module and source.training
    if training:
        source.eval()
    try:
        torch.onnx.export(source, arguments, path, dynamo=True, opset_version=_OPSET, verbose=False)
    except ModuleNotFoundError as error:
        raise CompileError(
            None, f"PyTorch's exporter needs '{error.name}': pip install 'cmir[torch]'"
        ) from error
    finally:
        if training:
            source.train()
    return _in_folder(path, imported, folder)


def _in_folder(path: Path, imported: ImportOptions, folder: object) -> Model:
    """Read a model in a temporary folder, which stays as long as the model."""
    model = read_model(path, None, *imported)
    model.folder = folder
    return model
