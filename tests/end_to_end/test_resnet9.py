"""ResNet-9 of examples/resnet9, with random weights: the layers of the HERMES chip's network, and its crossbars."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

import cmir

EXAMPLE = Path(__file__).parents[2] / "examples" / "resnet9"

MATRICES = [
    *((27, 56), (504, 112), (1008, 112), (1008, 112), (1008, 224)),
    *((2016, 224), (2016, 224), (2016, 224), (224, 10)),
]
"""Inputs and outputs of the matrices in the paper, arXiv:2212.02872."""


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> onnx.ModelProto:
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.delitem(sys.modules, "network", raising=False)
    import network  # pyright: ignore[reportMissingImports]

    rng = np.random.default_rng(0)
    return network.model_of(
        {
            name: (
                rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:])),
                rng.normal(0, 0.1, shape[0]),
            )
            for name, shape in network.shapes().items()
        }
    )


def test_sizes_of_the_layers(model: onnx.ModelProto) -> None:
    weights = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    matrices = [
        weights[node.input[1]].reshape(len(weights[node.input[1]]), -1).shape[::-1]
        for node in model.graph.node
        if node.op_type in ("Conv", "Gemm")
    ]
    assert matrices == MATRICES


def test_forty_crossbars_of_hermes(model: onnx.ModelProto) -> None:
    """Cores have one crossbar each; others add partial sums and pool."""
    net = cmir.compile(model, hardware="hermes", placement_seconds=0, progress=False)
    expected = sum(-(-rows // 256) * -(-columns // 256) for rows, columns in MATRICES)
    run = net.timing(1)
    assert run.figures["crossbars"] == expected == 40
    assert net.timed.network.core_count == 51 <= 64


def test_outputs(model: onnx.ModelProto) -> None:
    net = cmir.compile(model, hardware="hermes", placement_seconds=0, progress=False)
    image = np.random.default_rng(1).uniform(0, 1, (1, 3, 32, 32)).astype(np.float32)
    (expected,) = ReferenceEvaluator(model).run(None, {"image": image})
    (found,) = net.run(image[None], progress=False).output
    assert found == pytest.approx(np.asarray(expected), rel=1e-4, abs=1e-4)
