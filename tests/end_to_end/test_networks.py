"""Small networks, from ONNX to the simulator: results equal onnxruntime's, cycles the naive simulator's."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import onnx
import pytest
from networks import Builder, Compiled, compile_network, reference_outputs
from simulator.naive import simulate
from timing.measured_interval import measured_interval
from tolerance import assert_close

INFERENCES = 3


def two_convolutions() -> onnx.ModelProto:
    net = Builder(16, 32, 32)
    x = net.relu(net.conv("x", 16, pads=1))
    return net.model(net.conv(x, 16, pads=1))


def residual() -> onnx.ModelProto:
    net = Builder(16, 32, 32)
    x = net.relu(net.conv("x", 16, pads=1))
    y = net.conv(net.relu(net.conv(x, 16, pads=1)), 16, pads=1)
    return net.model(net.relu(net.add(y, x)))


def residual_of_the_input() -> onnx.ModelProto:
    net = Builder(16, 32, 32)
    y = net.conv(net.conv("x", 16, pads=1), 16, pads=1)
    return net.model(net.add(y, "x"))


def residual_in_one_dimension() -> onnx.ModelProto:
    net = Builder(16, 32)
    x = net.relu(net.conv("x", 16, pads=1))
    y = net.conv(net.relu(net.conv(x, 16, pads=2, dilations=2)), 16, pads=1)
    return net.model(net.add(y, x))


def strided() -> onnx.ModelProto:
    """A residual with a strided shortcut, as between the groups of a ResNet."""
    net = Builder(16, 32, 32)
    x = net.relu(net.conv("x", 16, pads=1))
    y = net.conv(net.relu(net.conv(x, 16, pads=1, strides=2)), 16, pads=1)
    return net.model(net.add(y, net.conv(x, 16, kernel=1, strides=2)))


def strided_in_one_dimension() -> onnx.ModelProto:
    net = Builder(16, 32)
    x = net.conv("x", 16, kernel=5, strides=2, pads=[1, 3])
    return net.model(net.conv(x, 16, kernel=2, strides=3))


def asymmetric() -> onnx.ModelProto:
    net = Builder(4, 16, 15)
    x = net.conv("x", 6, kernel=[3, 4], pads=[0, 2, 1, 3])
    return net.model(net.conv(x, 4, kernel=[2, 1], pads=[1, 0, 2, 0], strides=[2, 1]))


def dilated() -> onnx.ModelProto:
    net = Builder(16, 32, 32)
    x = net.conv("x", 16, dilations=2, pads=2)
    return net.model(net.conv(x, 16, dilations=3, pads=3))


def grouped() -> onnx.ModelProto:
    net = Builder(8, 12, 12)
    x = net.relu(net.conv("x", 12, groups=4, pads=1))
    x = net.conv(x, 12, groups=12, pads=1, strides=2)  # depthwise
    return net.model(net.conv(x, 6, kernel=1, groups=2))


def classifier() -> onnx.ModelProto:
    net = Builder(3, 16, 16)
    x = net.relu(net.batch_norm(net.conv("x", 8, pads=1)))
    x = net.pool(x, "Max", kernel=3, strides=2, pads=1)
    x = net.relu(net.conv(x, 12, pads=1))
    x = net.pool(x, "Average")
    return net.model(net.gemm(net.relu(net.gemm(net.flatten(x), 20)), 10))


def globally_pooled() -> onnx.ModelProto:
    net = Builder(4, 10, 10)
    x = net.global_average_pool(net.relu(net.conv("x", 12, pads=1)))
    return net.model(net.gemm(net.flatten(x), 5))


def one_number() -> onnx.ModelProto:
    net = Builder(2, 4)
    return net.model(net.gemm(net.gemm(net.flatten("x"), 1), 1))


def overlapping_pools() -> onnx.ModelProto:
    net = Builder(4, 20)
    x = net.pool(net.conv("x", 6), "Average", kernel=3, strides=1, pads=1)
    return net.model(net.pool(x, "Max", kernel=4, strides=3, pads=[0, 1]))


def fan_out() -> onnx.ModelProto:
    """One value with four readers, of different windows, and three outputs."""
    net = Builder(4, 12, 12)
    x = net.conv("x", 4, pads=1)
    a, b = net.conv(x, 4, kernel=5, pads=2), net.conv(x, 4, kernel=1)
    return net.model(net.add(net.add(a, b), x), net.pool(x), x)


def cropped_reader() -> onnx.ModelProto:
    """The reader's first and last rows are never waited for: it reads less than what is written."""
    net = Builder(4, 12, 12)
    x = net.crop(net.conv("x", 4, pads=1), [3, 0], [8, 9])
    return net.model(net.conv(x, 4))


def padded_beyond_the_kernel() -> onnx.ModelProto:
    """The first and the last iterations of the reader see nothing but padding."""
    net = Builder(4, 6, 6)
    x = net.pad(net.conv("x", 4, pads=1), [4, 3], [5, 2])
    return net.model(net.conv(x, 4, kernel=2))


def padded_by_the_convolution() -> onnx.ModelProto:
    net = Builder(4, 7)
    return net.model(net.conv(net.conv("x", 4), 4, kernel=2, pads=[5, 4]))


def nothing_but_padding() -> onnx.ModelProto:
    """The last stage reads zeros only, and so depends on nobody."""
    net = Builder(2, 5)
    x = net.crop(net.pad(net.conv("x", 2), 0, 4), 4, 7)
    return net.model(net.conv(x, 2, kernel=2), net.crop(x, 1, 3))


def last_row_skipped() -> onnx.ModelProto:
    """The reader is done before the writer is."""
    net = Builder(4, 10, 10)
    return net.model(net.conv(net.conv("x", 4, pads=1), 4, kernel=1, strides=2))


def rows_in_between_skipped() -> onnx.ModelProto:
    net = Builder(4, 15)
    return net.model(net.conv(net.conv("x", 4, pads=1), 4, kernel=2, strides=4, pads=[3, 0]))


NETWORKS: list[Callable[[], onnx.ModelProto]] = [
    two_convolutions,
    residual,
    residual_of_the_input,
    residual_in_one_dimension,
    strided,
    strided_in_one_dimension,
    asymmetric,
    dilated,
    grouped,
    classifier,
    globally_pooled,
    one_number,
    overlapping_pools,
    fan_out,
    cropped_reader,
    padded_beyond_the_kernel,
    padded_by_the_convolution,
    nothing_but_padding,
    last_row_skipped,
    rows_in_between_skipped,
]

network = pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)


@cache
def compiled(build: Callable[[], onnx.ModelProto]) -> Compiled:
    return compile_network(build())


@network
def test_results_equal_onnxruntime_whatever_the_chunk(
    build: Callable[[], onnx.ModelProto],
) -> None:
    model = compiled(build)
    samples = model.samples(INFERENCES)
    expected = [reference_outputs(build(), sample) for sample in samples]
    whole = model.simulator.run(samples)
    # A BLAS adds up in another order for a matrix of another height, so chunks differ in the last bits.
    for chunk, inferences in ((None, 3), (None, 1), (7, 3), (7, 1), (1, 3)):
        report = model.simulator.run(samples[:inferences], chunk)
        assert len(report.outputs) == inferences
        for found, same, right in zip(report.outputs, whole.outputs, expected, strict=False):
            assert list(found) == model.timed.network.outputs
            for values, others, truth in zip(found.values(), same.values(), right, strict=True):
                assert_close(values, truth)
                assert_close(values, others)


@network
def test_results_equal_numpy(build: Callable[[], onnx.ModelProto]) -> None:
    model = compiled(build)
    (sample,) = model.samples(1)
    (outputs,) = model.simulator.run([sample]).outputs
    for values, right in zip(outputs.values(), model.reference(sample), strict=True):
        assert_close(values, right)


@network
def test_cycles_equal_the_naive_simulators_whatever_the_chunk(
    build: Callable[[], onnx.ModelProto],
) -> None:
    model = compiled(build)
    expected = simulate(model.pipeline, INFERENCES)
    for chunk in (None, 7, 1):
        for inferences in (INFERENCES, 1):
            report = model.timed.time(inferences, chunk)
            assert {str(core.name) for core in report.cores} == set(expected)
            for core in report.cores:
                # What comes later does not delay what came before.
                np.testing.assert_array_equal(core.start, expected[str(core.name)][:inferences])
            assert report.cycles == 1 + max(s[:inferences].max() for s in expected.values())


def test_data_does_not_change_timing() -> None:
    model = compiled(residual)
    timed, run = model.timed.time(INFERENCES), model.simulator.run(model.samples(INFERENCES))
    for one, other in zip(timed.cores, run.cores, strict=True):
        np.testing.assert_array_equal(one.start, other.start)
        assert (one.data_stalls, one.credit_stalls) == (other.data_stalls, other.credit_stalls)


def test_two_convolutions_of_the_design_take_786_cycles() -> None:
    net = Builder(2, 16, 16)
    model = compile_network(net.model(net.conv(net.conv("x", 2, pads=1), 2, pads=1)))
    assert model.timed.time(3).cycles == 786
    assert max(starts.max() for starts in simulate(model.pipeline, 3).values()) + 1 == 786


def test_inferences_overlap() -> None:
    report = compiled(two_convolutions).timed.time(8)
    assert report.overlap == 2
    assert measured_interval(report) == 32 * 32
