"""Costs of an inference on a chip: energy, area and link load, as far as the hardware description has figures.

A missing figure is not taken as zero: the costs that depend on it are omitted, and the field is named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from cmir.analysis.energy import Programming, TrafficTotals, area, inference_energy, programming
from cmir.analysis.headlines import Headlines, headlines_of
from cmir.analysis.input_registers import kept_bytes
from cmir.cost.firing import Matrix
from cmir.cost.traffic import Flow, link_loads, traffic_of
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import symbol
from cmir.hardware.description import Hardware
from cmir.hardware.sections import AREA_PARTS
from cmir.hardware.topology import Link, Topology, topology
from cmir.timing.network import TimedNetwork


@dataclass(frozen=True)
class LinkUse:
    """Load of a link.

    bytes: bytes per inference. bytes_per_cycle: capacity of the link; None for no limit.
    """

    link: Link
    bytes: int
    bytes_per_cycle: int | None

    @property
    def cycles(self) -> float:
        """Cycles that an inference keeps the link busy; the interval cannot be shorter."""
        return 0.0 if self.bytes_per_cycle is None else self.bytes / self.bytes_per_cycle


@dataclass(frozen=True)
class Stream:
    """Inputs or outputs of the chip, which pass through the global control unit.

    what: `inputs` or `outputs`. elements: total per inference. elements_per_cycle: rate of the chip.
    """

    what: str
    elements: int
    elements_per_cycle: int

    @property
    def cycles(self) -> float:
        """Cycles that an inference takes at this rate; the interval cannot be shorter."""
        return self.elements / self.elements_per_cycle


@dataclass(frozen=True)
class InferenceCosts:
    """Costs of one inference in a stream.

    interval: cycles between inferences in the steady state, as limited by the cores.
    energy: joules by component. area: mm² by component, for the cores in use.
    energy_missing, area_missing: missing fields of the hardware description, by the component that needs them.
    links: the links that carry data, the busiest first.
    streams: inputs and outputs, if the chip has a rate for them.
    byte_hops: Σ bytes × hops, over all pairs of a core and a core that reads from it.
    crossbars: crossbars in use, over all cores.
    headlines: rates, efficiencies, and the use of the crossbars.
    programming: of all crossbars, once.
    """

    interval: float
    energy: Mapping[str, float]
    energy_missing: Mapping[str, str]
    area: Mapping[str, float]
    area_missing: Mapping[str, str]
    links: Sequence[LinkUse]
    streams: Sequence[Stream]
    byte_hops: int
    crossbars: int
    headlines: Headlines
    programming: Programming = dataclasses.field(default_factory=Programming)

    @property
    def busiest(self) -> LinkUse | None:
        """The link that an inference keeps busy longest; if links have no limit, the one that carries most."""
        return next(iter(self.links), None)

    def utilisation(self, use: LinkUse | Stream) -> float | None:
        """Return the share of the interval during which a link, or the inputs or outputs, are busy.

        Above 1, they cannot keep up. The result is None if the rate is unlimited.
        """
        limited = isinstance(use, Stream) or use.bytes_per_cycle is not None
        return use.cycles / self.interval if limited else None


def costs_of(timed: TimedNetwork, interval: float) -> InferenceCosts:
    """Return the costs of one inference of a network on its chip, one every `interval` cycles."""
    network, hardware = timed.network.op, timed.hardware
    names, cores = list(timed.network.positions), network.cores
    costs = {name: timed.costs[name] for name in names}
    iterations = {name: timed.network.single_cores[name].iterations for name in names}
    if timed.places.chip is None:  # assume a direct link between any two cores
        chip, places = (
            topology("all-to-all", (max(1, len(cores)),)),
            [(k,) for k in range(len(cores))],
        )
    else:
        chip, places = timed.places.chip, [core.place for core in cores]
    sent = traffic_of(network, hardware)
    loads = link_loads(chip, places, sent.flows)
    traffic = _traffic(chip, loads, sent.delivered)
    if hardware.core.input_registers:
        kept = sum(kept_bytes(timed.network.single_cores[name], hardware) for name in names)
        traffic = replace(traffic, kept=kept)
    uses = [_use(chip, hardware, link, load) for link, load in loads.items()]
    streams = list(_streams(network, hardware))
    energy = inference_energy(hardware, costs, iterations, traffic, interval)
    on_core = [[instance.core_name for instance in core.instances] for core in cores]
    areas = area(hardware, [sum(costs[name].crossbars for name in those) for those in on_core])
    missing = {
        "energy": dict(_missing_energy(hardware, traffic)),
        "area": dict(_missing_area(hardware)),
    }
    reached = max([interval, *(use.cycles for use in (*uses, *streams))])
    return InferenceCosts(
        interval,
        energy,
        missing["energy"],
        areas,
        missing["area"],
        sorted(uses, key=lambda use: (-use.cycles, -use.bytes, use.link)),
        streams,
        _byte_hops(timed.places.chip, places, sent.flows),
        sum(cost.crossbars for cost in costs.values()),
        headlines_of(timed, reached, energy, areas, missing),
        programming(hardware, [_matrices(timed, those) for those in on_core]),
    )


def at_rates_of(timed: TimedNetwork, costs: InferenceCosts) -> InferenceCosts:
    """Return costs with the rates of links, inputs and outputs that another description of the same chip has.

    timed: the network on that chip. Everything else is as in `costs`.
    """
    chip, hardware = timed.places.chip, timed.hardware
    links = [
        replace(
            use,
            bytes_per_cycle=hardware.interconnect.rate(
                chip is not None and chip.crosses(*use.link)
            ),
        )
        for use in costs.links
    ]
    return replace(costs, links=links, streams=list(_streams(timed.network.op, hardware)))


def _matrices(timed: TimedNetwork, names: Sequence[CoreName]) -> list[Matrix]:
    """Return the matrices of programs on a core, with all their ways."""
    firings = (timed.firings[name] for name in names)
    return [matrix for firing in firings for matrix in firing.ways * firing.matrices]


def _traffic(chip: Topology, loads: Mapping[Link, int], delivered: int) -> TrafficTotals:
    across = sum(load for link, load in loads.items() if chip.crosses(*link))
    return TrafficTotals(sum(loads.values()) - across, across, delivered)


def _use(chip: Topology, hardware: Hardware, link: Link, load: int) -> LinkUse:
    return LinkUse(link, load, hardware.interconnect.rate(chip.crosses(*link)))


def _streams(network: NetworkOp, hardware: Hardware) -> Iterator[Stream]:
    system, arrays = hardware.system, network.arrays
    for what, refs, rate in (
        ("inputs", network.inputs, system.input_elements_per_cycle),
        ("outputs", network.outputs, system.output_elements_per_cycle),
    ):
        if rate is not None:
            yield Stream(what, sum(prod(arrays[symbol(ref)].shape) for ref in refs), rate)


def _byte_hops(
    chip: Topology | None, places: Sequence[tuple[int, ...]], flows: Sequence[Flow]
) -> int:
    if chip is None:
        return sum(flow.bytes * len(flow.targets) for flow in flows)
    return sum(
        flow.bytes * chip.hops(places[flow.source], places[target])
        for flow in flows
        for target in flow.targets
    )


def _missing_energy(hardware: Hardware, traffic: TrafficTotals) -> Iterator[tuple[str, str]]:
    figures = hardware.energy
    of_component = {
        "crossbar": "crossbar_product",
        "adc": "adc_conversion",
        "dpu": "vector_element",
        "sram": "sram_byte",
        "links": "link_byte" if traffic.byte_hops or not traffic.chip_bytes else "chip_link_byte",
        "static": "static_watts",
    }
    in_use = figures.crossbar_row is not None or figures.crossbar_column is not None
    for component, field in of_component.items():
        if component in figures.includes:
            continue
        if getattr(figures, field) is None:
            if field == "chip_link_byte" and figures.link_byte is not None:
                continue  # `link_byte` stands in for it
            if component == "crossbar" and in_use:
                continue  # figures of rows and columns stand in for it
            yield component, f"energy.{field}"
        elif component == "static" and hardware.system.clock_hz is None:
            yield component, "system.clock_hz"


def _missing_area(hardware: Hardware) -> Iterator[tuple[str, str]]:
    for component in AREA_PARTS:
        if component in hardware.area.includes:
            continue
        if getattr(hardware.area, component) is None:
            yield component, f"area.{component}"
        elif component == "adc" and not (hardware.crossbar.adcs or hardware.crossbar.columns):
            yield component, "crossbar.adcs"
