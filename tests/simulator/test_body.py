"""Bodies of iterations: blocks, constants, and operands that are overwritten when nothing else uses them."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
from networks import Builder, Compiled, compile_network, stream_of
from tolerance import assert_close

from cmir.dialects.core_name import CoreName
from cmir.elaboration.program import Core, Load, Store
from cmir.simulator.body import Body
from cmir.simulator.memory import Memory
from cmir.support import blocks


@cache
def compiled() -> Compiled:
    """One stage whose body uses several values more than once, and a maximum after it."""
    net = Builder(3, 5, 4)
    conv = net.batch_norm(net.conv("x", 3, pads=1))
    twice = net.add(net.relu(conv), conv)
    return compile_network(net.model(net.pool(net.add(twice, net.relu(twice)))))


class Recorder(Memory):
    """A memory that checks that bodies leave what it hands out as it is, and records how it is asked."""

    asked: list[tuple[CoreName, int, int, int]]
    given: list[tuple[np.ndarray, np.ndarray]]

    def load(self, core: Core, load: Load, inference: int, start: int, stop: int) -> np.ndarray:
        lanes = super().load(core, load, inference, start, stop)
        self.given.append((lanes, lanes.copy()))
        return lanes

    def store(
        self, core: Core, store: Store, value: np.ndarray, inference: int, start: int, stop: int
    ) -> None:
        self.asked.append((core.name, inference, start, stop))
        assert value.shape == (stop - start, *store.lanes)
        for lanes, before in self.given:
            np.testing.assert_array_equal(lanes, before)
        self.given.clear()
        super().store(core, store, value, inference, start, stop)


def recorder(net: Compiled, samples: list[dict[str, np.ndarray]]) -> Recorder:
    simulator = net.simulator
    memory = Recorder(
        net.timed.network, simulator.memory_plan, simulator.weights, stream_of(net, samples)
    )
    memory.asked, memory.given = [], []
    return memory


@pytest.mark.parametrize("iterations", [1, 3, 7, 1000])
def test_blocks(iterations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of iterations is cut into blocks of so many lanes, and the outputs are those of NumPy."""
    net = compiled()
    network, weights, samples = net.timed.network, net.simulator.weights, net.samples(2)
    lanes = 3 * 3 * 3  # of the convolution's window
    monkeypatch.setattr(blocks, "LANES_AT_ONCE", lanes * iterations)
    memory = recorder(net, samples)
    core = network.cores[CoreName("conv1")]
    body = Body(core, weights)
    assert body.lanes == lanes
    pool = network.cores[CoreName("max_pool1")]
    for inference, sample in enumerate(samples):
        memory.asked.clear()
        body.run(memory, inference, 0, 5)
        body.run(memory, inference, 5, core.iterations)
        cuts = [*range(0, 5, iterations), *range(5, core.iterations, iterations), core.iterations]
        expected = [(CoreName("conv1"), inference, a, b) for a, b in itertools.pairwise(cuts)]
        assert memory.asked == expected
        Body(pool, weights).run(memory, inference, 0, pool.iterations)
        (output,) = memory.outputs(inference).values()
        assert_close(output[..., 0], net.reference(sample)[0])


def test_an_iteration_is_never_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    net = compiled()
    monkeypatch.setattr(blocks, "LANES_AT_ONCE", 1)
    memory = recorder(net, net.samples(1))
    core = net.timed.network.cores[CoreName("conv1")]
    Body(core, net.simulator.weights).run(memory, 0, 0, 3)
    assert memory.asked == [
        (CoreName("conv1"), 0, 0, 1),
        (CoreName("conv1"), 0, 1, 2),
        (CoreName("conv1"), 0, 2, 3),
    ]


def test_constants_are_computed_once() -> None:
    """The matrix and what follows from constants alone are known; loads and what follows from them are not."""
    net = compiled()
    body = Body(net.timed.network.cores[CoreName("conv1")], net.simulator.weights)
    known = {n for n, value in enumerate(body.values) if value is not None}
    results = {step.result for step in body.steps if step.result >= 0}
    assert known and results and not known & results
    assert known | results | {*body.coordinates} == {*range(len(body.values))}
    values = [body.values[n].copy() for n in sorted(known)]
    memory = recorder(net, net.samples(1))
    body.run(memory, 0, 0, 5)
    for n, before in zip(sorted(known), values, strict=True):
        np.testing.assert_array_equal(body.values[n], before)


def test_values_are_let_go_after_their_last_use() -> None:
    """No step takes a value that a step before it has let go or overwritten, and in the end none is left."""
    for core in compiled().timed.network.cores.values():
        body = Body(core, compiled().simulator.weights)
        gone: set[int] = set()
        for step in body.steps:
            assert not gone & {*step.operands}
            assert {*step.dead} <= {*step.operands}
            assert step.into is None or step.operands[step.into] in step.dead
            gone |= {*step.dead}
        used = {n for step in body.steps for n in step.operands}
        assert gone == used
        assert core.name != "conv1" or any(step.into is not None for step in body.steps)
