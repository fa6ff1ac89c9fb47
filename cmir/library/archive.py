"""Compiled networks in files: a Zip archive with the IR at each level, the weights, and the hardware."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cmir.compilation.model import Model
from cmir.compilation.verification import verify
from cmir.context import CmirContext, make_context, source_of_module
from cmir.execution.interface import Interface
from cmir.hardware.description import Hardware
from cmir.support.atomic import atomic_path
from cmir.support.diagnostics import CompileError
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module
from cmir.support.printing import ir_text

_VERSION = 1
_HEADER, _WEIGHTS, _HARDWARE = "cmir.json", "weights.safetensors", "hardware.toml"
_LEVELS = {"nn": "nn.mlir", "polyhedral": "polyhedral.mlir", "cmcore": "cmcore.mlir"}


def save(
    model: Model,
    interface: Interface,
    relations: ModuleOp | None,
    hardware: Hardware,
    path: Path,
) -> None:
    """Write a compiled network; the file appears complete or not at all."""
    modules = {
        "nn": source_of_module(model.context, model.module),
        "polyhedral": relations,
        "cmcore": model.module,
    }
    header = {
        "version": _VERSION,
        "name": model.path.name,
        "inputs": _as_lists(interface.input_shapes),
        "outputs": _as_lists(interface.output_shapes),
        "samples": model.samples,
        "narrow": {name: dtype.name for name, dtype in model.narrow.items()},
    }
    with atomic_path(path) as temporary, TemporaryDirectory(prefix="cmir-") as folder:
        weights = Path(folder) / _WEIGHTS
        model.parameters.save(weights)
        with ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
            archive.writestr(_HEADER, json.dumps(header, indent=2))
            archive.writestr(_HARDWARE, hardware.toml())
            for level, module in modules.items():
                if module is not None:
                    # Locations have the names of the model's nodes.
                    text = ir_text(module, debuginfo=True)
                    archive.writestr(_LEVELS[level], f"{text}\n")
            archive.write(weights, _WEIGHTS, ZIP_STORED)


def read(path: Path) -> tuple[Model, ModuleOp | None, Hardware]:
    """Return what `save` has written: the model at the cmcore level, its stages and relations, and the machine.

    Raises CompileError if the file is no such network, and OSError if it cannot be read.
    """
    with TemporaryDirectory(prefix="cmir-") as folder:
        try:
            with ZipFile(path) as archive:
                header = json.loads(archive.read(_HEADER))
                if header["version"] != _VERSION:
                    message = f"is in format {header['version']}, of another version of cmir"
                    raise CompileError(path, message)
                hardware = Hardware.load(archive.read(_HARDWARE).decode())
                texts = {
                    level: archive.read(file).decode()
                    for level, file in _LEVELS.items()
                    if file in archive.namelist()
                }
                weights = Path(archive.extract(_WEIGHTS, folder))
        except (BadZipFile, KeyError, ValueError) as error:
            raise CompileError(path, f"not a network that cmir has saved: {error}") from None
        # The weights are read now: the folder goes, and with it the file that they would be mapped from.
        parameters = {name: value.copy() for name, value in Parameters.open(weights).items()}
    context = make_context()
    context.parameters = Parameters(parameters)
    modules = {level: _parse(text, context) for level, text in texts.items()}
    module = modules["cmcore"]
    if "nn" in modules:
        context.sources[module] = modules["nn"]
    ends = _as_tuples(header["inputs"]), _as_tuples(header["outputs"])
    narrow = {name: np.dtype(dtype) for name, dtype in header.get("narrow", {}).items()}
    model = Model(Path(header["name"]), module, context, *ends, samples=header["samples"])
    model.narrow = narrow
    return model, modules.get("polyhedral"), hardware


def _parse(text: str, context: CmirContext) -> ModuleOp:
    module = parse_module(text, context)
    verify(module)
    return module


def _as_lists(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, list[int]]:
    return {name: list(shape) for name, shape in shapes.items()}


def _as_tuples(shapes: Mapping[str, list[int]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, shape in shapes.items()}
