"""The places of a machine, as its description has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.hardware.description import Hardware, Network
from cmir.hardware.topology import Topology, graph, text, topology
from cmir.support.diagnostics import CompileError


@dataclass(frozen=True)
class Places:
    """Where cores are. positions: by core; a core without one is the global control unit, as near to all cores."""

    chip: Topology | None
    positions: Mapping[CoreName, tuple[int, ...]]

    def hops(self, source: CoreName, target: CoreName) -> int:
        """Hops from one core to another; without a chip, two cores are one hop apart."""
        here, there = self.positions.get(source), self.positions.get(target)
        if here is None or there is None:
            return 0
        return int(here != there) if self.chip is None else self.chip.hops(here, there)

    def crosses(self, source: CoreName, target: CoreName) -> bool:
        """True if the way from one core to another leads to another chip."""
        here, there = self.positions.get(source), self.positions.get(target)
        if self.chip is None or here is None or there is None:
            return False
        return self.chip.crosses(here, there)


def chip_of(hardware: Hardware) -> Topology | None:
    """The places of a machine; None where the description has no shape: there is room for any, one hop apart.

    Raises CompileError for links that make no chip.
    """
    network = hardware.network
    if network.edges is None and network.shape is None:
        return None
    try:
        return _chip(network)
    except ValueError as error:
        raise CompileError(hardware.name, f"`network`: {error}") from None


@lru_cache(maxsize=64)
def _chip(network: Network) -> Topology:
    if network.edges is not None:
        return graph(network.edges)
    assert network.shape is not None
    return topology(network.topology, network.shape, network.chips, network.chip_hops)


def check_places(network: NetworkOp, hardware: Hardware) -> None:
    """Raise CompileError if a core is at no place of the machine."""
    chip = chip_of(hardware)
    for core in network.cores:
        place, name = tuple(core.position.get_values()), core.sym_name.data
        if chip is not None and place not in chip:
            raise CompileError(
                core,
                f"core @{name} is at {text(place)}, which is no place of {chip.title}: cmcore-place-cores",
            )
