"""Pipelines of passes as they run: the passes, the named pipelines that they come from, and anchors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from cmir.context import remember_source, source_of_module
from cmir.support.diagnostics import emit

MODULE = "builtin.module"
ANY = "any"
"""The anchor that stands for every operation."""


@dataclass(frozen=True)
class Step:
    """A pass of a pipeline.

    within: the named pipelines that contain it, outermost first.
    """

    item: ModulePass
    within: tuple[str, ...] = ()


Run = Callable[[ModuleOp], None]


@dataclass(frozen=True)
class AnchoredPass(ModulePass):
    """Passes that run on each operation of one kind separately, as in `func.func(pass-a,pass-b)`.

    The passes see a module that holds the operation alone; a nested module they see itself. What they leave in the
    module replaces the operation.
    """

    name: ClassVar[str] = "anchored passes"

    anchor: str
    steps: tuple[Step, ...]

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        def run(part: ModuleOp) -> None:
            for step in self.steps:
                step.item.apply(ctx, part)

        self.apply_with(ctx, op, run)

    def apply_with(self, ctx: Context, module: ModuleOp, run: Run) -> None:
        """Run the passes, by the function that runs them all on a module."""
        found = [op for op in module.body.block.ops if self.anchor in (ANY, op.name)]
        if not found:
            emit(
                "warning",
                module,
                f"`{self.anchor}(…)` did nothing: the module has no such operation",
            )
        before = module.clone()
        for op in found:
            self._run_on(ctx, op, run, module, before)

    @staticmethod
    def _run_on(ctx: Context, op: Operation, run: Run, module: ModuleOp, before: ModuleOp) -> None:
        if isinstance(op, ModuleOp):
            run(op)
            return
        part = ModuleOp([])
        part.location = op.location
        block = module.body.block
        after = op.next_op
        op.detach()
        part.body.block.add_op(op)
        try:
            run(part)
        finally:
            for result in list(part.body.block.ops):
                result.detach()
                if after is None:
                    block.add_op(result)
                else:
                    block.insert_op_before(result, after)
        if source_of_module(ctx, part) is not None and source_of_module(ctx, module) is None:
            remember_source(ctx, module, before)


def flat(steps: Sequence[Step]) -> list[ModulePass]:
    """Return the passes of the steps, those behind anchors included."""
    result: list[ModulePass] = []
    for step in steps:
        result += flat(step.item.steps) if isinstance(step.item, AnchoredPass) else [step.item]
    return result
