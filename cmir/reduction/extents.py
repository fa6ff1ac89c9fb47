"""Extents that can shrink: axes of the arguments of functions, and dimensions of iteration domains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import islpy as isl
from xdsl.dialects.builtin import ArrayAttr, FunctionType, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, SSAValue
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.operation import NNOp, element_of, shape_of, tensor_type
from cmir.dialects.nn.stage import ScanOp
from cmir.dialects.nn.stage import StageOp as OutlinedStageOp
from cmir.dialects.polyhedral import ArrayOp, MapAttr, PipelineOp, SetAttr, StageOp


def smaller(module: ModuleOp) -> Iterator[ModuleOp]:
    """Yield copies of a module in which one extent is smaller: 1, half, or one less."""
    for index, top in enumerate(module.body.block.ops):
        if isinstance(top, FuncOp) and top.body.blocks:
            yield from _smaller_function(module, index, top)
        elif isinstance(top, PipelineOp):
            yield from _smaller_pipeline(module, index, top)


def _sizes(extent: int) -> list[int]:
    """Return the sizes to try instead of an extent, the smallest first."""
    return sorted({1, extent // 2, extent - 1} & set(range(1, extent)))


def _smaller_function(module: ModuleOp, index: int, function: FuncOp) -> Iterator[ModuleOp]:
    for number, argument in enumerate(function.body.block.args):
        if not isinstance(argument.type, TensorType):
            continue
        shape = argument.type.get_shape()
        for axis, extent in enumerate(shape):
            for size in _sizes(extent):
                copy = module.clone()
                changed = list(copy.body.block.ops)[index]
                assert isinstance(changed, FuncOp)
                type = TensorType(
                    argument.type.element_type, [*shape[:axis], size, *shape[axis + 1 :]]
                )
                Rewriter.replace_value_with_new_type(changed.body.block.args[number], type)
                try:
                    outputs = _infer(changed.body.block)
                except VerifyException:
                    continue
                types = [value.type for value in outputs]
                changed.function_type = FunctionType.from_lists(changed.body.block.arg_types, types)
                yield copy


def _infer(block: Block) -> list[SSAValue]:
    """Give the results of operators the shapes that follow from their operands; return what the block returns.

    Raises VerifyException if operands and options do not fit.
    """
    for op in list(block.ops):
        types = [result.type for result in op.results]
        if isinstance(op, NNOp):
            types = [op.inferred_type()] * len(op.results)
        elif isinstance(op, OutlinedStageOp):
            body = op.body.block
            for inner, outer in zip(body.args, op.inputs, strict=True):
                Rewriter.replace_value_with_new_type(inner, outer.type)
            types = [value.type for value in _infer(body)]
        elif isinstance(op, ScanOp):
            types = _infer_scan(op)
        for result, type in zip(list(op.results), types, strict=True):
            if result.type != type:
                Rewriter.replace_value_with_new_type(result, type)
    return [] if block.last_op is None else list(block.last_op.operands)


def _infer_scan(op: ScanOp) -> list[TensorType[Any]]:
    """Give the values in a scan their shapes, and return the types of its results."""
    carried, over, others = op.arguments()
    sliced = [tensor_type(shape_of(value)[1:], element_of(value)) for value in op.over]
    types = [*op.carried.types, *sliced, *op.others.types]
    for argument, type in zip([*carried, *over, *others], types, strict=True):
        Rewriter.replace_value_with_new_type(argument, type)
    steps = shape_of(op.over[0])[0] if op.over else op.steps
    yielded = _infer(op.body.block)
    return [tensor_type((steps, *shape_of(value)), element_of(value)) for value in yielded]


def _smaller_pipeline(module: ModuleOp, index: int, pipeline: PipelineOp) -> Iterator[ModuleOp]:
    for name, stage in pipeline.stages.items():
        points = stage.domain.points
        if points.is_empty() or not points.is_bounded():
            continue  # the stage is invalid
        for dim in range(points.dim(isl.dim_type.set)):
            low, high = points.dim_min_val(dim), points.dim_max_val(dim)
            for size in _sizes(high.sub(low).to_python() + 1):
                copy = module.clone()
                changed = list(copy.body.block.ops)[index]
                assert isinstance(changed, PipelineOp)
                last = low.add(size - 1)
                part = points.upper_bound_val(isl.dim_type.set, dim, last)
                _restrict(changed.stages[name], part)
                _fit_arrays(changed)
                yield copy


def _restrict(stage: StageOp, part: isl.Set) -> None:
    """Let a stage run a part of its iterations."""
    stage.domain = SetAttr.of(part.coalesce())
    if stage.schedule is not None:
        stage.schedule = MapAttr.of(stage.schedule.relation.intersect_domain(part))
    for read in stage.reads():
        read.maps = ArrayAttr(_of_iterations(access, part) for access in read.maps)
    for write in stage.writes():
        write.map = _of_iterations(write.map, part)


def _of_iterations(access: MapAttr, part: isl.Set) -> MapAttr:
    return MapAttr.of(access.relation.curry().intersect_domain(part).uncurry().coalesce())


def _fit_arrays(pipeline: PipelineOp) -> None:
    """Shrink arrays to the elements that stages access; parameters keep the shapes of their values."""
    accessed: dict[str, isl.Set] = {}
    for stage in pipeline.stages.values():
        for relations in (stage.read_relations(), stage.write_relations()):
            for name, relation in relations.items():
                locations = relation.range()
                accessed[name] = accessed[name].union(locations) if name in accessed else locations
    for op in pipeline.body.block.ops:
        if isinstance(op, ArrayOp) and op.source is None and op.sym_name.data in accessed:
            points = accessed[op.sym_name.data]
            if points.is_empty() or not points.is_bounded():
                continue
            shape = [points.dim_max_val(d).to_python() + 1 for d in range(len(op.shape))]
            op.type = TensorType(op.type.element_type, shape)
