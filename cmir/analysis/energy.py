"""Energy of an inference, area of the cores in use, by component, and the cost of programming their crossbars."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from cmir.cost.firing import Matrix
from cmir.cost.program_cost import Cost
from cmir.cost.tiling import Tiling
from cmir.dialects.core_name import CoreName
from cmir.hardware.description import Hardware

PICO = 1e-12


@dataclass(frozen=True)
class TrafficTotals:
    """Traffic of one inference: bytes sent from core to core.

    byte_hops: bytes times hops within chips; a multicast counts once per link. chip_bytes: bytes that cross from chip
    to chip. delivered: bytes written into buffers. kept: bytes that products take from input registers, not from SRAM.
    """

    byte_hops: int = 0
    chip_bytes: int = 0
    delivered: int = 0
    kept: int = 0


def inference_energy(
    hardware: Hardware,
    costs: Mapping[CoreName, Cost],
    iterations: Mapping[CoreName, int],
    traffic: TrafficTotals,
    interval: float | None = None,
) -> dict[str, float]:
    """Return the joules of one inference by component, for the components whose figures the hardware gives.

    costs, iterations: of each core, with the iterations of one inference.
    interval: cycles between inferences in the steady state, over which an inference incurs the static power. Without an
    interval or a clock, there is no component `static`.
    """
    picojoules: dict[str, float] = {}

    def add(component: str, value: float) -> None:
        picojoules[component] = picojoules.get(component, 0) + value

    for core, cost in costs.items():
        for component, energy in cost.energy.items():
            add(component, energy * iterations[core])
    figures = hardware.energy
    written = figures.sram_written_byte
    written = figures.sram_byte if written is None else written
    if written is not None:
        add("sram", written * traffic.delivered)
    if figures.sram_byte is not None:
        add("sram", -figures.sram_byte * traffic.kept)
    if figures.link_byte is not None:
        add("links", figures.link_byte * traffic.byte_hops)
    across = figures.chip_link_byte if figures.chip_link_byte is not None else figures.link_byte
    if across is not None:
        add("links", across * traffic.chip_bytes)
    joules = {component: PICO * value for component, value in picojoules.items()}
    clock = hardware.system.clock_hz
    if figures.static_watts is not None and interval is not None and clock is not None:
        joules["static"] = figures.static_watts * interval / clock
    return joules


def area(hardware: Hardware, crossbars: Sequence[int]) -> dict[str, float]:
    """Return the area in mm² of the cores in use by component, for the components whose figures the hardware gives.

    crossbars: those that each core uses. A core counts with all crossbars that the hardware gives it, used or not; if
    the hardware gives no number, with those it uses.
    """
    figures, crossbar = hardware.area, hardware.crossbar
    cores = len(crossbars)
    total = sum(hardware.core.crossbars or used for used in crossbars)
    adcs = crossbar.adcs or (crossbar.columns and crossbar.columns + crossbar.unit_columns)
    counts = {
        "crossbar": (figures.crossbar, total),
        "adc": (figures.adc, None if adcs is None else total * adcs),
        "core": (figures.core, cores),
        "router": (figures.router, cores),
        "chip": (figures.chip, prod(hardware.interconnect.chips or (1,))),
    }
    return {
        component: figure * count
        for component, (figure, count) in counts.items()
        if figure is not None and count is not None
    }


@dataclass(frozen=True)
class Programming:
    """Cost of writing all weights, once, before the first inference; None for what the hardware gives no figure for.

    cycles: until the slowest core has programmed its crossbars, row by row. joules: of all cells that hold weights.
    """

    cycles: int | None = None
    seconds: float | None = None
    joules: float | None = None


def programming(hardware: Hardware, matrices: Collection[Collection[Matrix]]) -> Programming:
    """Return the cost of programming cores with these matrices. matrices: of each core."""
    crossbar = hardware.crossbar
    cells = crossbar.cells * sum(m.weights for core in matrices for m in core)
    rows = (sum(Tiling.of(m, crossbar).driven for m in core) for core in matrices)
    cycles, clock = crossbar.row_write_cycles, hardware.system.clock_hz
    if cycles is not None:
        cycles *= max(rows, default=0)
    each = hardware.energy.cell_write
    return Programming(
        cycles,
        None if cycles is None or clock is None else cycles / clock,
        None if each is None else PICO * each * cells,
    )
