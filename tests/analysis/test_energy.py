"""Energy and area, by hand, and as far as there are figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cmir.analysis.energy import Programming, TrafficTotals, area, inference_energy, programming
from cmir.cost.firing import Matrix
from cmir.cost.program_cost import Cost
from cmir.dialects.core_name import CoreName
from cmir.hardware.description import Hardware
from cmir.hardware.sections import Area, CoreSection, Crossbar, Energy, Interconnect, System

MACHINE = Hardware(
    "machine",
    crossbar=Crossbar(rows=8, columns=4),
    core=CoreSection(crossbars=3),
    interconnect=Interconnect(topology="mesh", shape=(2,), chips=(2,)),
    system=System(clock_hz=1e9),
    energy=Energy(100, 2, 0.5, 0.25, 3, 1000, 0.1),
    area=Area(0.5, 0.01, 1, 0.125, 20),
)

COSTS = {
    CoreName("conv"): Cost(5, 9, 2, {"crossbar": 200, "adc": 16, "dpu": 4, "sram": 8}),
    CoreName("pool"): Cost(1, 2, 0, {"crossbar": 0, "adc": 0, "dpu": 6, "sram": 4}),
}
CROSSBARS = [cost.crossbars for cost in COSTS.values()]
ITERATIONS = {CoreName("conv"): 100, CoreName("pool"): 25}
TRAFFIC = TrafficTotals(byte_hops=4000, chip_bytes=20, delivered=2000)


def test_energy_by_hand() -> None:
    assert inference_energy(MACHINE, COSTS, ITERATIONS, TRAFFIC, interval=500) == pytest.approx(
        {
            "crossbar": 20_000e-12,
            "adc": 1600e-12,
            "dpu": (400 + 150) * 1e-12,
            "sram": (800 + 100 + 2000 * 0.25) * 1e-12,
            "links": (4000 * 3 + 20 * 1000) * 1e-12,
            "static": 0.1 * 500e-9,
        }
    )


def test_links_between_chips_are_as_others_without_a_figure() -> None:
    machine = replace(MACHINE, energy=replace(MACHINE.energy, chip_link_byte=None))
    found = inference_energy(machine, COSTS, ITERATIONS, TRAFFIC)
    assert found["links"] == pytest.approx((4000 + 20) * 3e-12)
    assert "static" not in found


def test_what_is_not_given_is_not_reported() -> None:
    machine = Hardware("machine")
    costs = {name: replace(cost, energy={}) for name, cost in COSTS.items()}
    assert inference_energy(machine, costs, ITERATIONS, TRAFFIC, interval=500) == {}
    assert area(machine, CROSSBARS) == {}


def test_area_by_hand() -> None:
    """A core has all its crossbars, used or not."""
    assert area(MACHINE, CROSSBARS) == {
        "crossbar": 6 * 0.5,
        "adc": pytest.approx(6 * 4 * 0.01),
        "core": 2,
        "router": 0.25,
        "chip": 40,
    }
    shared = replace(MACHINE, crossbar=replace(MACHINE.crossbar, adcs=1), core=CoreSection())
    assert area(shared, CROSSBARS)["crossbar"] == 2 * 0.5
    assert area(shared, CROSSBARS)["adc"] == pytest.approx(2 * 0.01)


def test_writes_cost_what_they_are_given() -> None:
    machine = replace(MACHINE, energy=replace(MACHINE.energy, sram_written_byte=1.5))
    found = inference_energy(machine, COSTS, ITERATIONS, TRAFFIC, interval=500)
    assert found["sram"] == pytest.approx((800 + 100 + 2000 * 1.5) * 1e-12)


def test_programming_by_hand() -> None:
    """Crossbars of 8 rows and 4 columns, two cells a weight in as many columns: 2 × 3 for a matrix of 6 × 10.

    8 rows in three of them and 2 in the others are 30 rows; the other core has 2 for its two matrices, on one crossbar
    each. 60 and 2 weights have 124 cells.
    """
    crossbar = Crossbar(rows=8, columns=4, weight_slices=2, slicing="columns", row_write_cycles=100)
    machine = replace(MACHINE, crossbar=crossbar, energy=Energy(cell_write=5))
    cores = [(Matrix(6, 10),), (Matrix(1, 1), Matrix(1, 1))]
    found = programming(machine, cores)
    assert (found.cycles, found.seconds) == (3000, 3e-6)
    assert found.joules == pytest.approx(124 * 5e-12)
    assert programming(replace(machine, system=System()), cores).seconds is None
    assert programming(MACHINE, cores) == Programming()
    assert programming(machine, []) == Programming(0, 0, 0)
