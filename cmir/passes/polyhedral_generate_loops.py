"""polyhedral-generate-loops: generate `scf` loops from schedules and release relations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl
from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects.scf import ForOp
from xdsl.ir import Region, SSAValue

from cmir.dialects.cmcore import FireOp, ReleaseOp
from cmir.dialects.polyhedral import DependenceOp, PipelineOp, StageOp, symbol
from cmir.isl.ast import Constants, Separation, visit_in_order
from cmir.isl.cores import parameters, with_parameters
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.dependences import arrival_order, identity_schedule
from cmir.passes.base import PipelinePass
from cmir.passes.rewriting import index_block
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralGenerateLoopsPass(PipelinePass):
    """Generate the loops of stages and the automata of dependences, with ISL's AST generator.

    A stage's loops fire its iterations in schedule order. A dependence's automaton visits the events of its release
    relation in the order in which they happen. `separate` controls the separation of loops into disjoint pieces
    without conditions: `always`, `never`, or `auto`, if that reduces the number of conditions evaluated in one run.
    """

    name = "polyhedral-generate-loops"

    separate: Separation = "auto"
    """Separation of loops into pieces without conditions; `auto`: where that saves conditions."""

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        stages = pipeline.stages
        for stage in stages.values():
            self._replace(stage, 1, self._loops(stage))
        for dependence in pipeline.dependences:
            source = stages[symbol(dependence.source)]
            target = stages[symbol(dependence.target)]
            self._replace(dependence, 0, self._automaton(dependence, source, target))
        tally("loop nests of stages", len(stages))
        tally("automata", len(pipeline.dependences))
        tally("loops", sum(isinstance(op, ForOp) for op in pipeline.walk()))

    @staticmethod
    def _replace(op: StageOp | DependenceOp, index: int, region: Region) -> None:
        if index < len(op.regions):
            op.detach_region(op.regions[index]).erase()
        op.add_region(region)

    def _loops(self, stage: StageOp) -> Region:
        cores = stage.cores()
        block = index_block(parameters(cores))
        visit_in_order(
            stage.order_on_core(),
            lambda builder, point: builder.insert(FireOp(point)),
            block,
            self.separate,
            cores=cores,
        )
        return Region(block)

    def _automaton(self, dependence: DependenceOp, source: StageOp, target: StageOp) -> Region:
        """Return the automaton of a dependence. source: stage of the events. target: stage that waits for them."""
        release = dependence.release.relation
        order, leading = source.order_on_core("q"), 1
        if dependence.kind is DependenceKind.RAW:
            write = source.write_relations()[symbol(dependence.array)]
            order = arrival_order(write, order)
            leading = int(target.reads_across(symbol(dependence.array)))
        events = release.dim(isl.dim_type.in_)

        def emit(builder: Builder, point: Sequence[SSAValue]) -> None:
            limit = point[events:]
            ahead = limit[0] if leading else None
            builder.insert(ReleaseOp(point[:events], limit[leading:], ahead))

        def emit_initial(builder: Builder, limit: Sequence[SSAValue]) -> None:
            builder.insert(ReleaseOp(None, limit[leading:], limit[0] if leading else None))

        names = parameters(target.cores()) + parameters(source.cores("q"))
        cores = with_parameters(target.cores().intersect(source.cores("q")), names)
        block = index_block(names)
        constants = Constants(block)
        if dependence.initially is not None:
            # One point, or one per pair of cores for stages that are spread over cores.
            initially = identity_schedule(dependence.initially.points)
            visit_in_order(initially, emit_initial, block, self.separate, constants, cores)
        # The point visited is the pair (event, limit): ISL expresses the limit in the loops' iterators.
        pairs = release.domain_map().apply_range(order).flatten_domain()
        visit_in_order(pairs, emit, block, self.separate, constants, cores)
        return Region(block)
