"""Places of a chip, built from its hardware description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.hardware.description import Hardware
from cmir.hardware.sections import Interconnect
from cmir.hardware.topology import Topology, graph, text, topology
from cmir.support.diagnostics import CompileError
from cmir.support.limits import check_memory, count_text


@dataclass(frozen=True)
class Places:
    """Places of cores. positions: by core; a core without one is the global control unit, at no distance from any."""

    chip: Topology | None
    positions: Mapping[CoreName, tuple[int, ...]]

    def hops(self, source: CoreName, target: CoreName) -> int:
        """Return the hops from one core to another; without a chip, two cores are one hop apart."""
        here, there = self.positions.get(source), self.positions.get(target)
        if here is None or there is None:
            return 0
        return int(here != there) if self.chip is None else self.chip.hops(here, there)

    def crosses(self, source: CoreName, target: CoreName) -> bool:
        """Return True if the route from one core to another leads to another chip."""
        here, there = self.positions.get(source), self.positions.get(target)
        if self.chip is None or here is None or there is None:
            return False
        return self.chip.crosses(here, there)


def chip_of(hardware: Hardware) -> Topology | None:
    """Return the topology of the hardware, or None if the description has no shape.

    Without a topology, there are any number of places, and any two are one hop apart.
    Raises CompileError if the links do not form a chip.
    """
    interconnect = hardware.interconnect
    if interconnect.edges is None and interconnect.shape is None:
        return None
    places = interconnect.places or 0
    check_memory(
        hardware.name,
        f"the chip has {count_text(places)} places, with a distance between any two",
        places**2 * _DISTANCE_BYTES,
    )
    try:
        return _chip(interconnect)
    except ValueError as error:
        raise CompileError(hardware.name, f"`interconnect`: {error}") from None


_DISTANCE_BYTES = 16
"""The bytes of a distance, and of what placement makes of it."""


@lru_cache(maxsize=64)
def _chip(interconnect: Interconnect) -> Topology:
    if interconnect.edges is not None:
        return graph(interconnect.edges)
    assert interconnect.shape is not None
    return topology(
        interconnect.topology, interconnect.shape, interconnect.chips, interconnect.chip_hops
    )


def check_places(network: NetworkOp, hardware: Hardware) -> None:
    """Raise CompileError if a core is not at a place of the chip."""
    chip = chip_of(hardware)
    for core in network.cores:
        place, name = core.place, core.sym_name.data
        if chip is not None and place not in chip:
            raise CompileError(
                core,
                f"core @{name} is at {text(place)}, which is no place of {chip.title}: cmcore-place-cores",
            )
