"""Errors and remarks that point at the user's source: `file:line:col: error: message`."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from os import PathLike
from typing import Self, TypeAlias

from xdsl.dialects.builtin import ArrayAttr, CallSiteLoc, FileLineColLoc, FusedLoc, NameLoc
from xdsl.ir import Attribute, Block, BlockArgument, Operation, Region, SSAValue
from xdsl.utils.exceptions import PassFailedException

from cmir.support.status import without_status

Where: TypeAlias = Operation | SSAValue | Block | Region | Attribute | str | PathLike[str] | None
"""The subject of a message: IR, a location attribute, the name of a file, or nothing."""

Location: TypeAlias = FileLineColLoc | NameLoc | str
"""A known location; a string is the name of a file."""


@dataclass(frozen=True)
class Diagnostic:
    """A message to the user; `kind` is error, warning, remark or note."""

    kind: str
    location: Location | None
    message: str

    def __str__(self) -> str:
        return format_diagnostic(self.location, self.kind, self.message)

    @property
    def one_line(self) -> str:
        """The message on one line, as printed."""
        return _one_line(self.message)

    def line_in(self, file: str) -> int | None:
        """Return the line that the message points at, if it points into this file."""
        location = self.location
        while isinstance(location, NameLoc):
            location = _known(location.location)
        if isinstance(location, FileLineColLoc) and location.filename.data == file:
            return location.line.data
        return None


class CompileError(PassFailedException):
    """A mistake of the user (in a model, in IR, in options) that prevents compilation.

    Its `str` is one line, `file:line:col: error: message`. The location is determined when the error is created, so it
    survives a rewrite of the IR.
    """

    def __init__(self, where: Where, message: str) -> None:
        self.location = location_of(where)
        self.operation = _operation_of(where)
        """The operation that the error is about, or the one that encloses it."""
        self.message = message
        self.notes: list[Diagnostic] = []
        super().__init__(format_diagnostic(self.location, "error", message))

    def with_note(self, where: Where, message: str) -> Self:
        """Add a note that points at something else, such as the location of a conflict or an example."""
        self.notes.append(Diagnostic("note", location_of(where), message))
        return self

    def reword(self, change: Callable[[str], str]) -> None:
        """Change the message, for readers who know other names of the same things."""
        self.message = change(self.message)
        self.args = (format_diagnostic(self.location, "error", self.message),)


def location_of(where: Where) -> Location | None:
    """Return the nearest known location of an operation, value, block or region, or of its ancestors.

    A location attribute resolves to the first known location inside it; the name of a file is a location itself.
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


def _operation_of(where: Where) -> Operation | None:
    node = where.owner if isinstance(where, SSAValue) else where
    while isinstance(node, Block | Region):
        node = node.parent
    return node if isinstance(node, Operation) else None


def emit_remark(where: Where, message: str) -> None:
    """Print `file:line:col: remark: message` to stderr."""
    emit("remark", where, message)


def emit(kind: str, where: Where, message: str) -> None:
    """Print a `remark`, `warning` or `note` to stderr, without stopping the program."""
    diagnostic = Diagnostic(kind, location_of(where), message)
    if (collected := _collected.get()) is None:
        with without_status():
            print(diagnostic, file=sys.stderr)
    else:
        collected.append(diagnostic)


@contextmanager
def collect_diagnostics() -> Generator[list[Diagnostic]]:
    """Collect diagnostics that are emitted inside the `with` block in a list, instead of printing them to stderr."""
    collected: list[Diagnostic] = []
    token = _collected.set(collected)
    try:
        yield collected
    finally:
        _collected.reset(token)


_collected: ContextVar[list[Diagnostic] | None] = ContextVar("collected", default=None)


def format_diagnostic(location: Location | None, kind: str, message: str) -> str:
    """Return `file:line:col: kind: message` on one line; without a location, `kind: message`."""
    prefix = "" if location is None else f"{printable(_text(location))}: "
    return f"{prefix}{kind}: {_one_line(message)}"


def _one_line(message: str) -> str:
    return printable(" ".join(line.strip() for line in message.split("\n") if line.strip()))


_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode's categories of controls, formats (among them bidirectional overrides), surrogates and line separators."""


def printable(text: str) -> str:
    """Return the text as a terminal may show it: characters that would steer the terminal are escaped, as in Python."""
    if text.isprintable():
        return text
    return "".join(map(_printable_character, text))


def _printable_character(character: str) -> str:
    if unicodedata.category(character) not in _UNPRINTABLE:
        return character
    return character.encode("unicode_escape").decode("ascii")


def is_isl_error(error: BaseException) -> bool:
    """Return True if the error is ISL's or cmir's wrapper of one, without importing either."""
    modules = (("cmir.isl.text", "IslError"), ("islpy", "Error"))
    kinds = [getattr(sys.modules.get(module), name, None) for module, name in modules]
    return isinstance(error, tuple(kind for kind in kinds if kind is not None))


def _known(location: Attribute) -> FileLineColLoc | NameLoc | None:
    """Return the first informative location in `location`."""
    match location:
        case FileLineColLoc() | NameLoc():
            return location
        case CallSiteLoc():
            return _known(location.callee) or _known(location.caller)
        case FusedLoc(locations=ArrayAttr(data=parts)):
            return next((found for part in parts if (found := _known(part)) is not None), None)
        case _:
            return None


def _text(location: Location) -> str:
    if isinstance(location, FileLineColLoc):
        return f"{location.filename.data}:{location.line.data}:{location.column.data}"
    if isinstance(location, NameLoc):
        inner = _known(location.location)
        return location.desc.data if inner is None else _text(inner)
    return location
