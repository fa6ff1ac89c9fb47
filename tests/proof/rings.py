"""Buffers of any sizes, whether the network can run with them or not."""

from __future__ import annotations

from xdsl.dialects.builtin import MemRefType, ModuleOp

from cmir.analysis.size_cover import Sizes
from cmir.analysis.sizing import Sizing
from cmir.dialects.polyhedral import MapAttr, PipelineOp, StorageOp
from cmir.hardware.description import Hardware


def with_rings(pipeline: PipelineOp, sizes: Sizes) -> PipelineOp:
    """A copy of a pipeline, in a module of its own, with rings of so many rows."""
    copy = pipeline.clone()
    ModuleOp([copy])
    sizing, first = Sizing(copy, Hardware.load("ideal")), next(iter(copy.stages.values()))
    for (array, reader), (relation, shape) in sizing.storages(sizes).items():
        type = MemRefType(copy.arrays[array].type.element_type, shape)
        storage = StorageOp(array, reader, MapAttr.of(relation), type)
        copy.body.block.insert_op_before(storage, first)
    copy.verify()
    return copy
