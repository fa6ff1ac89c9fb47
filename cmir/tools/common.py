"""Error handling shared by the command-line tools."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from io import StringIO
from typing import TYPE_CHECKING, cast

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

from cmir.support.diagnostics import CompileError, Diagnostic, is_isl_error, printable
from cmir.support.extras import missing_package

FAILURE = 1
"""Exit code after a user error."""
INTERNAL_ERROR = 70
"""Exit code after an internal error (EX_SOFTWARE)."""

if TYPE_CHECKING:
    from xdsl.dialects.func import FuncOp

_LONGEST = 400
"""Maximum number of characters of an operation in a message."""


def run_tool(name: str, run: Callable[[], int | None]) -> int:
    """Run a tool and return its exit code.

    A user error becomes a line on stderr, `file:line:col: error: message`. With the environment variable
    CMIR_TRACEBACK=1, the tool also prints the Python traceback.
    """
    try:
        code = run() or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of the output has closed the pipe
        _discard_output()
        return FAILURE
    except KeyboardInterrupt:  # commands handle signals; this is a program that calls `main`
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except (Exception, ArgSpecParseError) as error:
        if os.environ.get("CMIR_TRACEBACK", "0") not in ("", "0"):
            traceback.print_exception(error)
        if isinstance(error, OSError) and error.filename is None:
            _discard_output()
        if (text := describe_error(error, name)) is not None:
            print(text, file=sys.stderr)
            _print_notes(name, error)
            return FAILURE
        what = " ".join(f"{type(error).__name__}: {error}".split())
        places = [note for note in getattr(error, "__notes__", []) if note.startswith(_IN_PASS)]
        place = places[0] if places else f"in {name}"
        print(
            f"{name}: internal error {place}: {printable(what)} (CMIR_TRACEBACK=1 shows where)",
            file=sys.stderr,
        )
        _print_notes(name, error)
        return INTERNAL_ERROR


_IN_PASS = "in pass "


def _print_notes(name: str, error: BaseException) -> None:
    """Print the notes of an error, except for the name of the pass, which is part of the message."""
    for note in getattr(error, "__notes__", []):
        if not note.startswith(_IN_PASS):
            print(f"{name}: note: {printable(note)}", file=sys.stderr)


def _discard_output() -> None:
    """Drop what stdout still holds, which cannot be written: Python would try again at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
            return [Diagnostic("error", name, str(error))]
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
    text = StringIO()
    Printer(text, print_generic_format=True).print_op(op)  # the generic form also prints invalid IR
    first, *rest = text.getvalue().splitlines()
    shown = first if len(first) <= _LONGEST else first[:_LONGEST] + "…"
    error.with_note(op, f"see current operation: {shown}{' …' if rest else ''}")


def parse_diagnostic(error: ParseError) -> Diagnostic:
    """Return the message of a parse error, at the start of its span."""
    file, line, column = error.span.get_location()
    location = FileLineColLoc(StringAttr(file), IntAttr(line), IntAttr(column))
    return Diagnostic("error", location, error.msg)


def verify(top: Operation, after: str = "") -> None:
    """Verify IR.

    after: origin of a failure for the message, e.g. "after pass 'x'". Raises CompileError at the first operation that
    does not verify, innermost first.

    """
    try:
        with _limited(top):
            top.verify()
        _verify_functions(top)
        return
    except VerifyException as error:
        # xDSL's error does not name the operation, so find it.
        reason = str(error)
    culprit, message = _find_culprit(top) or (top, reason)
    suffix = f" ({after})" if after else ""
    raise CompileError(culprit, f"'{culprit.name}' op {message}{suffix}") from None


def _limited(top: Operation) -> AbstractContextManager[None]:
    """Limit ISL, which IR with relations has loaded. Other IR must not load it: that takes longer than the rest."""
    if "islpy" not in sys.modules:
        return nullcontext()
    from cmir.isl.budget import limited

    return limited(top)


def _verify_functions(top: Operation) -> None:
    """Verify carried pairs, which are attributes of an operation of another dialect. Raises CompileError."""
    for op in top.walk():
        if op.name == "func.func" and "arg_attrs" in op.properties:
            from cmir.dialects.nn.carried import carried_pairs  # few functions need it

            carried_pairs(cast("FuncOp", op))


def _find_culprit(top: Operation) -> tuple[Operation, str] | None:
    for op in top.walk(region_first=True):
        try:
            for block in (block for region in op.regions for block in region.blocks):
                if not block.ops:  # may lack a terminator; only the block checks that
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
    end = max(start, min(span.end - begin, len(line)))
    before, marked, after = map(_shown, (line[:start], line[start:end], line[end:]))
    pad = "".join("\t" if c == "\t" else " " for c in before)
    return f"{before}{marked}{after}\n{pad}{'^' * max(1, len(marked))}"


def _shown(source: str) -> str:
    """Return a part of a line as a terminal may show it; tabs indent."""
    return "\t".join(map(printable, source.split("\t")))


def _last_line(error: BaseException) -> str:
    return next((s.strip() for s in reversed(str(error).splitlines()) if s.strip()), "")
