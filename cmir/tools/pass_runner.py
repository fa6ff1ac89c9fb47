"""Execution of passes: verified, timed, counted, and with the IR printed between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import DiagnosticException

from cmir.compilation.verification import verify
from cmir.pipelines.steps import AnchoredPass, Step
from cmir.support.diagnostics import CompileError, is_isl_error
from cmir.support.statistics import collect_counts
from cmir.tools.ir_dumps import IrDumps
from cmir.tools.pass_report import VERIFIER, PassStatistics, PassTimes, Path


@dataclass
class PassRunner:
    """Execution of the passes of one command.

    name: file of the IR, for errors without a location. verifies: True if modules are verified before the first pass
    and after each. names_pass: True if errors of the user get a note that names the pass.
    """

    ctx: Context
    name: str
    verifies: bool = True
    names_pass: bool = False
    dumps: IrDumps | None = None
    times: PassTimes = field(default_factory=PassTimes)
    statistics: PassStatistics | None = None
    current: int | None = None
    """Index of the step that runs, or that has failed; None before the first step and after the last."""

    def run(self, steps: Sequence[Step], module: ModuleOp) -> None:
        """Run all steps. Raises what passes raise, and CompileError if a module does not verify."""
        self.current = None
        self._verify(module, "")
        for self.current, step in enumerate(steps):
            self._run_step(step, module, ())
        self.current = None

    def _run_step(self, step: Step, module: ModuleOp, outer: Path) -> None:
        item, path = step.item, (*outer, *step.within)
        if isinstance(item, AnchoredPass):
            inner = (*path, f"{item.anchor}(…)")

            def run(part: ModuleOp) -> None:
                for nested in item.steps:
                    self._run_step(nested, part, inner)

            item.apply_with(self.ctx, module, run)
            return
        if self.dumps is not None:
            self.dumps.before(item, module)
        try:
            self._apply(item, module, (*path, item.name))
            self._verify(module, f"after pass '{item.name}'")
        except Exception:
            if self.dumps is not None:
                self.dumps.failed(item, module)
            raise
        if self.dumps is not None:
            self.dumps.after(item, module)

    def _apply(self, item: ModulePass, module: ModuleOp, path: Path) -> None:
        if self.statistics is None:
            self._timed(item, module, path)
            return
        before = _size(module)
        with collect_counts() as counts:
            self._timed(item, module, path)
        sizes = Counter({"operations before": before, "operations after": _size(module)})
        self.statistics.add(path, {**sizes, **counts})

    def _timed(self, item: ModulePass, module: ModuleOp, path: Path) -> None:
        try:
            with self.times.measure(*path):
                item.apply(self.ctx, module)
        except CompileError as error:
            if self.names_pass:
                error.with_note(None, f"in pass '{item.name}'")
            raise
        except Exception as error:
            if isinstance(error, DiagnosticException) or is_isl_error(error):
                # Errors of upstream passes and of ISL have no location.
                raise CompileError(self.name, f"pass '{item.name}': {error}") from error
            error.add_note(f"in pass '{item.name}'")
            raise

    def _verify(self, module: ModuleOp, after: str) -> None:
        if self.verifies:
            with self.times.measure(*VERIFIER):
                verify(module, after)


def _size(module: ModuleOp) -> int:
    """Return the number of operations in a module."""
    return sum(1 for _ in module.walk()) - 1
