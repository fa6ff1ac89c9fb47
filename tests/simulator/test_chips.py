"""Links between chips take part in timing as those on a chip do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from timing.measured_interval import measured_interval

from cmir.compilation.model import lower, read_model
from cmir.hardware.description import Hardware
from cmir.hardware.sections import CoreSection, Interconnect
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport

TEXTBOOK = Path(__file__).parents[1] / "filecheck" / "textbook.mlir"


def timed(interconnect: Interconnect) -> RunReport:
    """Two convolutions, the first on chip (0, 0), the second on chip (0, 1); 8 iterations of 4 bytes."""
    placed = lower(read_model(TEXTBOOK)).op
    for column, core in enumerate(placed.cores):
        core.properties["position"] = type(core.position).from_list(
            core.position.elt_type, [0, column]
        )
    return TimedNetwork.of(
        placed, Hardware("chips", interconnect=interconnect, core=CoreSection())
    ).time(8)


ONE = Interconnect(topology="mesh", shape=(1, 2), link_bytes_per_cycle=4)
TWO = replace(ONE, shape=(1, 1), chips=(1, 2))


def test_a_way_is_as_wide_as_its_narrowest_link() -> None:
    """A store of 4 bytes keeps the core's link busy for as long as the link between chips takes."""
    same, narrow = timed(ONE), timed(replace(TWO, chip_link_bytes_per_cycle=1))
    assert measured_interval(same) == 8 * 1
    assert measured_interval(narrow) == 8 * 4
    assert [core.pace.step for core in narrow.cores] == [4, 1]  # what the second gives goes nowhere
    assert [core.latency for core in narrow.cores] == [4, 1]


@pytest.mark.parametrize("rate", [None, 4, 100])
def test_a_wide_link_between_chips_costs_nothing(rate: int | None) -> None:
    assert timed(replace(TWO, chip_link_bytes_per_cycle=rate)).cycles == timed(ONE).cycles


def test_hops_between_chips_take_time() -> None:
    near, far = (replace(TWO, hop_cycles=2, chip_hops=hops) for hops in (1, 7))
    assert timed(far).inference_latency - timed(near).inference_latency == 2 * (7 - 1)
