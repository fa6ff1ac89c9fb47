"""polyhedral-replicate: divide the iterations of a stage among cores with the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import Literal

import numpy as np
from xdsl.context import Context

from cmir.analysis.balance import ReplicationChoice, balance
from cmir.analysis.own_results import interval_alone, reads_itself
from cmir.analysis.ways import WaysOf
from cmir.cost.program_cost import Cost, program_cost
from cmir.dialects.polyhedral import ArrayOp, PipelineOp, StageOp
from cmir.hardware.description import Hardware
from cmir.isl import dim_names
from cmir.isl.points import points_of
from cmir.passes.base import PipelinePass
from cmir.passes.hardware import HardwarePass
from cmir.passes.rewriting import stage_named
from cmir.passes.spreading import spread_stage
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.support.statistics import tally

By = Literal["rows", "bands", "columns", "runs", "turns"]


@dataclass(frozen=True)
class PolyhedralReplicatePass(HardwarePass, PipelinePass):
    """Divide the iterations of stages among several cores each, to balance the pipeline.

    All copies of a stage have the same weights. `by=columns` assigns each copy a run of the innermost dimension of the
    iterations: all copies work on the same row, and readers can start early because they need less of it. `by=rows`
    distributes the outermost dimension cyclically, row by row. `by=bands` assigns each copy a run of rows. `by=runs`
    assigns each copy a run of iterations, which may begin and end within a row and so divides the work evenly.
    `by=turns` lets the copies run the iterations of an inference in turn. Domain, control and loops remain those of one
    core, readers buffer no more rows than without copies, and shares differ by at most one iteration.

    cores: the number of available cores. hardware: the machine that defines cores and times, by default the one that
    the pipeline carries, or `ideal`. The pass chooses the numbers of copies that minimise the steady-state interval
    (the optimum, found by OR-tools), and among these the ones with the fewest cores. With `stage`, the pass replicates
    only that stage, `copies` times. A stage that already has copies keeps them.

    With `ways`, the pass counts on polyhedral-add-ways to use the crossbars that cores have left, and gives cores to
    the stages for which these do not suffice.
    """

    name = "polyhedral-replicate"

    cores: int | None = None
    """Number of available cores; by default, the machine's."""
    stage: str | None = None
    """Only stage to replicate."""
    copies: int | None = None
    """Number of copies, with `stage`."""
    by: By = "columns"
    """Share of the iterations that a copy runs."""
    ways: bool = False
    """Whether polyhedral-add-ways runs next."""

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        pipeline.drop_dependences()
        if self.stage is not None:
            self._by_hand(pipeline)
        else:
            self._balance(pipeline)

    def _by_hand(self, pipeline: PipelineOp) -> None:
        stage = stage_named(pipeline, self.stage or "")
        units, what = units_of(stage, self.by)
        if self.copies is None or not 1 <= self.copies <= units:
            raise CompileError(
                stage,
                f"`copies` of @{self.stage} must be one of 1 to {units}, its {what}, got {self.copies}",
            )
        if (
            self.by not in ("rows", "turns")
            and ceil(units / ceil(units / self.copies)) < self.copies
        ):
            raise CompileError(
                stage,
                f"the {units} {what} of @{self.stage} do not divide into {self.copies} {self.by} of one size",
            )
        if self.copies > 1:
            replicate(stage, self.copies, self.by)
        tally("stages replicated", self.copies > 1)
        tally("copies added", self.copies - 1)

    def _balance(self, pipeline: PipelineOp) -> None:
        hardware = self.hardware_for(pipeline)
        available = hardware.core.count if self.cores is None else self.cores
        if available is None:
            raise CompileError(
                pipeline,
                "give the number of `cores`, a `hardware` that has one, or a `stage` and its `copies`",
            )
        stages = [stage for stage in pipeline.stages.values() if stage.gcu is None]
        needed = sum(stage.count_cores() for stage in stages)
        if needed > available:
            raise CompileError(
                pipeline,
                f"the network needs {count_of(needed, 'core')} without copies, "
                f"{needed - available} more than the {available} available",
            )
        if not stages:
            return
        choices = self.choices(pipeline, available)
        chosen = balance(choices, available)
        for stage, choice in zip(stages, chosen, strict=True):
            if choice.copies > 1:
                replicate(stage, choice.copies, self.by)
        tally("stages replicated", sum(choice.copies > 1 for choice in chosen))
        tally("copies added", sum(choice.copies - 1 for choice in chosen))
        before = max(options[0].interval for options in choices)
        after = max(choice.interval for choice in chosen)
        emit_remark(
            pipeline,
            f"{sum(choice.cores for choice in chosen)} of {available} cores in use; the busiest takes {after} "
            f"cycles for an inference, {before} without copies",
        )

    def choices(self, pipeline: PipelineOp, available: int) -> list[list[ReplicationChoice]]:
        """Return the possible numbers of copies of each stage that runs on cores. available: the number of cores."""
        hardware = self.hardware_for(pipeline)
        return [
            self._choices(stage, available, self._cost(stage, hardware), pipeline.arrays)
            for stage in pipeline.stages.values()
            if stage.gcu is None
        ]

    def _cost(self, stage: StageOp, hardware: Hardware) -> Cost:
        """Return the cost of an iteration, with the ways that the stage may get."""
        return WaysOf(stage, hardware).best if self.ways else program_cost(stage, hardware)

    def _choices(
        self, stage: StageOp, cores: int, cost: Cost, arrays: Mapping[str, ArrayOp]
    ) -> list[ReplicationChoice]:
        """Return the numbers of copies that make a stage faster than every smaller number. cost: of an iteration."""
        workload, each = iterations_by_unit(stage, self.by), stage.count_cores()
        waits = reads_itself(stage)
        choices: list[ReplicationChoice] = []
        for copies in range(1, min(units_of(stage, self.by)[0], max(1, cores // each)) + 1):
            interval = ceil(
                cost.pace.cycles(int(iterations_of_copies(workload, copies, self.by).max()))
            )
            if waits:
                trial = stage.clone()
                if copies > 1:
                    replicate(trial, copies, self.by)
                interval = interval_alone(trial, arrays, cost)
            if not choices or interval < choices[-1].interval:
                choices.append(ReplicationChoice(copies, copies * each, interval))
        return choices


def iterations_by_unit(stage: StageOp, by: By) -> np.ndarray:
    """Return the number of iterations of the busiest core in each unit that can be divided."""
    if by == "turns":
        return np.ones(-(-int(_counts(stage).max()) // stage.turns), np.int64)
    points = points_of(stage.domain.points)
    index = np.zeros(len(points), np.int64)
    divided = _divided(stage, by)
    units = stride = units_of(stage, by)[0]
    for dim in divided:
        stride //= dim.extent
        index += stride * (points[:, dim.position] - dim.low)
    _, core = np.unique(points[:, : stage.core_dims], axis=0, return_inverse=True)
    counts = np.bincount(core.reshape(-1) * units + index, minlength=(core.max() + 1) * units)
    return counts.reshape(-1, units).max(axis=0)


def iterations_of_copies(workload: np.ndarray, copies: int, by: By) -> np.ndarray:
    """Return the iterations of each copy."""
    if by in ("rows", "turns"):
        return np.bincount(np.arange(len(workload)) % copies, workload)
    return np.add.reduceat(workload, np.arange(0, len(workload), ceil(len(workload) / copies)))


@dataclass(frozen=True)
class _Dim:
    """A dimension of the iterations: its index among their coordinates, its first value and its extent."""

    position: int
    name: str
    low: int
    extent: int


def _divided(stage: StageOp, by: By) -> list[_Dim]:
    """Return the dimensions that are divided among copies, linearised to one number of a row or an iteration."""
    points = stage.domain.points
    dims = [
        _Dim(
            d,
            name,
            points.dim_min_val(d).to_python(),
            points.dim_max_val(d).sub(points.dim_min_val(d)).to_python() + 1,
        )
        for d, name in enumerate(dim_names(points))
    ][stage.core_dims :]
    return {"rows": dims[:1], "bands": dims[:1], "columns": dims[-1:]}.get(by, dims)


def units_of(stage: StageOp, by: By) -> tuple[int, str]:
    """Return the number and the name of the units that can be divided among copies: rows, columns or iterations."""
    if by == "turns":
        return int(_counts(stage).min()) // stage.turns, "iterations"
    what = {"rows": "rows", "bands": "rows", "columns": "columns", "runs": "iterations"}[by]
    return prod(dim.extent for dim in _divided(stage, by)), what


def _counts(stage: StageOp) -> np.ndarray:
    """Return the number of iterations of each core of a stage, all turns together."""
    points = points_of(stage.domain.points)
    _, counts = np.unique(points[:, : stage.core_dims], axis=0, return_counts=True)
    return counts


def replicate(stage: StageOp, copies: int, by: By) -> None:
    """Divide the iterations of a stage among `copies` cores, in place."""
    if by == "turns":
        stage.turns *= copies
        return
    units = stride = units_of(stage, by)[0]
    terms: list[str] = []
    for dim in _divided(stage, by):
        stride //= dim.extent
        terms.append(f"{stride}*({dim.name} - {dim.low})")
    number, size = " + ".join(terms), ceil(units / copies)
    dealt = f"({number}) mod {copies} = {{core}}"
    run = f"{size}*{{core}} <= {number} < {size}*{{core}} + {size}"
    spread_stage(stage, "p", dealt if by == "rows" else run, copies)
