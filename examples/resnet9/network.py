"""ResNet-9 for images of 32×32 pixels in three colours, in the layer sizes of the network of the HERMES chip.

The paper gives the sizes of matrices, inputs × outputs: 27×56, 504×112, twice 1008×112, 1008×224, three times 2016×224
and 224×10 (M. Le Gallo et al., A 64-core mixed-signal in-memory compute chip based on phase-change memory for deep
neural network inference, Nature Electronics 6, 680-693, 2023, arXiv:2212.02872). On crossbars of 256×256, they take
40. The order of the layers is the usual one of ResNet-9: two residual blocks, and pooling that halves the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

IMAGE = 3, 32, 32
CLASSES = 10


class Conv(NamedTuple):
    """A convolution of 3×3 with padding and a ReLU.

    pooled: side of the windows of a max pooling behind it. added: the layer whose result is added to this one's.
    """

    name: str
    inputs: int
    outputs: int
    pooled: int = 1
    added: str | None = None


LAYERS = (
    Conv("conv1", 3, 56),
    Conv("conv2", 56, 112, pooled=2),
    Conv("conv3", 112, 112),
    Conv("conv4", 112, 112, added="conv2"),
    Conv("conv5", 112, 224, pooled=2),
    Conv("conv6", 224, 224, pooled=2),
    Conv("conv7", 224, 224),
    Conv("conv8", 224, 224, added="conv6"),
)
POOL = 4
"""Side of the image after all layers, over which the maximum is taken."""

FEATURES = LAYERS[-1].outputs

Weights = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Weights and biases by name of the layer, with batch normalisation folded in; the last layer is `dense`."""


def shapes() -> dict[str, tuple[int, ...]]:
    """Return the shape of the weights of each layer."""
    found: dict[str, tuple[int, ...]] = {
        layer.name: (layer.outputs, layer.inputs, 3, 3) for layer in LAYERS
    }
    return {**found, "dense": (CLASSES, FEATURES)}


def model_of(weights: Weights) -> onnx.ModelProto:
    """Return the network as an ONNX model, from `image` to `logits`, with a symbolic batch dimension."""
    nodes: list[onnx.NodeProto] = []
    values: dict[str, str] = {}

    def node(kind: str, name: str, *inputs: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def parameters(name: str) -> tuple[str, str]:
        return f"{name}.weight", f"{name}.bias"

    value = "image"
    for layer in LAYERS:
        name = layer.name
        value = node("Conv", name, value, *parameters(name), kernel_shape=[3, 3], pads=[1] * 4)
        value = node("Relu", f"{name}.relu", value)
        if layer.pooled > 1:
            sides = [layer.pooled] * 2
            value = node("MaxPool", f"{name}.pool", value, kernel_shape=sides, strides=sides)
        if layer.added is not None:
            value = node("Add", f"{name}.add", value, values[layer.added])
        values[name] = value
    value = node("MaxPool", "pool", value, kernel_shape=[POOL] * 2, strides=[POOL] * 2)
    value = node("Flatten", "features", value)
    node("Gemm", "logits", value, *parameters("dense"), transB=1)
    tensors = [
        numpy_helper.from_array(array.astype(np.float32), name)
        for layer, arrays in weights.items()
        for name, array in zip(parameters(layer), arrays, strict=True)
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", *IMAGE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", CLASSES])
    graph = helper.make_graph(nodes, "resnet9", [image], [logits], tensors)
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model
