"""polyhedral-split-buffers: divide stages whose buffers exceed the SRAM of a core."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from xdsl.context import Context

from cmir.analysis.size_cover import Sizes
from cmir.analysis.size_search import SizeSearch
from cmir.analysis.sizing import Sizing
from cmir.dialects.polyhedral import PipelineOp, StageOp
from cmir.passes.base import PipelinePass
from cmir.passes.hardware import HardwarePass
from cmir.passes.polyhedral_replicate import replicate, units_of
from cmir.passes.polyhedral_split_matrices import Split, outputs_of, split_outputs
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.support.statistics import tally

_Division = Callable[[StageOp, int], None]
"""Function that divides a stage into a number of parts, in place."""


@dataclass(frozen=True)
class PolyhedralSplitBuffersPass(HardwarePass, PipelinePass):
    """Divide stages whose buffers exceed the SRAM of a core for every number of rows, among as few cores as suffice.

    The pass divides a stage by outputs, so that each core keeps the channels needed for some of the outputs, or by
    columns, with copies of the weights, if that takes fewer cores. If neither suffices, the stage is unchanged, and
    placing or running its cores reports the number of missing bytes. Without `hardware`, the machine is the one that
    the pipeline carries.
    """

    name = "polyhedral-split-buffers"

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        hardware = self.described_hardware(pipeline)
        if hardware is None:
            raise CompileError(
                pipeline,
                "give the `hardware`: the pipeline carries none, see polyhedral-set-hardware",
            )
        room = hardware.core.sram_bytes
        if room is None:
            return
        pipeline.drop_dependences()
        sizing = Sizing(pipeline, hardware)
        sizes = SizeSearch(sizing).live().sizes
        for stage in pipeline.stages.values():
            if stage.gcu is None and sizing.bytes_of(stage, sizes) > room:
                self._divide(stage, sizing, sizes, room)

    def _divide(self, stage: StageOp, sizing: Sizing, sizes: Sizes, room: int) -> None:
        def fewest(extent: int, divide: _Division) -> int | None:
            """Return the smallest number of parts that are small enough. Sizes decrease with the number of parts."""

            def fits(parts: int) -> bool:
                trial = stage.clone()
                divide(trial, parts)
                return sizing.bytes_of(trial, sizes) <= room

            counts = sorted({ceil(extent / ceil(extent / n)) for n in range(2, extent + 1)})
            try:
                at = bisect_left(counts, True, key=fits)
            except CompileError:  # the stage cannot be divided in this way
                return None
            return counts[at] if at < len(counts) else None

        before, name = sizing.bytes_of(stage, sizes), stage.sym_name.data
        ways = {
            "outputs": (outputs_of(stage), _by_outputs),
            "columns": (units_of(stage, "columns")[0], _by_columns),
        }
        found = [(n, how) for how, way in ways.items() if (n := fewest(*way)) is not None]
        if found:
            parts, how = min(found, key=lambda way: way[0])  # a tie is divided by outputs
            ways[how][1](stage, parts)
            tally("stages divided")
            tally("parts", parts)
            emit_remark(
                stage,
                f"@{name} needs {before} bytes of buffers, more than the {room} of a core: divided into {parts} parts "
                f"by {how}",
            )


def _by_outputs(stage: StageOp, parts: int) -> None:
    split_outputs(stage, Split.by_hand(stage, parts))


def _by_columns(stage: StageOp, parts: int) -> None:
    replicate(stage, parts, "columns")
