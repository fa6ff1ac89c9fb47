"""Outputs of a model that are constants: the cores send them with each inference."""

from __future__ import annotations

import numpy as np
import pytest
from frontends.onnx_models import model_of
from networks import compile_network

CASES = {
    "the mask of Dropout": (
        12,
        "z, mask = Dropout(x) y = Relu(z)",
        "float[] y, bool[] mask",
        np.ones((3, 4), np.bool_),
    ),
    "the mask of Dropout in floats": (
        9,
        "z, mask = Dropout(x) y = Relu(z)",
        "float[] y, float[] mask",
        np.ones((3, 4), np.float32),
    ),
    "a weight": (13, "y = Relu(x) p = Identity(w)", "float[] y, float[] p", None),
    "nothing else": (13, "p = Neg(w)", "float[] p", None),
}


@pytest.mark.parametrize("name", CASES)
def test_sent_with_each_inference(name: str) -> None:
    opset, body, outputs, expected = CASES[name]
    model = model_of("float[N,3,4] x, float[1,2,5] w", body, opset, outputs)
    if expected is None:
        weight = model.graph.initializer[0]
        expected = np.frombuffer(weight.raw_data, np.float32).reshape(2, 5)
        expected = -expected if "Neg" in body else expected
    compiled = compile_network(model)
    samples = compiled.samples(3)
    for sample, found in zip(samples, compiled.simulator.run(samples).outputs, strict=True):
        *others, constant = found.values()
        assert constant.dtype == expected.dtype
        np.testing.assert_array_equal(constant, expected)
        for y in others:
            np.testing.assert_array_equal(y, np.maximum(sample["x"], 0))
