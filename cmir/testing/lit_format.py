"""Lit test format that runs commands such as `cm-opt … | filecheck %s` inside the lit process.

This saves the start of a Python interpreter for each command. In a `lit.cfg.py`:

config.test_format = InProcessTest()

Tests whose RUN lines need a shell (`&&`, globs, other programs) run in subprocesses, as in lit's own `ShTest`.
`InProcessTest(subprocess=True)` runs all tests in subprocesses.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import lit.Test
import lit.TestRunner
from lit.formats import ShTest

TOOLS: Mapping[str, str] = {
    "cm-new-extension": "cmir.tools.cm_new_extension:main",
    "cm-opt": "cmir.tools.cm_opt:main",
    "cm-reduce": "cmir.tools.cm_reduce:main",
    "cm-run": "cmir.tools.cm_run:main",
    "cm-translate": "cmir.tools.cm_translate:main",
}
"""Commands that run in process: functions from a list of arguments to an exit code."""

# These change the process permanently.
_UNSAFE_ARGUMENTS = frozenset({"--disable-verify", "--syntax-highlight"})

_TOKEN = re.compile(
    r"""\s*(?:(?P<operator>2>&1|2>|>|<|\|)(?![>&|])"""
    r"""|(?P<word>(?:[^\s|&;<>()`$"'\\*?~#]|\\.|'[^']*'|"(?:\\.|[^"\\$`])*")+))"""
)


@dataclass
class Command:
    """One command of a pipeline. Redirections are None if absent."""

    arguments: list[str] = field(default_factory=list)
    stdin: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    merge: bool = False  # 2>&1


class InProcessTest(ShTest):
    """A lit test format that runs commands in process.

    tools: commands to run in process in addition to cm-opt, cm-run, cm-translate and filecheck.
    subprocess: run no command in process.
    update: update texts of relations in failing tests that run in process (see `update_checks`).
    """

    def __init__(
        self,
        tools: Mapping[str, str] | None = None,
        subprocess: bool = False,
        update: bool = False,
    ) -> None:
        super().__init__()
        self.filecheck = "cmir.testing.update_checks:main" if update else "filecheck.main:main"
        self.tools = {**TOOLS, **(tools or {})}
        self.subprocess = subprocess

    def execute(self, test: Any, litConfig: Any) -> Any:
        if self.subprocess or test.config.unsupported or litConfig.noExecute:
            return super().execute(test, litConfig)
        script = lit.TestRunner.parseIntegratedTestScript(test)
        if isinstance(script, lit.Test.Result):
            return script
        directory, base = lit.TestRunner.getTempPaths(test)
        lines: list[str] = lit.TestRunner.applySubstitutions(
            script,
            lit.TestRunner.getDefaultSubstitutions(test, directory, base),
            dict.fromkeys(test.config.available_features, True),
            recursion_limit=test.config.recursiveExpansionLimit,
        )
        lines = [re.sub(r"^%dbg\([^)]*\)\s*", "", line) for line in lines]
        pipelines = [parse_pipeline(line) for line in lines]
        known = [p for p in pipelines if p is not None and all(map(self._understands, p))]
        if len(known) < len(lines):
            return super().execute(test, litConfig)
        Path(directory).mkdir(parents=True, exist_ok=True)
        limit: float = test.config.maxIndividualTestTime or 0
        for line, pipeline in zip(lines, known, strict=True):
            try:
                with _working_directory(os.path.dirname(test.getExecPath())), time_limit(limit):
                    log = self._run(pipeline)
            except TimeoutError:
                return lit.Test.Result(lit.Test.TIMEOUT, f"{line}\nReached timeout of {limit} s")
            if log is not None:
                return lit.Test.Result(lit.Test.FAIL, f"$ {line}\n{log}")
        return lit.Test.Result(lit.Test.PASS)

    def _understands(self, command: Command) -> bool:
        name = next((a for a in command.arguments if a != "not"), "")
        return (name == "filecheck" or name in self.tools) and not (
            _UNSAFE_ARGUMENTS.intersection(command.arguments)
        )

    def _run(self, pipeline: Sequence[Command]) -> str | None:
        """Run a pipeline; return a description of the failure if a command fails."""
        data = b""
        log: list[str] = []
        failed = False
        for command in pipeline:
            arguments = list(command.arguments)
            inverted = False
            while arguments[0] == "not":
                del arguments[0]
                inverted = not inverted
            if command.stdin is not None:
                data = Path(command.stdin).read_bytes()
            code, out, err = run_in_process(self._main(arguments[0]), arguments[1:], data)
            if command.merge:  # a process flushes its buffered output at exit
                out, err = err + out, b""
            if command.stderr is not None:
                Path(command.stderr).write_bytes(err)
                err = b""
            if command.stdout is not None:
                Path(command.stdout).write_bytes(out)
                out = b""
            data = out
            failed |= (code != 0) is not inverted
            log.append(f"# {shlex.join(command.arguments)}: exit code {code}\n{_decode(err)}")
        log.append(_decode(data))
        return "\n".join(log) if failed else None

    def _main(self, name: str) -> Callable[[list[str]], int | None]:
        if name == "filecheck":
            main = load_function(self.filecheck)
            return lambda arguments: main(["filecheck", *arguments])
        return load_function(self.tools[name])


def load_function(entry: str) -> Callable[[list[str]], int | None]:
    """Return the function that an entry `module:function` names."""
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)


def parse_pipeline(line: str) -> list[Command] | None:
    """Return the commands of a line, joined by `|`; None if the line needs a shell."""
    commands = [Command()]
    position = 0
    pending: str | None = None  # the redirection whose target is the next word
    line = line.rstrip()
    while position < len(line):
        match = _TOKEN.match(line, position)
        if match is None:
            return None
        position = match.end()
        operator, command = match["operator"], commands[-1]
        if operator is None:
            (word,) = shlex.split(match["word"]) or [""]
            if pending is None:
                command.arguments.append(word)
            else:
                setattr(command, pending, word)
                pending = None
        elif pending is not None:
            return None
        elif operator == "|":
            commands.append(Command())
        elif operator == "2>&1":
            if command.stdout is not None:
                return None
            command.merge = True
        else:
            pending = {"<": "stdin", ">": "stdout", "2>": "stderr"}[operator]
    if pending is not None or not all(any(a != "not" for a in c.arguments) for c in commands):
        return None
    return commands


def run_in_process(
    main: Callable[[list[str]], int | None], arguments: list[str], stdin: bytes = b""
) -> tuple[int, bytes, bytes]:
    """Run a tool's main function as if in its own process; return exit code, stdout and stderr."""
    out, err = io.BytesIO(), io.BytesIO()
    saved = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(err, encoding="utf-8", write_through=True)
    try:
        code = main(arguments) or 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except Exception:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        result = out.getvalue(), err.getvalue()
        sys.stdin, sys.stdout, sys.stderr = saved
    return code, *result


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


@contextmanager
def _working_directory(path: str) -> Generator[None]:
    Path(path).mkdir(parents=True, exist_ok=True)
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


class _TimeLimit(BaseException):
    """Error of the time limit. It is not an Exception, so that tools do not catch it."""


@contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """Raise TimeoutError after that time, if the system supports timers."""
    if (
        not seconds
        or not hasattr(signal, "SIGALRM")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def expire(*_: object) -> None:
        raise _TimeLimit

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _TimeLimit:
        raise TimeoutError from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
