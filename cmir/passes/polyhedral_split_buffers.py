"""polyhedral-split-buffers: a stage whose buffers no core has SRAM for is divided over several."""

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
from cmir.hardware.description import Hardware
from cmir.passes.base import PipelinePass
from cmir.passes.polyhedral_replicate import replicate, units_of
from cmir.passes.polyhedral_split_matrices import Split, outputs_of, split_outputs
from cmir.support.diagnostics import CompileError, emit_remark

_Division = Callable[[StageOp, int], None]
"""Divides a stage into so many parts, in place."""


@dataclass(frozen=True)
class PolyhedralSplitBuffersPass(PipelinePass):
    """Divide stages whose buffers exceed the SRAM of a core, however few rows they keep, over as few cores as will do.

    By outputs, so that each core keeps the channels that it needs for some of the outputs; or by columns, with copies
    of the weights, where that takes fewer cores. What neither makes small enough stays as it is: to place cores or to
    run them says how many bytes are missing.
    """

    name = "polyhedral-split-buffers"

    hardware: str

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        hardware = Hardware.load(self.hardware)
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
            """The fewest parts that are small enough; the more there are, the smaller they are."""

            def fits(parts: int) -> bool:
                trial = stage.clone()
                divide(trial, parts)
                return sizing.bytes_of(trial, sizes) <= room

            counts = sorted({ceil(extent / ceil(extent / n)) for n in range(2, extent + 1)})
            try:
                at = bisect_left(counts, True, key=fits)
            except CompileError:  # it cannot be divided in this way
                return None
            return counts[at] if at < len(counts) else None

        before, name = sizing.bytes_of(stage, sizes), stage.sym_name.data
        ways = {
            "outputs": (outputs_of(stage), _by_outputs),
            "columns": (units_of(stage, "columns")[0], _by_columns),
        }
        found = [(n, how) for how, way in ways.items() if (n := fewest(*way)) is not None]
        if found:
            parts, how = min(found, key=lambda way: way[0])  # by outputs, if that is no worse
            ways[how][1](stage, parts)
            emit_remark(
                stage,
                f"@{name} needs {before} bytes of buffers, and a core has {room}: it is divided into {parts} by {how}",
            )


def _by_outputs(stage: StageOp, parts: int) -> None:
    split_outputs(stage, Split.by_hand(stage, parts))


def _by_columns(stage: StageOp, parts: int) -> None:
    replicate(stage, parts, "columns")
