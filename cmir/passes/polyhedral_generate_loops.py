"""polyhedral-generate-loops: schedules and release relations become `scf` loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl
from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region, SSAValue
from xdsl.passes import ModulePass

from cmir.dialects.cmcore import FireOp, ReleaseOp
from cmir.dialects.polyhedral import DependenceOp, PipelineOp, StageOp, symbol
from cmir.isl.ast import Constants, Separation, visit_in_order
from cmir.isl.dependences import arrival_order


@dataclass(frozen=True)
class PolyhedralGenerateLoopsPass(ModulePass):
    """Generate the loops of stages and the automata of dependences, with ISL's AST generator.

    A stage's loops fire its iterations in schedule order. A dependence's automaton visits the events of its
    release relation in the order in which they happen. Loops are separated into disjoint pieces, free of
    conditions, where fewer conditions are then evaluated in one run (`separate=auto`), `always` or `never`.
    """

    name = "polyhedral-generate-loops"

    separate: Separation = "auto"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for pipeline in op.body.block.ops:
            if isinstance(pipeline, PipelineOp):
                stages = pipeline.stages
                for stage in stages.values():
                    self._replace(stage, 1, self._loops(stage))
                for dependence in pipeline.dependences:
                    writer = stages[symbol(dependence.source)]
                    self._replace(dependence, 0, self._automaton(dependence, writer))

    @staticmethod
    def _replace(op: StageOp | DependenceOp, index: int, region: Region) -> None:
        if index < len(op.regions):
            op.detach_region(op.regions[index]).erase()
        op.add_region(region)

    def _loops(self, stage: StageOp) -> Region:
        block = Block()
        visit_in_order(
            stage.order,
            lambda builder, point: builder.insert(FireOp(point)),
            block,
            self.separate,
        )
        return Region(block)

    def _automaton(self, dependence: DependenceOp, source: StageOp) -> Region:
        """`source` is where the events happen."""
        release = dependence.release.relation
        if dependence.kind.data == "raw":
            order = arrival_order(source.write_relations()[symbol(dependence.array)], source.order)
            leading = 0
        else:
            order, leading = source.order, 1
        events = release.dim(isl.dim_type.in_)

        def emit(builder: Builder, point: Sequence[SSAValue]) -> None:
            limit = point[events:]
            ahead = limit[0] if leading else None
            builder.insert(ReleaseOp(point[:events], limit[leading:], ahead))

        block = Block()
        constants = Constants(block)
        if dependence.initially is not None:
            limit = [constants.get(value) for value in _coordinates(dependence.initially.points)]
            initial = ReleaseOp(None, limit[leading:], limit[0] if leading else None)
            block.add_op(initial)
        # The point visited is the pair (event, limit): ISL expresses the limit in the loops' iterators.
        pairs = release.domain_map().apply_range(order).flatten_domain()
        visit_in_order(pairs, emit, block, self.separate, constants)
        return Region(block)


def _coordinates(points: isl.Set) -> list[int]:
    """The coordinates of a set's only point."""
    point = points.sample_point()
    return [
        point.get_coordinate_val(isl.dim_type.set, dim).to_python()
        for dim in range(points.dim(isl.dim_type.set))
    ]
