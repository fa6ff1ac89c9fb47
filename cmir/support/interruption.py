"""Interruption of a command by a signal: one line on stderr, no file half-written, no process left behind.

A handler that raises KeyboardInterrupt is not enough: the exception gets lost in destructors and in callbacks of C
libraries, and no Python handler runs at all while the main thread is in C. So the handler ends the process itself,
after the cleanups that are registered then. A thread takes over where the main thread does not get to its handler,
in CP-SAT or BLAS for instance; code that keeps Python's global lock, such as ISL, delays both until it returns.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress
from threading import Lock, Thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType
    from typing import NoReturn

_SAID = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}
"""The signals that end a command, and the reason to tell the user."""

_GRACE = 0.05
"""Seconds for the main thread to get to its handler."""

_ERASE = "\r\x1b[K\x1b[?25h"
"""Removes a line of progress from a terminal, and shows the cursor."""

Cleanup = "Callable[[], str | None]"
"""Removes something at an interruption; a result is the line to show instead of the signal's."""

_cleanups: list[Callable[[], str | None]] = []
_ending = Lock()
_command = ""
_shields = 0
_waiting: int | None = None
"""A signal that came while a shield was up."""


def handle_signals(command: str) -> None:
    """End the process at SIGINT, SIGTERM and SIGHUP from now on, except for signals that it was started to ignore.

    command: the name in the line that the user sees. The exit code is 128 and the number of the signal.
    """
    global _command
    _command = command
    for number in _SAID:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _handle)
    arrivals, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    Thread(target=_watch, args=(arrivals,), daemon=True).start()


def ignore_signals() -> None:
    """Ignore the signals from now on: the command is done, and only Python's own shutdown is left."""
    for number in _SAID:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def at_interruption(cleanup: Callable[[], str | None]) -> Generator[None]:
    """Call `cleanup` if a signal ends the process inside the `with` block; the last one that is registered comes first.

    It may run in any thread while the main thread is suspended, so it must not wait for a lock. It may return the line
    to show.
    """
    _cleanups.append(cleanup)
    try:
        yield
    finally:
        _cleanups.remove(cleanup)


@contextmanager
def shielded() -> Generator[None]:
    """Delay signals to the end of the `with` block, which must be short: it commits what belongs together."""
    global _shields
    _shields += 1
    try:
        yield
    finally:
        _shields -= 1
        if _waiting is not None and not _shields:
            _end(_waiting)


def _handle(number: int, frame: FrameType | None) -> None:
    global _waiting
    if _shields:
        _waiting = number
    else:
        _end(number)


def _watch(arrivals: int) -> None:
    """End the process if the main thread does not get to its handler."""
    while True:
        (number,) = os.read(arrivals, 1)
        time.sleep(_GRACE)
        while _shields:
            time.sleep(_GRACE)
        if number in _SAID and signal.getsignal(number) != signal.SIG_IGN:
            _end(number)


def _end(number: int) -> NoReturn:
    if not _ending.acquire(blocking=False):  # another thread is ending the process
        while True:
            time.sleep(1)
    line = f"{_command}: {_SAID[signal.Signals(number)]}"
    for cleanup in reversed(_cleanups):
        with suppress(Exception):  # other cleanups are left to do
            line = cleanup() or line
    try:
        erase = _ERASE if os.isatty(2) else ""
        os.write(2, f"{erase}{line}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        pass
    os._exit(128 + number)
