"""Kinds of files by their contents: a file in the wrong place is refused by what it is, with the place for it."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

from cmir.support.diagnostics import CompileError


class FileKind(NamedTuple):
    """A kind of files. name: with an article. use: what to do with such a file instead."""

    name: str
    use: str


DIRECTORY = FileKind("a directory", "give a file in it")
ONNX = FileKind(
    "an ONNX model",
    "cm-run runs files named .onnx, and cm-translate --import-onnx makes IR of them",
)
IR = FileKind("IR", "cm-opt and cm-run take it")
NUMPY = FileKind("NumPy arrays", "cm-run takes them after the model, as inputs")
HARDWARE = FileKind("a TOML file", "--hardware takes descriptions of machines")
SAFETENSORS = FileKind("a safetensors file", "--weights takes it")
SAVED = FileKind("a compiled network", "cmir.load takes it")
_TORCH = FileKind(
    "a PyTorch file", "export the network as ONNX, or give its module to cmir.compile"
)
_KERAS = FileKind("an HDF5 file", "export the network as ONNX, with tf2onnx if it is of Keras")
_LITE = FileKind("a TensorFlow Lite model", "convert it to ONNX, with tf2onnx")

_FIRST = 4096
"""Number of bytes that tell the kind of a file."""

_IR_LINE = re.compile(
    r'(builtin\.)?module\b|[a-z]\w*\.\w+ @|func\.func\b|"[\w.]+" ?\(|[%!]\w|#\w+ = |\{-#'
)
_TOML_LINE = re.compile(r"[A-Za-z_][\w.-]*\s*=|\[[\w.]+\]\s*(#.*)?$")


def kind_of(path: str | PathLike[str]) -> FileKind | None:
    """Return the kind of a file, or None if it is unknown or cannot be read."""
    try:
        if Path(path).is_dir():
            return DIRECTORY
        if not Path(path).is_file():  # a pipe could be read only once
            return None
        with open(path, "rb") as file:
            first = file.read(_FIRST)
    except (OSError, ValueError):
        return None
    return _of_bytes(first, Path(path))


def _of_bytes(first: bytes, path: Path) -> FileKind | None:
    if first.startswith(b"\x93NUMPY"):
        return NUMPY
    if first.startswith(b"PK\x03\x04"):
        return _of_archive(path)
    if first[8:9] == b"{" and int.from_bytes(first[:8], "little") < path.stat().st_size:
        return SAFETENSORS
    if first.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04")):
        return _TORCH
    if first.startswith(b"\x89HDF"):
        return _KERAS
    if first[4:8] == b"TFL3":
        return _LITE
    if first[:1] == b"\x08" and (
        b"\0" in first or path.suffix == ".onnx"
    ):  # the first field of a ModelProto
        return ONNX
    return None if b"\0" in first else _of_text(first.decode("utf-8", "replace"))


def _of_archive(path: Path) -> FileKind | None:
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, BadZipFile):
        return None
    if "cmir.json" in names:
        return SAVED
    if any(name.endswith("data.pkl") for name in names):
        return _TORCH
    return NUMPY if all(name.endswith(".npy") for name in names) else None


def _of_text(text: str) -> FileKind | None:
    """Return the kind of a text by its first line that is no comment."""
    for line in map(str.strip, text.splitlines()):
        if _IR_LINE.match(line):
            return IR
        if line and not line.startswith(("#", "//")):
            return HARDWARE if _TOML_LINE.match(line) else None
    return None


def refuse_other_kinds(path: str | PathLike[str], wanted: str, *kinds: FileKind) -> None:
    """Raise CompileError if a file is known to be of none of these kinds. wanted: the kinds in words."""
    kind = kind_of(path)
    if kind is not None and kind not in kinds:
        raise CompileError(Path(path), f"expected {wanted}, got {kind.name}; {kind.use}")
