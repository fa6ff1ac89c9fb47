"""polyhedral-stream-inputs: let the global control unit send network inputs row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl
from xdsl.context import Context

from cmir.dialects.polyhedral import PipelineOp, symbol
from cmir.isl.axes import whole_axes
from cmir.isl.storage import Rows
from cmir.passes.base import PipelinePass, symbol_names
from cmir.passes.streaming import (
    array_in_place_of,
    copy_stage,
    redirect_reads,
    stages_on_gcu,
)
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralStreamInputsPass(PipelinePass):
    """Let the global control unit send the inputs of a network to the cores that read them, row by row.

    Without this pass, whole inputs are in the cores' buffers from the start. With it, cores wait for inputs and can
    keep them in ring buffers of rows, like the results of other cores. A stage on the global control unit copies each
    input.

    A row holds the elements with the same index in the first dimension along which the iterations of a reader read
    different elements: a row of pixels of an image, a token of a sequence. If each iteration reads everything, a row
    holds the elements with the same index in the second dimension. An input of one dimension is one row. The hardware
    description determines the duration of a row. Stages on the global control unit read inputs in its own memory.
    """

    name = "polyhedral-stream-inputs"

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        pipeline.drop_dependences()
        before = stages_on_gcu(pipeline)
        for name in map(symbol, pipeline.inputs):
            _stream(pipeline, name)
        tally("inputs streamed", stages_on_gcu(pipeline) - before)


def _stream(pipeline: PipelineOp, name: str) -> None:
    readers = [
        stage
        for stage in pipeline.stages.values()
        if stage.gcu is None and name in stage.read_relations()
    ]
    if not readers:
        return
    array, names = pipeline.arrays[name], symbol_names(pipeline)
    sent = array_in_place_of(array, names.take(f"{name}_sent"))
    rows = Rows(array.shape, _axis(len(array.shape), [s.read_relations()[name] for s in readers]))
    redirect_reads(pipeline, name, sent.sym_name.data, readers)
    stage = copy_stage(names.take(f"send_{name}"), name, sent, rows)
    first = next(stage for stage in pipeline.stages.values() if stage.gcu is None)
    for op in (sent, stage):
        op.location = array.location
        pipeline.body.block.insert_op_before(op, first)


def _axis(rank: int, reads: Sequence[isl.Map]) -> int | None:
    """Return the axis that counts the rows of an array. reads: of its readers, iteration -> location."""
    if rank < 2:
        return None
    whole = frozenset.intersection(*map(whole_axes, reads))
    return next((axis for axis in range(rank) if axis not in whole), min(rank - 1, 1))
