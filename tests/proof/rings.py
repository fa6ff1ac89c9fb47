"""Buffers of any sizes, whether the network can run with them or not."""

from __future__ import annotations

from xdsl.dialects.builtin import MemRefType, ModuleOp

from cmir.accelerator.hardware import Hardware
from cmir.accelerator.size_cover import Sizes
from cmir.accelerator.sizing import Sizing
from cmir.dialects.polyhedral import MapAttr, PipelineOp, StorageOp
from cmir.isl.storage import ring_storage


def with_rings(pipeline: PipelineOp, sizes: Sizes) -> PipelineOp:
    """A copy of a pipeline, in a module of its own, with rings of so many rows."""
    copy = pipeline.clone()
    ModuleOp([copy])
    buffers, arrays = Sizing(copy, Hardware.load("ideal")).buffers, copy.arrays
    first = next(iter(copy.stages.values()))
    for (array, reader), count in sizes.items():
        rows = buffers[array, reader].rows
        type = MemRefType(arrays[array].type.element_type, rows.buffer_shape(count))
        storage = MapAttr.of(ring_storage(array, rows, count))
        copy.body.block.insert_op_before(StorageOp(array, reader, storage, type), first)
    copy.verify()
    return copy
