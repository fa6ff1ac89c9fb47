"""Whole models: the imported IR, evaluated with NumPy, gives its reference's results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from frontends.onnx_models import evaluate, reference_outputs, save
from tolerance import assert_close
from zoo import build

from cmir.frontends.onnx import import_onnx

ROOT = Path(__file__).parents[2]


def test_a_residual_network_agrees_with_its_reference(tmp_path: Path) -> None:
    model = build("resnet20:16,4")
    image = np.random.default_rng(0).normal(size=(1, 3, 16, 16)).astype(np.float32)
    (expected,) = reference_outputs(model, {"input": image})
    (result,) = evaluate(import_onnx(save(model, tmp_path)), [image[0]])
    assert_close(result, expected[0])


def test_digits_example_recognises_its_samples() -> None:
    example = ROOT / "examples" / "digits"
    imported = import_onnx(example / "digits.onnx")
    samples = np.load(example / "samples.npz")
    images = samples["images"][:40].astype(np.float32)
    digits = [evaluate(imported, [image[None]])[0].argmax() for image in images]
    assert np.mean(digits == samples["labels"][:40]) >= 0.95
