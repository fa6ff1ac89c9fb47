"""Networks whose programs share cores: room, shares, intervals and results."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Builder, Compiled, compile_network, run_passes
from tolerance import assert_close
from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.cost.firing import Firing
from cmir.cost.program_cost import firing_cost
from cmir.dialects.core_name import CoreName
from cmir.hardware.description import Hardware
from cmir.proof.control import prove_control
from cmir.report.activity import activities
from cmir.report.figures import page_figures
from cmir.report.occupancy import occupancies
from cmir.simulator.simulator import Simulator
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.timing.network import TimedNetwork

MACHINE = """
[crossbar]
rows = 64
columns = 64
phase_cycles = {phase}
[core]
crossbars = {crossbars}
vector_lanes = {lanes}
sram_port_bytes = 16
sram_bytes = 4096
[interconnect]
link_bytes_per_cycle = 4
"""


STAGES = ("conv1", "max_pool1", "conv2", "max_pool2", "gemm1")


def compiled(machine: str, turns: Mapping[str, int] | None = None) -> Compiled:
    """A residual block, pools and a dense layer: five programs, three of them with matrices.

    turns: numbers of copies of stages that run iterations in turn.
    """
    net = Builder(2, 6, 6)
    first = net.conv("x", 2, pads=1)
    block = net.relu(net.add(net.conv(net.pool(first, strides=1, kernel=1), 2, pads=1), first))
    output = net.gemm(net.flatten(net.pool(block)), 3)
    passes = [
        f"polyhedral-replicate{{stage={stage} copies={count} by=turns}}"
        for stage, count in (turns or {}).items()
    ]
    rings = (
        f"polyhedral-stream-inputs,polyhedral-assign-storage{{sizes=lossless hardware='{machine}'}}"
    )
    return compile_network(net.model(output), passes=",".join([*passes, rings]), hardware=machine)


def share(network: Compiled, machine: str, options: str) -> TimedNetwork:
    """Let programs share cores, and time the result."""
    module = network.network.parent_op()
    assert isinstance(module, ModuleOp)
    with collect_diagnostics():
        run_passes(module, f"cmcore-share-cores{{hardware='{machine}' {options}}}", make_context())
    return TimedNetwork.of(network.network, Hardware.load(machine))


@settings(max_examples=20)
@given(st.data())
def test_programs_that_share_keep_room_and_interval(data: st.DataObject) -> None:
    machine = MACHINE.format(
        phase=data.draw(st.integers(1, 40), "phase"),
        crossbars=data.draw(st.integers(1, 3), "crossbars"),
        lanes=data.draw(st.sampled_from([1, 4, 64]), "lanes"),
    )
    turns = {stage: data.draw(st.integers(1, 3), stage) for stage in STAGES[:3]}
    network = compiled(machine, turns)
    alone = network.timed
    own = {
        name: alone.costs[name].pace.cycles(alone.network.single_cores[name].iterations)
        for name in alone.network.positions
    }
    slack = data.draw(st.integers(1, 4), "slack")
    interval = slack * int(max(own.values()))
    cores, slots = data.draw(st.integers(1, 4), "cores"), data.draw(st.integers(4, 64), "slots")
    try:
        timed = share(network, machine, f"cores={cores} slots={slots} interval={interval}")
    except CompileError as error:
        assert cores < len(own) and "room for" in error.message
        return
    ops = network.network.cores
    assert len(ops) <= cores
    assert Counter(i.core_name for op in ops for i in op.instances) == Counter([*own])
    network.network.verify()
    hardware = Hardware.load(machine)
    crossbars: Counter[int] = Counter()
    for number, op in enumerate(ops):
        for instance in op.instances:
            program = network.network.programs[instance.core_name.program]
            crossbars[number] += firing_cost(Firing.of(program), hardware).crossbars
    assert max(crossbars.values()) <= (hardware.core.crossbars or 0)
    for name, cost in timed.costs.items():
        if name in own:
            assert cost.pace.cycles(timed.network.single_cores[name].iterations) <= interval


@pytest.mark.parametrize("turns", [{}, {"conv1": 2, "conv2": 3}])
@pytest.mark.parametrize("cores", [1, 2, 3, 4])
def test_results_are_those_of_the_network(cores: int, turns: dict[str, int]) -> None:
    machine = MACHINE.format(phase=3, crossbars=3, lanes=4)
    network = compiled(machine, turns)
    if cores < max(turns.values(), default=0):
        with pytest.raises(CompileError, match="the turns of @conv2 alone take 3 cores"):
            share(network, machine, f"cores={cores} interval=5000")
        return
    timed = share(network, machine, f"cores={cores} interval=5000")
    assert len(set(timed.network.positions.values())) == cores
    prove_control(network.network)
    samples = network.samples(4)
    report = Simulator.of(timed, network.simulator.weights.parameters).run(samples)
    machine_of_reference = network.reference_machine(4)
    (schedule,) = machine_of_reference.schedules(1)
    literal = machine_of_reference.run(schedule, samples)
    for sample, *found in zip(samples, report.outputs, literal, strict=True):
        for outputs in found:
            assert_close(next(iter(outputs.values())), network.reference(sample)[0])
    later = timed.time(4)
    assert [c.start.tolist() for c in later.cores] == [c.start.tolist() for c in report.cores]
    for core, activity in zip(later.cores, activities(timed.actors, later), strict=True):
        assert sum(activity.waited().values()) == core.data_stalls + core.credit_stalls
        assert core.latency == timed.costs[core.name].latency
    assert all(occupancy.most <= occupancy.slots for occupancy in occupancies(timed, later))
    assert len(page_figures(timed, later)["cores"]) == len(later.cores)


def test_slots_are_given_in_proportion_to_what_programs_need() -> None:
    machine = MACHINE.format(phase=3, crossbars=3, lanes=4)
    network = compiled(machine)
    alone = network.timed
    share(network, machine, "cores=1 interval=20000 slots=200")
    (core,) = network.network.cores
    loads: dict[str, dict[CoreName, int]] = defaultdict(dict)
    for name in alone.network.positions:
        for resource, cycles in alone.costs[name].busy.items():
            loads[resource][name] = cycles * alone.network.cores[name].iterations
    for resource in ("sram", "dpu"):
        users = {name: load for name, load in loads[resource].items() if load}
        shares = {i.core_name: i.shares[resource] for i in core.instances if resource in i.shares}
        assert shares.keys() == users.keys() and sum(shares.values()) == 200
        per_slot = np.array([users[name] / shares[name] for name in users])
        assert per_slot.max() <= 1.5 * np.median(per_slot)
