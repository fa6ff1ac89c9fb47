"""Sections of a hardware description, with the meaning of their fields."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from cmir.hardware.crossbar_models import Ideal, ModelSettings, model_table
from cmir.hardware.fields import choice, described, edges, flag, integer, integers, real, words

MOST_BITS = 1024
"""Bound of the bits of a number."""


@dataclass(frozen=True)
class Crossbar:
    """The crossbars, which hold matrices and multiply. A crossbar takes inputs by rows and gives outputs by columns."""

    rows: int | None = described(
        integer(1), "rows of a crossbar: its inputs", "cells", absent="as many as a matrix has"
    )
    columns: int | None = described(
        integer(1),
        "columns of a crossbar: its outputs",
        "cells",
        absent="as many as a matrix needs",
    )
    active_rows: int | None = described(integer(1), "rows driven at a time", "cells", absent="all")
    cell_bits: int | None = described(
        integer(1, MOST_BITS), "bits per cell", "bits", absent="those of a weight"
    )
    weight_bits: int | None = described(
        integer(1, MOST_BITS), "bits per weight", "bits", absent="those of a cell"
    )
    weight_slices: int | None = described(
        integer(1),
        "cells per weight, if the bits do not give them",
        "cells",
        absent="`weight_bits` / `cell_bits`, rounded up",
    )
    slicing: str = described(
        choice("crossbars", "columns"),
        "location of a weight's cells: in separate crossbars, or in columns of one crossbar",
        default="crossbars",
    )
    input_bits: int | None = described(
        integer(1, MOST_BITS), "bits per input", "bits", absent="those of a phase"
    )
    dac_bits: int | None = described(
        integer(1, MOST_BITS), "input bits driven per phase", "bits", absent="all"
    )
    input_phases: int | None = described(
        integer(1),
        "phases per product, if the bits do not give them",
        absent="`input_bits` / `dac_bits`, rounded up",
    )
    phase_cycles: int = described(
        integer(0), "time from one phase to the next, if the ADCs keep up", "cycles", default=0
    )
    pipeline_cycles: int = described(
        integer(0), "time from the end of the last phase to the result", "cycles", default=0
    )
    adcs: int | None = described(
        integer(1), "ADCs per crossbar, shared by its columns", absent="one for each column"
    )
    adc_cycles: int = described(
        integer(0), "time of one conversion by one ADC", "cycles", default=0
    )

    signed_weights: str = described(
        choice("cells", "column-pairs", "unit-column"),
        "negative weights: in the cells, in pairs of columns, or by a bias, with one more column per crossbar",
        default="cells",
    )
    convert_all_columns: bool = described(
        flag(), "columns without weights take conversions, too", default=False
    )
    row_write_cycles: int | None = described(
        integer(0), "time to program a row of cells", "cycles", absent="not reported"
    )
    adc_bits: int | None = described(
        integer(1, MOST_BITS), "bits of a conversion, for `model`", "bits", absent="exact"
    )
    model: ModelSettings = described(
        model_table(),
        "what products on crossbars compute in the simulator; timing and proofs do not depend on it",
        default=Ideal(),
    )

    @property
    def slices(self) -> int:
        """Number of slices of a weight; with pairs of columns, each has two cells."""
        return self.weight_slices or _share(self.weight_bits, self.cell_bits)

    @property
    def cells(self) -> int:
        """Number of cells per weight."""
        return self.slices * (2 if self.signed_weights == "column-pairs" else 1)

    @property
    def crossbars_per_weight(self) -> int:
        """Number of crossbars over which the cells of a weight are spread."""
        return 1 if self.slicing == "columns" else self.slices

    @property
    def columns_per_weight(self) -> int:
        """Number of columns that a weight takes in each of its crossbars."""
        return self.cells // self.crossbars_per_weight

    @property
    def unit_columns(self) -> int:
        """Number of columns of a crossbar, beyond `columns`, that hold no weights."""
        return int(self.signed_weights == "unit-column")

    @property
    def phases(self) -> int:
        """Number of phases per product."""
        return self.input_phases or _share(self.input_bits, self.dac_bits)

    def problem(self) -> str | None:
        """Return a message about an invalid combination of fields, or None."""
        if self.weight_slices is not None and self.cell_bits is not None:
            return "`crossbar.weight_slices` and `crossbar.cell_bits` exclude each other"
        if self.input_phases is not None and self.dac_bits is not None:
            return "`crossbar.input_phases` and `crossbar.dac_bits` exclude each other"
        for part, whole in (("cell_bits", "weight_bits"), ("dac_bits", "input_bits")):
            if getattr(self, part) is not None and getattr(self, whole) is None:
                return f"`crossbar.{part}` needs `crossbar.{whole}`"
        if self.columns is not None and self.columns < self.columns_per_weight:
            return (
                f"`crossbar.columns` must be >= {self.columns_per_weight}, the columns of one weight, "
                f"got {self.columns}"
            )
        return None


@dataclass(frozen=True)
class CoreSection:
    """The cores: crossbars, the vector unit (DPU), SRAM and control."""

    count: int | None = described(
        integer(1), "cores on all chips", absent="as many as a network needs"
    )
    crossbars: int | None = described(
        integer(1), "crossbars per core", absent="as many as a program needs"
    )
    sram_bytes: int | None = described(
        integer(1), "SRAM for the buffers of a core", "bytes", absent="as many as they need"
    )
    sram_ports: int = described(integer(1), "SRAM ports shared by loads", default=1)
    sram_port_bytes: int | None = described(
        integer(1), "bytes that a port reads per cycle", "bytes", absent="a load takes no time"
    )
    sram_latency: int = described(
        integer(0), "latency of a load beyond its transfer", "cycles", default=0
    )
    vector_lanes: int | None = described(
        integer(1),
        "elements that the DPU processes per cycle",
        "elements",
        absent="operations take no time",
    )
    vector_latency: int = described(
        integer(0),
        "latency of a DPU operation beyond its work",
        "cycles",
        default=0,
    )
    credit_latency: int = described(
        integer(1),
        "time from the start of an iteration to the arrival of its credit at a neighbour",
        "cycles",
        default=1,
    )
    fixed_interval: int | None = described(
        integer(1),
        "fixed interval between the starts of iterations",
        "cycles",
        absent="computed from the iteration",
    )
    fixed_latency: int | None = described(
        integer(1),
        "fixed time from the start of an iteration to the arrival of its result",
        "cycles",
        absent="computed from the iteration",
    )
    input_registers: bool = described(
        flag(),
        "products read from SRAM only what the iteration before has not loaded; for energy",
        default=False,
    )
    product_issue_cycles: int = described(
        integer(0),
        "time between the starts of products with other inputs on a core: parts of a matrix, or matrices",
        "cycles",
        default=0,
    )


TOPOLOGIES = ("all-to-all", "mesh", "torus", "ring", "edges")
"""Kinds of links between places."""


@dataclass(frozen=True)
class Interconnect:
    """The interconnect."""

    topology: str = described(
        choice(*TOPOLOGIES), "kind of links between the places of a chip", default="all-to-all"
    )
    shape: tuple[int, ...] | None = described(
        integers(1), "number of places in each dimension of a chip", absent="a line of all cores"
    )
    edges: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] | None = described(
        edges(), "directed links from place to place, for topology `edges`", absent="none"
    )
    hop_cycles: int = described(
        integer(0), "time added to a result or a credit for each hop", "cycles", default=0
    )
    link_bytes_per_cycle: int | None = described(
        integer(1), "bandwidth of a link", "bytes per cycle", absent="unlimited"
    )
    chips: tuple[int, ...] | None = described(
        integers(1),
        "number of chips in each dimension, joined at their borders; for topology `mesh`",
        absent="one chip",
    )
    chip_hops: int = described(
        integer(1), "hops that a link between chips counts as", "hops", default=1
    )
    chip_link_bytes_per_cycle: int | None = described(
        integer(1), "bandwidth of a link between chips", "bytes per cycle", absent="unlimited"
    )

    @property
    def places(self) -> int | None:
        """Number of places, or None if the section does not determine it."""
        if self.edges is not None:
            return len({place for edge in self.edges for place in edge})
        return None if self.shape is None else prod(self.shape) * prod(self.chips or (1,))

    def rate(self, between_chips: bool) -> int | None:
        """Return the bandwidth of a link in bytes per cycle; None for no limit."""
        return self.chip_link_bytes_per_cycle if between_chips else self.link_bytes_per_cycle

    def narrowest(self, crosses: bool) -> int | None:
        """Return the bandwidth of a route, which leaves the chip if it `crosses`; None for no limit."""
        rates = [self.rate(between_chips) for between_chips in {False, crosses}]
        return min((rate for rate in rates if rate is not None), default=None)

    def problem(self) -> str | None:
        """Return a message about an invalid combination of fields, or None."""
        if (self.edges is None) == (self.topology == "edges"):
            return "`interconnect.edges` and topology `edges` need each other"
        if self.topology == "edges" and self.shape is not None:
            return "`interconnect.shape` and `interconnect.edges` exclude each other"
        if self.topology in ("mesh", "torus", "ring") and self.shape is None:
            return f"a {self.topology} needs `interconnect.shape`"
        dimensions = len(self.shape or ())
        if self.topology == "ring" and dimensions != 1:
            return f"`interconnect.shape` of a ring must be one number, got {dimensions}"
        if self.chips is not None and self.topology != "mesh":
            return f"`interconnect.chips` is for topology `mesh`, got `{self.topology}`"
        if self.chips is not None and len(self.chips) != dimensions:
            return (
                f"`interconnect.chips` must have as many dimensions as `interconnect.shape`, {dimensions}, "
                f"got {len(self.chips)}"
            )
        return None


@dataclass(frozen=True)
class System:
    """Clock, number formats, and the rates of inputs and outputs."""

    clock_hz: float | None = described(
        real(), "clock frequency of the cores", "Hz", absent="times are in cycles only"
    )
    element_bits: int | None = described(
        integer(1, MOST_BITS),
        "bits per element, stored or sent",
        "bits",
        absent="those of its type",
    )
    input_elements_per_cycle: int | None = described(
        integer(1),
        "rate at which inputs are streamed in",
        "elements per cycle",
        absent="inputs are present from the start",
    )
    output_elements_per_cycle: int | None = described(
        integer(1), "rate at which outputs are collected", "elements per cycle", absent="unlimited"
    )


ENERGY_PARTS = ("crossbar", "adc", "dpu", "sram", "links", "static")
"""Components of the energy of an inference."""

AREA_PARTS = ("crossbar", "adc", "core", "router", "chip")
"""Components of the area."""


@dataclass(frozen=True)
class Energy:
    """Energy per event. A figure that is not given is not reported."""

    crossbar_product: float | None = described(
        real(0), "product on a crossbar, all phases", "pJ", absent="not reported"
    )
    adc_conversion: float | None = described(
        real(0), "conversion of a column in a phase", "pJ", absent="not reported"
    )
    vector_element: float | None = described(
        real(0), "DPU operation on one element", "pJ", absent="not reported"
    )
    sram_byte: float | None = described(
        real(0), "byte read from SRAM or written to it", "pJ", absent="not reported"
    )
    link_byte: float | None = described(real(0), "byte over a hop", "pJ", absent="not reported")
    chip_link_byte: float | None = described(
        real(0), "byte from chip to chip", "pJ", absent="as over a hop"
    )
    static_watts: float | None = described(
        real(0), "power of all chips, regardless of their work", "W", absent="not reported"
    )
    crossbar_row: float | None = described(
        real(0),
        "row in use in a product on a crossbar, all phases",
        "pJ",
        absent="part of `crossbar_product`",
    )
    crossbar_column: float | None = described(
        real(0),
        "column in use in a product on a crossbar, all phases",
        "pJ",
        absent="part of `crossbar_product`",
    )
    sram_written_byte: float | None = described(
        real(0), "byte written to SRAM", "pJ", absent="`sram_byte`"
    )
    cell_write: float | None = described(
        real(0), "programming of a cell, all pulses", "pJ", absent="not reported"
    )
    includes: tuple[str, ...] = described(
        words(*ENERGY_PARTS),
        "components whose energy is part of other figures",
        default=(),
    )


@dataclass(frozen=True)
class Area:
    """Area of components. A figure that is not given is not reported."""

    crossbar: float | None = described(real(0), "crossbar", "mm²", absent="not reported")
    adc: float | None = described(real(0), "ADC", "mm²", absent="not reported")
    core: float | None = described(real(0), "rest of a core", "mm²", absent="not reported")
    router: float | None = described(
        real(0), "links and router of a place", "mm²", absent="not reported"
    )
    chip: float | None = described(
        real(0), "components that a chip has once", "mm²", absent="not reported"
    )
    includes: tuple[str, ...] = described(
        words(*AREA_PARTS),
        "components whose area is part of other figures",
        default=(),
    )


SECTIONS: dict[str, type[Any]] = {
    "crossbar": Crossbar,
    "core": CoreSection,
    "interconnect": Interconnect,
    "system": System,
    "energy": Energy,
    "area": Area,
}
"""Tables of a description, all optional, in order."""

FORMER_NAMES = {"network": "interconnect"}
"""Current names of tables by their names in earlier versions, which are still read."""


def _share(whole: int | None, part: int | None) -> int:
    """Return the number of parts of `part` bits in `whole` bits; 1 if either is not given."""
    return 1 if whole is None or part is None else -(-whole // part)
