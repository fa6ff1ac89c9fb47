"""Rewriting steps shared by passes over stages."""

from __future__ import annotations

from collections.abc import Sequence

import islpy as isl
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block

from cmir.dialects.polyhedral import MapAttr, PipelineOp, StageOp
from cmir.support.diagnostics import CompileError


def stage_named(pipeline: PipelineOp, name: str) -> StageOp:
    """Return the stage of this name in a pipeline. Raises CompileError if there is none."""
    stage = pipeline.stages.get(name)
    if stage is None:
        raise CompileError(pipeline, f"there is no stage @{name}")
    return stage


def index_block(names: Sequence[str | None]) -> Block:
    """Return an empty block with an argument of type `index` for each name."""
    block = Block(arg_types=[IndexType()] * len(names))
    for argument, name in zip(block.args, names, strict=True):
        argument.name_hint = name
    return block


def renamed_access(access: MapAttr, renaming: isl.Map) -> MapAttr:
    """Apply `renaming` to the iterations of an access.

    Coordinates and lanes keep their names if the number of coordinates does not change.
    """
    old = access.relation
    new = renaming.reverse().apply_range(old.curry()).uncurry()
    inputs = old.dim(isl.dim_type.in_)
    if new.dim(isl.dim_type.in_) == inputs:
        for d in range(inputs):
            if name := old.get_dim_name(isl.dim_type.in_, d):
                new = new.set_dim_name(isl.dim_type.in_, d, name)
    return MapAttr.of(new)
