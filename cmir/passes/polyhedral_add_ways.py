"""polyhedral-add-ways: hold the matrices of a stage several times in its cores."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, i64

from cmir.analysis.ways import WaysOf
from cmir.dialects.polyhedral import MatrixOp, PipelineOp, StageOp
from cmir.hardware.description import Hardware
from cmir.passes.base import PipelinePass
from cmir.passes.hardware import HardwarePass
from cmir.passes.rewriting import stage_named
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralAddWaysPass(HardwarePass, PipelinePass):
    """Hold the matrices of stages several times in their cores, in crossbars that are left.

    These ways take turns: iteration i, counted through all inferences, uses set i mod ways. Iterations start in shorter
    intervals; control, buffers and latency are those of a single way. Only crossbars limit the number of ways, and
    whatever else an iteration keeps busy limits their use.

    The pass brings all stages to the interval of the stage that ways help least, with the fewest crossbars. With
    `stage`, it gives only that stage `ways`, and a stage that already has ways keeps them.
    """

    name = "polyhedral-add-ways"

    stage: str | None = None
    """Only stage to add ways to."""
    ways: int | None = None
    """Number of ways, with `stage`."""

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        if self.stage is not None:
            self._by_hand(stage_named(pipeline, self.stage), self.hardware_for(pipeline))
        else:
            self._balance(pipeline, self.hardware_for(pipeline))

    def _by_hand(self, stage: StageOp, hardware: Hardware) -> None:
        if not _matrices(stage):
            raise CompileError(stage, f"@{self.stage} has no matrix, so it has no ways")
        if self.ways is None or self.ways < 1:
            raise CompileError(
                stage, f"`ways` of @{self.stage} must be at least 1, got {self.ways}"
            )
        most = WaysOf(stage, hardware).most
        if most is not None and self.ways > most:
            raise CompileError(
                stage,
                f"the {count_of(hardware.core.crossbars or 0, 'crossbar')} of a core of '{hardware.name}' hold the "
                f"matrices of @{self.stage} {most} times, not {self.ways} times",
            )
        set_ways(stage, self.ways)

    def _balance(self, pipeline: PipelineOp, hardware: Hardware) -> None:
        stages = [stage for stage in pipeline.stages.values() if stage.gcu is None]
        choices = [WaysOf(stage, hardware) for stage in stages]
        if not choices:
            return
        target = max(choice.interval(choice.useful, pipeline.arrays) for choice in choices)
        before = max(choice.interval(choice.ways, pipeline.arrays) for choice in choices)
        fullest = 0
        for stage, choice in zip(stages, choices, strict=True):
            ways = choice.fewest(target, pipeline.arrays)
            fullest = max(fullest, choice.crossbars(ways))
            if ways != choice.ways:
                set_ways(stage, ways)
        emit_remark(
            pipeline,
            f"at most {count_of(fullest, 'crossbar')} of a core in use; the busiest core takes {_whole(target)} cycles "
            f"for an inference, {_whole(before)} without more ways",
        )


def _matrices(stage: StageOp) -> list[MatrixOp]:
    return [op for op in stage.body.block.ops if isinstance(op, MatrixOp)]


def set_ways(stage: StageOp, ways: int) -> None:
    """Hold the matrices of a stage so many times in its cores."""
    for matrix in _matrices(stage):
        matrix.ways = IntegerAttr(ways, i64) if ways > 1 else None
    tally("stages with ways", ways > 1)
    tally("ways added", ways - 1)


def _whole(cycles: Fraction) -> str:
    return f"{float(cycles):g}"
