"""Stages on the global control unit, which copy an array row by row."""

from __future__ import annotations

from collections.abc import Iterable

import islpy as isl
from xdsl.dialects.builtin import ArrayAttr, SymbolRefAttr, VectorType
from xdsl.ir import Region
from xdsl.rewriter import Rewriter

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
from cmir.isl.storage import Rows
from cmir.passes.rewriting import index_block


def array_in_place_of(array: ArrayOp, name: str) -> ArrayOp:
    """Return an array like `array` that is to be read instead of it, and takes its initial values."""
    initial, array.initial = array.initial, None
    return ArrayOp(name, array.type, initial=None if initial is None else symbol(initial))


def copy_stage(name: str, source: str, target: ArrayOp, rows: Rows) -> StageOp:
    """Return a stage on the global control unit that copies array `source` to `target`, which has the same type.

    rows: the rows in the order in which they are produced. Each iteration copies one.
    """
    shape, axis = target.shape, rows.axis
    dims = [f"d{d}" for d in range(len(shape))]
    lanes = [d for d in range(len(shape)) if d != axis]
    point, domain = f"{name}[]", "1 = 1"
    location = list(dims)
    if axis is not None:
        point, domain = f"{name}[{dims[axis]}]", f"0 <= {dims[axis]} < {shape[axis]}"
        if rows.descending:
            location[axis] = f"{shape[axis] - 1} - {dims[axis]}"
    inside = [f"0 <= {d} < {size}" for d, size in zip(dims, shape, strict=True)]
    lane = f"lane[{', '.join(dims[d] for d in lanes)}]"
    copied = read_map(
        f"{{ [{point} -> {lane}] -> [{', '.join(location)}] : {' and '.join(['1 = 1', *inside])} }}"
    )
    block = index_block(["row"] if axis is not None else [])
    vector = VectorType(target.type.element_type, [shape[d] for d in lanes])
    read = ReadOp([(source, access_of(copied, source))], vector)
    to = target.sym_name.data
    block.add_ops([read, WriteOp(read.result, to, access_of(copied, to))])
    points = SetAttr.of(read_set(f"{{ {point} : {domain} }}"))
    return StageOp(points, Region(block), gcu=True)


def access_of(relation: isl.Map, array: str) -> MapAttr:
    """Return an access to the same locations of another array."""
    return MapAttr.of(relation.set_tuple_name(isl.dim_type.out, array))


def redirect_reads(
    pipeline: PipelineOp, old: str, new: str, stages: Iterable[StageOp] | None = None
) -> None:
    """Let stages, by default all, read array `new` instead of `old`, and erase the storage maps of `old`."""
    for stage in pipeline.stages.values() if stages is None else stages:
        for read in stage.reads():
            if old not in {symbol(ref) for ref in read.arrays}:
                continue
            sources = [
                (new, access_of(access.relation, new)) if source == old else (source, access)
                for source, access in read.arrays_and_maps()
            ]
            read.arrays = ArrayAttr(SymbolRefAttr(source) for source, _ in sources)
            read.maps = ArrayAttr(access for _, access in sources)
    for storage in [op for key, op in pipeline.storages.items() if key[0] == old]:
        Rewriter.erase_op(storage)


def stages_on_gcu(pipeline: PipelineOp) -> int:
    """Return the number of stages on the global control unit."""
    return sum(stage.gcu is not None for stage in pipeline.stages.values())
