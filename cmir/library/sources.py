"""Networks as users have them: files, IR, ONNX protos, PyTorch modules."""

from __future__ import annotations

import os
import sys
import warnings
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
from cmir.support.extras import missing_package
from cmir.support.parameter_files import open_parameters
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module

WeightsLike: TypeAlias = "str | os.PathLike[str] | Mapping[str, np.ndarray]"
"""A safetensors file, or arrays by name."""

ImportOptions: TypeAlias = tuple[Mapping[str, Sequence[int]] | None, Samples, State]
"""Shapes, samples and state of an ONNX model; see `cmir.compile`."""

ExampleInputs: TypeAlias = "Sequence[Any] | Mapping[str, Any]"
"""Arguments of a module of PyTorch in order, a tensor for the only one, or arguments by name."""

_LONGEST = 60
"""The most characters of a string that a message quotes."""

_OPSET = 18
"""The opset that PyTorch's exporter is asked for, its default."""


def read_source(
    source: Any,
    example_inputs: ExampleInputs | None,
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
    if not isinstance(source, str | os.PathLike):
        raise CompileError(
            None,
            "the source must be a path, an onnx.ModelProto, IR, or a module of PyTorch, got"
            f" {type(source).__name__}",
        )
    path = Path(source)
    if isinstance(source, str) and "{" in source and not os.path.exists(source):
        what = f"{source[:_LONGEST]}…" if len(source) > _LONGEST else source
        raise CompileError(None, f"there is no file '{what}'; IR as a string has several lines")
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
    else:
        weights = None if weights is None else Path(weights)
        context.parameters = open_parameters(module, None, weights)
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


def _exported(source: Any, example_inputs: ExampleInputs | None, imported: ImportOptions) -> Model:
    """Export a module with PyTorch's own exporter, and import the result."""
    import torch  # pyright: ignore[reportMissingImports]

    is_module = isinstance(source, torch.nn.Module)
    if is_module and example_inputs is None:
        raise CompileError(
            None, "a module needs example inputs: cmir.compile(module, example_inputs=(x,))"
        )
    folder = TemporaryDirectory(prefix="cmir-")
    path = Path(folder.name) / f"{type(source).__name__}.onnx"
    by_name = isinstance(example_inputs, Mapping)
    alone = isinstance(example_inputs, torch.Tensor)
    in_order = () if by_name or example_inputs is None else example_inputs
    training = is_module and source.training
    if training:
        source.eval()
    try:
        _export(
            torch,
            source,
            (in_order,) if alone else tuple(in_order),
            dict(example_inputs) if by_name else None,
            path,
        )
    finally:
        if training:
            source.train()
    return _in_folder(path, imported, folder)


def _export(
    torch: Any, source: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None, path: Path
) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's, of its own code
            torch.onnx.export(
                source,
                args,
                path,
                kwargs=kwargs,
                dynamo=True,
                opset_version=_OPSET,
                verbose=False,
            )
    except ModuleNotFoundError as error:
        raise CompileError(None, missing_package(error.name or str(error))) from error
    except torch.onnx.OnnxExporterError as error:
        cause = error.__cause__ or error
        reason = str(cause).strip().partition("\n")[0] or type(cause).__name__
        message = f"PyTorch's exporter cannot export the module: {reason}"
        raise CompileError(None, message) from error


def _in_folder(path: Path, imported: ImportOptions, folder: object) -> Model:
    """Read a model in a temporary folder, which stays as long as the model."""
    model = read_model(path, None, *imported)
    model.folder = folder
    return model
