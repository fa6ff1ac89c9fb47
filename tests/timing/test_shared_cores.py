"""Programs that share cores: a machine with tables of slots, cycle by cycle, against costs and the recurrence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from timing.slot_machine import DIVIDED, NEVER_WAITS, Need, Program, SlotMachine, Stage, Step
from timing.test_steady import networks

from cmir.cost.firing import Firing, FiringStep, Matrix
from cmir.cost.program_cost import Cost, firing_cost, uses_of
from cmir.cost.sharing import slots_of
from cmir.dialects.cmcore import CoreOp, InstanceAttr
from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import ALWAYS
from cmir.hardware.description import Hardware
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.actors import Actor, Dependence
from cmir.timing.control import DeadlockError
from cmir.timing.recurrence import Recurrence
from cmir.timing.report import RunReport

ROWS, ISSUE, SRAM, DPU, CREDIT = 4, 2, 2, 1, 1
"""Rows of a crossbar, and the times of issue, of SRAM, of the DPU and of credits."""

MACHINE = Hardware("machine").replace(
    crossbar__rows=ROWS,
    crossbar__adcs=1,
    crossbar__adc_cycles=1,
    core__product_issue_cycles=ISSUE,
    core__sram_port_bytes=1,
    core__sram_latency=SRAM,
    core__vector_lanes=1,
    core__vector_latency=DPU,
    core__credit_latency=CREDIT,
    interconnect__link_bytes_per_cycle=1,
)
"""Elements of a byte take a cycle each, and products one for each output."""


@dataclass(frozen=True)
class Chip:
    """Programs on cores. firings: their iterations. sizes, phases: of each core."""

    programs: tuple[Program, ...]
    firings: tuple[Firing, ...]
    core: tuple[int, ...]
    sizes: tuple[int, ...]
    phases: tuple[int, ...]

    def machine(self) -> SlotMachine:
        return SlotMachine(self.programs, self.core, self.sizes, self.phases)

    def costs(self) -> list[Cost]:
        """The cost of an iteration of each program, by the model."""
        costs: dict[int, Cost] = {}
        for c, size in enumerate(self.sizes):
            on = [p for p, core in enumerate(self.core) if core == c]
            instances = [InstanceAttr.of(f"s{p}", (), self.programs[p].shares) for p in on]
            shares = any(self.programs[p].shares for p in on)
            core = CoreOp(f"core{c}", instances, [c], size if shares else None)
            slots = slots_of(core, [uses_of(self.firings[p], MACHINE) for p in on], MACHINE)
            for p, own in zip(on, slots, strict=True):
                costs[p] = firing_cost(self.firings[p], MACHINE, slots=own)
        return [costs[p] for p in range(len(self.programs))]

    def model(self, inferences: int) -> RunReport | None:
        """The run by the model, program by program; None for a deadlock."""
        costs, stages = self.costs(), defaultdict[int, list[int]](list)
        for p, program in enumerate(self.programs):
            stages[program.stage].append(p)

        def dependence(k: int, copies: list[int]) -> Dependence:
            """The k-th need of all copies of a stage."""
            needs = [self.programs[p].needs[k] for p in copies]
            of = np.empty(sum(len(need.of) for need in needs), np.int64)
            for turn, need in enumerate(needs):
                of[turn :: len(copies)] = [ALWAYS if n == NEVER_WAITS else n for n in need.of]
            result = needs[0].result
            delays = [
                [need.delay + (costs[q].latency if result else 0) for q in stages[need.source]]
                for need in needs
            ]
            kind = DependenceKind.RAW if result else DependenceKind.WAR
            source = CoreName(f"s{needs[0].source}")
            return Dependence.of_copies(kind, source, "b", of, np.array(delays))

        actors = {
            (name := CoreName(f"s{stage}")): Actor.of_copies(
                name,
                sum(self.programs[p].iterations for p in copies),
                [(costs[p].pace, costs[p].latency) for p in copies],
                [dependence(k, copies) for k in range(len(self.programs[copies[0]].needs))],
            )
            for stage, copies in stages.items()
        }
        try:
            return Recurrence(actors, inferences).run()
        except DeadlockError:
            return None


@st.composite
def iterations(draw: st.DrawFn, most_uses: int) -> tuple[tuple[Step, ...], Firing]:
    """Steps as this machine has them and as the model has them. most_uses: of each resource but crossbars."""
    steps: list[Step] = []
    firing: list[FiringStep] = []
    matrices: list[Matrix] = []
    left: dict[str, int] = dict.fromkeys(DIVIDED, most_uses)
    for _ in range(draw(st.integers(1, 5))):
        kinds = {"load": "sram", "vector": "dpu", "store": "link", "product": "issue"}
        kind = draw(st.sampled_from([k for k, resource in kinds.items() if left[resource]] or [""]))
        if not kind:
            break
        size = draw(st.integers(1, 6))
        before = st.lists(st.integers(0, len(steps) - 1), max_size=2, unique=True)
        after = tuple(sorted(draw(before))) if steps else ()
        stages: list[Stage] = []
        if kind == "product":
            parts = draw(st.integers(1, 2)) if left["dpu"] else 1
            stages.append(Stage("issue", parts * ISSUE, early=(parts - 1) * ISSUE))
            stages.append(Stage("crossbar", size))
            if parts > 1:
                stages.append(Stage("dpu", (parts - 1) * size, DPU))
            firing.append(FiringStep("product", size, 8, after, len(matrices)))
            matrices.append(Matrix(size, parts * ROWS))
        else:
            latency = {"load": SRAM, "vector": DPU, "store": 0}[kind]
            stages.append(Stage(kinds[kind], size, latency))
            firing.append(FiringStep(kind, size, 8, after))
        for stage in stages:
            if stage.resource in left:
                left[stage.resource] -= 1
        steps.append(Step(tuple(stages), after))
    return tuple(steps), Firing(tuple(firing), tuple(matrices))


def uses_in(steps: Sequence[Step], resource: str) -> int:
    return sum(stage.resource == resource for step in steps for stage in step.stages)


@st.composite
def chips(draw: st.DrawFn, divided: bool = True) -> Chip:
    """Programs on cores, some of which run the iterations of a stage in turn.

    divided: they divide all that they use. A program has all slots of a resource only if an iteration uses it once: the
    model does not count collisions of uses of an undivided resource. Otherwise each program has a core, and uses each
    resource once.
    """
    actors = [*draw(networks()).values()]
    of_stage = [draw(iterations(3 if divided else 1)) for _ in actors]
    sets = [draw(st.integers(1, 3)) if firing.matrices else 1 for _, firing in of_stage]
    turns = [draw(st.integers(1, min(3, actor.iterations))) for actor in actors]
    copies = [(stage, turn) for stage, count in enumerate(turns) for turn in range(count)]
    count = len(copies)
    cores = draw(st.integers(1, min(2, count))) if divided else count
    core = [draw(st.integers(0, cores - 1)) for _ in copies] if divided else [*range(count)]
    made, ways = [of_stage[s] for s, _ in copies], [sets[s] for s, _ in copies]
    shares: list[dict[str, int]] = [{} for _ in copies]
    for p, (steps, _) in enumerate(made if divided else ()):
        for resource in DIVIDED:
            if uses := uses_in(steps, resource):
                shares[p][resource] = uses + draw(st.integers(0, 4))
    sizes: list[int] = []
    for c in range(cores):
        totals = [
            sum(shares[p].get(resource, 0) for p in range(count) if core[p] == c)
            for resource in DIVIDED
        ]
        size = max([1, *totals]) + draw(st.integers(0, 3))
        several = (
            shares[p].get(resource) == size and uses_in(made[p][0], resource) > 1
            for p in range(count)
            for resource in DIVIDED
            if core[p] == c
        )
        sizes.append(size + any(several))
    phases = [draw(st.integers(0, size - 1)) for size in sizes]
    programs = [
        Program(
            made[p][0],
            len(range(turn, actors[stage].iterations, turns[stage])),
            ways[p],
            shares[p],
            tuple(_need(wait, turn, turns[stage]) for wait in actors[stage].dependences),
            stage,
            turn,
            turns[stage],
        )
        for p, (stage, turn) in enumerate(copies)
    ]
    firings = [replace(made[p][1], ways=ways[p]) for p in range(count)]
    return Chip(tuple(programs), tuple(firings), tuple(core), tuple(sizes), tuple(phases))


def _need(dependence: Dependence, turn: int, turns: int) -> Need:
    result = dependence.kind is DependenceKind.RAW
    needs = [NEVER_WAITS if n == ALWAYS else n for n in dependence.needs[turn::turns].tolist()]
    delay = dependence.delay if result else CREDIT + dependence.delay
    return Need(int(dependence.source.program[1:]), needs, result, delay)


@settings(max_examples=400)
@given(chips(), st.integers(1, 3))
def test_machines_with_tables_are_never_later_than_the_model(chip: Chip, inferences: int) -> None:
    report = chip.model(inferences)
    machine = chip.machine()
    assert machine.run(inferences) == (report is not None)
    if report is None:
        return
    for p, core in enumerate(report.cores):
        starts = core.start.reshape(-1)
        found = np.array(machine.starts[p])
        results = np.array([machine.result(p, i) for i in range(len(found))])
        assert (found <= starts).all()
        assert (results <= starts + core.latency).all()
        if (found < starts).any():
            event("something is earlier")


@settings(max_examples=200)
@given(chips(divided=False), st.integers(1, 3))
def test_resources_of_one_program_are_timed_exactly(chip: Chip, inferences: int) -> None:
    report = chip.model(inferences)
    machine = chip.machine()
    assert machine.run(inferences) == (report is not None)
    for p, core in enumerate(report.cores if report is not None else ()):
        starts = core.start.reshape(-1)
        assert machine.starts[p] == starts.tolist()
        results = [machine.result(p, i) for i in range(len(starts))]
        assert results == (starts + core.latency).tolist()


@pytest.mark.parametrize("cycles", [1, 3, 4])
def test_requests_that_have_just_missed_their_slot_are_timed_exactly(cycles: int) -> None:
    """With one slot of five, Θ is 0, and iterations that begin right after it take all the time that the model says."""
    shares = [{"dpu": 1}, {"dpu": 4}]
    steps = Step((Stage("dpu", cycles, DPU),)), Step((Stage("dpu", 2, DPU),))
    firings = [Firing((FiringStep("vector", n, 8),)) for n in (cycles, 2)]
    programs = [Program((step,), 4, 1, share) for step, share in zip(steps, shares, strict=True)]
    for phase in range(5):
        chip = Chip(tuple(programs), tuple(firings), (0, 0), (5,), (phase,))
        machine, report = chip.machine(), chip.model(2)
        assert report is not None and machine.run(2)
        (table,) = machine.tables[0].values()
        late = report.cores[0].start.reshape(-1) + report.cores[0].latency
        results = [machine.result(0, i) for i in range(8)]
        assert (results == late.tolist()) == (table[phase - 1] == (0, 0, 0))


@st.composite
def faster(draw: st.DrawFn, chip: Chip) -> Chip:
    """The chip with one step a cycle faster: a product on crossbars, or the only use of a resource by its program.

    Slots stay as they are. Those of several uses follow from their cycles, see `test_slots`.
    """
    choices = [
        (p, s)
        for p, (program, firing) in enumerate(zip(chip.programs, chip.firings, strict=True))
        for s, step in enumerate(program.steps)
        if firing.steps[s].elements > 1 and _is_alone(program, step)
    ]
    assume(choices)
    p, s = draw(st.sampled_from(choices))
    firing = chip.firings[p]
    step, steps, matrices = firing.steps[s], [*firing.steps], [*firing.matrices]
    steps[s] = replace(step, elements=step.elements - 1)
    if step.kind == "product":
        matrices[step.matrix] = replace(matrices[step.matrix], outputs=step.elements - 1)
    firings = [*chip.firings]
    firings[p] = replace(firing, steps=tuple(steps), matrices=tuple(matrices))
    return replace(chip, firings=tuple(firings))


def _is_alone(program: Program, step: Step) -> bool:
    """True if the stages whose time follows the size of a step are the only uses of their resources, or crossbars."""
    sized = [stage.resource for stage in step.stages if stage.resource != "issue"]
    return all(name == "crossbar" or uses_in(program.steps, name) == 1 for name in sized)


@settings(max_examples=200)
@given(st.data(), st.integers(1, 3))
def test_a_faster_step_makes_nothing_later(data: st.DataObject, inferences: int) -> None:
    chip = data.draw(chips())
    other = data.draw(faster(chip))
    before, after = chip.model(inferences), other.model(inferences)
    assert (before is None) == (after is None)
    if before is None or after is None:
        return
    for slow, fast in zip(before.cores, after.cores, strict=True):
        assert (fast.start <= slow.start).all()
        assert (fast.start + fast.latency <= slow.start + slow.latency).all()
