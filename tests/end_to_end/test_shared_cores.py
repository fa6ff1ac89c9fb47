"""Programs that share cores compute what they compute on cores of their own, and their control is proved as before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from networks import Builder, Compiled, compile_network
from shared_cores import Shares, share_cores
from tolerance import assert_close

from cmir.analysis.capacity import sram_bytes
from cmir.analysis.inference_costs import costs_of
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.core_name import CoreName
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.proof.control.proof import prove_control
from cmir.proof.values.comparison import prove_values
from cmir.simulator.simulator import Simulator
from cmir.timing.network import TimedNetwork

MACHINE = Hardware("machine").replace(
    crossbar__phase_cycles=3,
    core__sram_port_bytes=16,
    core__vector_lanes=2,
    core__vector_latency=1,
    interconnect__link_bytes_per_cycle=8,
    interconnect__hop_cycles=3,
    area__core=2.0,
    area__router=0.5,
)

EACH = {"sram": 5, "dpu": 6, "link": 7}
REST = {"sram": 11, "dpu": 10, "link": 9}
GROUPS: list[list[Shares]] = [
    [{"conv1": EACH, "conv2": REST}],  # one feeds the other, beside the skip
    [{"conv1": EACH, "conv3": REST}],  # the ends of the skip
    [{"conv2": EACH, "conv3": REST}],
    [
        {
            "conv1": {"sram": 3, "dpu": 3},
            "conv2": {"sram": 4, "dpu": 5},
            "conv3": {"sram": 6, "dpu": 6},
        }
    ],
]


@cache
def residual() -> Compiled:
    """Two convolutions beside a skip, in rings of rows."""
    net = Builder(2, 6, 5)
    x = net.conv("x", 2, 3, pads=1)
    y = net.conv(net.relu(net.conv(x, 2, 3, pads=1)), 2, 3, pads=1)
    return compile_network(net.model(net.add(y, x)), passes="polyhedral-assign-storage{sizes=live}")


@cache
def alone() -> TimedNetwork:
    return TimedNetwork.of(residual().network, MACHINE)


def shared(cores: Sequence[Shares]) -> NetworkOp:
    network = residual().network.clone()
    share_cores(network, cores, 16)
    return network


@pytest.mark.parametrize("cores", GROUPS, ids=lambda cores: "-".join(cores[0]))
def test_shared_cores_compute_the_same(cores: list[Shares]) -> None:
    compiled, network = residual(), shared(cores)
    prove_control(network)
    elaborated = ElaboratedNetwork(network)
    assert elaborated.core_count == 3 - (len(cores[0]) - 1)
    prove_values(elaborated, compiled.function, 1)
    timed = TimedNetwork(elaborated, MACHINE)
    samples = compiled.samples(3)
    report = Simulator.of(timed, compiled.parameters).run(samples)
    machine = replace(compiled, network=network).reference_machine(3)
    (schedule,) = machine.schedules(1)
    for found, literal, sample in zip(
        report.outputs, machine.run(schedule, samples), samples, strict=True
    ):
        for expected, one, other in zip(
            compiled.reference(sample), found.values(), literal.values(), strict=True
        ):
            assert_close(one, expected)
            assert_close(other, expected)
    for core, of_time in zip(report.cores, timed.time(3).cores, strict=True):
        np.testing.assert_array_equal(core.start, of_time.start)


@pytest.mark.parametrize("cores", GROUPS, ids=lambda cores: "-".join(cores[0]))
def test_places_count_once(cores: list[Shares]) -> None:
    timed = TimedNetwork.of(shared(cores), MACHINE)
    before, after = costs_of(alone(), 100), costs_of(timed, 100)
    used = 3 - (len(cores[0]) - 1)
    assert after.area == {"core": 2.0 * used, "router": 0.5 * used}
    assert after.crossbars == before.crossbars and after.headlines == before.headlines
    assert sram_bytes(timed.network, MACHINE) == sram_bytes(alone().network, MACHINE)
    assert after.byte_hops < before.byte_hops
    for source in timed.network.positions:
        for target in timed.network.positions:
            together = {str(source), str(target)} <= {*cores[0]}
            assert timed.places.hops(source, target) == (source != target and not together)


def test_results_for_programs_of_one_core_use_no_link() -> None:
    """conv2 writes for conv3 alone; conv1 writes for conv3 as well; the output leaves the core."""
    one, two, three = (CoreName(f"conv{k}") for k in (1, 2, 3))
    costs = TimedNetwork.of(shared(GROUPS[0]), MACHINE).costs
    assert costs[one].busy["link"] and costs[two].busy["link"]
    assert TimedNetwork.of(shared(GROUPS[2]), MACHINE).costs[two].busy["link"] == 0
    costs = TimedNetwork.of(shared(GROUPS[3]), MACHINE).costs
    assert costs[one].busy["link"] == costs[two].busy["link"] == 0 < costs[three].busy["link"]


def test_others_on_a_core_do_not_matter_for_cores_of_one_program() -> None:
    """A program with a core of its own costs the same beside other cores that are shared."""
    timed = TimedNetwork.of(shared(GROUPS[0]), MACHINE)
    assert timed.costs[CoreName("conv3")] == alone().costs[CoreName("conv3")]
