"""Tests of cm-reduce: a pipeline that fails, or a command of the user."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from cmir.context import CmirContext
from cmir.pipelines.steps import Step
from cmir.support.diagnostics import collect_diagnostics
from cmir.support.errors import describe_error
from cmir.support.parameter_files import SUFFIX
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module
from cmir.support.printing import ir_text
from cmir.tools.pass_runner import PassRunner
from cmir.tools.reproducer import Reproducer


@dataclass
class Failure:
    """Test that the passes of a reproducer fail.

    text: part of the error's message; without it, the error must be of the same type and, if it is internal, come from
    the same line of code as that of the first module that is tested.
    """

    ctx: CmirContext
    steps: Sequence[Step]
    reproducer: Reproducer
    text: str | None = None
    expected: object = None
    count: int = 0

    def fails(self, module: ModuleOp) -> bool:
        """Return True if the passes fail on the text of a module as wanted."""
        self.count += 1
        error = self._error(ir_text(module, generic=True))
        if error is None:
            return False
        if self.text is not None:
            return self.text in (describe_error(error, "") or f"{type(error).__name__}: {error}")
        kind = _kind(error)
        if self.expected is None:
            self.expected = kind
        return kind == self.expected

    def _error(self, text: str) -> Exception | None:
        ctx = self.ctx.clone()
        parameters = self.reproducer.parameters
        ctx.parameters = None if parameters is None else parameters.copy()
        ctx.sources = {}
        with collect_diagnostics():
            try:
                module = parse_module(text, ctx)
                PassRunner(ctx, "", self.reproducer.verifies).run(self.steps, module)
            except Exception as error:
                return error
        return None


@dataclass
class Command:
    """Test that a command succeeds, which gets the name of a file as its last argument.

    The file is a reproducer if the input is one. Otherwise, the parameters are in a file next to it, if there are any.
    """

    command: str
    reproducer: Reproducer | None
    parameters: Parameters | None
    count: int = 0

    def fails(self, module: ModuleOp) -> bool:
        """Return True if the command succeeds on the text of a module."""
        self.count += 1
        text = ir_text(module, generic=True)
        if self.reproducer is not None:
            text = self.reproducer.with_text(text).file_text()
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "reduced.mlir"
            file.write_text(text, encoding="utf-8")
            if self.reproducer is None and self.parameters is not None:
                self.parameters.save(file.with_suffix(SUFFIX))
            arguments = [*shlex.split(self.command), str(file)]
            done = subprocess.run(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        return done.returncode == 0


def _kind(error: Exception) -> tuple[object, ...]:
    """Return what two errors of the same fault have in common."""
    if describe_error(error, "") is not None:
        return (type(error),)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return type(error), frame.filename, frame.lineno
