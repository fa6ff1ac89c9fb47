"""polyhedral-schedule: change the order in which stages run their iterations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cmir.dialects.polyhedral import MapAttr, PipelineOp, StageOp
from cmir.isl import IslError, read_map
from cmir.isl.dependences import identity_schedule
from cmir.isl.schedules import interchange, reschedule, reverse, schedule_problem, tile
from cmir.passes.base import top_level
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, Where
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralSchedulePass(ModulePass):
    """Change the schedule of a stage, or of every stage that the change applies to.

    Exactly one option defines the change. It applies to the times of the current schedule, initially the stage's own
    coordinates. Run the pass several times to compose changes.

    interchange: a permutation of the dimensions; `interchange=1,0` makes the second dimension the outermost.
    tile: a size for each dimension, 0 for none; `tile=4,4` runs 4×4 tiles, at times `[h/4, w/4, h, w]`.
    reverse: the dimensions that run backwards.
    map: any injective relation: of times, `{ [h, w] -> [w, h] }`, or of the iterations of a stage, whose schedule
        it replaces: `{ conv1[h, w] -> [w, h] }`.

    Without `stage`, the pass changes all stages whose schedules have the number of dimensions of the change (for
    `reverse`: that have the reversed dimensions). It drops dependences and loops of the old order, so run it before the
    passes that derive them.
    """

    name = "polyhedral-schedule"

    stage: str | None = None
    """Stage to change; by default, every stage that the change applies to."""
    interchange: tuple[int, ...] | None = None
    """Permutation of the dimensions, outermost first."""
    tile: tuple[int, ...] | None = None
    """Size of the tiles in each dimension, 0 for none."""
    reverse: tuple[int, ...] | None = None
    """Dimensions that run backwards."""
    map: str | None = None
    """Injective relation of times, or from the iterations of a stage to times."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        change = self._change(op)
        chosen = self._chosen(change, op)
        tally("stages rescheduled", len(chosen))
        for stage in chosen:
            _set_schedule(stage, change)
            pipeline = stage.parent_op()
            assert isinstance(pipeline, PipelineOp)
            pipeline.drop_dependences()

    def _chosen(self, change: _Change, module: ModuleOp) -> list[StageOp]:
        """Return the stages to change."""
        pipelines = top_level(module, PipelineOp)
        stages = [stage for pipeline in pipelines for stage in pipeline.stages.values()]
        name = self.stage if self.stage is not None else change.stage
        if name is not None:
            named = [stage for stage in stages if stage.sym_name.data == name]
            if not named:
                known = ", ".join(f"@{stage.sym_name.data}" for stage in stages) or "none"
                raise CompileError(module, f"there is no stage @{name}; the stages are {known}")
            for stage in named:
                if (problem := change.misfit(stage)) is not None:
                    raise CompileError(stage, f"{change.text} {problem}")
            return named
        fitting = [stage for stage in stages if change.misfit(stage) is None]
        if not fitting:
            raise CompileError(
                module, f"{change.text} applies to no stage; give `stage` to see why"
            )
        return fitting

    def _change(self, where: Where) -> _Change:
        given = {
            option: value
            for option in ("interchange", "tile", "reverse", "map")
            if (value := getattr(self, option)) is not None
        }
        if len(given) != 1:
            got = " and ".join(given) or "none"
            raise CompileError(
                where, f"expected one of interchange, tile, reverse and map, got {got}"
            )
        if self.map is not None:
            return _by_map(self.map, where)
        ((option, numbers),) = given.items()
        text = f"{option}={','.join(map(str, numbers))}"
        match option:
            case "interchange":
                if sorted(numbers) != list(range(len(numbers))):
                    raise CompileError(where, f"{text} is not a permutation of dimensions")
                return _Change(text, len(numbers), lambda _: interchange(numbers))
            case "tile":
                if min(numbers) < 0:
                    raise CompileError(where, f"{text}: a size must be >= 0, got {min(numbers)}")
                return _Change(text, len(numbers), lambda _: tile(numbers))
            case _:
                if min(numbers) < 0:
                    raise CompileError(where, f"{text}: there is no dimension {min(numbers)}")
                least = max(numbers) + 1
                return _Change(text, least, lambda order: reverse(order, numbers), more=True)


@dataclass(frozen=True)
class _Change:
    """A change of schedules.

    text: the option. dims: the number of dimensions that a schedule must have; with `more`, at least. times: the change
    of a schedule, a relation from times to times. stage: the stage whose iterations `schedule` orders, if that replaces
    the old schedule.
    """

    text: str
    dims: int
    times: Callable[[isl.Map], isl.Map]
    more: bool = False
    stage: str | None = None

    def misfit(self, stage: StageOp) -> str | None:
        """Return the reason why the change does not apply to a stage, or None."""
        name = stage.sym_name.data
        if self.stage is not None and self.stage != name:
            return f"orders the iterations of @{self.stage}, not of @{name}"
        if self.stage is not None:
            has, whose = stage.domain.points.dim(isl.dim_type.set), f"iterations of @{name} have"
        else:
            has, whose = stage.order.dim(isl.dim_type.out), f"times of @{name} have"
        if has == self.dims or (self.more and has > self.dims):
            return None
        wanted = f"{count_of(self.dims, 'dimension')}{' or more' * self.more}"
        return f"is for {wanted}, {whose} {has}"

    def of(self, stage: StageOp) -> isl.Map:
        """Return the new schedule of a stage."""
        old = identity_schedule(stage.domain.points) if self.stage is not None else stage.order
        return reschedule(old, self.times(old))


def _by_map(text: str, where: Where) -> _Change:
    try:
        relation = read_map(text)
    except IslError as error:
        raise CompileError(where, str(error)) from None
    dims = relation.dim(isl.dim_type.in_)
    stage = relation.get_tuple_name(isl.dim_type.in_)
    times = relation.reset_tuple_id(isl.dim_type.in_)
    return _Change(f"map {relation}", dims, lambda _: times, stage=stage)


def _set_schedule(stage: StageOp, change: _Change) -> None:
    domain = stage.domain.points
    schedule = change.of(stage)
    if (problem := schedule_problem(domain, schedule)) is not None:
        raise CompileError(stage, f"{change.text} {problem}")
    identity = schedule.is_equal(identity_schedule(domain))
    stage.schedule = None if identity else MapAttr.of(schedule.gist_domain(domain))
    if stage.loops is not None:
        stage.detach_region(stage.loops).erase()
