"""Quantised operators against onnxruntime: equal, by NumPy and on the engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from frontends.onnx_models import evaluate, save
from frontends.quantized_cases import ALL, WHOLE
from onnx import numpy_helper, parser

from cmir.accelerator.engine import Machine
from cmir.accelerator.hardware import Hardware
from cmir.frontends.onnx import import_onnx
from cmir.tools.model import lower, read_model


def model_of(name: str) -> onnx.ModelProto:
    inputs, body, outputs, constants = ALL[name]
    model = parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 15]> main ({inputs}) => ({outputs}) {{ {body} }}'
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
        else:
            limits = np.iinfo(np.int16 if dtype == np.int32 else dtype)
            samples[info.name] = random.integers(
                limits.min, limits.max, shape, np.int64, endpoint=True
            ).astype(dtype)
    return samples


@pytest.mark.parametrize("name", ALL)
def test_equal_to_onnxruntime(name: str, tmp_path: Path) -> None:
    model = model_of(name)
    path, samples = save(model, tmp_path), samples_for(model)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    expected = [np.asarray(output) for output in session.run(None, samples)]
    inputs, batch = [*samples.values()], name not in WHOLE
    if batch:
        inputs, expected = ([array[0] for array in arrays] for arrays in (inputs, expected))

    reference = evaluate(import_onnx(path, batch=batch), inputs)
    compiled = read_model(path, batch=batch)
    machine = Machine(lower(compiled), Hardware.load("ideal"), compiled.parameters)
    report = machine.run([dict(zip(machine.inputs, inputs, strict=True))])
    for results in (reference, report.outputs[0].values()):
        for array, wanted in zip(results, expected, strict=True):
            assert array.dtype == wanted.dtype
            np.testing.assert_array_equal(array, wanted)
