"""Matrices that a core holds several times: results, starts, buffers, and what they cost."""

from __future__ import annotations

import pytest
from networks import Builder, Compiled, compile_network
from timing.measured_interval import measured_interval
from timing.test_ways import simulated
from tolerance import assert_close

from cmir.hardware.description import Hardware
from cmir.timing.network import TimedNetwork

MACHINE = """
[crossbar]
rows = 64
columns = 64
phase_cycles = 37
[core]
vector_lanes = 4
sram_port_bytes = 16
credit_latency = 2
[interconnect]
hop_cycles = 3
[system]
clock_hz = 1e9
"""

INFERENCES = 9


def compiled(*passes: str) -> Compiled:
    """A residual block of 5 × 5 elements: 25 iterations an inference, which few numbers of ways divide."""
    net = Builder(2, 5, 5)
    first = net.conv("x", 2, pads=1)
    output = net.add(net.conv(first, 2, pads=1), first)
    return compile_network(net.model(output), passes=",".join(passes), hardware=MACHINE)


def ways(stage: str, count: int) -> str:
    return f"polyhedral-add-ways{{stage={stage} ways={count}}}"


@pytest.mark.parametrize("first", [1, 2, 3, 26, 60])
@pytest.mark.parametrize("storage", ["", "polyhedral-assign-storage{sizes=live}"])
def test_starts_are_those_of_a_simulator_with_sets(first: int, storage: str) -> None:
    network = compiled(ways("conv1", first), ways("conv2", 3), *filter(None, [storage]))
    samples = network.samples(INFERENCES)
    report = network.simulator.run(samples)
    starts = simulated(network.timed.actors, INFERENCES)
    assert starts is not None
    for core in report.cores:
        assert core.start.reshape(-1).tolist() == starts[core.name]
    for sample, outputs in zip(samples, report.outputs, strict=True):
        assert_close(next(iter(outputs.values())), network.reference(sample)[0])


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 2), (3, 3), (4, 3), (7, 7), (26, 9)])
def test_lossless_buffers_keep_the_interval(first: int, second: int) -> None:
    """The interval is that of unbounded buffers, a fraction of a cycle included."""
    both = ways("conv1", first), ways("conv2", second)
    lossless = compiled(*both, f"polyhedral-assign-storage{{sizes=lossless hardware='{MACHINE}'}}")
    found = measured_interval(lossless.timed.time(200))
    cores = lossless.timed.network.cores
    busiest = max(
        cost.pace.cycles(cores[name].iterations) for name, cost in lossless.timed.costs.items()
    )
    assert found == pytest.approx(float(busiest), abs=1e-9)


def test_the_interval_of_ways_is_a_part_of_the_interval() -> None:
    one, three = compiled().timed, compiled(ways("conv1", 3), ways("conv2", 3)).timed
    slow, fast = measured_interval(one.time(100)), measured_interval(three.time(100))
    assert (slow, fast) == (25 * 37, pytest.approx(25 * 37 / 3))
    for name, cost in three.costs.items():
        before = one.costs[name]
        assert (cost.latency, cost.energy) == (before.latency, before.energy)
        assert cost.crossbars == 3 * before.crossbars


def test_one_program_whatever_the_ways() -> None:
    """Text, but for the number, is that of one way."""
    few, many = (str(compiled(ways("conv1", count)).network) for count in (2, 48))
    assert few.replace("ways 2", "ways 48") == many


@pytest.mark.parametrize("cores", [3, 4, 6, 9])
def test_cores_and_crossbars_together_are_no_slower_than_either(cores: int) -> None:
    """Cores go to the stages whose crossbars do not suffice."""
    machine = MACHINE.replace("[core]\n", f"[core]\ncount = {cores}\ncrossbars = 3\n")
    one = f"polyhedral-replicate{{hardware='{machine}'}}"
    both = f"polyhedral-replicate{{ways=true hardware='{machine}'}}"
    add = f"polyhedral-add-ways{{hardware='{machine}'}}"
    nothing, only_cores, only_ways, each = (
        max(
            cost.pace.cycles(net.timed.network.cores[name].iterations)
            for name, cost in net.timed.costs.items()
        )
        for net in (compiled(), compiled(one), compiled(add), compiled(both, add))
    )
    assert each <= min(only_cores, only_ways) <= max(only_cores, only_ways) <= nothing
    assert each < only_cores


def test_a_machine_whose_interval_is_fixed_has_no_ways() -> None:
    hardware = Hardware.load("[core]\nfixed_interval = 5\n")
    network = compiled(ways("conv1", 3)).network
    costs = TimedNetwork.of(network, hardware).costs
    assert {cost.interval for cost in costs.values()} == {5}
    assert all(not cost.pace.in_turn for cost in costs.values())
