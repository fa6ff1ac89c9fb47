"""polyhedral-replicate: the iterations of a stage are divided over cores with the same weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmir.accelerator.balance import Choice, balance
from cmir.diagnostics import CompileError, emit_remark
from cmir.dialects.polyhedral import PipelineOp, StageOp
from cmir.isl.cores import count_points, parameter_values
from cmir.passes.spreading import spread


@dataclass(frozen=True)
class PolyhedralReplicatePass(ModulePass):
    """Divide the iterations of stages over several cores each, to balance the pipeline.

    All copies of a stage have the same weights. `by=rows` deals out the outermost dimension of the iterations row by
    row, so that neighbouring rows are computed at the same time and readers can start early; `by=bands` gives each copy
    a run of rows.

    cores: how many there are. The numbers of copies are those for which the steady-state interval is as small as it
    can be with so many cores (the optimum, by OR-tools), and of these the ones that take the fewest cores. With
    `stage`, that stage gets `copies` by hand; what has copies already keeps them.
    """

    name = "polyhedral-replicate"

    cores: int | None = None
    stage: str | None = None
    copies: int | None = None
    by: Literal["rows", "bands"] = "rows"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for pipeline in op.body.block.ops:
            if isinstance(pipeline, PipelineOp):
                for dependence in pipeline.dependences:
                    dependence.detach()
                    dependence.erase()
                if self.stage is not None:
                    self._by_hand(pipeline)
                else:
                    self._balance(pipeline)

    def _by_hand(self, pipeline: PipelineOp) -> None:
        stage = pipeline.stages.get(self.stage or "")
        if stage is None:
            raise CompileError(pipeline, f"there is no stage @{self.stage}")
        if self.copies is None or not 1 <= self.copies <= (rows := _rows(stage)):
            raise CompileError(
                stage,
                f"`copies` of @{self.stage} must be one of 1 to {_rows(stage)}, its rows, got {self.copies}",
            )
        if self.by == "bands" and ceil(rows / ceil(rows / self.copies)) < self.copies:
            raise CompileError(
                stage, f"the {rows} rows of @{self.stage} have no {self.copies} bands of one size"
            )
        if self.copies > 1:
            _replicate(stage, self.copies, self.by)

    def _balance(self, pipeline: PipelineOp) -> None:
        if self.cores is None:
            raise CompileError(
                pipeline, "give the number of `cores`, or a `stage` and its `copies`"
            )
        stages = list(pipeline.stages.values())
        needed = sum(_cores(stage) for stage in stages)
        if needed > self.cores:
            raise CompileError(
                pipeline,
                f"the network needs {needed} cores without copies, there are {self.cores}: "
                f"{needed - self.cores} are missing",
            )
        choices = [self._choices(stage) for stage in stages]
        chosen = balance(choices, self.cores)
        for stage, choice in zip(stages, chosen, strict=True):
            if choice.copies > 1:
                _replicate(stage, choice.copies, self.by)
        before = max(options[0].interval for options in choices)
        after = max(choice.interval for choice in chosen)
        emit_remark(
            pipeline,
            f"{sum(choice.cores for choice in chosen)} of {self.cores} cores; the busiest has {after} iterations "
            f"for an inference, without copies {before}",
        )

    def _choices(self, stage: StageOp) -> list[Choice]:
        """The numbers of copies that make a stage faster than any smaller number does."""
        rows, each = _rows(stage), _iterations(stage)
        choices: list[Choice] = []
        for copies in range(1, rows + 1):
            interval = ceil(rows / copies) * (each // rows)
            if not choices or interval < choices[-1].interval:
                choices.append(Choice(copies, copies * _cores(stage), interval))
        return choices


def _cores(stage: StageOp) -> int:
    """The cores of a stage as it is."""
    return len(parameter_values(stage.cores()))


def _iterations(stage: StageOp) -> int:
    """The most iterations that a core of the stage runs."""
    points = stage.domain.points
    total, cores = count_points(points), _cores(stage)
    return ceil(total / cores)


def _rows(stage: StageOp) -> int:
    """How many rows can be dealt out: the extent of the outermost dimension of an iteration. 1 if there is none."""
    points, dim = stage.domain.points, stage.core_dims
    if dim == points.dim(isl.dim_type.set):
        return 1
    return (points.dim_max_val(dim).sub(points.dim_min_val(dim))).to_python() + 1


def _replicate(stage: StageOp, copies: int, by: str) -> None:
    points, dim = stage.domain.points, stage.core_dims
    row = points.get_dim_name(isl.dim_type.set, dim) or f"i{dim}"
    first, size = points.dim_min_val(dim).to_python(), ceil(_rows(stage) / copies)
    where = {
        "rows": f"({row} - {first}) mod {copies} = {{core}}",
        "bands": f"{size}*{{core}} <= {row} - {first} < {size}*{{core}} + {size}",
    }
    spread(stage, "p", where[by], copies)
