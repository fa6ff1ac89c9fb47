"""Reproducers of passes that fail.

The IR before the pass is computed again, so that runs without failures cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from cmir.context import CmirContext
from cmir.pipelines.steps import Step
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.support.parameter_files import ATTRIBUTE
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module
from cmir.tools.pass_runner import PassRunner
from cmir.tools.reproducer import Reproducer


@dataclass(frozen=True)
class FailedRun:
    """A run of passes on the IR of a text, of which the one with the index `failed` has failed.

    parameters: those before the run.
    """

    error: Exception
    ctx: CmirContext
    text: str
    steps: Sequence[Step]
    failed: int
    parameters: Parameters | None
    verifies: bool

    def reproducer(self) -> Reproducer:
        """Return a reproducer of the failed pass alone, on the IR before it.

        If that does not fail in the same way, because the pass depends on more than the IR and the parameters, return
        one of the passes up to the one that failed, on the input.
        """
        error, module, ctx = self._run(self.text, self.steps[: self.failed], self.parameters)
        step = self.steps[self.failed]
        if error is None and module is not None:
            alone = self._of(module, [step], ctx.parameters)
            if _message(self._run(alone.text, [step], ctx.parameters)[0]) == _message(self.error):
                return alone
        module = _module(self.text, self._context(None))
        return self._of(module, self.steps[: self.failed + 1], self.parameters)

    def _of(
        self, module: ModuleOp, steps: Sequence[Step], parameters: Parameters | None
    ) -> Reproducer:
        passes = [step.item for step in steps]
        unregistered = self.ctx.allow_unregistered
        return Reproducer.of(module, passes, parameters, self.verifies, unregistered)

    def _run(
        self, text: str, steps: Sequence[Step], parameters: Parameters | None
    ) -> tuple[Exception | None, ModuleOp | None, CmirContext]:
        """Run steps on the IR of a text. Return the error, if there is one, the module, and the context."""
        ctx, module = self._context(parameters), None
        with collect_diagnostics():
            try:
                module = _module(text, ctx)
                PassRunner(ctx, "", self.verifies).run(steps, module)
            except Exception as error:
                return error, module, ctx
        return None, module, ctx

    def _context(self, parameters: Parameters | None) -> CmirContext:
        ctx = self.ctx.clone()
        ctx.parameters = None if parameters is None else parameters.copy()
        ctx.progress, ctx.sources = None, {}
        return ctx


def _module(text: str, ctx: CmirContext) -> ModuleOp:
    """Return a module without the names of parameter files, because a reproducer holds its parameters."""
    module = parse_module(text, ctx)
    module.attributes.pop(ATTRIBUTE, None)
    return module


def _message(error: Exception | None) -> tuple[object, ...]:
    """Return the type and the message of an error, without a location."""
    return type(error), error.message if isinstance(error, CompileError) else str(error)
