"""The status line of long tasks."""

from __future__ import annotations

import sys
import time
from io import StringIO

import pytest

from cmir.support import progress
from cmir.support.diagnostics import emit_remark
from cmir.support.progress import Progress


class Terminal(StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.05)
    monkeypatch.setattr(progress, "_PERIOD", 0.01)


def wait_for(text: str, stream: StringIO) -> None:
    deadline = time.monotonic() + 30
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.01)


def test_a_task_that_says_nothing_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with Progress() as status:
        status.working("compiling: slow-pass")
        wait_for("\rcompiling: slow-pass (0 s)\x1b[K\r", stream)
        wait_for("\rcompiling: slow-pass (1 s)\x1b[K\r", stream)
        status.working("executing: 1 of 4 inferences", 0.25)
        wait_for("\r" + 5 * "█" + 15 * "░" + " executing: 1 of 4 inferences", stream)
    assert stream.getvalue().endswith("\r\x1b[K\r")


def test_messages_have_lines_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A remark is printed where the status line has been removed, however short it is."""
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with Progress() as status:
        status.working("compiling: a-pass-with-a-name-that-is-longer-than-the-remark")
        wait_for("remark (0 s)", stream)
        emit_remark(None, "short")
        wait_for("remark (1 s)", stream)
    lines = stream.getvalue().split("\n")
    assert lines[0].endswith("\x1b[K\r\r\x1b[K\rremark: short")
    assert lines[1].startswith("\rcompiling: ")


def test_a_line_is_not_longer_than_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with Progress() as status:
        status.working("compiling: a-pass-with-a-long-name")
        wait_for("\r", stream)
    assert stream.getvalue().startswith("\rcompiling: a-pass-w\x1b[K\r")


def test_short_tasks_and_other_streams_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := StringIO())
    with Progress() as status:
        status.working("compiling: slow-pass")
        time.sleep(0.2)
    monkeypatch.setattr(progress, "_PATIENCE", 60)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with Progress() as status:
        status.working("compiling: quick-pass")
    assert stream.getvalue() == terminal.getvalue() == ""
