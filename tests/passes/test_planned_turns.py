"""Plans of copies that run iterations in turn: chosen where columns do not divide evenly, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from math import ceil

import pytest
from networks import Builder, Compiled, compile_network
from timing.measured_interval import measured_interval
from tolerance import assert_close

from cmir.proof.control import prove_control
from cmir.support.diagnostics import collect_diagnostics

ROWS, COLUMNS, PHASE = 5, 7, 40

MACHINE = """
[crossbar]
rows = 64
columns = 64
phase_cycles = 40
[core]
crossbars = 1
vector_lanes = 16
sram_port_bytes = 256
{sram}
count = {cores}
[interconnect]
hop_cycles = 1
"""


@cache
def planned(cores: int, sram: int | None = None) -> tuple[Compiled, list[str]]:
    """Two convolutions of 5 × 7 iterations each, planned for so many cores, and what the plan says."""
    net = Builder(2, ROWS, COLUMNS)
    output = net.conv(net.conv("x", 2, pads=1), 2, pads=1)
    limit = "" if sram is None else f"sram_bytes = {sram}"
    machine = MACHINE.format(cores=cores, sram=limit)
    sizes = f"polyhedral-assign-storage{{sizes=lossless hardware='{machine}'}}"
    passes = f"polyhedral-stream-inputs,polyhedral-plan-copies{{hardware='{machine}'}},{sizes}"
    with collect_diagnostics() as remarks:
        network = compile_network(net.model(output), passes=passes, hardware=machine)
    return network, [remark.message for remark in remarks]


def by_columns(copies: int) -> int:
    return ROWS * ceil(COLUMNS / copies)


def in_turn(copies: int) -> int:
    return ceil(ROWS * COLUMNS / copies)


def shortest(cores: int, *kinds: Callable[[int], int]) -> int:
    """The shortest interval of two stages on so many cores, by trying all divisions.

    kinds: from the number of copies to the iterations of the busiest.
    """
    counts = range(1, cores)
    return PHASE * min(
        max(one(a), other(b))
        for a, b in product(counts, counts)
        for one, other in product(kinds, kinds)
        if a + b <= cores
    )


@pytest.mark.parametrize("cores", range(2, 15))
def test_turns_are_chosen_where_they_make_the_interval_much_shorter(cores: int) -> None:
    network, remarks = planned(cores)
    columns, both = shortest(cores, by_columns), shortest(cores, by_columns, in_turn)
    turns = {name: stage.turns for name, stage in network.pipeline.stages.items()}
    assert any(count > 1 for count in turns.values()) == (both * 1.05 <= columns)
    expected = both if both * 1.05 <= columns else columns
    assert measured_interval(network.timed.time(60)) == expected
    for name, count in turns.items():
        said = [remark for remark in remarks if f"@{name} gets" in remark and "in turn" in remark]
        assert len(said) == (count > 1)
    prove_control(network.network)
    samples = network.samples(3)
    for sample, outputs in zip(samples, network.simulator.run(samples).outputs, strict=True):
        assert_close(next(iter(outputs.values())), network.reference(sample)[0])


def test_the_remark_says_what_columns_would_need() -> None:
    _, remarks = planned(10)
    assert (
        "@conv1 gets 5 copies in turn, 5 crossbars: its crossbars take 280 cycles for an inference; 4 copies would "
        "take 360 cycles, 7 copies by columns would need 7 crossbars" in remarks
    )


def test_copies_whose_buffers_exceed_a_core_are_not_in_turn() -> None:
    """Columns divide buffers, and turns do not."""
    free, _ = planned(10)
    assert any(stage.turns > 1 for stage in free.pipeline.stages.values())
    for sram in (160, 130):
        network, _ = planned(10, sram)
        assert all(stage.turns == 1 for stage in network.pipeline.stages.values())
