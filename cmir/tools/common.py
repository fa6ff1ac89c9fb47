"""Common parts of the command-line tools: how they fail."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from io import StringIO

from xdsl.dialects.builtin import FileLineColLoc, IntAttr, StringAttr
from xdsl.ir import Operation
from xdsl.printer import Printer
from xdsl.utils.exceptions import (
    ArgSpecParseError,
    DiagnosticException,
    ParseError,
    UnregisteredConstructException,
    VerifyException,
)
from xdsl.utils.lexer import Span

from cmir.support.diagnostics import CompileError, Diagnostic, is_isl_error

FAILURE = 1
"""Exit code after a mistake of the user."""
INTERNAL_ERROR = 70
"""Exit code after a mistake of ours (EX_SOFTWARE)."""

_LONGEST = 400
"""Characters of an operation that are shown."""


def run_tool(name: str, run: Callable[[], int | None]) -> int:
    """
    Run a tool and give its exit code. Whatever the user did wrong becomes a line on stderr,
    `file:line:col: error: message`; the environment variable CMIR_TRACEBACK=1 shows the Python
    traceback too.
    """
    try:
        code = run() or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output has had enough
        _discard_output()
        return FAILURE
    except (
        KeyboardInterrupt
    ):  # in a program that calls the tool; commands handle signals themselves
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except (Exception, ArgSpecParseError) as error:
        if os.environ.get("CMIR_TRACEBACK", "0") not in ("", "0"):
            traceback.print_exception(error)
        if isinstance(error, OSError) and error.filename is None:
            _discard_output()
        if (text := describe_error(error, name)) is not None:
            print(text, file=sys.stderr)
            return FAILURE
        what = " ".join(f"{type(error).__name__}: {error}".split())
        place = " ".join(getattr(error, "__notes__", ["in"])[-1:])
        place = place if place.startswith("in pass") else f"in {name}"
        print(
            f"{name}: internal error {place}: {what} (CMIR_TRACEBACK=1 shows where)",
            file=sys.stderr,
        )
        return INTERNAL_ERROR


def _discard_output() -> None:
    """Drop what stdout still holds, which cannot be written: Python would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def describe_error(error: BaseException, name: str) -> str | None:
    """
    Return the lines to show for an error that is a mistake of the user's, else None. `name` stands in for
    an unknown location.
    """
    if isinstance(error, ParseError):
        return f"{parse_diagnostic(error)}\n{_excerpt(error.span)}"
    if isinstance(error, CompileError):
        return "\n".join(map(str, [error, *error.notes]))
    diagnostics = diagnostics_of(error, name)
    return None if diagnostics is None else "\n".join(map(str, diagnostics))


def diagnostics_of(error: BaseException, name: str) -> list[Diagnostic] | None:
    """Return the diagnostics of an error that is a mistake of the user; None if it is a fault of cmir."""
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
        case OSError(errno=errno.EBADF, filename=None):
            return [Diagnostic("error", name, "a standard stream that is needed is closed")]
        case OSError(strerror=str(reason)):
            return [Diagnostic("error", error.filename or name, reason)]
        case OSError():  # of a library, without a number
            return [Diagnostic("error", name, str(error))]
        case UnicodeEncodeError():
            text = error.object[error.start : error.end].encode("unicode_escape").decode()
            return [Diagnostic("error", name, f"'{text}' in a name cannot be written as UTF-8")]
        case ModuleNotFoundError(name=str(module)) if not module.startswith("cmir"):
            package = module.partition(".")[0]
            return [Diagnostic("error", name, f"the package '{package}' is not installed")]
        case MemoryError():
            return [Diagnostic("error", name, f"there is not enough memory: {error}")]
        case _ if is_isl_error(error):
            return [Diagnostic("error", name, str(error))]
        case _:
            return None


def add_operation(error: CompileError) -> None:
    """Add the operation that an error is about as a note, as mlir-opt does."""
    op = error.operation
    if op is None:
        return
    text = StringIO()
    Printer(text, print_generic_format=True).print_op(op)  # which invalid IR has, too
    first, *rest = text.getvalue().splitlines()
    shown = first if len(first) <= _LONGEST else first[:_LONGEST] + "…"
    error.with_note(op, f"see current operation: {shown}{' …' if rest else ''}")


def parse_diagnostic(error: ParseError) -> Diagnostic:
    """Return the message of a parse error, at the start of its span."""
    file, line, column = error.span.get_location()
    location = FileLineColLoc(StringAttr(file), IntAttr(line), IntAttr(column))
    return Diagnostic("error", location, error.msg)


def verify(top: Operation, after: str = "") -> None:
    """
    Verify IR.

    Params:
        after: what to say of a failure's origin, e.g. "after pass 'x'".
    Raises:
        CompileError: at the first operation that does not verify, innermost first.
    """
    try:
        top.verify()
        return
    except VerifyException as error:
        # xDSL's error does not say which operation it is about: find that.
        reason = str(error)
    culprit, message = _find_culprit(top) or (top, reason)
    suffix = f" ({after})" if after else ""
    raise CompileError(culprit, f"'{culprit.name}' op {message}{suffix}") from None


def _find_culprit(top: Operation) -> tuple[Operation, str] | None:
    for op in top.walk(region_first=True):
        try:
            for block in (block for region in op.regions for block in region.blocks):
                if not block.ops:  # may lack a terminator, which only the block checks
                    block.verify()
            op.verify(verify_nested_ops=False)
        except VerifyException as error:
            return op, str(error)
    return None


def _excerpt(span: Span[str] | Span[bytes]) -> str:
    """Return the source line at a span, and carets under it."""
    text = span.input.content
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    begin = text.rfind("\n", 0, span.start) + 1
    line = text[begin:].partition("\n")[0].removesuffix("\r")
    start = min(span.start - begin, len(line))
    length = max(1, min(span.end - begin, len(line)) - start)
    pad = "".join("\t" if c == "\t" else " " for c in line[:start])
    return f"{line}\n{pad}{'^' * length}"


def _last_line(error: BaseException) -> str:
    return next((s.strip() for s in reversed(str(error).splitlines()) if s.strip()), "")
