"""polyhedral-stream-outputs: let the global control unit collect network outputs row by row."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import SymbolRefAttr

from cmir.dialects.polyhedral import ArrayOp, PipelineOp, StageOp, symbol
from cmir.isl.storage import Rows, rows_of
from cmir.passes.base import PipelinePass, symbol_names
from cmir.passes.streaming import (
    access_of,
    array_in_place_of,
    copy_stage,
    redirect_reads,
    stages_on_gcu,
)
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralStreamOutputsPass(PipelinePass):
    """Let the global control unit collect the outputs of a network from the cores that write them, row by row.

    Without this pass, collecting outputs takes no time. With it, a stage on the global control unit copies each output
    and has a buffer for it, and cores wait for room there as in any other buffer.

    A row is the part of the output produced by one index of the outermost dimension of the iterations that write it. If
    there is no such dimension, or several stages disagree, the whole output is one row. The hardware description
    determines the duration of a row.
    """

    name = "polyhedral-stream-outputs"

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        pipeline.drop_dependences()
        before = stages_on_gcu(pipeline)
        for name in map(symbol, pipeline.outputs):
            _stream(pipeline, name)
        tally("outputs streamed", stages_on_gcu(pipeline) - before)


def _stream(pipeline: PipelineOp, name: str) -> None:
    writers = [stage for stage in pipeline.stages.values() if name in stage.write_relations()]
    if any(stage.gcu is not None for stage in writers):
        return
    array, names = pipeline.arrays[name], symbol_names(pipeline)
    computed = array_in_place_of(array, names.take(f"{name}_computed"))
    rows = _rows(array, writers)
    redirect_reads(pipeline, name, computed.sym_name.data)
    for stage in writers:
        for write in stage.writes():
            if symbol(write.array) == name:
                write.array = SymbolRefAttr(computed.sym_name.data)
                write.map = access_of(write.map.relation, computed.sym_name.data)
    source = computed.sym_name.data
    collect = copy_stage(names.take(f"collect_{name}"), source, array, rows)
    for op in (computed, collect):
        op.location = array.location
    pipeline.body.block.insert_op_after(computed, array)
    pipeline.body.block.insert_op_after(collect, [*pipeline.stages.values()][-1])


def _rows(array: ArrayOp, writers: list[StageOp]) -> Rows:
    """Return the rows in which an array is produced, if all of its writers agree."""
    name = array.sym_name.data
    found = {
        rows_of(array.shape, stage.write_relations()[name], stage.order_on_core())
        for stage in writers
    }
    return found.pop() if len(found) == 1 else Rows(array.shape, None)
