"""What binds a stream of inferences: the core, link or port that an inference keeps busy longest, and with what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cmir.analysis.copies import nodes_of
from cmir.analysis.inference_costs import InferenceCosts
from cmir.cost.pace import Pace
from cmir.cost.program_cost import Cost
from cmir.dialects.core_name import CoreName
from cmir.hardware.topology import link_text
from cmir.support.counts import count_of
from cmir.support.origins import tells_more
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport

FULL = 0.99
"""Share of the interval above which a resource binds; below, waits do."""

WORK = {
    "issue": "starting products",
    "crossbar": "products on crossbars",
    "dpu": "the vector unit",
    "sram": "loads from SRAM",
    "link": "sending results",
    "starts": "starting iterations",
    "transfers": "transfers",
}
"""What a resource is busy with, in words, by its short name."""


@dataclass(frozen=True)
class Binding:
    """The busiest resource of a steady stream.

    kind: `core`, `link` or `port`. name: of the core's program, the link, or `inputs` or `outputs`.
    cores, others: number of cores of the program, and of others, that are as busy.
    work: a key of WORK. cycles: cycles of an inference. share: of the interval.
    waits: what it waits for the rest of the time, `data` or `room`; None if it is busy almost all of the time.
    node: the node of the model that the program comes from, None if unknown.
    """

    kind: str
    name: str
    cores: int
    others: int
    work: str
    cycles: float
    share: float
    waits: str | None
    node: str | None = None

    def __str__(self) -> str:
        what = self.name if self.kind == "core" else f"{self.kind} {self.name}"
        if self.node is not None and tells_more(self.node, self.name):
            what += f" ({self.node})"
        copies = f" × {self.cores}" if self.cores > 1 else ""
        if self.others:
            copies += f" and {count_of(self.others, 'other core')}"
        busy = f"{WORK[self.work]}, {100 * self.share:.3g} % of the time"
        return f"{what}{copies}: {busy}" + (
            f"; then it waits for {self.waits}" if self.waits else ""
        )


def binding_of(timed: TimedNetwork, costs: InferenceCosts, report: RunReport) -> Binding:
    """Return what binds a network on its chip. report: of a stream, for what the busiest core waits for."""
    kind, name, work, cycles = max(_candidates(timed, costs), key=lambda found: found[3])
    interval = max(costs.interval, cycles)
    share = cycles / interval
    if not isinstance(name, CoreName):
        waits = None if share >= FULL else "the cores"
        return Binding(kind, name, 1, 0, work, cycles, share, waits)
    of_core = next(core for core in report.cores if core.name == name)
    room = of_core.credit_stalls > of_core.data_stalls
    waits = None if share >= FULL else "room" if room else "data"
    busy = [c.name for c in report.cores if _cycles(c.pace, c.iterations) == cycles]
    positions = timed.network.positions
    on = {each: positions.get(each, each) for each in busy}
    alike = {place for each, place in on.items() if each.program == name.program}
    others = len({*on.values()} - alike)
    node = nodes_of(timed.network.op).get(name.program)
    return Binding(kind, name.program, len(alike), others, work, cycles, share, waits, node)


def busiest_cycles(timed: TimedNetwork, costs: InferenceCosts) -> float:
    """Return the cycles for which an inference keeps the busiest resource busy; the interval cannot be shorter."""
    return max(cycles for _, _, _, cycles in _candidates(timed, costs))


def _candidates(
    timed: TimedNetwork, costs: InferenceCosts
) -> Iterator[tuple[str, CoreName | str, str, float]]:
    """Yield (kind, name, work, cycles) of each resource."""
    for name, cost in timed.costs.items():
        cycles = _cycles(cost.pace, timed.network.single_cores[name].iterations)
        if name in timed.network.positions:
            yield "core", name, _work(cost), cycles
        else:
            yield "port", name, "transfers", cycles
    for use in costs.links:
        yield "link", link_text(use.link), "transfers", use.cycles
    for stream in costs.streams:
        yield "port", stream.what, "transfers", stream.cycles


def _cycles(pace: Pace, iterations: int) -> float:
    """Return the cycles of an inference, which are whole without ways."""
    cycles = pace.cycles(iterations)
    return int(cycles) if cycles.denominator == 1 else float(cycles)


def _work(cost: Cost) -> str:
    """Return the resource that determines the interval of an iteration."""
    loads = cost.loads
    work = max(loads, key=lambda resource: loads[resource], default="starts")
    return work if loads.get(work, 0) == cost.interval else "starts"
