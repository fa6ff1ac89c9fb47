"""Small ONNX models for tests, written in ONNX's textual syntax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser
from xdsl.dialects.func import FuncOp

from cmir.checking import evaluator_of
from cmir.dialects.nn import evaluate_function
from cmir.frontends.onnx import ImportedModule


def model_of(
    inputs: str, body: str, opset: int = 13, outputs: str = "float[] y"
) -> onnx.ModelProto:
    """A model of the nodes ``body``; inputs not named x… become initializers with random values."""
    model = parser.parse_model(
        f'<ir_version: 8, opset_import: ["": {opset}, "custom": 1]>\n'
        f"main ({inputs}) => ({outputs}) {{ {body} }}"
    )
    random = np.random.default_rng(0)
    for info in list(model.graph.input):
        if not info.name.startswith("x"):
            shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
            # Away from zero, so that they serve as variances too.
            array = random.uniform(0.5, 1.5, shape).astype(_dtype(info))
            model.graph.initializer.append(numpy_helper.from_array(array, info.name))
            model.graph.input.remove(info)
    return model


def _dtype(info: onnx.ValueInfoProto) -> np.dtype:
    return onnx.helper.tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)


def save(model: onnx.ModelProto, directory: Path) -> Path:
    path = directory / "model.onnx"
    onnx.save(model, path)
    return path


def samples_for(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """A random array, of batch 1, for each input."""
    random = np.random.default_rng(1)
    initializers = {tensor.name for tensor in model.graph.initializer}
    samples = {}
    for info in model.graph.input:
        if info.name not in initializers:
            shape = [dim.dim_value or 1 for dim in info.type.tensor_type.shape.dim]
            samples[info.name] = random.normal(size=shape).astype(_dtype(info))
    return samples


def evaluate(imported: ImportedModule, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results of an imported model for one sample, computed by NumPy from valid IR."""
    imported.module.verify()
    (function,) = imported.module.body.block.ops
    assert isinstance(function, FuncOp)
    return evaluate_function(function, inputs, imported.parameters)


def reference_outputs(
    model: onnx.ModelProto | Path, samples: Mapping[str, np.ndarray]
) -> list[np.ndarray]:
    """The model's reference for inputs in its order."""
    return evaluator_of(model)(*samples.values())
