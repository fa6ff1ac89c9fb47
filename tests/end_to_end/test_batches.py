"""Operators on batches, where a batch is a dimension of one inference: compiled, proved, and equal to onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest
from frontends.onnx_models import model_of, reference_outputs
from networks import compile_network
from tolerance import assert_close

CHANNELS = "float[4] s, float[4] b, float[4] m, float[4] v"

CASES: dict[str, tuple[str, str, int]] = {
    # inputs, body, number of stages
    "Conv": (
        "float[2,3,5,6] x, float[4,3,2,3] w, float[4] b",
        "y = Conv<strides = [2, 1], pads = [1, 0, 0, 2], dilations = [1, 2]>(x, w, b)",
        1,
    ),
    "Conv SAME, grouped": (
        "float[3,4,5,6] x, float[6,2,3,3] w",
        'y = Conv<auto_pad = "SAME_LOWER", group = 2, strides = [2, 2]>(x, w)',
        1,
    ),
    "Conv of series": ("float[2,3,8] x, float[4,3,3] w", "y = Conv<pads = [1, 1]>(x, w)", 1),
    "Conv and BatchNormalization": (
        f"float[2,3,4,4] x, float[4,3,3,3] w, {CHANNELS}",
        "c = Conv(x, w) y = BatchNormalization(c, s, b, m, v)",
        1,
    ),
    "one Conv and BatchNormalization": (
        f"float[1,3,4,4] x, float[4,3,3,3] w, {CHANNELS}",
        "c = Conv(x, w) y = BatchNormalization(c, s, b, m, v)",
        1,
    ),
    "Conv and MaxPool": (
        "float[2,3,6,6] x, float[4,3,3,3] w",
        "c = Conv(x, w) y = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(c)",
        2,
    ),
    "ConvTranspose": (
        "float[2,3,4,3] x, float[3,2,3,3] w",
        "y = ConvTranspose<strides = [2, 2], output_padding = [1, 0], pads = [1, 0, 0, 1]>(x, w)",
        1,
    ),
    "ConvTranspose to a size": (
        "float[2,3,4,3] x, float[3,2,3,3] w",
        'y = ConvTranspose<strides = [2, 2], output_shape = [8, 7], auto_pad = "SAME_UPPER">(x, w)',
        1,
    ),
    "AveragePool": (
        "float[2,3,5,5] x",
        "y = AveragePool<kernel_shape = [3, 2], strides = [2, 1], pads = [1, 0, 1, 1]>(x)",
        1,
    ),
    "GlobalAveragePool": ("float[3,2,4,4] x", "y = GlobalAveragePool(x)", 1),
    "GlobalMaxPool": ("float[3,2,4,4] x", "y = GlobalMaxPool(x)", 1),
    "InstanceNormalization": (
        "float[2,3,4,5] x, float[3] s, float[3] b",
        "y = InstanceNormalization(x, s, b)",
        1,
    ),
    "LRN": ("float[2,5,3,3] x", "y = LRN<size = 3>(x)", 1),
    "DepthToSpace": ("float[2,8,2,3] x", "y = DepthToSpace<blocksize = 2>(x)", 1),
    "Resize linear": (
        "float[2,3,4,5] x",
        'r = Constant<value_floats = [1.0, 1.0, 2.0, 1.5]>() y = Resize<mode = "linear">(x, , r)',
        1,
    ),
    "Resize nearest": (
        "float[2,3,4,5] x",
        "r = Constant<value_floats = [2.0, 1.0, 2.0, 1.0]>() y = Resize(x, , r)",
        1,
    ),
    "samples that are mixed": (
        "float[3,2,4,4] x, float[4,2,3,3] w",
        "c = Conv(x, w) m = ReduceMean<axes = [0]>(c) y = Sub(c, m)",
        3,
    ),
    "frames that are a batch": (
        "float[1,3,2,5,5] x, float[4,2,3,3] w",
        "f = Constant<value_ints = [-1, 2, 5, 5]>() t = Constant<value_ints = [1, 3, -1]>()"
        " r = Reshape(x, f) c = Conv(r, w) p = GlobalAveragePool(c) y = Reshape(p, t)",
        2,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_equal_to_onnxruntime(name: str) -> None:
    inputs, body, stages = CASES[name]
    model = model_of(inputs, body)
    network = compile_network(model, batch=False)
    assert len(network.pipeline.stages) == stages
    samples = network.samples(2)
    for sample, outputs in zip(samples, network.simulator.run(samples).outputs, strict=True):
        (expected,) = reference_outputs(model, sample)
        (result,) = outputs.values()
        assert result.shape == expected.shape
        assert_close(result, expected)


def test_a_size_with_all_dimensions() -> None:
    """ConvTranspose's output_shape may begin with a batch and channels, which onnxruntime refuses."""
    inputs = "float[2,3,4,4] x, float[3,2,3,3] w"
    results: list[np.ndarray] = []
    for size in ("8, 8", "2, 2, 8, 8"):
        body = f"y = ConvTranspose<strides = [2, 2], output_shape = [{size}]>(x, w)"
        network = compile_network(model_of(inputs, body), batch=False)
        (outputs,) = network.simulator.run(network.samples(1)).outputs
        results += outputs.values()
    one, other = results
    np.testing.assert_array_equal(one, other)
