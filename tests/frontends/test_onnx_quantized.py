"""Quantised operators against exact integers: equal, by NumPy and on the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from checking.saturating import SaturatingSession
from frontends.microsoft_cases import FUSED, QUANTISED
from frontends.onnx_models import evaluate, save
from frontends.qonnx_cases import CASES as QONNX
from frontends.quantized_cases import ALL, FLOATS, QDQ, WHOLE
from onnx import numpy_helper, parser
from tolerance import assert_close

from cmir.checking import evaluator_of, onnxruntime_evaluator
from cmir.compilation.model import lower, read_model
from cmir.frontends.onnx import import_onnx
from cmir.hardware.description import Hardware
from cmir.simulator.simulator import Simulator
from cmir.timing.network import TimedNetwork
from cmir.tools.cm_run import main


def model_of(name: str) -> onnx.ModelProto:
    inputs, body, outputs, constants = {**ALL, **QDQ, **FLOATS, **QUANTISED, **FUSED, **QONNX}[name]
    opsets = f'"": {21 if name in FLOATS else 15}, "com.microsoft": 1'
    if name in QONNX:
        opsets += ', "qonnx.custom_op.general": 1'
    model = parser.parse_model(
        f"<ir_version: 8, opset_import: [{opsets}]> main ({inputs}) => ({outputs}) {{ {body} }}"
    )
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items())
    return model


def samples_for(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    samples: dict[str, np.ndarray] = {}
    for info in model.graph.input:
        tensor = info.type.tensor_type
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
        shape = [dim.dim_value for dim in tensor.shape.dim]
        if dtype.kind == "f":
            samples[info.name] = random.normal(size=shape).astype(dtype)
        elif dtype.kind == "b":
            samples[info.name] = random.integers(0, 1, shape, endpoint=True).astype(dtype)
        else:
            limits = np.iinfo(np.int16 if dtype == np.int32 else dtype)
            samples[info.name] = random.integers(
                limits.min, limits.max, shape, np.int64, endpoint=True
            ).astype(dtype)
    return samples


@pytest.mark.parametrize("processor", ["this", "without VNNI"])
@pytest.mark.parametrize("name", ALL)
def test_equal_to_reference(
    name: str, processor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where onnxruntime saturates sums of products."""
    if processor == "without VNNI":
        monkeypatch.setattr(onnxruntime, "InferenceSession", SaturatingSession)
    for array, wanted in results_of(name, tmp_path):
        assert array.dtype == wanted.dtype
        np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("name", [*QDQ, *QUANTISED, *QONNX])
def test_equal_to_reference_on_this_processor(name: str, tmp_path: Path) -> None:
    for array, wanted in results_of(name, tmp_path):
        assert array.dtype == wanted.dtype
        np.testing.assert_array_equal(array, wanted)


@pytest.mark.parametrize("name", [*FUSED, *FLOATS])
def test_floats_are_close_to_onnxruntime(name: str, tmp_path: Path) -> None:
    for array, wanted in results_of(name, tmp_path):
        assert_close(array, wanted)


def results_of(name: str, directory: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The results of a case, by NumPy and on the simulator, with those of the reference."""
    model = model_of(name)
    path, samples = save(model, directory), samples_for(model)
    inputs, batch = [*samples.values()], name not in WHOLE
    expected = evaluator_of(path)(*inputs)
    if batch:
        inputs, expected = ([array[0] for array in arrays] for arrays in (inputs, expected))
    part = "split" if batch else "whole"
    reference = evaluate(import_onnx(path, samples=part), inputs)
    compiled = read_model(path, samples=part)
    timed = TimedNetwork(lower(compiled), Hardware.load("ideal"))
    report = Simulator.of(timed, compiled.parameters).run(
        [dict(zip(timed.network.inputs, inputs, strict=True))]
    )
    for results in (reference, report.outputs[0].values()):
        yield from zip(results, expected, strict=True)


def test_onnxruntime_differs_without_vnni(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in does what it stands for: it is wrong about signed weights, and right about unsigned ones."""
    monkeypatch.setattr(onnxruntime, "InferenceSession", SaturatingSession)
    for name, equal in (
        ("MatMulInteger", True),
        ("MatMulInteger of two", False),
        ("QLinearConv", False),
        ("QLinearConv int8 grouped", True),
        ("a quantised network", False),
    ):
        model = model_of(name)
        arrays = samples_for(model).values()
        results = zip(onnxruntime_evaluator(model)(*arrays), evaluator_of(model)(*arrays))
        assert all(np.array_equal(*pair) for pair in results) == equal


@pytest.mark.parametrize("saturating", [False, True])
def test_cm_run_remarks_that_onnxruntime_differs(
    saturating: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """It says so, and does not fail. The model's sums differ only where pairs of products are saturated."""
    if saturating:  # in the process that evaluates the model
        patch = "import onnxruntime\nfrom checking.saturating import SaturatingSession\n"
        patch += "onnxruntime.InferenceSession = SaturatingSession\n"
        (tmp_path / "sitecustomize.py").write_text(patch)
        monkeypatch.syspath_prepend(str(tmp_path))
    sign = "int8" if saturating else "uint8"
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["": 13]> main (uint8[N,8] x) => (int32[N,4] y)'
        " { y = MatMulInteger(x, w) }"
    )
    model.graph.initializer.append(numpy_helper.from_array(np.full((8, 4), 127, sign), "w"))
    path = save(model, tmp_path)
    np.save(tmp_path / "x.npy", np.full(8, 255, np.uint8))
    assert main([str(path), str(tmp_path / "x.npy"), "--check", "--quiet"]) == 0
    captured = capsys.readouterr()
    assert "check: equal to exact integer arithmetic in 1 inference" in captured.out
    remark = (
        f"{path}: remark: onnxruntime differs from exact integer arithmetic on this processor: output 'y'"
        " of inference 0: 4 of 4 elements differ, first at [0, 0]: 131068, expected 259080\n"
    )
    assert captured.err == (remark if saturating else "")
