"""Fourier transforms, sampling, and operators on sequences; compiled, proved, run, compared."""

from __future__ import annotations

import numpy as np
import pytest
from end_to_end.test_tokens import check
from frontends.onnx_models import model_of, samples_for
from frontends.signal_cases import CASES, OTHER_OPSETS
from networks import compile_network
from tolerance import assert_close

from cmir.checking import evaluator_of
from cmir.frontends.onnx.errors import OnnxError

ALL = {name: (18, *case) for name, case in CASES.items()} | OTHER_OPSETS


@pytest.mark.parametrize("name", ALL)
def test_operator(name: str) -> None:
    opset, inputs, body = ALL[name]
    model = model_of(inputs, body, opset)
    check(model, [[x[0] for x in samples_for(model).values()]])


_LENGTHS = "n = Constant<value_ints = [5, 0, 3, 1]>()"

WHOLE: dict[str, tuple[int, str, str]] = {
    "ReverseSequence": (13, "float[5,4,2] x", f"{_LENGTHS} y = ReverseSequence(x, n)"),
    "ReverseSequence of rows": (
        13,
        "float[4,5] x",
        f"{_LENGTHS} y = ReverseSequence<batch_axis = 0, time_axis = 1>(x, n)",
    ),
    "RoiAlign": (
        16,
        "float[2,3,6,7] x1, float[3,4] x2",
        "i = Constant<value_ints = [1, 0, 1]>() y = RoiAlign<output_height = 2,"
        " output_width = 3, sampling_ratio = 2, spatial_scale = 3.0>(x1, x2, i)",
    ),
    "RoiAlign of the largest": (
        16,
        "float[2,3,6,7] x1, float[3,4] x2, int64[3] x3",
        "m = Mul(x3, x3) o = Constant<value_ints = [1]>() i = Min(m, o)"
        ' y = RoiAlign<mode = "max", output_height = 2, output_width = 2, sampling_ratio = 3,'
        ' coordinate_transformation_mode = "output_half_pixel">(x1, x2, i)',
    ),
    "RoiAlign of opset 10": (
        10,
        "float[1,2,6,5] x1, float[2,4] x2",
        "i = Constant<value = int64[2] {0, 0}>() y = RoiAlign<output_height = 3, output_width = 2,"
        " sampling_ratio = 1, spatial_scale = 2.0>(x1, x2, i)",
    ),
    "MaxUnpool to a size": (
        13,
        "float[2,1,2,2] x1",
        "i = Constant<value = int64[2,1,2,2] {5, 7, 13, 15, 16, 19, 28, 30}>()"
        " o = Constant<value_ints = [2, 1, 4, 4]>()"
        " y = MaxUnpool<kernel_shape = [2, 2], strides = [2, 2]>(x1, i, o)",
    ),
    "Compress of all elements": (
        13,
        "float[2,3] x",
        "c = Constant<value = bool[5] {0, 1, 1, 0, 1}>() y = Compress(x, c)",
    ),
    "GridSample of two images": (
        20,
        "float[2,3,4,5] x1, float[2,3,2,2] x2",
        'y = GridSample<mode = "cubic">(x1, x2)',
    ),
    "TfIdfVectorizer of one sequence": (
        13,
        "int64[12] x",
        'y = TfIdfVectorizer<mode = "TF", min_gram_length = 2, max_gram_length = 2,'
        " max_skip_count = 5, ngram_counts = [0, 1], ngram_indexes = [1, 0],"
        " pool_int64s = [0, 0, 0]>(x)",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_operator_on_whole_inputs(name: str) -> None:
    opset, inputs, body = WHOLE[name]
    model = model_of(inputs, body, opset)
    samples = samples_for(model)
    network = compile_network(model, batch=False)
    (outputs,) = network.simulator.run([samples]).outputs or []
    (expected,) = evaluator_of(model)(*samples.values())
    (result,) = outputs.values()
    assert_close(result, expected)


def test_the_size_of_an_unpooled_image_adds_zeros() -> None:
    """ONNX counts the elements of the image without them; onnxruntime, those of the result."""
    body = (
        "i = Constant<value = int64[1,1,2,2] {5, 7, 13, 15}>() o = Constant<value_ints = [1, 1, 5, 6]>()"
        " y = MaxUnpool<kernel_shape = [2, 2], strides = [2, 2]>(x, i, o)"
    )
    network = compile_network(model_of("float[1,1,2,2] x", body), batch=False)
    (outputs,) = network.simulator.run(network.samples(1)).outputs or []
    (result,) = outputs.values()
    assert result.shape == (1, 1, 5, 6)
    assert not result[..., 4:, :].any() and not result[..., 4:].any()
    assert (result[0, 0, 1:4:2, 1:4:2] != 0).all() and np.count_nonzero(result) == 4


REFUSED = {
    "regions without a number of samples": (
        "float[1,2,6,5] x1, float[2,4] x2",
        "i = Constant<value = int64[2] {0, 0}>() y = RoiAlign(x1, x2, i)",
        "attribute sampling_ratio = 0 is not supported: the number of samples would depend on the",
    ),
    "a condition that is data": (
        "float[1,4] x1, bool[4] x2",
        "y = Compress<axis = 1>(x1, x2)",
        "input condition must be a constant, but depends on the model's inputs",
    ),
    "a large determinant": ("float[1,6,6] x", "y = Det(x)", "at most 5, got a sample of shape"),
    "lengths of a batch": (
        "float[1,4] x",
        "n = Constant<value_ints = [3]>() y = ReverseSequence<batch_axis = 0, time_axis = 1>(x, n)",
        "it would mix the samples of a batch (axis 0)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    inputs, body, reason = REFUSED[name]
    with pytest.raises(OnnxError) as caught:
        compile_network(model_of(inputs, body, 18), batch="batch" in name)
    assert reason in str(caught.value)
