"""Building image-classification networks as ONNX models, with random weights that keep activations in range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13


@dataclass(frozen=True)
class Image:
    """A value of the network: `channels` images of `size` × `size` elements.

    A flat one has a size of 1, and no dimensions for it.
    """

    name: str
    channels: int
    size: int


class Builder:
    """A model in the making, with one input, `x`. Every method adds a node and gives its result.

    Weights are normal, with the variance 2/fan-in that a ReLU makes up for (He et al. 2015). Batch normalisations have
    statistics other than those of their input, but leave its size, on average, as it is.
    """

    def __init__(self, channels: int, size: int, seed: int = 0):
        self.x = Image("x", channels, size)
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def conv(
        self,
        x: Image,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> Image:
        """A convolution, padded so that a stride of one leaves the size as it is."""
        shape = (channels, x.channels // groups, kernel, kernel)
        weights = [self._normal(*shape)]
        if bias:
            weights.append(self._uniform(-0.1, 0.1, channels))
        pad = kernel // 2
        return self._node(
            "Conv",
            [x.name, *weights],
            channels,
            _windows(x.size + 2 * pad, kernel, stride),
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[pad] * 4,
            group=groups,
        )

    def batch_norm(self, x: Image, gain: float = 1.0) -> Image:
        """gain: of the standard deviation, on average."""
        variance = self.random.uniform(0.5, 1.5, x.channels)
        scale = gain * self.random.uniform(0.8, 1.2, x.channels) * np.sqrt(variance)
        weights = [
            self._weight(scale),
            self._uniform(-0.1, 0.1, x.channels),
            self._uniform(-0.1, 0.1, x.channels),
            self._weight(variance),
        ]
        return self._node("BatchNormalization", [x.name, *weights], x.channels, x.size)

    def relu(self, x: Image) -> Image:
        return self._node("Relu", [x.name], x.channels, x.size)

    def relu6(self, x: Image) -> Image:
        bounds = [self._weight(np.float32(bound)) for bound in (0, 6)]
        return self._node("Clip", [x.name, *bounds], x.channels, x.size)

    def leaky_relu(self, x: Image) -> Image:
        """With a slope of 0.1, as in darknet."""
        return self._node("LeakyRelu", [x.name], x.channels, x.size, alpha=0.1)

    def local_response_norm(self, x: Image) -> Image:
        """Over five channels, as in AlexNet (Krizhevsky et al. 2012)."""
        return self._node("LRN", [x.name], x.channels, x.size, size=5, alpha=1e-4, beta=0.75)

    def max_pool(
        self, x: Image, kernel: int, stride: int, before: int = 0, after: int = 0
    ) -> Image:
        """before, after: the padding at the first and the last edge of both dimensions."""
        return self._node(
            "MaxPool",
            [x.name],
            x.channels,
            _windows(x.size + before + after, kernel, stride),
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[before] * 2 + [after] * 2,
        )

    def global_average_pool(self, x: Image) -> Image:
        return self._node("GlobalAveragePool", [x.name], x.channels, 1)

    def add(self, a: Image, b: Image) -> Image:
        return self._node("Add", [a.name, b.name], a.channels, a.size)

    def concat(self, *parts: Image) -> Image:
        channels = sum(part.channels for part in parts)
        return self._node("Concat", [p.name for p in parts], channels, parts[0].size, axis=1)

    def every_second(self, x: Image) -> Image:
        """Every second row and column."""
        arguments = ([0, 0], [x.size, x.size], [2, 3], [2, 2])  # starts, ends, axes, steps
        names = [self._constant(np.array(values, np.int64)) for values in arguments]
        return self._node("Slice", [x.name, *names], x.channels, (x.size + 1) // 2)

    def twice(self, x: Image) -> Image:
        """Every row and every column twice."""
        scales = self._weight(np.array([1, 1, 2, 2]))
        return self._node(
            "Resize",
            [x.name, "", scales],
            x.channels,
            2 * x.size,
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )

    def pad_channels(self, x: Image, channels: int) -> Image:
        """As many channels of zeros in front as behind, so that there are `channels`."""
        before = (channels - x.channels) // 2
        pads = [0, before, 0, 0, 0, channels - x.channels - before, 0, 0]
        return self._node(
            "Pad", [x.name, self._constant(np.array(pads, np.int64))], channels, x.size
        )

    def flatten(self, x: Image) -> Image:
        """The elements, as that many channels of one element."""
        return self._node("Flatten", [x.name], x.channels * x.size**2, 1)

    def dense(self, x: Image, outputs: int) -> Image:
        """A fully connected layer, of something flat."""
        weights = [self._normal(outputs, x.channels), self._uniform(-0.1, 0.1, outputs)]
        return self._node("Gemm", [x.name, *weights], outputs, 1, transB=1)

    def softmax(self, x: Image) -> Image:
        return self._node("Softmax", [x.name], x.channels, x.size, axis=1)

    def model(self, *outputs: Image) -> onnx.ModelProto:
        """The model that gives these values."""
        shape = [1, self.x.channels, self.x.size, self.x.size]
        graph = helper.make_graph(
            self.nodes,
            "main",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(y.name, TensorProto.FLOAT, None) for y in outputs],
            self.weights,
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)

    def _node(
        self, kind: str, inputs: list[str], channels: int, size: int, /, **attributes: Any
    ) -> Image:
        if size < 1:
            raise ValueError(f"nothing is left after {len(self.nodes)} layers: give a larger size")
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return Image(name, channels, size)

    def _normal(self, *shape: int) -> str:
        values = self.random.standard_normal(shape, np.float32)
        return self._weight(values * np.float32(np.sqrt(2 / np.prod(shape[1:]))))

    def _uniform(self, low: float, high: float, count: int) -> str:
        return self._weight(self.random.uniform(low, high, count))

    def _weight(self, values: np.ndarray | np.floating) -> str:
        return self._constant(np.asarray(values, np.float32))

    def _constant(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name


def _windows(size: int, kernel: int, stride: int) -> int:
    return (size - kernel) // stride + 1
