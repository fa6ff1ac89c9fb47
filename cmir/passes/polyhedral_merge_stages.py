"""polyhedral-merge-stages: merge stages into one that runs on one core."""

from __future__ import annotations

from dataclasses import dataclass

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Operation, Region, SSAValue
from xdsl.rewriter import Rewriter

from cmir.dialects.polyhedral import (
    MapAttr,
    PipelineOp,
    ReadOp,
    SetAttr,
    StageOp,
    StorageOp,
    WriteOp,
    symbol,
)
from cmir.isl import read_map
from cmir.isl.dependences import minimum, prefix_maximum, raw_needs
from cmir.isl.inferences import of_own_inference
from cmir.passes.base import PipelinePass, symbol_names
from cmir.passes.rewriting import index_block, renamed_access, stage_named
from cmir.support.diagnostics import CompileError
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralMergeStagesPass(PipelinePass):
    """Merge several stages with little work into one stage, so that they share a core.

    The first coordinate of an iteration identifies its original stage. Each stage keeps its own order. An iteration of
    the second stage runs as soon as the iterations of the first that it reads from have run. A third stage is then
    merged with the result, and so on. Iterations of one stage perform no accesses for the others.

    stages: the stages to merge, each after those it reads from. Each must read the results of stages before it.
    """

    name = "polyhedral-merge-stages"

    stages: tuple[str, ...]
    """Stages to merge, each after those that it reads from."""

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        pipeline.drop_dependences()
        if len(self.stages) < 2:
            raise CompileError(pipeline, "`stages` must name two stages or more")
        for name in self.stages:
            stage = stage_named(pipeline, name)
            if stage.core_dims:
                raise CompileError(
                    stage, f"stage @{name} is spread over cores: merge stages before spreading them"
                )
            if stage.turns > 1:
                raise CompileError(
                    stage, f"stage @{name} has turns: merge stages before replicating them"
                )
        for op in list(pipeline.body.block.ops):
            if isinstance(op, StorageOp) and symbol(op.stage) in self.stages:
                raise CompileError(
                    op,
                    f"storage of @{symbol(op.stage)} is already assigned: merge stages before assigning storage",
                )
        first, *others = self.stages
        merged = pipeline.stages[first]
        for name in others:
            merged = _merge_two(pipeline, merged, pipeline.stages[name])
        tally("stages merged", len(self.stages))


def _merge_two(pipeline: PipelineOp, one: StageOp, two: StageOp) -> StageOp:
    name = symbol_names(pipeline).take(f"{one.sym_name.data}_{two.sym_name.data}")
    rank = max(len(stage.body.block.args) for stage in (one, two))
    into = [_renaming(stage, number, name, rank) for number, stage in enumerate((one, two))]
    domain = into[0].range().union(into[1].range())
    after = _after(one, two)
    times = one.order.dim(isl.dim_type.out), two.order.dim(isl.dim_type.out)
    t, u = ([f"{x}{d}" for d in range(count)] for x, count in zip("tu", times, strict=True))
    zeros = ["0"] * times[1]
    # The first stage keeps its time. The second runs at the time of the iteration it waits for, then at its own time.
    before = read_map(f"{{ [{', '.join(t)}] -> [{', '.join([*t, '0', *zeros])}] }}")
    behind = read_map(
        f"{{ [[{', '.join(t)}] -> [{', '.join(u)}]] -> [{', '.join([*t, '1', *u])}] }}"
    )
    own = isl.Map.identity(after.get_space().domain().map_from_set())
    waiting = after.range_product(own.intersect_domain(after.domain()))
    ordered = [
        into[0].reverse().apply_range(one.order).apply_range(before),
        into[1].reverse().apply_range(two.order).apply_range(waiting).apply_range(behind),
    ]
    schedule = ordered[0].union(ordered[1]).coalesce()
    body = _body((one, two), into)
    stage = StageOp(SetAttr.of(domain.coalesce()), body, MapAttr.of(schedule), name=name)
    stage.location = one.location
    pipeline.body.block.insert_op_before(stage, two)
    for old in (one, two):
        Rewriter.erase_op(old)
    return stage


def _renaming(stage: StageOp, number: int, name: str, rank: int) -> isl.Map:
    """Return `{ S[i] -> M[number, i, 0, …] }`."""
    points = stage.domain.points
    dims = [f"i{d}" for d in range(points.dim(isl.dim_type.set))]
    new = [str(number), *dims, *["0"] * (rank - len(dims))]
    renaming = f"{stage.sym_name.data}[{', '.join(dims)}] -> {name}[{', '.join(new)}]"
    return read_map(f"{{ {renaming} }}").intersect_domain(points)


def _after(one: StageOp, two: StageOp) -> isl.Map:
    """Return, for each time of the second stage, the time of the first after which it runs."""
    writes = one.write_relations()
    reads = {name: of_own_inference(read) for name, read in two.stream_reads().items()}
    shared = [name for name in writes if name in reads]
    times = two.order.range()
    needs = isl.Map.empty(isl.Map.from_domain_and_range(times, one.order.range()).get_space())
    for name in shared:
        needs = needs.union(raw_needs(writes[name], reads[name], one.order, two.order))
    if needs.is_empty():
        raise CompileError(
            two,
            f"stage @{two.sym_name.data} reads nothing that @{one.sym_name.data} computes: "
            f"there is no order to merge them in",
        )
    latest = prefix_maximum(times, needs)
    first = minimum(isl.Map.from_range(one.order.range())).range()
    free = times.subtract(latest.domain())
    return latest.union(isl.Map.from_domain_and_range(free, first))


def _body(stages: tuple[StageOp, StageOp], into: list[isl.Map]) -> Region:
    longest = max((stage.body.block.args for stage in stages), key=len)
    block = index_block(["stage", *(argument.name_hint for argument in longest)])
    for stage, renaming in zip(stages, into, strict=True):
        mapping: dict[SSAValue, SSAValue] = {
            old: block.args[1 + d] for d, old in enumerate(stage.body.block.args)
        }
        for op in stage.body.block.ops:
            clone = op.clone(mapping)
            _rename(clone, renaming)
            block.add_op(clone)
    return Region(block)


def _rename(op: Operation, renaming: isl.Map) -> None:
    """Rewrite the accesses of an operation to the merged stage's iterations."""
    if isinstance(op, ReadOp):
        op.maps = ArrayAttr(renamed_access(access, renaming) for access in op.maps)
    elif isinstance(op, WriteOp):
        op.map = renamed_access(op.map, renaming)
