"""The sections of the description of a machine, and what their fields mean."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod
from typing import Any

from cmir.hardware.fields import choice, described, edges, integer, integers, number


@dataclass(frozen=True)
class Crossbar:
    """The crossbars, which hold matrices and multiply. A crossbar takes inputs by rows and gives outputs by columns."""

    rows: int | None = described(
        integer(1), "inputs of a crossbar", "cells", absent="as many as a matrix has"
    )
    columns: int | None = described(
        integer(1), "outputs of a crossbar", "cells", absent="as many as a matrix needs"
    )
    active_rows: int | None = described(
        integer(1), "rows that are driven at a time", "cells", absent="all"
    )
    cell_bits: int | None = described(
        integer(1), "bits that a cell holds", "bits", absent="those of a weight"
    )
    weight_bits: int | None = described(
        integer(1), "bits of a weight", "bits", absent="those of a cell"
    )
    weight_slices: int | None = described(
        integer(1),
        "cells that hold a weight together, where they do not follow from the bits",
        "cells",
        absent="`weight_bits` / `cell_bits`, rounded up",
    )
    slicing: str = described(
        choice("crossbars", "columns"),
        "where the cells of a weight are: each in a crossbar of its own, or in columns of one",
        default="crossbars",
    )
    input_bits: int | None = described(
        integer(1), "bits of an input", "bits", absent="those of a phase"
    )
    dac_bits: int | None = described(
        integer(1), "bits of an input that are driven in a phase", "bits", absent="all"
    )
    input_phases: int | None = described(
        integer(1),
        "phases of a product, where they do not follow from the bits",
        absent="`input_bits` / `dac_bits`, rounded up",
    )
    phase_cycles: int = described(
        integer(0), "from one phase to the next, as far as ADCs keep up", "cycles", default=0
    )
    pipeline_cycles: int = described(
        integer(0), "from the end of the last phase to the result", "cycles", default=0
    )
    adcs: int | None = described(
        integer(1), "ADCs of a crossbar, which its columns share", absent="one for each column"
    )
    adc_cycles: int = described(integer(0), "of one conversion by one ADC", "cycles", default=0)

    @property
    def slices(self) -> int:
        """Cells that hold a weight together."""
        return self.weight_slices or _share(self.weight_bits, self.cell_bits)

    @property
    def phases(self) -> int:
        """Phases of a product."""
        return self.input_phases or _share(self.input_bits, self.dac_bits)

    def problem(self) -> str | None:
        """What is wrong with the fields together, if something is."""
        if self.weight_slices is not None and self.cell_bits is not None:
            return "`crossbar.weight_slices` and `crossbar.cell_bits` exclude each other"
        if self.input_phases is not None and self.dac_bits is not None:
            return "`crossbar.input_phases` and `crossbar.dac_bits` exclude each other"
        for part, whole in (("cell_bits", "weight_bits"), ("dac_bits", "input_bits")):
            if getattr(self, part) is not None and getattr(self, whole) is None:
                return f"`crossbar.{part}` needs `crossbar.{whole}`"
        if self.slicing == "columns" and self.columns is not None and self.columns < self.slices:
            return (
                f"`crossbar.columns` must be >= {self.slices}, the columns of one weight, "
                f"got {self.columns}"
            )
        return None


@dataclass(frozen=True)
class CoreSection:
    """The cores: crossbars, the vector unit (DPU), SRAM and control."""

    count: int | None = described(
        integer(1), "cores of all chips together", absent="as many as a network needs"
    )
    crossbars: int | None = described(
        integer(1), "crossbars of a core", absent="as many as a program needs"
    )
    sram_bytes: int | None = described(
        integer(1), "for the buffers of a core", "bytes", absent="as many as they need"
    )
    sram_ports: int = described(integer(1), "ports that loads share", default=1)
    sram_port_bytes: int | None = described(
        integer(1), "that a port reads in a cycle", "bytes", absent="a load takes no time"
    )
    sram_latency: int = described(
        integer(0), "that a load takes in addition to its transfer", "cycles", default=0
    )
    vector_lanes: int | None = described(
        integer(1),
        "elements on which the DPU works in a cycle",
        "elements",
        absent="its work takes no time",
    )
    vector_latency: int = described(
        integer(0),
        "that an operation of the DPU takes in addition to its work",
        "cycles",
        default=0,
    )
    credit_latency: int = described(
        integer(1),
        "from the start of an iteration to the arrival of its credit at a neighbour",
        "cycles",
        default=1,
    )
    fixed_interval: int | None = described(
        integer(1),
        "between the starts of two iterations, whatever they do",
        "cycles",
        absent="what the iteration takes",
    )
    fixed_latency: int | None = described(
        integer(1),
        "from the start of an iteration to the arrival of its result, whatever it does",
        "cycles",
        absent="what the iteration takes",
    )


TOPOLOGIES = ("all-to-all", "mesh", "torus", "ring", "edges")
"""How the cores are joined."""


@dataclass(frozen=True)
class Network:
    """The interconnect."""

    topology: str = described(
        choice(*TOPOLOGIES), "how the places of a chip are joined", default="all-to-all"
    )
    shape: tuple[int, ...] | None = described(
        integers(1), "places of a chip in each dimension", absent="a line of all cores"
    )
    edges: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] | None = described(
        edges(), "the directed links, from place to place, of topology `edges`", absent="none"
    )
    hop_cycles: int = described(
        integer(0), "added to a result or a credit for each hop", "cycles", default=0
    )
    link_bytes_per_cycle: int | None = described(
        integer(1), "that a link carries", "bytes per cycle", absent="unlimited"
    )
    chips: tuple[int, ...] | None = described(
        integers(1),
        "chips in each dimension, joined at their borders; for topology `mesh`",
        absent="one chip",
    )
    chip_hops: int = described(
        integer(1), "hops that a link between chips counts as", "hops", default=1
    )
    chip_link_bytes_per_cycle: int | None = described(
        integer(1), "that a link between chips carries", "bytes per cycle", absent="unlimited"
    )

    @property
    def places(self) -> int | None:
        """How many places there are, if the section says."""
        if self.edges is not None:
            return len({place for edge in self.edges for place in edge})
        return None if self.shape is None else prod(self.shape) * prod(self.chips or (1,))

    def rate(self, between_chips: bool) -> int | None:
        """Bytes that a link carries in a cycle; None for no limit."""
        return self.chip_link_bytes_per_cycle if between_chips else self.link_bytes_per_cycle

    def narrowest(self, crosses: bool) -> int | None:
        """Bytes that a way carries in a cycle, which goes from chip to chip if it `crosses`; None for no limit."""
        rates = [self.rate(between_chips) for between_chips in {False, crosses}]
        return min((rate for rate in rates if rate is not None), default=None)

    def problem(self) -> str | None:
        """What is wrong with the fields together, if something is."""
        if (self.edges is None) == (self.topology == "edges"):
            return "`network.edges` and topology `edges` need each other"
        if self.topology == "edges" and self.shape is not None:
            return "`network.shape` and `network.edges` exclude each other"
        if self.topology in ("mesh", "torus", "ring") and self.shape is None:
            return f"a {self.topology} needs `network.shape`"
        dimensions = len(self.shape or ())
        if self.topology == "ring" and dimensions != 1:
            return f"`network.shape` of a ring must be one number, got {dimensions}"
        if self.chips is not None and self.topology != "mesh":
            return f"`network.chips` is for topology `mesh`, got `{self.topology}`"
        if self.chips is not None and len(self.chips) != dimensions:
            return (
                f"`network.chips` must have as many dimensions as `network.shape`, {dimensions}, "
                f"got {len(self.chips)}"
            )
        return None


@dataclass(frozen=True)
class System:
    """Clock, numbers, and what goes in and out."""

    clock_hz: float | None = described(
        number(), "clock of the cores", "Hz", absent="times are in cycles only"
    )
    element_bits: int | None = described(
        integer(1), "of an element as it is stored and sent", "bits", absent="those of its type"
    )
    input_elements_per_cycle: int | None = described(
        integer(1),
        "at which inputs are streamed in",
        "elements per cycle",
        absent="inputs are there from the start",
    )
    output_elements_per_cycle: int | None = described(
        integer(1), "at which outputs are collected", "elements per cycle", absent="unlimited"
    )


@dataclass(frozen=True)
class Energy:
    """What events take. A figure that is not given is not reported."""

    crossbar_product: float | None = described(
        number(0), "a product on a crossbar, all phases", "pJ", absent="not reported"
    )
    adc_conversion: float | None = described(
        number(0), "a conversion of a column in a phase", "pJ", absent="not reported"
    )
    vector_element: float | None = described(
        number(0), "an operation of the DPU on an element", "pJ", absent="not reported"
    )
    sram_byte: float | None = described(
        number(0), "a byte read from SRAM, or written to it", "pJ", absent="not reported"
    )
    link_byte: float | None = described(number(0), "a byte over a hop", "pJ", absent="not reported")
    chip_link_byte: float | None = described(
        number(0), "a byte from chip to chip", "pJ", absent="as over a hop"
    )
    static_watts: float | None = described(
        number(0), "of all chips together, whatever they do", "W", absent="not reported"
    )


@dataclass(frozen=True)
class Area:
    """What parts occupy. A figure that is not given is not reported."""

    crossbar: float | None = described(number(0), "a crossbar", "mm²", absent="not reported")
    adc: float | None = described(number(0), "an ADC", "mm²", absent="not reported")
    core: float | None = described(number(0), "the rest of a core", "mm²", absent="not reported")
    router: float | None = described(
        number(0), "the links and the router of a place", "mm²", absent="not reported"
    )
    chip: float | None = described(number(0), "what a chip has once", "mm²", absent="not reported")


SECTIONS: dict[str, type[Any]] = {
    "crossbar": Crossbar,
    "core": CoreSection,
    "network": Network,
    "system": System,
    "energy": Energy,
    "area": Area,
}
"""The tables of a description, all optional, in order."""


def _share(whole: int | None, part: int | None) -> int:
    """Into how many parts of `part` bits `whole` bits are cut; one where either is not given."""
    return 1 if whole is None or part is None else ceil(whole / part)
