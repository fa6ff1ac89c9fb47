"""Error handling shared by the command-line tools."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from xdsl.utils.exceptions import ArgSpecParseError

from cmir.support.diagnostics import printable
from cmir.support.errors import describe_error
from cmir.support.frames import outside_frame

FAILURE = 1
"""Exit code after a user error."""
NOT_PROVED = 3
"""Exit code if control is proved and values are neither proved nor refuted."""
INTERNAL_ERROR = 70
"""Exit code after an internal error (EX_SOFTWARE)."""


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
        if (frame := outside_frame(error)) is not None:
            what += f", at {frame}"
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
