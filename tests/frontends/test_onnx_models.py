"""Whole models: the imported IR, evaluated with NumPy, gives the results of onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from frontends.onnx_models import evaluate, reference_outputs
from tolerance import assert_close

from cmir.frontends.onnx import import_onnx

ROOT = Path(__file__).parents[2]
MODELS = ROOT.parent / "shared" / "models"


def shared_model(name: str) -> Path:
    path = MODELS / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def tensor_in(path: Path) -> np.ndarray:
    return onnx.numpy_helper.to_array(onnx.load_tensor(path))


def test_mnist_gives_its_stored_outputs() -> None:
    model = shared_model("mnist-conv/model.onnx")
    data = model.parent / "test_data_set_0"
    imported = import_onnx(model)
    assert imported.inputs == {"Input3": (1, 1, 28, 28)}
    assert imported.outputs == {"Plus214_Output_0": (1, 10)}
    (result,) = evaluate(imported, [tensor_in(data / "input_0.pb")[0]])
    assert_close(result, tensor_in(data / "output_0.pb")[0])


def test_resnet20_agrees_with_onnxruntime() -> None:
    model = shared_model("resnet20-cifar10.onnx")
    image = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    (expected,) = reference_outputs(model, {"input": image})
    imported = import_onnx(model)
    (result,) = evaluate(imported, [image[0]])
    assert_close(result, expected[0])


def test_digits_example_recognises_its_samples() -> None:
    example = ROOT / "examples" / "digits"
    imported = import_onnx(example / "digits.onnx")
    samples = np.load(example / "samples.npz")
    images = samples["images"][:40].astype(np.float32)
    digits = [evaluate(imported, [image[None]])[0].argmax() for image in images]
    assert np.mean(digits == samples["labels"][:40]) >= 0.95
