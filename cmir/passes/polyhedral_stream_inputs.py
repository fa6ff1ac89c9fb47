"""polyhedral-stream-inputs: network inputs arrive row by row, from the global control unit."""

from __future__ import annotations

from dataclasses import dataclass

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, IndexType, ModuleOp, SymbolRefAttr, VectorType
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass

from cmir.dialects.polyhedral import (
    ArrayOp,
    MapAttr,
    PipelineOp,
    ReadOp,
    SetAttr,
    StageOp,
    WriteOp,
    symbol,
)
from cmir.isl import read_map, read_set


@dataclass(frozen=True)
class PolyhedralStreamInputsPass(ModulePass):
    """Let the global control unit send the inputs of a network to the cores that read them, row by row.

    Without this pass inputs are in the cores' buffers from the start, whole. With it, cores wait for them and can keep
    them in rings of rows, as what other cores compute. A stage on the global control unit copies each input; a row is
    all that has one index in the second dimension, where there are three dimensions or more, and otherwise all that
    has one in the last. How long a row takes, the machine's description says.
    """

    name = "polyhedral-stream-inputs"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for pipeline in op.body.block.ops:
            if isinstance(pipeline, PipelineOp):
                pipeline.drop_dependences()
                for name in map(symbol, pipeline.inputs):
                    _stream(pipeline, name)


def _stream(pipeline: PipelineOp, name: str) -> None:
    array = pipeline.arrays[name]
    readers = [
        read
        for stage in pipeline.stages.values()
        for read in stage.reads()
        if name in {symbol(ref) for ref in read.arrays}
    ]
    if not readers or any(_is_streamed(read) for read in readers):
        return
    taken = {*pipeline.arrays, *pipeline.stages}
    sent, stage_name = _unused(f"{name}_sent", taken), _unused(f"send_{name}", taken)
    first = next(iter(pipeline.stages.values()))
    copy = ArrayOp(sent, array.type)
    stage = _copy(stage_name, array, sent)
    for op in (copy, stage):
        op.location = array.location
        pipeline.body.block.insert_op_before(op, first)
    for read in readers:
        sources = [
            (sent, _to(access, sent)) if source == name else (source, access)
            for source, access in read.arrays_and_maps()
        ]
        read.arrays = ArrayAttr(SymbolRefAttr(source) for source, _ in sources)
        read.maps = ArrayAttr(access for _, access in sources)
    for storage in [op for key, op in pipeline.storages.items() if key[0] == name]:
        storage.detach()
        storage.erase()


def _is_streamed(read: ReadOp) -> bool:
    stage = read.parent_op()
    return isinstance(stage, StageOp) and stage.gcu is not None


def _to(access: MapAttr, array: str) -> MapAttr:
    return MapAttr.of(access.relation.set_tuple_name(isl.dim_type.out, array))


def _copy(name: str, array: ArrayOp, sent: str) -> StageOp:
    """A stage on the global control unit that copies an array, a row in each iteration."""
    shape, source = array.shape, array.sym_name.data
    row = 1 if len(shape) > 2 else len(shape) - 1
    dims = [f"d{d}" for d in range(len(shape))]
    lanes = [d for d in range(len(shape)) if d != row]
    iteration = f"{name}[{dims[row]}]" if shape else f"{name}[]"
    inside = " and ".join(f"0 <= {d} < {size}" for d, size in zip(dims, shape, strict=True))
    vector = VectorType(array.type.element_type, [shape[d] for d in lanes])
    domain = f"0 <= {dims[row]} < {shape[row]}" if shape else "1 = 1"

    def access(to: str) -> MapAttr:
        lane = f"lane[{', '.join(dims[d] for d in lanes)}]"
        location = f"{to}[{', '.join(dims)}]"
        return MapAttr.of(
            read_map(f"{{ [{iteration} -> {lane}] -> {location} : {inside or '1 = 1'} }}")
        )

    block = Block(arg_types=[IndexType()] if shape else [])
    for argument in block.args:
        argument.name_hint = "row"
    read = ReadOp([(source, access(source))], vector)
    block.add_ops([read, WriteOp(read.result, sent, access(sent))])
    points = SetAttr.of(read_set(f"{{ {iteration} : {domain} }}"))
    return StageOp(points, Region(block), gcu=True)


def _unused(wish: str, taken: set[str]) -> str:
    name = wish
    while name in taken:
        name += "_"
    return name
