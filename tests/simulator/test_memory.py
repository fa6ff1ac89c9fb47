"""What cores load and store, against the pairs of their relations, one by one."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from enumeration import Point, pairs
from networks import Builder, Compiled, compile_network, stream_of

from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import MapAttr
from cmir.elaboration.program import Core, Load
from cmir.simulator.memory import Memory
from cmir.simulator.weights import Weights

PASSES = {
    "whole arrays": "",
    "rings": "polyhedral-assign-storage{rows=6}",
    "two cores": "polyhedral-replicate{stage=conv1 copies=2}",
    "streamed": "polyhedral-stream-inputs,polyhedral-assign-storage{rows=4}",
}
INFERENCES = 3


@cache
def compiled(passes: str) -> Compiled:
    """A convolution with pads, one with strides and dilations, and a maximum, which pads with −∞."""
    net = Builder(2, 6, 5)
    conv = net.conv("x", 2, pads=1)
    other = net.conv(conv, 3, kernel=2, strides=[2, 1], dilations=[1, 2], pads=[0, 1, 0, 0])
    return compile_network(net.model(net.pool(other, pads=[1, 0, 0, 1]), conv), passes=passes)


def memory_of(net: Compiled, inputs: list[dict[str, np.ndarray]]) -> Memory:
    simulator = net.simulator
    stream = stream_of(net, inputs)
    return Memory(net.timed.network, simulator.memory_plan, simulator.weights, stream)


def lanes_of(core: Core, access: MapAttr) -> dict[Point, dict[Point, Point]]:
    """The location of each lane that has one, by iteration of the core."""
    rank = len(core.points[0])
    found: dict[Point, dict[Point, Point]] = {tuple(p): {} for p in core.points.tolist()}
    for point, location in pairs(access.relation.flatten_domain()):
        if point[:rank] in found:
            found[point[:rank]][point[rank:]] = location
    return found


def expected_lanes(core: Core, load: Load, arrays: dict[str, np.ndarray], pad: float) -> np.ndarray:
    """The lanes of all iterations, from whole arrays."""
    result = np.full((core.iterations, *load.lanes), pad, np.float32)
    for value, access in load.op.buffers_and_maps():
        array = arrays[core.buffers[value].array]
        for i, lanes in enumerate(lanes_of(core, access).values()):
            for lane, location in lanes.items():
                result[i, *lane] = array[location]
    return result


def pad_of(load: Load) -> float:
    return float(load.op.pad.value.data)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("passes", PASSES.values(), ids=PASSES)
@pytest.mark.parametrize("block", [1, 4, 100])
def test_loads_of_what_was_stored(passes: str, block: int) -> None:
    """Each core stores random numbers, row by row as far as rings have room, and readers load these."""
    net, random = compiled(passes), np.random.default_rng(0)
    network, weights = net.timed.network, net.simulator.weights
    inputs = net.samples(INFERENCES)
    memory = memory_of(net, inputs)
    ring_of = {a for core in network.cores.values() for a in rings(core)}
    for inference, given in enumerate(inputs):
        arrays = given | parameters(net, weights)
        for core in network.cores.values():
            for store in core.stores.values():
                array = arrays.setdefault(
                    store.array, np.zeros(network.arrays[store.array].shape, np.float32)
                )
                value = random.standard_normal((core.iterations, *store.lanes), np.float32)
                for start in range(0, core.iterations, block):
                    stop = min(core.iterations, start + block)
                    memory.store(core, store, value[start:stop], inference, start, stop)
                for i, lanes in enumerate(lanes_of(core, store.op.map).values()):
                    for lane, location in lanes.items():
                        array[location] = value[i, *lane]
        for core in network.cores.values():
            for load in core.loads.values():
                sources = {core.buffers[v].array for v, _ in load.sources}
                if sources & ring_of:
                    continue  # rows that are overwritten: `test_rings_keep_the_last_rows`
                expected = expected_lanes(core, load, arrays, pad_of(load))
                for start in range(0, core.iterations, block):
                    stop = min(core.iterations, start + block)
                    lanes = memory.load(core, load, inference, start, stop)
                    assert lanes.shape[0] in (1, stop - start) and lanes.shape[1:] == load.lanes
                    np.testing.assert_array_equal(
                        np.broadcast_to(lanes, (stop - start, *load.lanes)), expected[start:stop]
                    )
        for name, output in memory.outputs(inference).items():
            np.testing.assert_array_equal(output[..., 0], arrays[name])


def rings(core: Core) -> set[str]:
    """The arrays of which a core keeps some rows only."""
    return {b.array for b in core.buffers.values() if b.storage is not None}


def parameters(net: Compiled, weights: Weights) -> dict[str, np.ndarray]:
    arrays = net.timed.network.arrays
    return {name: weights.elements(a) for name, a in arrays.items() if a.source is not None}


@pytest.mark.parametrize("rows", [3, 4, 6, 7])
def test_rings_keep_the_last_rows(rows: int) -> None:
    """After each row that is stored, the last rows of the stream are there, also those of the inference before."""
    net = compiled(f"polyhedral-assign-storage{{rows={rows}}}")
    network, random = net.timed.network, np.random.default_rng(1)
    memory = memory_of(net, net.samples(INFERENCES))
    writer = network.cores[CoreName("conv1")]
    (store,) = writer.stores.values()
    ((place, layout),) = [
        (place, layout)
        for place, layout in memory.layouts.items()
        if layout.buffer.array == store.array and layout.buffer.storage is not None
    ]
    height, width = network.arrays[store.array].shape[1:]
    kept: list[tuple[int, int, np.ndarray]] = []
    for inference in range(INFERENCES):
        for row in range(height):
            value = random.standard_normal((width, *store.lanes), np.float32)
            start = row * width
            memory.store(writer, store, value, inference, start, start + width)
            kept = [*kept, (inference, row, value)][-rows:]
            for n, y, stored in kept:
                columns = np.arange(width).reshape(-1, 1)
                channels = np.arange(store.lanes[0]).reshape(1, -1)
                location = [channels, np.array([[y]]), columns]
                slots, has = layout.index(n, location)
                found = memory.cells[place][np.broadcast_to(slots, stored.shape), 0]
                assert has is None or np.all(has)
                np.testing.assert_array_equal(found, stored)
        if rows < height:
            continue
        of_inference = np.stack([value for n, _, value in kept if n == inference])
        array = {store.array: of_inference.transpose(2, 0, 1)}
        reader = network.cores[place[0]]
        (load,) = [ld for ld in reader.loads.values() if ld.sources[0][0] is place[1]]
        for start, stop in ((0, reader.iterations), (2, 3)):
            np.testing.assert_array_equal(
                memory.load(reader, load, inference, start, stop),
                expected_lanes(reader, load, array, pad_of(load))[start:stop],
            )


def test_inputs_are_not_written() -> None:
    """Buffers of inputs are views or copies of what was given, which stays as it is."""
    net = compiled("")
    inputs = net.samples(2)
    before = [{name: array.copy() for name, array in sample.items()} for sample in inputs]
    net.simulator.run(inputs)
    for sample, copy in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(sample["x"], copy["x"])
