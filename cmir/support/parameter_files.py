"""The files that hold the parameters of IR: a module names them in an attribute, relative to its own file.

builtin.module attributes {cmir.parameters = ["a.safetensors", "b.safetensors"]} { … }

A parameter that several files hold is that of the last one. The attribute is that of a text: `open_parameters` removes
it from the module, and `name_files` adds it to a module that is about to be printed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, ModuleOp, StringAttr
from xdsl.ir import Attribute

from cmir.support.diagnostics import CompileError
from cmir.support.parameters import Parameters

ATTRIBUTE = "cmir.parameters"

SUFFIX = ".safetensors"


def open_parameters(module: ModuleOp, path: Path | None, weights: Path | None) -> Parameters | None:
    """Return the parameters of a module, or None if it has no file of them. Remove the attribute that names files.

    path: the file of the module; None for a module from elsewhere, which names files relative to the working folder.
    weights: file to use whatever the module names. Without either, the parameters are those in NAME.safetensors next to
    NAME.mlir, if that exists. Raises CompileError or OSError if a file is missing or malformed.
    """
    attribute = module.attributes.pop(ATTRIBUTE, None)
    if weights is not None:
        return Parameters.open(weights)
    if attribute is not None:
        folder = Path() if path is None else path.parent
        return Parameters.open(*_existing(module, attribute, folder))
    if path is not None and path.name:
        beside = path.with_suffix(SUFFIX)
        if os.path.isfile(beside):  # its name may be too long for a file
            return Parameters.open(beside)
    return None


def name_files(module: ModuleOp, files: Iterable[str]) -> None:
    """Let a module name the files of its parameters, each relative to the folder that the module's text will be in."""
    if names := list(dict.fromkeys(files)):
        module.attributes[ATTRIBUTE] = ArrayAttr(map(StringAttr, names))


def relative_name(file: Path, folder: Path) -> str | None:
    """Return the name of a file for modules in a folder, or None if it lies outside of that folder."""
    name = PurePath(os.path.relpath(os.path.abspath(file), os.path.abspath(folder)))
    return None if ".." in name.parts else name.as_posix()


def strings_of(module: ModuleOp) -> set[str]:
    """Return all strings in the attributes of a module's operations, among them the names of parameters."""
    attributes = (
        value
        for op in module.walk()
        for value in (*op.attributes.values(), *op.properties.values())
    )
    return {text for attribute in attributes for text in _strings(attribute)}


def _strings(attribute: Attribute) -> Iterator[str]:
    match attribute:
        case StringAttr(data=text):
            yield text
        case ArrayAttr(data=parts):
            for part in parts:
                yield from _strings(part)
        case DictionaryAttr(data=entries):
            for part in entries.values():
                yield from _strings(part)
        case _:
            pass


def _existing(module: ModuleOp, attribute: Attribute, folder: Path) -> Sequence[Path]:
    parts = attribute.data if isinstance(attribute, ArrayAttr) else (attribute,)
    names = [part.data for part in parts if isinstance(part, StringAttr)]
    if not isinstance(attribute, ArrayAttr) or len(names) < len(parts):
        raise CompileError(module, f"`{ATTRIBUTE}` must be an array of file names, got {attribute}")
    for name in names:
        if PurePath(name).is_absolute() or ".." in PurePath(name).parts or "\0" in name:
            raise CompileError(
                module,
                f"`{ATTRIBUTE}` names '{name}': a parameter file must be in the folder of the IR, or below;"
                " --weights takes any file",
            )
        if not os.path.exists(folder / name):
            raise CompileError(
                module,
                f"`{ATTRIBUTE}` names '{name}', and there is no such file in '{folder}'; --weights takes another",
            )
    return [folder / name for name in names]
