"""polyhedral-plan-copies: choose the copies and the ways of all stages under a budget of crossbars and cores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Literal

from xdsl.context import Context

from cmir.analysis.copy_plan import (
    Budget,
    Division,
    PlanChoice,
    StageWork,
    cheapest,
    fastest,
    has_room,
    longest_shared,
    lower_bound,
)
from cmir.analysis.flow import Flow
from cmir.analysis.latency_plan import latency_of, quicker
from cmir.analysis.own_results import interval_alone, reads_itself
from cmir.analysis.scheduled_sizes import scheduled_sizes
from cmir.analysis.sizing import Sizing
from cmir.analysis.ways import WaysOf
from cmir.cost.firing import Firing
from cmir.cost.program_cost import Cost, program_cost, uses_of
from cmir.cost.sharing import fixed_time
from cmir.dialects.polyhedral import ArrayOp, PipelineOp, StageOp
from cmir.hardware.description import Hardware
from cmir.passes.base import PipelinePass
from cmir.passes.hardware import HardwarePass
from cmir.passes.plan_explanations import explanation, whole
from cmir.passes.planned import set_planned_interval
from cmir.passes.polyhedral_add_ways import set_ways
from cmir.passes.polyhedral_replicate import (
    By,
    iterations_by_unit,
    iterations_of_copies,
    replicate,
    units_of,
)
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, Where, emit_remark
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralPlanCopiesPass(HardwarePass, PipelinePass):
    """Choose the numbers of copies and of ways of all stages together, under a budget of crossbars and cores.

    Copies take cores, and ways take crossbars of a core. For an interval λ, the pass gives each stage the copies and
    ways with which an inference takes it no longer than λ, such that the network takes the fewest crossbars and, among
    such choices, the fewest cores. λ is the `interval` given, or the shortest one that crossbars and cores allow.
    Both searches are exact (`cmir/analysis/copy_plan.py`). Copies are runs of columns, see polyhedral-replicate, or of
    rows where a stage has more rows than columns and these take fewer crossbars. Copies run iterations in turn where
    neither divides evenly, so that the `interval` would be out of reach or λ a twentieth longer. Such copies share no
    cores.

    A remark for each stage that gets copies or ways says what they are, and what fewer would cost. A remark for the
    network gives λ and a lower bound of it: a stage with matrices of x crossbars that take c cycles for each of N
    iterations needs max(x, x·N·c / λ) crossbars, and one on p cores that iterations keep busy for s cycles needs
    max(p, N·s / λ) cores. With `share`, no resource may be busy for longer than λ times the cores instead.

    Stages whose buffers would exceed the SRAM of a core at this interval get more copies, which divide them. If that
    does not help, λ grows, unless it is given: then polyhedral-assign-storage finds a longer interval. Cores that are
    left get copies of the slowest stages without matrices, which shortens the latency. With the objective `latency`, a
    search uses what the budget has left, and exchanges crossbars and cores between stages, as long as that shortens the
    latency by the model of `cmir/analysis/flow.py`; λ may grow.

    With `share`, cores may run several programs, where that makes λ shorter: their number then does not limit that of
    copies, and λ is long enough that cores have room for all copies, their buffers, and the slots that
    cmcore-share-cores gives them, if each is put on the first core with room, the largest first. The pipeline keeps λ
    as `cmir.interval`, for polyhedral-assign-storage and cmcore-share-cores.
    """

    name = "polyhedral-plan-copies"

    crossbars: int | None = None
    """Number of available crossbars; by default, the machine's."""
    cores: int | None = None
    """Number of available cores; by default, the machine's."""
    interval: int | None = None
    """Interval to plan for, in cycles; by default, the shortest."""
    share: bool = False
    """Whether several programs may share a core."""
    objective: Literal["interval", "latency"] = "interval"
    """What is to be short: the interval, then the latency, or the latency of an inference."""

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        pipeline.drop_dependences()
        hardware = self.hardware_for(pipeline)
        stages = [stage for stage in pipeline.stages.values() if stage.gcu is None]
        for stage in stages:
            if stage.turns > 1:
                name = stage.sym_name.data
                raise CompileError(
                    stage, f"stage @{name} has turns: plan copies before adding turns"
                )
        budget = self.check_budget(pipeline, hardware)
        work = [self._work(stage, hardware, pipeline.arrays, budget) for stage in stages]
        self._check(pipeline, work, budget)
        if not work:
            return
        flow = Flow.of(Sizing(pipeline, hardware)) if self.objective == "latency" else None
        work, longest, chosen, taken = self._plan_with_buffers(
            pipeline, hardware, work, budget, flow
        )
        if flow is None and budget.cores is not None and not taken.share:
            chosen = _on_idle_cores(work, chosen, budget.cores, longest)
        set_planned_interval(pipeline, ceil(longest))
        for stage, each, choice in zip(stages, work, chosen, strict=True):
            if choice.cores > each.divisions[0].cores or choice.ways > 1:
                emit_remark(stage, explanation(each, choice, longest))
            _apply(stage, choice)
        tally("stages planned", len(chosen))
        tally("copies added", sum(choice.division.copies - 1 for choice in chosen))
        tally("ways added", sum(choice.ways - 1 for choice in chosen))
        bound = lower_bound(work, budget, longest)
        emit_remark(pipeline, self._summary(work, taken, chosen, longest, bound, flow))

    def check_budget(self, where: Where, hardware: Hardware) -> Budget:
        """Return what the plan may take. Raises CompileError if that is more than the machine has."""
        has, each = hardware.core.count, hardware.core.crossbars
        cores = has if self.cores is None else self.cores
        total = None if cores is None or each is None else cores * each
        crossbars = total if self.crossbars is None else self.crossbars
        for name, given, most in (("cores", cores, has), ("crossbars", crossbars, total)):
            if given is not None and (given < 1 or (most is not None and given > most)):
                range_ = "at least 1" if most is None else f"one of 1 to {most}"
                of = "" if most is None else f", those of '{hardware.name}'"
                if name == "crossbars" and most is not None and cores != has:
                    of = f", those of {count_of(cores or 0, 'core')} of '{hardware.name}'"
                raise CompileError(where, f"`{name}` must be {range_}{of}, got {given}")
        if self.interval is not None and self.interval < 1:
            raise CompileError(where, f"`interval` must be at least 1, got {self.interval}")
        if cores is None and crossbars is None and self.interval is None:
            raise CompileError(
                where,
                "give the number of `cores` or `crossbars`, a `hardware` that has one, or the `interval`",
            )
        share = self.share and fixed_time(hardware) is None
        return Budget(crossbars, cores, each, share)

    @staticmethod
    def _work(
        stage: StageOp, hardware: Hardware, arrays: Mapping[str, ArrayOp], budget: Budget
    ) -> StageWork:
        cost = program_cost(stage, hardware)
        points = stage.domain.points.count_val().to_python()
        step, in_turn = _paces(stage, cost, hardware)
        each = stage.count_cores()
        most = None if budget.cores is None else max(1, budget.cores // each)
        return StageWork(
            stage.sym_name.data,
            [*_divisions(stage, cost, hardware, arrays, None if budget.share else most, most)],
            points,
            step,
            in_turn,
            uses_of(Firing.of(stage), hardware),
        )

    def _check(self, pipeline: PipelineOp, work: list[StageWork], budget: Budget) -> None:
        """Raise CompileError if the budget does not even suffice for the network as it is."""
        whole = [stage.divisions[0] for stage in work]
        needs = (
            ("core", None if budget.share else budget.cores, sum(each.cores for each in whole)),
            ("crossbar", budget.crossbars, sum(each.crossbars for each in whole)),
        )
        for name, available, needed in needs:
            if available is not None and needed > available:
                raise CompileError(
                    pipeline,
                    f"the network needs {count_of(needed, name)} without copies, "
                    f"{needed - available} more than the {available} available",
                )
        least = [PlanChoice(division, 1) for division in whole]
        if budget.share and not has_room(work, least, longest_shared(work), budget):
            raise CompileError(
                pipeline,
                f"{count_of(budget.cores or 0, 'core has', 'cores have')} no room for the network without copies",
            )

    def _plan_with_buffers(
        self,
        pipeline: PipelineOp,
        hardware: Hardware,
        work: list[StageWork],
        budget: Budget,
        flow: Flow | None,
    ) -> tuple[list[StageWork], Fraction, list[PlanChoice], Budget]:
        """Return a plan with which buffers fit the SRAM, as far as possible, and the work that it divides."""
        plan, given = self._plan(pipeline, work, budget, flow, self.interval), work
        room, together, more, wanted = hardware.core.sram_bytes, True, _MORE, self.interval
        if room is None:
            return work, *plan
        for _ in range(_ROUNDS):
            longest, chosen, taken = plan
            buffers, divided = _buffers(pipeline, hardware, work, chosen, longest), work
            if max(buffers) > room:
                divided = _divided(work, chosen, buffers, room)
            elif not taken.share or has_room(work, chosen, longest, taken, (room, buffers)):
                return work, *plan
            else:
                together = False
            interval = wanted
            if divided == work:
                if self.interval is not None:
                    break
                interval = ceil((1 + more) * longest)
                if max(buffers) <= room:  # further divisions are for this interval, too
                    wanted, more = interval, 2 * more
            try:
                plan = self._plan(pipeline, divided, budget, flow, interval)
            except CompileError:  # the assignment of storage says what is missing
                break
            work = divided
        if not together:
            with suppress(CompileError):
                alone = replace(budget, share=False)
                return self._plan_with_buffers(pipeline, hardware, given, alone, flow)
        return work, *plan

    def _plan(
        self,
        pipeline: PipelineOp,
        work: list[StageWork],
        budget: Budget,
        flow: Flow | None,
        interval: int | None,
    ) -> tuple[Fraction, list[PlanChoice], Budget]:
        """Return the interval, the choices for it, and whether cores are shared. Raises CompileError.

        flow: to choose for a short latency; None to choose for a short interval. interval: to plan for; None for the
        shortest.
        """
        longest, chosen, taken = self._for_short_interval(pipeline, work, budget, interval)
        if flow is None:
            return longest, chosen, taken
        # Buffers are sized for copies with one pace, which copies that run in turn on shared cores need not have.
        kinds = _without_turns(work) if taken.share else work
        chosen = quicker(kinds, chosen, taken, flow, longest)
        return max(longest, *(choice.interval for choice in chosen)), chosen, taken

    def _for_short_interval(
        self, pipeline: PipelineOp, work: list[StageWork], budget: Budget, interval: int | None
    ) -> tuple[Fraction, list[PlanChoice], Budget]:
        """Return the interval, the choices for it, and whether cores are shared. Raises CompileError.

        interval: to plan for; None for the shortest.
        """
        if interval is not None:
            chosen = self._for_interval(pipeline, work, budget, interval)
            return Fraction(interval), *chosen
        plan = _fastest(work, budget, _WORTH)
        if plan is None:
            raise CompileError(pipeline, "the budget is too small for every interval")
        return plan

    def _for_interval(
        self, pipeline: PipelineOp, work: list[StageWork], budget: Budget, interval: int
    ) -> tuple[list[PlanChoice], Budget]:
        """Return the choices for an interval, and whether cores are shared: only if there are too few.

        Raises CompileError, which says what is missing.
        """
        for each in _without_sharing_first(budget):
            chosen = cheapest(_without_turns(work), Fraction(interval), each)
            if chosen is not None and (
                not each.share or has_room(work, chosen, Fraction(interval), each)
            ):
                return chosen, each
        alone = replace(budget, share=False)
        if cheapest(work, Fraction(interval), alone) is not None:
            return _fewest_turns(work, Fraction(interval), alone), alone
        for stage in work:
            best = min(division.interval(division.most) for division in stage.divisions)
            if best > interval:
                raise CompileError(
                    pipeline,
                    f"an interval of {count_of(interval, 'cycle')} is too short for @{stage.name}, "
                    f"which takes at least {whole(best)} cycles for an inference, however it is divided",
                )
        plan = _fastest(work, budget, Fraction(1))
        limits = (("cores", budget.cores), ("crossbars", budget.crossbars))
        has = " and ".join(f"{number} {name}" for name, number in limits if number is not None)
        shortest = (
            ""
            if plan is None
            else f": {whole(plan[0])} cycles is the shortest that they suffice for"
        )
        raise CompileError(
            pipeline,
            f"an interval of {count_of(interval, 'cycle')} needs more than {has}{shortest}",
        )

    @staticmethod
    def _summary(
        work: list[StageWork],
        budget: Budget,
        chosen: list[PlanChoice],
        longest: Fraction,
        bound: Fraction,
        flow: Flow | None,
    ) -> str:
        used = [("crossbars", sum(choice.crossbars for choice in chosen), budget.crossbars)]
        instances = sum(choice.cores for choice in chosen)
        used.append(
            ("copies", instances, None) if budget.share else ("cores", instances, budget.cores)
        )
        text = " and ".join(
            f"{number} {name}" if limit is None else f"{number} of {limit} {name}"
            for name, number, limit in used
            if number or name != "crossbars"
        )
        if flow is not None:
            latency = Fraction(latency_of(work, chosen, flow))
            return (
                f"{text} in use; an inference takes {whole(longest)} cycles, and from its start to its end about "
                f"{whole(latency)}, without hops and waits for room"
            )
        gap = ceil(1000 * (longest / bound - 1)) / 10 if bound else 0.0
        return (
            f"{text} in use; an inference takes {whole(longest)} cycles, at most {gap:g} % more than with any "
            f"division into copies (bound {whole(bound)})"
        )


def _fastest(
    work: list[StageWork], budget: Budget, worth: Fraction
) -> tuple[Fraction, list[PlanChoice], Budget] | None:
    """Return the shortest interval, the choices for it, and whether cores are shared: if that makes it shorter.

    worth: factor by which turns must shorten it to be chosen.
    """
    plans = ((fastest(_without_turns(work), each), each) for each in _without_sharing_first(budget))
    found = [(*plan, each) for plan, each in plans if plan is not None]
    best = min(found, key=lambda plan: plan[0], default=None)
    alone = replace(budget, share=False)
    if best is not None and best[0] < worth * lower_bound(work, alone, best[0]):
        return best  # no division at all is shorter by this factor
    in_turn = fastest(work, alone)
    if in_turn is None or (best is not None and in_turn[0] * worth > best[0]):
        return best
    return in_turn[0], _fewest_turns(work, in_turn[0], alone), alone


def _fewest_turns(work: list[StageWork], interval: Fraction, budget: Budget) -> list[PlanChoice]:
    """Return choices for an interval that the budget suffices for, with turns only where it needs them."""
    for k in range(len(work)):
        other = [*work[:k], *_without_turns(work[k : k + 1]), *work[k + 1 :]]
        if cheapest(other, interval, budget) is not None:
            work = other
    chosen = cheapest(work, interval, budget)
    assert chosen is not None, "the budget suffices"
    return chosen


def _without_turns(work: Sequence[StageWork]) -> list[StageWork]:
    return [
        replace(stage, divisions=[d for d in stage.divisions if d.by != "turns"]) for stage in work
    ]


def _without_sharing_first(budget: Budget) -> list[Budget]:
    return [replace(budget, share=False), budget] if budget.share else [budget]


def _apply(stage: StageOp, choice: PlanChoice) -> None:
    if choice.division.copies > 1:
        replicate(stage, choice.division.copies, _by(choice.division))
    if choice.ways > 1:
        set_ways(stage, choice.ways)


_ROUNDS = 8
"""Number of times that a plan is changed because buffers exceed the SRAM of a core."""

_MORE = Fraction(2, 100)
"""Part of λ by which it grows if buffers exceed the SRAM of a core however their stages are divided.

Where they exceed it only together with those of other programs on the core, it doubles each time.
"""

_WORTH = Fraction(105, 100)
"""Factor by which turns must shorten λ: each copy has the buffers of an undivided core, and gets its data."""

_FAST = Fraction(1, 3)
"""Part of λ that a stage on otherwise idle cores takes: less hardly shortens the latency."""


def _on_idle_cores(
    work: list[StageWork], chosen: list[PlanChoice], cores: int, longest: Fraction
) -> list[PlanChoice]:
    """Give cores that are left to the stages without crossbars that take longest, which shortens the latency."""
    chosen, idle = list(chosen), cores - sum(choice.cores for choice in chosen)
    while True:
        finer: dict[int, Division] = {}
        for k, (each, choice) in enumerate(zip(work, chosen, strict=True)):
            now = choice.division
            if not now.crossbars and choice.interval > _FAST * longest:
                better = [d for d in each.divisions if d.by == now.by and d.step < now.step]
                if better and min(d.cores for d in better) - now.cores <= idle:
                    finer[k] = min(better, key=lambda d: d.cores)
        if not finer:
            return chosen
        slowest = max(finer, key=lambda k: chosen[k].interval)
        idle -= finer[slowest].cores - chosen[slowest].cores
        chosen[slowest] = PlanChoice(finer[slowest], 1)


def _buffers(
    pipeline: PipelineOp,
    hardware: Hardware,
    work: list[StageWork],
    chosen: list[PlanChoice],
    interval: Fraction,
) -> list[int]:
    """Return the most bytes that the buffers of a copy of each stage take, with sizes that keep the interval."""
    trial = pipeline.clone()
    for each, choice in zip(work, chosen, strict=True):
        _apply(trial.stages[each.name], choice)
    sizing = Sizing(trial, hardware)
    taken: Counter[str] = Counter()
    sizes = scheduled_sizes(sizing, ceil(interval * sizing.ticks))
    for core, size in sizing.sram_bytes(sizes).items():
        taken[core.program] = max(size, taken[core.program])
    return [taken[each.name] for each in work]


def _divided(
    work: list[StageWork], chosen: list[PlanChoice], buffers: list[int], room: int
) -> list[StageWork]:
    """Return the work with more copies of the stages whose buffers exceed the SRAM of a core, as far as they divide."""
    divided: list[StageWork] = []
    for each, choice, taken in zip(work, chosen, buffers, strict=True):
        if taken > room:
            # Copies that run iterations in turn have buffers as large as one core.
            (each,) = _without_turns([each])
            if choice.division.by != "turns":
                each = replace(each, fewest=_fewest(each, choice, Fraction(taken, room)))
        divided.append(each)
    return divided


def _fewest(work: StageWork, choice: PlanChoice, times: Fraction) -> int:
    """Return the fewest copies of a stage among so many times as it has, or more."""
    copies = choice.division.copies
    finer = [d.copies for d in work.divisions if d.copies >= copies * times]
    return max(work.fewest, min(finer, default=copies))


def _paces(stage: StageOp, cost: Cost, hardware: Hardware) -> tuple[Fraction, int]:
    """Return the cycles between iterations that more ways leave as they are, and those of the crossbars for one way.

    The second is 0 if more ways would not help, or if the stage has some already.
    """
    fixed = hardware.core.fixed_interval is not None or cost.ways > 1 or reads_itself(stage)
    if fixed or not cost.busy.get("crossbar"):
        return cost.pace.cycles(1), 0
    others = (cycles for name, cycles in cost.busy.items() if name != "crossbar")
    return Fraction(max([1, *others])), cost.busy["crossbar"]


def _divisions(
    stage: StageOp,
    cost: Cost,
    hardware: Hardware,
    arrays: Mapping[str, ArrayOp],
    most_copies: int | None,
    most_turns: int | None,
) -> Iterator[Division]:
    """Yield the divisions of a stage, each into more copies than needed for a coarser one of its kind.

    most_copies, most_turns: limits of the number of copies; those that run iterations in turn have cores of their own.
    """
    step, busy = _paces(stage, cost, hardware)
    each, recurrent = stage.count_cores(), reads_itself(stage)
    ways = WaysOf(stage, hardware).most if busy else 1
    kinds: list[By] = ["columns"]
    if units_of(stage, "bands")[0] > units_of(stage, "columns")[0]:
        kinds.append("bands")
    if not recurrent:  # iterations that wait for those before them gain nothing
        kinds.append("turns")
    for by in kinds:
        units, most = iterations_by_unit(stage, by), most_copies
        if by == "turns":
            most = min(units_of(stage, by)[0], most_turns or len(units))
        for size in range(len(units), 0, -1):
            copies = ceil(len(units) / size)
            if ceil(len(units) / copies) != size or (copies == 1 and by != kinds[0]):
                continue
            if most is not None and copies > most:
                break
            of_copies = [int(n) for n in iterations_of_copies(units, copies, by)]
            iterations = max(of_copies)
            alone = iterations * step
            if recurrent:
                trial = stage.clone()
                if copies > 1:
                    replicate(trial, copies, by)
                alone = Fraction(interval_alone(trial, arrays, cost))
            yield Division(
                by,
                copies,
                copies * each,
                copies * each * cost.crossbars,
                alone,
                Fraction(iterations * busy),
                ways or ceil(Fraction(busy) / step),
                of_copies,
            )


def _by(division: Division) -> By:
    kinds: dict[str, By] = {"bands": "bands", "turns": "turns"}
    return kinds.get(division.by, "columns")
