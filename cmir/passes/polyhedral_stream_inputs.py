"""polyhedral-stream-inputs: let the global control unit send network inputs row by row."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context

from cmir.dialects.polyhedral import ArrayOp, PipelineOp, symbol
from cmir.isl.storage import Rows
from cmir.passes.base import PipelinePass, symbol_names
from cmir.passes.streaming import copy_stage, redirect_reads


@dataclass(frozen=True)
class PolyhedralStreamInputsPass(PipelinePass):
    """Let the global control unit send the inputs of a network to the cores that read them, row by row.

    Without this pass, whole inputs are in the cores' buffers from the start. With it, cores wait for inputs and can
    keep them in ring buffers of rows, like the results of other cores. A stage on the global control unit copies each
    input.

    A row holds the elements with the same index in the second dimension, if there are at least three dimensions, and
    otherwise those with the same index in the last. An input of one dimension is one row. The hardware description
    determines the duration of a row. Stages on the global control unit read inputs in its own memory.
    """

    name = "polyhedral-stream-inputs"

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        pipeline.drop_dependences()
        for name in map(symbol, pipeline.inputs):
            _stream(pipeline, name)


def _stream(pipeline: PipelineOp, name: str) -> None:
    readers = [
        stage
        for stage in pipeline.stages.values()
        if stage.gcu is None and name in stage.read_relations()
    ]
    if not readers:
        return
    array, names = pipeline.arrays[name], symbol_names(pipeline)
    sent = ArrayOp(names.take(f"{name}_sent"), array.type)
    rank = len(array.shape)
    rows = Rows(array.shape, None if rank < 2 else 1 if rank > 2 else rank - 1)
    redirect_reads(pipeline, name, sent.sym_name.data, readers)
    stage = copy_stage(names.take(f"send_{name}"), name, sent, rows)
    first = next(stage for stage in pipeline.stages.values() if stage.gcu is None)
    for op in (sent, stage):
        op.location = array.location
        pipeline.body.block.insert_op_before(op, first)
