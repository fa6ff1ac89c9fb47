"""Whole models, if they are there: run on the engine, they give the results of onnxruntime."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from networks import compile_network, reference_outputs
from tolerance import assert_close

MODELS = Path(__file__).parents[3] / "shared" / "models"


def shared_model(name: str) -> Path:
    path = MODELS / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def tensor_in(path: Path) -> np.ndarray:
    return onnx.numpy_helper.to_array(onnx.load_tensor(path))


def test_mnist_gives_its_stored_outputs() -> None:
    path = shared_model("mnist-conv/model.onnx")
    data = path.parent / "test_data_set_0"
    model = compile_network(path)
    (name,) = model.machine.inputs
    report = model.machine.run([{name: tensor_in(data / "input_0.pb")[0]}] * 2)
    expected = tensor_in(data / "output_0.pb")[0]
    for outputs in report.outputs:
        (result,) = outputs.values()
        assert_close(result, expected)


def test_resnet20_agrees_with_onnxruntime() -> None:
    path = shared_model("resnet20-cifar10.onnx")
    model = compile_network(path)
    samples = model.samples(2)
    for outputs, sample in zip(model.machine.run(samples).outputs, samples, strict=True):
        (result,), (expected,) = outputs.values(), reference_outputs(path, sample)
        assert_close(result, expected)


def test_mobilenetv3_agrees_with_onnxruntime() -> None:
    path = shared_model("mobilenetv3-textcls.onnx")
    model = compile_network(path)
    samples = model.samples(2)
    for outputs, sample in zip(model.machine.run(samples).outputs, samples, strict=True):
        (result,), (expected,) = outputs.values(), reference_outputs(path, sample)
        assert_close(result, expected)
    # Activation functions, made of primitives, and sums are part of the stages that they follow.
    kinds = Counter(name.rstrip("0123456789") for name in model.machine.programs)
    assert kinds == {
        "conv": 53,
        "global_average_pool": 10,
        "mul": 9,
        "max_pool": 1,
        "gemm": 1,
        "softmax": 1,
    }
