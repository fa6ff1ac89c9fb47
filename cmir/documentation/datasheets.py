"""Figures of the presets beside those that their sources publish.

Figures are those of a chip at full load: all crossbars multiply without a pause, with all their rows and columns in
use. The inputs of each product arrive over a hop, are written to SRAM and read once. Digital units do nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cmir.analysis.energy import PICO, area
from cmir.cost.firing import Firing, FiringStep, Matrix
from cmir.cost.program_cost import Cost, firing_cost
from cmir.hardware.description import Hardware, presets

TOLERANCE = 0.05
"""Relative difference above which a figure needs an explanation."""

UNITS = {
    "TOPS": "",
    "TOPS/W": "",
    "TOPS/mm²": "",
    "W": "",
    "mm²": "",
    "product latency": " ns",
    "product energy": " nJ",
    "layer latency": " ns",
}
"""Figures of a data sheet, with units that their names lack. Layers are those of `Published.layer`."""


@dataclass(frozen=True)
class Published:
    """A published figure.

    where: table, figure, section or file of the source. because: explanation of a difference above the tolerance.
    beside: what the published figure counts and the description has elsewhere, added to ours. layer: (outputs, inputs)
    of the layer of a `layer latency`: a window is loaded, multiplied, activated and sent.
    """

    figure: str
    value: float
    where: str
    because: str = ""
    beside: float = 0
    layer: tuple[int, int] = (0, 0)


PUBLISHED: dict[str, tuple[Published, ...]] = {
    "aimc-512": (
        Published("product latency", 130, "arXiv:2211.12877"),
        Published("mm²", 480, "arXiv:2211.12877, for the whole chip"),
    ),
    "colonnade": (
        Published("TOPS", 16 * 0.02575, "JSSC 56 (2021), by CiMLoop's test_throughput_scaling, 16 times"),
        Published("TOPS/W", 2 / 1.16965, "JSSC 56 (2021), figure 16a, by CiMLoop"),
        Published("mm²", 16 * 0.2272, "JSSC 56 (2021), figure 17, by CiMLoop, 16 times"),
    ),
    "hermes": (
        Published("TOPS", 16.1, "Nature Electronics 6 (2023), abstract"),
        Published("TOPS/W", 2.48, "Nature Electronics 6 (2023), abstract"),
        Published("TOPS/mm²", 0.400, "Nature Electronics 6 (2023), section VI"),
    ),
    "hermes-1-phase": (
        Published("TOPS", 63.1, "Nature Electronics 6 (2023), abstract"),
        Published("TOPS/W", 9.76, "Nature Electronics 6 (2023), abstract"),
        Published("TOPS/mm²", 1.55, "Nature Electronics 6 (2023), section VI"),
    ),
    "isaac": (
        Published("TOPS", 0.47895 * 85.4, "ISCA 2016, tables I and IV: 478.95 GOPS/mm² on 85.4 mm²"),
        Published("TOPS/W", 0.6275, "ISCA 2016, table IV"),
        Published("TOPS/mm²", 0.47895, "ISCA 2016, table IV"),
        Published("W", 65.8, "ISCA 2016, table I"),
        Published("mm²", 85.4, "ISCA 2016, table I"),
        Published("product energy", 24.08e-3 * 1600 / 8, "ISCA 2016, table I: 24.08 mW for eight, 1.6 µs"),
        Published(
            "layer latency",
            2200,
            "ISCA 2016, figure 4b: 22 cycles of 100 ns",
            because="a read of 512 bytes and the sigmoid fill stages of 100 ns there, and take 50 and 1 ns here",
            layer=(32, 256),
        ),
    ),
    "neurram": (
        Published("TOPS", 0.74387, "Nature 608 (2022), by CiMLoop's test_tops: 4-bit inputs, 6-bit outputs"),
        Published("TOPS/W", 15.954, "Nature 608 (2022), by CiMLoop's test_tops"),
    ),
    "pimcomp": (
        Published("product latency", 2601, "pimsim-nn, XbarArray.cpp, calcXbarArrayLatency"),
        Published("product energy", 48.98, "pimsim-nn, XbarArray.cpp, calcXbarArrayEnergy"),
    ),
    "pimcomp-evaluator": (
        Published("product latency", 4000, "PIMCOMP-NN, EvaluationConfig.h, MVMUL_latency"),
    ),
    "pimsim-nn": (
        Published("product latency", 5168, "pimsim-nn, XbarArray.cpp, calcXbarArrayLatency"),
    ),
    "puma": (
        Published(
            "TOPS",
            52.31,
            "ASPLOS 2019, table 6",
            because="52.31 TOPS need a product every 1383 ns; its published latency is 2304 ns, and the authors' "
            "simulator pipelines it in stages of 128 ns, so that one follows another after 2048 ns",
        ),
        Published("TOPS/W", 0.837, "ASPLOS 2019, abstract", because="as for TOPS: power agrees"),
        Published("TOPS/mm²", 0.577, "ASPLOS 2019, abstract", because="as for TOPS: area agrees"),
        Published("W", 62.5, "ASPLOS 2019, table 6"),
        Published("mm²", 90.6, "ASPLOS 2019, table 6"),
        Published("product latency", 2304, "ASPLOS 2019, section 7.4.3"),
        Published(
            "product energy",
            43.97,
            "ASPLOS 2019, section 7.4.3; with leakage, 1.74 mW for 2304 ns, which is part of static_watts here",
            beside=1.74e-3 * 2304,
        ),
    ),
}  # fmt: skip
"""Published figures of presets. `ideal` has none."""


@dataclass(frozen=True)
class Row:
    """A figure of a data sheet. ours: with `Published.beside`. published: None if unpublished."""

    preset: str
    figure: str
    ours: float
    published: Published | None

    @property
    def difference(self) -> float:
        """The relative difference to the published figure; 0 if there is none."""
        return 0 if self.published is None else self.ours / self.published.value - 1

    @property
    def percent(self) -> str:
        """The difference as text."""
        return f"{round(100 * self.difference, 1) or 0.0:+.1f} %"

    @property
    def agrees(self) -> bool:
        """True if the figure is as published, within the tolerance, or if there is nothing to compare."""
        return abs(self.difference) <= TOLERANCE


def datasheet(hardware: Hardware) -> Iterator[Row]:
    """Yield the figures of a chip, each with its published value if there is one."""
    ours = figures(hardware)
    published = {p.figure: p for p in PUBLISHED.get(hardware.name, ())}
    for figure in UNITS:
        known, value = published.get(figure), ours.get(figure)
        if known is not None and known.layer != (0, 0):
            value = layer_latency(hardware, *known.layer)
        if value is not None:
            yield Row(hardware.name, figure, value + (known.beside if known else 0), known)


def figures(hardware: Hardware) -> dict[str, float]:
    """Return the figures of a chip at full load, as far as the description determines them."""
    crossbar, core, clock = hardware.crossbar, hardware.core, hardware.system.clock_hz
    if None in (crossbar.rows, crossbar.columns, core.count, core.crossbars, clock):
        return {}
    assert crossbar.rows and crossbar.columns and core.count and core.crossbars and clock
    matrix = Matrix(crossbar.columns // crossbar.columns_per_weight, crossbar.rows)
    product = Firing((FiringStep("product", matrix.outputs),), (matrix,))
    cost = firing_cost(product, hardware)
    matrices = core.count * (core.crossbars // cost.crossbars)
    seconds = cost.busy["crossbar"] / clock
    found = {
        "TOPS": 2e-12 * matrix.inputs * matrix.outputs * matrices / seconds,
        "product latency": 1e9 * cost.latency / clock,
    }
    watts = _watts(hardware, matrix, cost, matrices / seconds)
    if watts is not None:
        found |= {"W": watts, "TOPS/W": found["TOPS"] / watts}
        found["product energy"] = 1e-3 * sum(cost.energy.values())
    if (mm2 := _area(hardware, cost)) is not None:
        found |= {"mm²": mm2, "TOPS/mm²": found["TOPS"] / mm2}
    return found


def layer_latency(hardware: Hardware, outputs: int, inputs: int) -> float:
    """Return the nanoseconds from a window's load to the end of its result's transfer."""
    steps = (
        FiringStep("load", inputs),
        FiringStep("product", outputs, after=(0,)),
        FiringStep("vector", outputs, after=(1,)),
        FiringStep("store", outputs, after=(2,)),
    )
    cost = firing_cost(Firing(steps, (Matrix(outputs, inputs),)), hardware)
    assert hardware.system.clock_hz is not None
    return 1e9 * cost.latency / hardware.system.clock_hz


def _watts(hardware: Hardware, matrix: Matrix, cost: Cost, products: float) -> float | None:
    """Return the power at full load; None if products or conversions have no energy. products: number per second."""
    energy = hardware.energy
    for component, figure in (
        ("crossbar", energy.crossbar_product),
        ("adc", energy.adc_conversion),
    ):
        if figure is None and component not in energy.includes:
            return None
    moved = hardware.bytes_of(matrix.inputs, 8)
    each = sum(cost.energy.values()) + moved * (
        2 * (energy.sram_byte or 0) + (energy.link_byte or 0)
    )
    return PICO * each * products + (energy.static_watts or 0)


def _area(hardware: Hardware, cost: Cost) -> float | None:
    """Return the area of all cores; None if the description has no area of crossbars and cores."""
    parts = hardware.area
    if parts.crossbar is None and "crossbar" not in parts.includes:
        return None
    cores = hardware.core.count or 0
    return sum(area(hardware, [cost.crossbars] * cores).values())


def agreement() -> Iterator[str]:
    """Yield rows of a table in Markdown: published figures of the presets, ours, differences and explanations."""
    for name in presets():
        for row in datasheet(Hardware.load(name)):
            if (known := row.published) is None:
                continue
            why = f"; {known.because}" if known.because else ""
            yield (
                f"| `{name}` | {row.figure} | {known.value:.4g}{UNITS[row.figure]} | "
                f"{row.ours:.4g}{UNITS[row.figure]} | {row.percent} | {known.where}{why} |\n"
            )
