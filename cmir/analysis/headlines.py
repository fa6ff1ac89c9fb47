"""The few figures that a run is compared by: rates, efficiencies, and the use of the crossbars.

A figure that depends on something unknown is None. If only a part of the energy or of the area is unknown, the figure
with the known parts is an upper bound, and is called one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cmir.cost.firing import Firing
from cmir.cost.tiling import Tiling
from cmir.hardware.description import Hardware
from cmir.timing.network import TimedNetwork

TERA = 1e12


@dataclass(frozen=True)
class Headlines:
    """Figures of a stream of inferences in its steady state.

    inferences_per_second: at the interval that cores, links, inputs and outputs allow.
    macs: multiply-accumulates of an inference on crossbars; an operation (of TOPS) is half of one.
    tops: 10¹² operations a second. tops_per_watt, tops_per_mm2: with the energy and the area of all components.
    tops_per_watt_at_most, tops_per_mm2_at_most: with those of the known components.
    cells_used: share of the cells that hold weights, of those of the crossbars in use. chip_cells_used: of all cells of
    the chip. crossbars_busy: share of the time that the crossbars in use compute, on average.
    unknown_without: fields of the description that other figures than energy and area are unknown without.
    """

    inferences_per_second: float | None
    macs: int
    tops: float | None
    tops_per_watt: float | None
    tops_per_watt_at_most: float | None
    tops_per_mm2: float | None
    tops_per_mm2_at_most: float | None
    cells_used: float | None
    chip_cells_used: float | None
    crossbars_busy: float | None
    unknown_without: tuple[str, ...]

    @property
    def macs_per_second(self) -> float | None:
        rate = self.inferences_per_second
        return None if rate is None else self.macs * rate

    def figures(self) -> dict[str, float | int | None]:
        """Return the figures by their names in JSON, with units in the names; None for unknown ones."""
        return {
            "inferences_per_second": self.inferences_per_second,
            "macs_per_inference": self.macs,
            "macs_per_second": self.macs_per_second,
            "tops": self.tops,
            "tops_per_watt": self.tops_per_watt,
            "tops_per_watt_at_most": self.tops_per_watt_at_most,
            "tops_per_mm2": self.tops_per_mm2,
            "tops_per_mm2_at_most": self.tops_per_mm2_at_most,
            "crossbar_cells_used_share": self.cells_used,
            "chip_cells_used_share": self.chip_cells_used,
            "crossbars_busy_share": self.crossbars_busy,
        }


def headlines_of(
    timed: TimedNetwork,
    interval: float,
    energy: Mapping[str, float],
    area: Mapping[str, float],
    missing: Mapping[str, Mapping[str, str]],
) -> Headlines:
    """Return the headlines of a network on its chip.

    interval: cycles between inferences in the steady state. energy: joules of an inference by component. area: mm² by
    component. missing: missing fields of the description, by component, for `energy` and `area`.
    """
    hardware = timed.hardware
    placed = _placed(timed)
    macs = sum(n * m.weights for n, firing in placed for m in firing.matrices)
    clock = hardware.system.clock_hz
    rate = None if clock is None else clock / interval
    tops = None if rate is None else 2 * macs * rate / TERA
    joules, mm2 = sum(energy.values()), sum(area.values())
    per_watt = 2 * macs / joules / TERA if joules else None
    per_mm2 = tops / mm2 if tops is not None and mm2 else None
    used, chip = _cells(hardware, placed)
    needed = [] if clock is not None else ["system.clock_hz"]
    needed += [
        f"crossbar.{name}" for name in ("rows", "columns") if not getattr(hardware.crossbar, name)
    ]
    busy = _busy(hardware, placed, interval)
    if busy is None and macs and hardware.core.fixed_interval is None:
        needed.append("crossbar.phase_cycles")
    return Headlines(
        rate,
        macs,
        tops,
        None if missing["energy"] else per_watt,
        per_watt,
        None if missing["area"] else per_mm2,
        per_mm2,
        used,
        chip,
        busy,
        tuple(needed),
    )


_Placed = Sequence[tuple[int, Firing]]
"""Iterations of an inference, and a firing, of each core with a place."""


def _placed(timed: TimedNetwork) -> _Placed:
    cores = timed.network.single_cores
    return [(cores[name].iterations, firing) for name, firing in timed.firings.items()]


def _cells(hardware: Hardware, placed: _Placed) -> tuple[float | None, float | None]:
    """Return the share of cells in use, of those of the crossbars in use, and of those of the chip."""
    crossbar, core = hardware.crossbar, hardware.core
    if crossbar.rows is None or crossbar.columns is None:
        return None, None
    each = crossbar.rows * crossbar.columns
    matrices = [(firing.ways, matrix) for _, firing in placed for matrix in firing.matrices]
    used = sum(ways * matrix.weights for ways, matrix in matrices) * crossbar.cells
    crossbars = sum(ways * Tiling.of(matrix, crossbar).crossbars for ways, matrix in matrices)
    on_chip = None if core.count is None or core.crossbars is None else core.count * core.crossbars
    return (
        used / (crossbars * each) if crossbars else None,
        None if on_chip is None else used / (on_chip * each),
    )


def _busy(hardware: Hardware, placed: _Placed, interval: float) -> float | None:
    """Return the mean share of the time in which crossbars compute; None if a product takes no known time."""
    work, crossbars = 0.0, 0
    for iterations, firing in placed:
        for tiling in (Tiling.of(matrix, hardware.crossbar) for matrix in firing.matrices):
            cycles = tiling.interval(hardware.crossbar)
            if not cycles or hardware.core.fixed_interval is not None:
                return None
            work += tiling.crossbars * iterations * cycles
            crossbars += firing.ways * tiling.crossbars
    return work / crossbars / interval if crossbars else None
