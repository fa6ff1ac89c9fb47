"""Inputs and outputs that the global control unit streams, at the machine's rates."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Builder, compile_network
from proof.networks_to_prove import lower
from simulator.naive import simulate
from timing.measured_interval import measured_interval
from tolerance import assert_close

from cmir.analysis.inference_costs import costs_of
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.description import Hardware
from cmir.hardware.sections import CoreSection, System
from cmir.timing.network import TimedNetwork

STREAMS = "polyhedral-stream-inputs,polyhedral-stream-outputs"


def two_convolutions() -> tuple[Builder, str]:
    """Of 2 × 6 × 5 elements, to 3 × 6 × 5."""
    net = Builder(2, 6, 5)
    return net, net.conv(net.conv("x", 4, pads=1), 3, pads=1)


def timed(network: NetworkOp, inputs: int | None, outputs: int | None) -> TimedNetwork:
    system = System(input_elements_per_cycle=inputs, output_elements_per_cycle=outputs)
    core = CoreSection(fixed_interval=1, fixed_latency=1)
    return TimedNetwork.of(network, Hardware("rates", core=core, system=system))


@pytest.mark.parametrize(
    "passes",
    [
        STREAMS,
        f"{STREAMS},polyhedral-assign-storage{{sizes=live}}",
        f"{STREAMS},polyhedral-replicate{{stage=conv2 copies=2}}",
        f"polyhedral-schedule{{stage=conv2 reverse=0}},{STREAMS}",
        f"polyhedral-schedule{{stage=conv2 interchange=1,0}},{STREAMS}",
    ],
)
def test_cycles_are_those_of_the_naive_simulator(passes: str) -> None:
    """A row takes a cycle, in whatever order rows are produced; and results are what they should be."""
    net, output = two_convolutions()
    compiled = compile_network(net.model(output), passes=passes)
    samples = compiled.samples(3)
    report, expected = compiled.simulator.run(samples), simulate(compiled.pipeline, 3)
    assert {str(core.name) for core in report.cores} == set(expected)
    for core in report.cores:
        np.testing.assert_array_equal(core.start, expected[str(core.name)])
    for sample, outputs in zip(samples, report.outputs, strict=True):
        (got,), (reference,) = outputs.values(), compiled.reference(sample)
        assert_close(got, reference)


def _streamed() -> NetworkOp:
    net, output = two_convolutions()
    return lower(net, output, passes=STREAMS)


STREAMED = _streamed()


@settings(max_examples=20, deadline=None)
@given(st.none() | st.integers(1, 20), st.none() | st.integers(1, 20))
def test_the_slowest_of_cores_inputs_and_outputs_sets_the_interval(
    inputs: int | None, outputs: int | None
) -> None:
    """Six rows of 10 elements in, six of 15 out, and 30 iterations of a cycle."""
    rows = [6 * (ceil(10 / inputs) if inputs else 1), 6 * (ceil(15 / outputs) if outputs else 1)]
    streamed = timed(STREAMED, inputs, outputs)
    assert measured_interval(streamed.time(12)) == max(30, *rows)
    found = {stream.what: stream.cycles for stream in costs_of(streamed, 30).streams}
    given = {"inputs": (60, inputs), "outputs": (90, outputs)}
    assert found == {what: size / rate for what, (size, rate) in given.items() if rate}


def test_one_dimension_is_one_row() -> None:
    net = Builder(2, 4, 3)
    network = lower(net, net.gemm(net.flatten("x"), 10), passes=STREAMS)
    collect = timed(network, None, 4).time(2).cores[-1]
    assert (collect.iterations, collect.pace.step) == (1, ceil(10 / 4))


def test_outputs_that_only_together_are_too_many() -> None:
    """Each of two outputs has the rate for itself; the costs say what both of them need."""
    net = Builder(1, 4, 4)
    a = net.conv("x", 2, pads=1)
    network = lower(net, net.conv(a, 2, pads=1), a, passes=STREAMS)
    streamed = timed(network, None, 2)
    interval = measured_interval(streamed.time(12))
    assert interval == 4 * 4  # rows of 8 elements
    (outputs,) = costs_of(streamed, interval).streams
    assert (outputs.elements, outputs.cycles) == (64, 32)
