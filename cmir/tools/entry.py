"""Entry points of the commands: what must stand before anything slow is imported.

The functions `main` of the tools can be called from any program. What follows is for a process of their own: signals,
standard streams, and the threads of linear algebra.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from cmir.support.interruption import handle_signals, ignore_signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def cm_new_extension() -> int:
    """Run cm-new-extension on the arguments of the process."""
    return enter("cm-new-extension")


def cm_opt() -> int:
    """Run cm-opt on the arguments of the process."""
    return enter("cm-opt")


def cm_reduce() -> int:
    """Run cm-reduce on the arguments of the process."""
    return enter("cm-reduce")


def cm_run() -> int:
    """Run cm-run on the arguments of the process."""
    return enter("cm-run")


def cm_sweep() -> int:
    """Run cm-sweep on the arguments of the process."""
    return enter("cm-sweep")


def cm_translate() -> int:
    """Run cm-translate on the arguments of the process."""
    return enter("cm-translate")


def enter(tool: str) -> int:
    """Run a tool in a process of its own; return its exit code."""
    _open_streams()
    handle_signals(tool)
    try:
        from cmir.tools.options import use_threads

        use_threads(1)
        code: Any = import_module(f"cmir.tools.{tool.replace('-', '_')}").main(sys.argv[1:])
    except SystemExit as exit:  # of the parser of arguments
        code = exit.code
    ignore_signals()
    return _flushed(tool, code)


def _flushed(tool: str, code: Any) -> int:
    """Write what stdout still holds, such as a help text, and return the exit code."""
    try:
        sys.stdout.flush()
    except OSError:
        from cmir.tools.common import run_tool  # which knows how to fail

        return run_tool(tool, lambda: code)
    return code


def _open_streams() -> None:
    """Make standard streams safe: none is closed, and any name can be printed.

    Python has None for a stream that the process was started without, and the next file or pipe that is opened would
    get its descriptor. In its place comes one on which reading or writing fails; messages on stderr go nowhere.
    """
    for number, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # gets the lowest free number: this one
    sys.stdin = sys.stdin or _stream(0, "r")
    sys.stdout = sys.stdout or _stream(1, "w")
    sys.stderr = sys.stderr or _stream(2, "w")
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]


def _stream(number: int, mode: str) -> Any:
    """Return a text stream on a file descriptor, which it leaves open."""
    return os.fdopen(number, mode, encoding="utf-8", closefd=False)


if __name__ == "__main__":  # python -m cmir.tools.entry cm-run …
    del sys.argv[0]
    sys.exit(enter(sys.argv[0]))
