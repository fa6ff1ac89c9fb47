"""The networks that the ONNX package ships: graphs without weights, which get random ones here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

MODELS = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAMES = sorted(path.stem.removeprefix("light_") for path in MODELS.glob("light_*.onnx"))


def light_network(name: str, seed: int = 0) -> onnx.ModelProto:
    """One of NAMES, with weights."""
    return with_random_weights(onnx.load(MODELS / f"light_{name}.onnx"), seed)


def with_random_weights(model: onnx.ModelProto, seed: int = 0) -> onnx.ModelProto:
    """The model with random parameters, by what they are used for."""
    graph, random = model.graph, np.random.default_rng(seed)
    shapes = {t.name: t for t in graph.initializer if t.data_type == onnx.TensorProto.INT64}
    made = {node.output[0]: node for node in graph.node if node.op_type == "ConstantOfShape"}
    parameters = {
        name: tuple(numpy_helper.to_array(shapes[node.input[0]])) for name, node in made.items()
    }
    floats = [t for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT]
    parameters |= {tensor.name: tuple(tensor.dims) for tensor in floats}
    uses: dict[str, tuple[str, int]] = {}
    for node in reversed(graph.node):
        for index, name in enumerate(node.input):
            uses[name] = (
                uses[node.output[0]] if node.op_type == "Unsqueeze" else (node.op_type, index)
            )
    # Weights make up for a ReLU. Where none follows, as on the way to a sum, halving keeps many blocks in range.
    halved = {
        node.input[1]
        for node in graph.node
        if node.op_type == "BatchNormalization"
        and uses.get(node.output[0], ("",))[0] not in ("Relu", "Mul")
    }
    for tensor in floats:
        graph.initializer.remove(tensor)
    for node in made.values():
        graph.node.remove(node)
    for name, shape in parameters.items():
        if name in uses:
            values = _random(random, *uses[name], shape).astype(np.float32)
            values *= 0.5 if name in halved else 1
            graph.initializer.append(numpy_helper.from_array(values, name))
    declared = [info for info in graph.input if info.name in parameters]
    for info in declared:
        graph.input.remove(info)
    model.ir_version = max(model.ir_version, 4)
    return model


def _random(
    random: np.random.Generator, operator: str, index: int, shape: tuple[int, ...]
) -> np.ndarray:
    match operator, index:
        case "Conv", 1:
            return random.standard_normal(shape, np.float32) * np.sqrt(2 / np.prod(shape[1:]))
        case "Gemm", 1:
            return random.standard_normal(shape, np.float32) * np.sqrt(2 / shape[-1])
        case ("BatchNormalization", 1 | 4) | ("Mul", _):
            return random.uniform(0.5, 1.5, shape)
        case _:
            return random.uniform(-0.1, 0.1, shape)
