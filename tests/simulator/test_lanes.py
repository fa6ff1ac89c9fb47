"""Inferences in lock-step give the results of inferences one after the other, and the times of those."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from end_to_end.drawn_networks import Network
from end_to_end.drawn_operators import networks
from end_to_end.drawn_quantized import quantised_networks
from end_to_end.drawn_state import draw_network, stream
from end_to_end.drawn_state import lower as at_both_levels
from end_to_end.test_random_networks import check_results, compiled
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Builder, Compiled, compile_network, run_passes
from onnx import parser
from tolerance import assert_close
from xdsl.dialects.builtin import ModuleOp

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.hardware.description import Hardware
from cmir.simulator import memory
from cmir.simulator.lanes import lanes_for
from cmir.simulator.simulator import Inputs, Simulator
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.timing.network import TimedNetwork
from cmir.timing.recurrence import Recurrence
from cmir.timing.report import RunReport

counts = st.sampled_from([1, 2, 3, 6, 7, 8, 9])
lanes_ = st.sampled_from([2, 3, 7, 64])
RINGS = ["", "polyhedral-assign-storage{sizes=live}", "polyhedral-assign-storage{sizes=lossless}"]


def run(
    simulator: Simulator, inputs: Inputs, lanes: int, first: Sequence[int] | None = None
) -> RunReport:
    """A run in lanes; its times are those of the recurrence over all inferences."""
    report = simulator.run(inputs, first=first, lanes=lanes)
    expected = Recurrence(simulator.actors, report.inferences).run()
    for core, wanted in zip(report.cores, expected.cores, strict=True):
        np.testing.assert_array_equal(core.start, wanted.start)
        assert (core.data_stalls, core.credit_stalls) == (wanted.data_stalls, wanted.credit_stalls)
    assert report.cycles == expected.cycles
    assert report.inference_latency == expected.inference_latency
    assert report.ends.tolist() == expected.ends.tolist()
    return report


def check(network: Network, model: Compiled, inferences: int, lanes: int) -> None:
    """Compare with the references of the network, which are those of the sequential run in other tests."""
    report = run(model.simulator, network.samples(inferences), lanes)
    assert len(report.outputs) == inferences
    check_results(network, report.outputs)


@settings(max_examples=60)
@given(networks(), counts, lanes_, st.sampled_from(RINGS))
def test_random_networks(network: Network, inferences: int, lanes: int, passes: str) -> None:
    check(network, compiled(network, passes=passes), inferences, lanes)


@settings(max_examples=60)
@given(quantised_networks(), counts, lanes_, st.sampled_from(RINGS))
def test_random_quantised_networks(
    network: Network, inferences: int, lanes: int, passes: str
) -> None:
    check(network, compiled(network, passes=passes), inferences, lanes)


@given(st.data())
@settings(max_examples=40)
def test_random_networks_with_state(data: st.DataObject) -> None:
    """A lane holds whole sequences."""
    text, parameters, size = draw_network(data)
    with collect_diagnostics():
        network = at_both_levels(text, parameters)
        module = ModuleOp([network.pipeline.clone()])
        storage = data.draw(st.sampled_from(["", f"{RINGS[1]},"]))
        passes = f"{storage}polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore"
        run_passes(module, passes, make_context())
    op = module.body.block.first_op
    assert isinstance(op, NetworkOp)
    elaborated = ElaboratedNetwork(op)
    simulator = Simulator.of(TimedNetwork(elaborated, Hardware.load("ideal")), network.parameters)
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    starts = np.repeat(np.cumsum([0, *lengths[:-1]]), lengths).tolist()
    inputs = stream((size,), count=len(starts))
    samples = [dict(zip(elaborated.inputs, arrays, strict=True)) for arrays in inputs]
    lanes = data.draw(st.integers(1, len(lengths)))
    report, alone = run(simulator, samples, lanes, starts), simulator.run(samples, first=starts)
    for mine, theirs, wanted in zip(
        report.outputs, alone.outputs, network.at_nn(inputs, starts), strict=True
    ):
        for a, b, c in zip(mine.values(), theirs.values(), wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(a, c, rtol=1e-5, atol=1e-6)


PASSES = [
    *RINGS,
    "polyhedral-replicate{stage=conv2 copies=2}",
    "polyhedral-replicate{stage=conv2 copies=2 by=turns}",
    "polyhedral-stream-inputs,polyhedral-stream-outputs,polyhedral-assign-storage{sizes=live}",
    "polyhedral-split-matrices{rows=9 columns=2}",
]


@cache
def convolutions(passes: str) -> Compiled:
    """Convolutions with pads, strides and groups, pooling that pads with −∞, and a dense layer."""
    net = Builder(2, 8, 6)
    conv = net.relu(net.conv("x", 4, pads=1))
    other = net.conv(conv, 4, kernel=2, strides=[2, 1], pads=[0, 1, 0, 0])
    pool = net.pool(other, pads=[1, 0, 1, 0])
    return compile_network(net.model(net.gemm(net.flatten(pool), 5), other), passes=passes)


@pytest.mark.parametrize("passes", PASSES)
@pytest.mark.parametrize(("lanes", "inferences"), [(1, 3), (7, 1), (7, 7), (7, 16), (64, 65)])
def test_convolutions(passes: str, lanes: int, inferences: int) -> None:
    net = convolutions(passes)
    samples = net.samples(inferences)
    report = run(net.simulator, samples, lanes)
    for sample, outputs in zip(samples, report.outputs, strict=True):
        for mine, wanted in zip(outputs.values(), net.reference(sample), strict=True):
            assert_close(mine, wanted)


def test_chunks_in_lanes() -> None:
    """Chunks of any size, in lanes, too."""
    net = convolutions(RINGS[1])
    samples = net.samples(5)
    expected = net.simulator.run(samples, lanes=3)
    for chunk in (1, 4):
        report = net.simulator.run(samples, chunk, lanes=3)
        assert report.cycles == expected.cycles
        for mine, wanted in zip(report.outputs, expected.outputs, strict=True):
            for a, b in zip(mine.values(), wanted.values(), strict=True):
                assert_close(a, b)


@pytest.mark.parametrize("most", [0, 1, 5])
def test_few_cached_views_change_nothing(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where rings have moved on before views recur."""
    net = convolutions(RINGS[1])
    samples = net.samples(12)
    expected = net.simulator.run(samples, lanes=2)
    monkeypatch.setattr(memory, "CACHED_VIEWS", most)
    report = net.simulator.run(samples, lanes=2)
    for mine, wanted in zip(report.outputs, expected.outputs, strict=True):
        for a, b in zip(mine.values(), wanted.values(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_iterable_gives_what_a_list_gives() -> None:
    net = convolutions("")
    samples = net.samples(9)
    expected, report = (net.simulator.run(x, lanes=4) for x in (samples, iter(samples)))
    assert report.cycles == expected.cycles
    for mine, wanted in zip(report.outputs, expected.outputs, strict=True):
        for a, b in zip(mine.values(), wanted.values(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_outputs_are_given_as_groups_are_over() -> None:
    """While the inputs of later groups have not been asked for."""
    net = convolutions(RINGS[1])
    samples, asked, given = net.samples(200), list[int](), list[tuple[list[int], int]]()

    def source():
        for n, sample in enumerate(samples):
            asked.append(n)
            yield sample

    def sink(numbers: np.ndarray, outputs: object) -> None:
        given.append((numbers.tolist(), len(asked)))

    report = net.simulator.run(source(), lanes=4, sink=sink)
    assert not report.outputs and report.inferences == 200
    assert [n for numbers, _ in given for n in numbers] == [*range(200)]
    assert given[0][1] < 100


@pytest.mark.parametrize("most", [1, 16, 64])
def test_groups_are_of_equal_length(most: int) -> None:
    """As few groups as there can be, of almost as many inferences each."""
    for count in range(1, 200):
        lanes = lanes_for(most, count, None)
        assert 1 <= lanes <= most
        groups = -(-count // lanes)
        assert groups == -(-count // most)
        assert groups * lanes - count < groups
    assert lanes_for(most, None, None) == most
    assert lanes_for(most, 100, 1) == 1


@pytest.mark.parametrize(("size", "lanes"), [(64, 1), (48, 1), (32, 7)])
def test_the_automatic_number_of_lanes(size: int, lanes: int) -> None:
    """Small networks run in many lanes; those whose chunks are wide, or whose buffers are large, in fewer.

    Two chunks of 16·9·size² elements, and a million at once: one lane at 64×64, three at 48×48, which would be slower
    than one, and seven at 32×32.
    """
    assert convolutions("").simulator.lanes_for(None) == 64
    assert convolutions("").simulator.lanes_for(5) == 5
    wide = Builder(16, size, size)
    x = wide.conv(wide.conv("x", 16, pads=1), 16, pads=1)
    model = wide.model(x)
    whole, rings = (compile_network(model, passes=passes).simulator for passes in ("", RINGS[1]))
    assert whole.lanes_for(None) == lanes
    assert whole.lanes_for(None) < rings.lanes_for(None) <= 64


def test_an_index_that_is_out_of_range_names_the_inference() -> None:
    net = compile_network(parser.parse_model(TABLE))
    inputs = [{"x": np.array([n, 1], np.int64)} for n in range(4)]
    for lanes in (1, 2, 3):
        net.simulator.run(inputs, lanes=lanes)
        wrong = [*inputs, {"x": np.array([0, 4], np.int64)}]
        message = "index 4 is outside a dimension of 4 elements, in inference 4"
        with pytest.raises(CompileError, match=message):
            net.simulator.run(wrong, lanes=lanes)


@given(st.data())
@settings(max_examples=40)
def test_an_index_of_an_idle_lane_may_be_out_of_range(data: st.DataObject) -> None:
    """The state of a lane goes on after its sequence has ended, and nobody sees what becomes of it."""
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    starts = np.repeat(np.cumsum([0, *lengths[:-1]]), lengths).tolist()
    places = [data.draw(st.integers(0, 3)) for _ in starts]  # the state, and the index
    steps = [p - (places[n - 1] if n > starts[n] else 0) for n, p in enumerate(places)]
    simulator, (x,) = counter(), counter().network.inputs
    inputs = [{x: np.array([step], np.int64)} for step in steps]
    lanes = data.draw(st.integers(1, len(lengths)))
    for place, outputs in zip(places, run(simulator, inputs, lanes, starts).outputs, strict=True):
        element, vector = outputs.values()
        assert element == 10 + place
        np.testing.assert_array_equal(vector, 10 + np.arange(4) + 7 * (np.arange(4) == place))
    wrong = data.draw(st.integers(0, len(starts) - 1))
    inputs[wrong] = {x: np.array([9], np.int64)}
    with pytest.raises(CompileError, match=rf"index \d+ is outside .*, in inference {wrong}$"):
        simulator.run(inputs, first=starts, lanes=lanes)


@cache
def counter() -> Simulator:
    """A network whose state is the sum of its inputs, which is an index."""
    with collect_diagnostics():
        network = at_both_levels(COUNTER, {})
        module = ModuleOp([network.pipeline.clone()])
        passes = (
            "polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore"
        )
        run_passes(module, passes, make_context())
    op = module.body.block.first_op
    assert isinstance(op, NetworkOp)
    timed = TimedNetwork(ElaboratedNetwork(op), Hardware.load("ideal"))
    return Simulator.of(timed, network.parameters)


COUNTER = """
func.func @main(%x: tensor<1xi64>,
                %s: tensor<1xi64> {nn.carried_from = 2 : index, nn.initial = dense<0> : tensor<1xi64>})
    -> (tensor<1xf32>, tensor<4xf32>, tensor<1xi64>) {
  %table = nn.parameter dense<[10.0, 11.0, 12.0, 13.0]> : tensor<4xf32>
  %seven = nn.parameter dense<7.0> : tensor<1xf32>
  %n = nn.add %x, %s : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %y = nn.take %table, %n {axis = 0} : (tensor<4xf32>, tensor<1xi64>) -> tensor<1xf32>
  %z = nn.put_elements %table, %n, %seven {axis = 0, add}
    : (tensor<4xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<4xf32>
  func.return %y, %z, %n : tensor<1xf32>, tensor<4xf32>, tensor<1xi64>
}
"""


TABLE = """<ir_version: 8, opset_import: ["": 17]>
main (int64[1,2] x) => (float[1,2,3] y)
<float[4,3] table = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}> { y = Gather(table, x) }
"""
