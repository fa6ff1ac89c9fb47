"""One case in a process of its own, with limits of memory and time."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cmir.tools.common import FAILURE, INTERNAL_ERROR

WRONG = 3
"""Exit code of a case whose results are wrong."""

OUTCOMES = ("accepted", "refused", "internal", "wrong", "hang", "memory", "crash", "unclean")
"""What may become of a case.

memory: it took more than the limit before anything was refused. unclean: a failure without a message, or a message
that steers a terminal.
"""


@dataclass(frozen=True)
class Limits:
    """memory: bytes of address space that a case may add. seconds: of the processor, until it is a hang."""

    memory: int = 3 << 30
    seconds: int = 20

    @property
    def patience(self) -> int:
        """Seconds of the clock until a case is a hang, which it may be without using the processor."""
        return 10 * self.seconds


@dataclass(frozen=True)
class Outcome:
    """kind: one of OUTCOMES. message: what the tool wrote to stderr."""

    kind: str
    message: str


def run_case(case: Callable[[], int], limits: Limits, folder: Path) -> Outcome:
    """Run a function in a fork of this process. It returns an exit code, and writes to stdout and stderr as it likes.

    folder: for what it writes.
    """
    log = folder / "stderr"
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os._exit(_child(case, limits, log))
    status = _wait(child, limits.patience)
    message = log.read_text(encoding="utf-8", errors="surrogateescape") if log.exists() else ""
    if status is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return Outcome("hang", message)
    if os.WIFSIGNALED(status):
        return Outcome("crash", f"{signal.Signals(os.WTERMSIG(status)).name}: {message}")
    return Outcome(_kind(os.WEXITSTATUS(status), message), message)


def _child(case: Callable[[], int], limits: Limits, log: Path) -> int:
    """Run the case with its streams redirected; its exit code."""
    faulthandler.disable()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = used + limits.memory
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    # Python's own streams, which a test runner may have replaced.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  (stays open)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    try:
        code = case()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else FAILURE
    except BaseException:
        traceback.print_exc()
        code = INTERNAL_ERROR
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _wait(child: int, seconds: float) -> int | None:
    """Return the status of the child when it ends; None if it had to be killed."""
    deadline, pause = time.monotonic() + seconds, 0.001
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(pause)
        pause = min(0.05, 2 * pause)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _kind(code: int, message: str) -> str:
    if code == INTERNAL_ERROR or "Traceback (most recent call last)" in message:
        return "internal"
    if code == WRONG:
        return "wrong"
    if "there is not enough memory" in message:
        return "memory"
    steers = any(not (c.isprintable() or c in "\n\t") and ord(c) < 0xE000 for c in message)
    if steers or (code and "error:" not in message and "failed:" not in message):
        return "unclean"
    return "accepted" if code == 0 else "refused"
