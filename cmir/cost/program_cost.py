"""Cost of one iteration of a program on a chip: cycles, crossbars and energy.

A core overlaps iterations like any pipeline. The *initiation interval* is that of the busiest resource (Rau, Iterative
Modulo Scheduling, MICRO 1994: the resource-constrained minimum). Crossbars in several sets, or *ways*, take turns: each
set is busy only with every ways-th iteration (`cmir.cost.pace`). The *latency* is that of a single iteration: its
operations issue in order, each as soon as its operands are available and its resource is free. docs/hardware.md has the
formulas.

Both are costs of one iteration by itself. An iteration of a recurrent stage reads what the preceding one has written,
so it starts no earlier than the latency after it: the control unit waits for the result as for that of another core.

Programs that share a core divide its resources by tables of slots (`cmir.cost.slots`). Each use then takes longer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cmir.cost.firing import Firing, FiringStep
from cmir.cost.pace import Pace
from cmir.cost.slots import Slots
from cmir.cost.tiling import Tiling
from cmir.dialects.cmcore import SHARED_RESOURCES, NetworkOp, ProgramOp
from cmir.dialects.polyhedral import PipelineOp, StageOp, symbol
from cmir.hardware.description import Hardware


@dataclass(frozen=True)
class Cost:
    """Cost of one iteration on one core.

    interval: cycles between the starts of two iterations; on average, rounded up, if they alternate between ways.
    latency: cycles from the start of an iteration to the arrival of its result, not counting hops.
    crossbars: crossbars of the core, for all its matrices.
    energy: pJ by component (`crossbar`, `adc`, `dpu`, `sram`), for the components whose figures the hardware gives.
    busy: busy cycles by resource (`issue`, `crossbar`, `dpu`, `sram`, `link`); for crossbars, those of the busiest
    matrix, and for a resource that programs of a core divide, those of the use that takes longest in its slots.
    ways: number of sets of crossbars, each with all matrices.
    """

    interval: int
    latency: int
    crossbars: int = 0
    energy: Mapping[str, float] = field(default_factory=dict)
    busy: Mapping[str, int] = field(default_factory=dict)
    ways: int = 1

    @property
    def loads(self) -> Mapping[str, int]:
        """Busy cycles by resource for each iteration, on average and rounded up: crossbars serve one in `ways`."""
        return _loads(self.busy, self.ways)

    @property
    def pace(self) -> Pace:
        """How soon iterations start after each other."""
        if self.ways == 1:
            return Pace(self.interval)
        others = (busy for name, busy in self.busy.items() if name != "crossbar")
        return Pace(max([1, *others]), self.ways, self.busy.get("crossbar", 0))


def program_cost(
    program: ProgramOp | StageOp, hardware: Hardware, crossing: Collection[str] = ()
) -> Cost:
    """Return the cost of one iteration of a program or stage on a core of its own; all of its iterations cost the same.

    crossing: the arrays that the core sends to cores of other chips.
    """
    firing = Firing.of(program)
    if program.gcu is None:
        return firing_cost(firing, hardware, crossing)
    whole = program.parent_op()
    assert isinstance(whole, PipelineOp | NetworkOp)
    inputs, outputs = ({symbol(ref) for ref in refs} for refs in (whole.inputs, whole.outputs))
    return _gcu_cost(firing, inputs, outputs, hardware)


def _gcu_cost(
    firing: Firing, inputs: Collection[str], outputs: Collection[str], hardware: Hardware
) -> Cost:
    """Return the cost of an iteration of the global control unit, which takes in inputs or gives out outputs.

    Its rates determine the cycles; it takes no energy.
    """

    def elements(kind: str, arrays: Collection[str]) -> int:
        steps = (step for step in firing.steps if step.kind == kind)
        return sum(step.elements for step in steps if not set(step.arrays).isdisjoint(arrays))

    stored = sum(step.elements for step in firing.steps if step.kind == "store")
    given = elements("store", outputs)
    sent = max(elements("load", inputs), stored - given)
    cycles = max(
        1,
        _cycles(sent, hardware.system.input_elements_per_cycle),
        _cycles(given, hardware.system.output_elements_per_cycle),
    )
    return Cost(interval=cycles, latency=cycles)


def firing_cost(
    firing: Firing,
    hardware: Hardware,
    crossing: Collection[str] = (),
    staying: Collection[str] = (),
    slots: Mapping[str, Sequence[Slots]] | None = None,
) -> Cost:
    """Return the cost of one iteration.

    crossing, staying: the arrays that go to other chips, and those that no reader outside of the core reads. slots: of
    each use of a resource that the core's programs divide, in order; see `uses_of`.
    """
    tilings = [Tiling.of(matrix, hardware.crossbar) for matrix in firing.matrices]
    times = [_time(step, tilings, hardware, crossing, staying) for step in firing.steps]
    if slots:
        times = _in_slots(times, slots)
    occupied: Counter[str] = Counter()
    for resource, cycles, _ in (use for uses in times for use in uses):
        occupied[resource] += cycles
    busy: dict[str, int] = {}
    for resource, cycles in occupied.items():
        kind = resource.partition(" ")[0]
        busy[kind] = max(busy.get(kind, 0), cycles)
    core = hardware.core
    ways = 1 if core.fixed_interval else firing.ways
    return Cost(
        interval=core.fixed_interval or max([1, *_loads(busy, ways).values()]),
        latency=core.fixed_latency or max(1, _latency(firing, times)),
        crossbars=firing.ways * sum(tiling.crossbars for tiling in tilings),
        energy=_energy(firing, tilings, hardware),
        busy=busy,
        ways=ways,
    )


def uses_of(
    firing: Firing,
    hardware: Hardware,
    crossing: Collection[str] = (),
    staying: Collection[str] = (),
) -> dict[str, list[int]]:
    """Return the cycles of each use of a resource that programs can divide, in order, without uses that take none."""
    tilings = [Tiling.of(matrix, hardware.crossbar) for matrix in firing.matrices]
    uses: dict[str, list[int]] = {}
    for step in firing.steps:
        for resource, cycles, _ in _time(step, tilings, hardware, crossing, staying):
            if cycles and resource in SHARED_RESOURCES:
                uses.setdefault(resource, []).append(cycles)
    return uses


def _in_slots(times: list[list[_Use]], slots: Mapping[str, Sequence[Slots]]) -> list[list[_Use]]:
    """Return the uses of resources by an iteration with those of divided resources in their slots.

    Each has slots of its own, as if it were the only use of a slower resource.
    """
    number: Counter[str] = Counter()
    slowed: list[list[_Use]] = []
    for uses in times:
        slowed.append([])
        for resource, cycles, latency in uses:
            if cycles and resource in slots:
                own = slots[resource][number[resource]]
                number[resource] += 1
                busy = own.interval(cycles)
                if latency < cycles:  # the next step begins with the cycle after so many
                    latency = own.latency(latency + 1) - 1
                else:
                    latency += own.latency(cycles) - cycles
                slowed[-1].append((f"{resource} {number[resource]}", busy, latency))
            else:
                slowed[-1].append((resource, cycles, latency))
    return slowed


def _loads(busy: Mapping[str, int], ways: int) -> dict[str, int]:
    return {
        name: -(-cycles // ways) if name == "crossbar" else cycles for name, cycles in busy.items()
    }


_Use = tuple[str, int, int]
"""(resource, cycles for which it is busy, cycles until its result is available)."""


def _time(
    step: FiringStep,
    tilings: list[Tiling],
    hardware: Hardware,
    crossing: Collection[str],
    staying: Collection[str],
) -> list[_Use]:
    """Return the resources that a step uses, in order of use."""
    core = hardware.core
    match step.kind:
        case "load":
            rate = core.sram_port_bytes and core.sram_port_bytes * core.sram_ports
            cycles = _cycles(hardware.bytes_of(step.elements, step.bits), rate)
            return [("sram", cycles, cycles + core.sram_latency)]
        case "store":
            if staying and all(array in staying for array in step.arrays):
                return [("link", 0, 0)]
            size = hardware.bytes_of(step.elements, step.bits)
            crosses = any(array in crossing for array in step.arrays)
            cycles = _cycles(size, hardware.interconnect.narrowest(crosses))
            return [("link", cycles, cycles)]
        case "product":
            tiling = tilings[step.matrix]
            cycles = tiling.interval(hardware.crossbar)
            uses = [(f"crossbar {step.matrix}", cycles, cycles + hardware.crossbar.pipeline_cycles)]
            if core.product_issue_cycles:
                uses.insert(0, _issue(tiling, core.product_issue_cycles))
            if sums := _partial_sums(step, tilings):
                uses.append(_on_dpu(sums, hardware))
            return uses
        case _:
            return [_on_dpu(step.elements, hardware)]


def _issue(tiling: Tiling, cycles: int) -> _Use:
    """Return the use of the issue slot by a product, part by part: the last part starts after all others."""
    return "issue", tiling.parts * cycles, (tiling.parts - 1) * cycles


def _on_dpu(elements: int, hardware: Hardware) -> _Use:
    cycles = _cycles(elements, hardware.core.vector_lanes)
    return "dpu", cycles, cycles + hardware.core.vector_latency


def _partial_sums(step: FiringStep, tilings: list[Tiling]) -> int:
    """Return the number of additions on the DPU for outputs whose inputs are spread over several crossbars."""
    return (tilings[step.matrix].parts - 1) * step.elements


def _cycles(amount: int, rate: int | None) -> int:
    return 0 if rate is None else -(-amount // rate)


def _latency(firing: Firing, times: list[list[_Use]]) -> int:
    """Return the cycles until all steps of a single iteration are done."""
    free: Counter[str] = Counter()
    done: list[int] = []
    for step, uses in zip(firing.steps, times, strict=True):
        now = max((done[before] for before in step.after), default=0)
        for resource, cycles, latency in uses:
            start = max(now, free[resource])
            free[resource], now = start + cycles, start + latency
        done.append(now)
    return max(done, default=0)


def _energy(firing: Firing, tilings: list[Tiling], hardware: Hardware) -> dict[str, float]:
    figures = hardware.energy
    of_event = {
        ("crossbar", "products"): figures.crossbar_product,
        ("crossbar", "rows"): figures.crossbar_row,
        ("crossbar", "columns"): figures.crossbar_column,
        ("adc", "adc"): figures.adc_conversion,
        ("dpu", "dpu"): figures.vector_element,
        ("sram", "sram"): figures.sram_byte,
    }
    counts: Counter[str] = Counter()
    for step in firing.steps:
        match step.kind:
            case "product":
                tiling = tilings[step.matrix]
                counts["products"] += tiling.crossbars
                counts["rows"] += tiling.driven
                counts["columns"] += tiling.read
                counts["adc"] += tiling.conversions * tiling.rounds(hardware.crossbar)
                counts["dpu"] += _partial_sums(step, tilings)
            case "vector":
                counts["dpu"] += step.elements
            case "load":
                counts["sram"] += hardware.bytes_of(step.elements, step.bits)
            case _:
                pass
    energy: dict[str, float] = {}
    for (component, event), pj in of_event.items():
        if pj is not None:
            energy[component] = energy.get(component, 0) + pj * counts[event]
    return energy
