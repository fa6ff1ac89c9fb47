"""Errors and remarks that point at the user's source: `file:line:col: error: message`."""

from __future__ import annotations

import sys
from os import PathLike
from typing import TypeAlias

from xdsl.dialects.builtin import (
    ArrayAttr,
    CallSiteLoc,
    FileLineColLoc,
    FusedLoc,
    NameLoc,
)
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.utils.exceptions import PassFailedException

Where: TypeAlias = Operation | SSAValue | Block | Region | Attribute | str | PathLike[str] | None
"""What a message may be about: IR, a location attribute, the name of a file, or nothing."""


class CompileError(PassFailedException):
    """
    A mistake of the user (in a model, in IR, in options) that keeps a program from being compiled.

    `str` of it is one line, `file:line:col: error: message`. The location is taken when the error
    is made, so that it survives a rewrite of the IR.
    """

    def __init__(self, where: Where, message: str) -> None:
        self.location = location_of(where)
        self.message = message
        super().__init__(format_diagnostic(self.location, "error", message))


def location_of(where: Where) -> FileLineColLoc | NameLoc | str | None:
    """
    The location of an operation, a value, a block or a region, or of what surrounds it: the nearest
    one that is known. A location attribute is resolved to the first known location inside it,
    and the name of a file is a location itself.
    """
    if where is None:
        return None
    if isinstance(where, str | PathLike):
        return str(where)
    if isinstance(where, Attribute):
        return _known(where)
    if isinstance(where, SSAValue):
        if isinstance(where, BlockArgument) and (found := _known(where.location)) is not None:
            return found
        where = where.owner
    node: Operation | Block | Region | None = where
    while node is not None:
        if isinstance(node, Operation) and (found := _known(node.location)) is not None:
            return found
        node = node.parent
    return None


def line_of(where: Where) -> int | None:
    """The line of the location of `where`, or None if that is not in a file."""
    location = location_of(where)
    while isinstance(location, NameLoc):
        location = _known(location.location)
    return location.line.data if isinstance(location, FileLineColLoc) else None


def emit_remark(where: Where, message: str) -> None:
    """Print `file:line:col: remark: message` to stderr."""
    emit("remark", where, message)


def emit(kind: str, where: Where, message: str) -> None:
    """Print a message of a kind that stops nothing (remark, warning, note) to stderr."""
    print(format_diagnostic(location_of(where), kind, message), file=sys.stderr)


def format_diagnostic(
    location: FileLineColLoc | NameLoc | str | None, kind: str, message: str
) -> str:
    """`file:line:col: kind: message` on one line; without a location, `kind: message`."""
    text = " ".join(message.split("\n"))
    prefix = "" if location is None else f"{_text(location)}: "
    return f"{prefix}{kind}: {text}"


def _known(location: Attribute) -> FileLineColLoc | NameLoc | None:
    """The first location in `location` that tells a user something."""
    match location:
        case FileLineColLoc() | NameLoc():
            return location
        case CallSiteLoc():
            return _known(location.callee) or _known(location.caller)
        case FusedLoc(locations=ArrayAttr(data=parts)):
            return next((found for part in parts if (found := _known(part)) is not None), None)
        case _:
            return None


def _text(location: FileLineColLoc | NameLoc | str) -> str:
    match location:
        case FileLineColLoc():
            return f"{location.filename.data}:{location.line.data}:{location.column.data}"
        case NameLoc():
            inner = _known(location.location)
            return location.desc.data if inner is None else _text(inner)
        case str():
            return location
