"""Iterations that several cores run in turn: results, starts, control, buffers, traffic, and the size of the text."""

from __future__ import annotations

import time

import numpy as np
import onnx
import pytest
from networks import Builder, Compiled, compile_network, reference_outputs
from timing.measured_interval import measured_interval
from timing.test_turns import simulated
from tolerance import assert_close

from cmir.analysis.inference_costs import costs_of
from cmir.cost.traffic import traffic_of
from cmir.dialects.polyhedral import PipelineOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.proof.control import prove_control
from cmir.report.activity import activities
from cmir.report.figures import page_figures
from cmir.report.occupancy import occupancies

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
topology = "mesh"
shape = [8, 8]
hop_cycles = 3
[system]
clock_hz = 1e9
"""

ANYWHERE = "\n".join(
    line for line in MACHINE.splitlines() if "mesh" not in line and "shape" not in line
)

LOSSLESS = f"polyhedral-assign-storage{{sizes=lossless hardware='{ANYWHERE}'}}"
LIVE = "polyhedral-assign-storage{sizes=live}"

INFERENCES = 4


def turns(stage: str, count: int) -> str:
    return f"polyhedral-replicate{{stage={stage} copies={count} by=turns}}"


def columns(stage: str, count: int) -> str:
    return f"polyhedral-replicate{{stage={stage} copies={count}}}"


def residual(side: int) -> onnx.ModelProto:
    """A residual block: side² iterations an inference."""
    net = Builder(2, side, side)
    first = net.conv("x", 2, pads=1)
    second = net.conv(first, 2, pads=1)
    return net.model(net.add(net.conv(second, 2, pads=1), first))


def compiled(
    *passes: str, side: int = 5, placed: bool = True, keep: PipelineOp | None = None
) -> Compiled:
    """The residual block on the machine. Without places, any two cores are one hop apart.

    keep: a pipeline whose buffers it gets.
    """

    def store(pipeline: PipelineOp) -> None:
        for op in keep.storages.values() if keep is not None else ():
            pipeline.body.block.insert_op_before(op.clone(), next(iter(pipeline.stages.values())))

    place = f"cmcore-place-cores{{hardware='{MACHINE}' work-limit=0.001}}"
    return compile_network(
        residual(side),
        store,
        passes=",".join(filter(None, passes)),
        hardware=MACHINE if placed else ANYWHERE,
        finally_=place if placed else "",
    )


CHOICES = [
    (turns("conv1", 3),),
    (turns("conv2", 4),),
    (turns("conv1", 2), turns("conv2", 7)),
    (turns("conv1", 7), turns("conv2", 2), turns("conv3", 3)),
    (columns("conv1", 2), turns("conv1", 3), turns("conv2", 2)),
    (turns("conv1", 25), turns("conv3", 25)),
]


@pytest.mark.parametrize("storage", ["", LIVE, LOSSLESS])
@pytest.mark.parametrize("passes", CHOICES)
def test_results_starts_and_control(passes: tuple[str, ...], storage: str) -> None:
    network = compiled(*passes, storage)
    samples = network.samples(INFERENCES)
    expected = [network.reference(sample)[0] for sample in samples]
    for chunk in (None, 1):
        report = network.simulator.run(samples, chunk)
        for outputs, wanted in zip(report.outputs, expected, strict=True):
            assert_close(next(iter(outputs.values())), wanted)
        starts = simulated(network.timed.actors, INFERENCES)
        assert {core.name: core.start.reshape(-1).tolist() for core in report.cores} == starts
    prove_control(network.network)
    machine = network.reference_machine(INFERENCES)
    for schedule in machine.schedules(6):
        for outputs, wanted in zip(machine.run(schedule, samples), expected, strict=True):
            assert_close(next(iter(outputs.values())), wanted)


@pytest.mark.parametrize("passes", CHOICES)
def test_lossless_rings_keep_the_interval(passes: tuple[str, ...]) -> None:
    whole, rings = (
        compiled(*passes, *storage, placed=False).timed for storage in ((), (LOSSLESS,))
    )
    busiest = max(float(actor.cycles) for actor in rings.actors.values())
    assert measured_interval(rings.time(100)) == measured_interval(whole.time(100)) == busiest


@pytest.mark.parametrize("passes", CHOICES)
def test_traffic_by_definition(passes: tuple[str, ...]) -> None:
    """Each element goes once from the copy that computes it to each other core that reads it."""
    network = compiled(*passes).network
    elaborated = ElaboratedNetwork(network)
    names = [instance.core_name for _, instance in network.instances]
    sent: dict[tuple[int, tuple[int, ...]], int] = {}
    delivered = 0
    for array, op in elaborated.arrays.items():
        if op.source is not None:
            continue
        writes = {k: touched(elaborated, name, array, False) for k, name in enumerate(names)}
        reads = {k: touched(elaborated, name, array, True) for k, name in enumerate(names)}
        delivered += 4 * sum(map(len, reads.values()))
        for source, elements in writes.items():
            for element in elements:
                targets = tuple(k for k, read in reads.items() if element in read and k != source)
                if targets:
                    sent[source, targets] = sent.get((source, targets), 0) + 4
    found = traffic_of(network)
    assert {(flow.source, flow.targets): flow.bytes for flow in found.flows} == sent
    assert found.delivered == delivered


def touched(network: ElaboratedNetwork, name: object, array: str, read: bool) -> set[int]:
    """The elements of an array that the iterations of a core read, or write."""
    core = next(core for each, core in network.single_cores.items() if each == name)
    shape, found = network.arrays[array].shape, set[int]()
    accesses = [
        (access, load.lanes)
        for load in core.loads.values()
        for value, access in load.sources
        if core.buffers[value].array == array
    ]
    if not read:
        accesses = [(s.access, s.lanes) for s in core.stores.values() if s.array == array]
    for access, lanes in accesses:
        for i in range(core.iterations):
            locations, defined = access.locations(i, i + 1)
            here = np.True_ if defined is None else defined
            *each, there = np.broadcast_arrays(*locations, here, np.empty((1, *lanes)))[:-1]
            places = np.stack([x[there] for x in each])
            found.update(np.ravel(np.ravel_multi_index(tuple(places), shape)).tolist())
    return found


def test_figures_count_each_copy() -> None:
    one, seven = compiled().timed, compiled(turns("conv1", 3), turns("conv2", 5)).timed
    before, after = costs_of(one, 1000.0), costs_of(seven, 1000.0)
    assert len(seven.network.positions) == len(one.network.positions) + 2 + 4
    assert after.crossbars == before.crossbars + 2 + 4
    for component in ("crossbar", "adc", "dpu"):
        assert after.energy.get(component) == before.energy.get(component)
    report = seven.time(INFERENCES)
    iterations = {str(core.name): core.iterations for core in report.cores}
    assert [iterations[f"conv1 turn {k}"] for k in range(3)] == [9, 8, 8]
    assert sum(n for name, n in iterations.items() if name.startswith("conv2")) == 25
    for core, activity in zip(report.cores, activities(seven.actors, report), strict=True):
        waited = activity.waited()
        assert sum(waited.values()) == core.data_stalls + core.credit_stalls
    assert all(occupancy.most <= occupancy.slots for occupancy in occupancies(seven, report))
    assert len(page_figures(seven, report)["cores"]) == len(report.cores)


def lines_of(network: Compiled) -> list[str]:
    """The text at the cmcore level without the lines of cores."""
    return [line for line in str(network.network).splitlines() if "cmcore.core " not in line]


def rings_of(network: Compiled) -> dict[tuple[str, str], int]:
    """Rows of the ring that each reader has for each array."""
    return {
        key: op.type.get_shape()[1]
        for key, op in network.pipeline.storages.items()
        if op.type.get_shape()[1] < 16
    }


ROWS = "polyhedral-assign-storage{rows=5}"


@pytest.mark.parametrize("count", [5, 7])
@pytest.mark.parametrize("storage", ["", ROWS, LIVE, LOSSLESS])
def test_text_and_time_do_not_grow_with_the_number_of_turns(storage: str, count: int) -> None:
    """Loops, automata and rings are those of the undivided stages; neither 5 nor 7 divides a row of 16."""
    start = time.process_time()
    divided = (turns(stage, count) for stage in ("conv1", "conv2", "conv3"))
    network = compiled(*divided, storage, side=16)
    prove_control(network.network)
    assert time.process_time() - start < 2
    rings = rings_of(network)
    assert bool(rings) == bool(storage)
    undivided = compiled(storage, side=16)
    if (
        storage == LOSSLESS
    ):  # a shorter interval can need longer rings; text is that of the same rings
        assert sum(rings.values()) - sum(rings_of(undivided).values()) == (count == 7)
        undivided = compiled(keep=network.pipeline, side=16)
    assert lines_of(network) == lines_of(undivided)
    samples = network.samples(3)
    for sample, outputs in zip(samples, network.simulator.run(samples).outputs, strict=True):
        (found,) = outputs.values()
        assert_close(found, network.reference(sample)[0])
        assert_close(found, reference_outputs(residual(16), sample)[0])
