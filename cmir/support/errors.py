"""Errors of users, of whatever library, as diagnostics."""

from __future__ import annotations

import errno

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr
from xdsl.utils.exceptions import (
    ArgSpecParseError,
    DiagnosticException,
    ParseError,
    UnregisteredConstructException,
)
from xdsl.utils.lexer import Span

from cmir.support.diagnostics import CompileError, Diagnostic, is_isl_error, printable
from cmir.support.extras import missing_package
from cmir.support.frames import outside_frame
from cmir.support.printing import ir_text

_LONGEST = 400
"""Maximum number of characters of an operation in a message."""


def describe_error(error: BaseException, name: str) -> str | None:
    """Return the lines to print for a user error, None for an internal error.

    name: printed instead of an unknown location.
    """
    if isinstance(error, ParseError):
        return f"{parse_diagnostic(error)}\n{_excerpt(error.span)}"
    if isinstance(error, CompileError):
        return "\n".join(map(str, [error, *error.notes]))
    diagnostics = diagnostics_of(error, name)
    return None if diagnostics is None else "\n".join(map(str, diagnostics))


def diagnostics_of(error: BaseException, name: str) -> list[Diagnostic] | None:
    """Return the diagnostics of a user error; None for an internal error."""
    match error:
        case CompileError():
            return [Diagnostic("error", error.location, error.message), *error.notes]
        case ParseError():
            return [parse_diagnostic(error)]
        case ArgSpecParseError():
            return [Diagnostic("error", name, _last_line(error))]
        case DiagnosticException() | UnregisteredConstructException():
            return [Diagnostic("error", name, str(error))]
        case UnicodeDecodeError():
            return [Diagnostic("error", name, f"the input is not UTF-8 text: {error.reason}")]
        case OSError():
            return [_system_diagnostic(error, name)]
        case UnicodeEncodeError():
            text = error.object[error.start : error.end].encode("unicode_escape").decode()
            return [Diagnostic("error", name, f"'{text}' in a name cannot be written as UTF-8")]
        case ModuleNotFoundError(name=str(module)) if not module.startswith("cmir"):
            return [Diagnostic("error", name, missing_package(module))]
        case MemoryError() | RecursionError() | OverflowError():
            return [_exhaustion_diagnostic(error, name)]
        case _ if is_isl_error(error):
            frame = outside_frame(error)  # of an operator that another package defines
            return [Diagnostic("error", name, f"{error}, at {frame}" if frame else str(error))]
        case _:
            return None


def _system_diagnostic(error: OSError, name: str) -> Diagnostic:
    """Return the diagnostic of an error of the operating system, or of a library that calls it."""
    if error.filename is None and error.errno == errno.EBADF:
        return Diagnostic("error", name, "a standard stream that is needed is closed")
    return Diagnostic("error", error.filename or name, error.strerror or str(error))


def _exhaustion_diagnostic(
    error: MemoryError | RecursionError | OverflowError, name: str
) -> Diagnostic:
    """Return the diagnostic of an input that exceeds what the process can handle."""
    match error:
        case MemoryError():
            message = "there is not enough memory"
        case RecursionError():
            message = "the input is nested too deeply"
        case OverflowError():
            message = "a number is too large"
    return Diagnostic("error", name, f"{message}: {error}" if str(error) else message)


def add_operation(error: CompileError) -> None:
    """Attach the offending operation to an error as a note, as mlir-opt does."""
    op = error.operation
    if op is None:
        return
    first, *rest = ir_text(op, generic=True).splitlines()
    shown = first if len(first) <= _LONGEST else first[:_LONGEST] + "…"
    error.with_note(op, f"see current operation: {shown}{' …' if rest else ''}")


def parse_diagnostic(error: ParseError) -> Diagnostic:
    """Return the message of a parse error, at the start of its span."""
    file, line, column = error.span.get_location()
    location = FileLineColLoc(StringAttr(file), IntAttr(line), IntAttr(column))
    return Diagnostic("error", location, error.msg)


def _excerpt(span: Span[str] | Span[bytes]) -> str:
    """Return the source line at a span, and carets under it."""
    text = span.input.content
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    begin = text.rfind("\n", 0, span.start) + 1
    line = text[begin:].partition("\n")[0].removesuffix("\r")
    start = min(span.start - begin, len(line))
    end = max(start, min(span.end - begin, len(line)))
    before, marked, after = map(_shown, (line[:start], line[start:end], line[end:]))
    pad = "".join("\t" if c == "\t" else " " for c in before)
    return f"{before}{marked}{after}\n{pad}{'^' * max(1, len(marked))}"


def _shown(source: str) -> str:
    """Return a part of a line as a terminal may show it; tabs indent."""
    return "\t".join(map(printable, source.split("\t")))


def _last_line(error: BaseException) -> str:
    return next((s.strip() for s in reversed(str(error).splitlines()) if s.strip()), "")
