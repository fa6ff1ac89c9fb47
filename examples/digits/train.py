"""Train the digits network in NumPy and export it to ONNX.

    python examples/digits/train.py

reads scikit-learn's handwritten digits (1797 images of 8 x 8 pixels, values 0 to 16), trains a
small convolutional network on four fifths of them and writes, beside this file,

* ``digits.onnx``: the network, for raw pixel values, with a symbolic batch dimension;
* ``samples.npz``: the held-out fifth, ``images`` (uint8, N x 8 x 8) and ``labels`` (uint8, N), so
  that nothing that *runs* the network needs scikit-learn.

Both are committed. Everything random comes from one seed, so training again gives the same network
up to the rounding of the machine's BLAS.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from sklearn.datasets import load_digits

HERE = Path(__file__).parent
SEED = 8
EPOCHS = 40
BATCH = 32
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
HELD_OUT = 360
PIXEL_MAX = 16.0

Array = np.ndarray


class Parameter:
    """A trained array, its gradient and the two running moments of Adam."""

    def __init__(self, value: Array) -> None:
        self.value: Array = value.astype(np.float32)
        self.grad: Array = np.zeros_like(self.value)
        self.mean: Array = np.zeros_like(self.value)
        self.square: Array = np.zeros_like(self.value)


class Graph:
    """The ONNX graph under construction. A node and its output share one name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def node(self, op_type: str, name: str, *inputs: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op_type, inputs, [name], name, **attributes))
        return name

    def initializer(self, name: str, parameter: Parameter) -> str:
        self.initializers.append(numpy_helper.from_array(parameter.value, name))
        return name


class Layer(ABC):
    """One step of the network; ``backward`` refers to the latest ``forward``."""

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def forward(self, x: Array) -> Array:
        """The layer's output for a batch."""

    @abstractmethod
    def backward(self, dy: Array) -> Array:
        """The loss's gradient by the input, given that by the output; sets every ``grad``."""

    @abstractmethod
    def export(self, graph: Graph, x: str) -> str:
        """Append the layer's nodes, reading ``x``; return the name of its output."""

    def parameters(self) -> Sequence[Parameter]:
        return ()


class Conv3x3(Layer):
    """A 3 x 3 convolution, stride 1, zero padding 1, with a bias."""

    def __init__(self, name: str, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        super().__init__(name)
        scale = np.sqrt(2 / (9 * inputs))
        self.weight = Parameter(rng.normal(0, scale, (outputs, inputs, 3, 3)))
        self.bias = Parameter(np.zeros(outputs))

    @staticmethod
    def _windows(x: Array) -> Array:
        """(N, C, H, W) to the (N, C, H, W, 3, 3) window around every pixel."""
        return sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), axis=(2, 3))

    def forward(self, x: Array) -> Array:
        self.x_windows = self._windows(x)
        y = np.tensordot(self.x_windows, self.weight.value, ((1, 4, 5), (1, 2, 3)))
        return (y + self.bias.value).transpose(0, 3, 1, 2)

    def backward(self, dy: Array) -> Array:
        self.weight.grad = np.tensordot(dy, self.x_windows, ((0, 2, 3), (0, 2, 3)))
        self.bias.grad = dy.sum((0, 2, 3))
        # The input's gradient is the convolution of dy with the kernels turned by 180 degrees.
        turned = self.weight.value[:, :, ::-1, ::-1]
        dx = np.tensordot(self._windows(dy), turned, ((1, 4, 5), (0, 2, 3)))
        return dx.transpose(0, 3, 1, 2)

    def export(self, graph: Graph, x: str) -> str:
        weight = graph.initializer(f"{self.name}.weight", self.weight)
        bias = graph.initializer(f"{self.name}.bias", self.bias)
        return graph.node(
            "Conv", self.name, x, weight, bias, kernel_shape=[3, 3], pads=[1, 1, 1, 1]
        )

    def parameters(self) -> Sequence[Parameter]:
        return (self.weight, self.bias)


class Relu(Layer):
    def forward(self, x: Array) -> Array:
        self.positive = x > 0
        return x * self.positive

    def backward(self, dy: Array) -> Array:
        return dy * self.positive

    def export(self, graph: Graph, x: str) -> str:
        return graph.node("Relu", self.name, x)


class Residual(Layer):
    """x + inner(x)."""

    def __init__(self, name: str, inner: Layer) -> None:
        super().__init__(name)
        self.inner = inner

    def forward(self, x: Array) -> Array:
        return x + self.inner.forward(x)

    def backward(self, dy: Array) -> Array:
        return dy + self.inner.backward(dy)

    def export(self, graph: Graph, x: str) -> str:
        return graph.node("Add", self.name, self.inner.export(graph, x), x)

    def parameters(self) -> Sequence[Parameter]:
        return self.inner.parameters()


class MaxPool2x2(Layer):
    """The maximum of every 2 x 2 block; elements that tie all get the gradient."""

    def forward(self, x: Array) -> Array:
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
        y = blocks.max((3, 5), keepdims=True)
        self.is_maximum = blocks == y
        return y[:, :, :, 0, :, 0]

    def backward(self, dy: Array) -> Array:
        n, c, h, w = dy.shape
        return (self.is_maximum * dy[:, :, :, None, :, None]).reshape(n, c, 2 * h, 2 * w)

    def export(self, graph: Graph, x: str) -> str:
        return graph.node("MaxPool", self.name, x, kernel_shape=[2, 2], strides=[2, 2])


class Flatten(Layer):
    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.shape)

    def export(self, graph: Graph, x: str) -> str:
        return graph.node("Flatten", self.name, x)


class Linear(Layer):
    def __init__(self, name: str, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        super().__init__(name)
        self.weight = Parameter(rng.normal(0, np.sqrt(1 / inputs), (outputs, inputs)))
        self.bias = Parameter(np.zeros(outputs))

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.weight.value.T + self.bias.value

    def backward(self, dy: Array) -> Array:
        self.weight.grad = dy.T @ self.x
        self.bias.grad = dy.sum(0)
        return dy @ self.weight.value

    def export(self, graph: Graph, x: str) -> str:
        weight = graph.initializer(f"{self.name}.weight", self.weight)
        bias = graph.initializer(f"{self.name}.bias", self.bias)
        return graph.node("Gemm", self.name, x, weight, bias, transB=1)

    def parameters(self) -> Sequence[Parameter]:
        return (self.weight, self.bias)


class Network(Layer):
    def __init__(self, name: str, layers: Sequence[Layer]) -> None:
        super().__init__(name)
        self.layers = layers

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def export(self, graph: Graph, x: str) -> str:
        for layer in self.layers:
            x = layer.export(graph, x)
        return x

    def parameters(self) -> Sequence[Parameter]:
        return [parameter for layer in self.layers for parameter in layer.parameters()]


def digits_network(rng: np.random.Generator) -> tuple[Network, Conv3x3]:
    """The network and its first layer."""
    first = Conv3x3("conv1", 1, 16, rng)
    layers = [
        first,
        Relu("relu1"),
        Residual("add2", Conv3x3("conv2", 16, 16, rng)),
        Relu("relu2"),
        MaxPool2x2("pool2"),
        Conv3x3("conv3", 16, 32, rng),
        Relu("relu3"),
        MaxPool2x2("pool3"),
        Flatten("flat"),
        Linear("logits", 32 * 2 * 2, 10, rng),
    ]
    return Network("digits", layers), first


def cross_entropy_gradient(logits: Array, labels: Array) -> Array:
    """The gradient of the mean cross-entropy of softmax(logits), by the logits."""
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    gradient = exponentials / exponentials.sum(1, keepdims=True)
    gradient[np.arange(len(labels)), labels] -= 1
    return gradient / len(labels)


def adam_step(parameter: Parameter, step: int, rate: float) -> None:
    """One step of AdamW, in place; ``step`` counts from 1."""
    parameter.mean = 0.9 * parameter.mean + 0.1 * parameter.grad
    parameter.square = 0.999 * parameter.square + 0.001 * parameter.grad**2
    mean = parameter.mean / (1 - 0.9**step)
    square = parameter.square / (1 - 0.999**step)
    parameter.value -= rate * (mean / (np.sqrt(square) + 1e-8) + WEIGHT_DECAY * parameter.value)


def shifted(images: Array, rng: np.random.Generator) -> Array:
    """Every image moved by up to one pixel in each direction."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    rows, columns = rng.integers(0, 3, (2, len(images)))
    return np.stack(
        [p[:, r : r + 8, c : c + 8] for p, r, c in zip(padded, rows, columns, strict=True)]
    )


def batches(count: int, rng: np.random.Generator) -> Iterator[Array]:
    order = rng.permutation(count)
    for start in range(0, count, BATCH):
        yield order[start : start + BATCH]


def train(network: Layer, images: Array, labels: Array, rng: np.random.Generator) -> None:
    """Train in place on images (N, 1, 8, 8) of values 0 to 1, with a cosine-decayed rate."""
    steps = EPOCHS * -(-len(images) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        for batch in batches(len(images), rng):
            step += 1
            logits = network.forward(shifted(images[batch], rng))
            network.backward(cross_entropy_gradient(logits, labels[batch]))
            rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            for parameter in network.parameters():
                adam_step(parameter, step, rate)


def to_onnx(network: Layer) -> onnx.ModelProto:
    graph = Graph()
    output = network.export(graph, "image")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            network.name,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", 10])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
        producer_name="cmir/examples/digits/train.py",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def accuracy(logits: Array, labels: Array) -> float:
    return float((logits.argmax(1) == labels).mean())


def main() -> None:
    rng = np.random.default_rng(SEED)
    pixels, labels = map(np.asarray, load_digits(return_X_y=True))
    images = pixels.reshape(-1, 1, 8, 8).astype(np.float32)
    order = rng.permutation(len(images))
    held_out, training = order[:HELD_OUT], order[HELD_OUT:]

    network, first = digits_network(rng)
    train(network, images[training] / PIXEL_MAX, labels[training], rng)
    # The network is exported for raw pixels: the scaling goes into the first weights.
    first.weight.value /= PIXEL_MAX

    model = to_onnx(network)
    (logits,) = ReferenceEvaluator(model).run(None, {"image": images[held_out]})
    print(f"training accuracy {accuracy(network.forward(images[training]), labels[training]):.2%}")
    held_out_accuracy = accuracy(np.asarray(logits), labels[held_out])
    print(f"held-out accuracy {held_out_accuracy:.2%} ({HELD_OUT} images)")

    onnx.save(model, HERE / "digits.onnx")
    np.savez_compressed(
        HERE / "samples.npz",
        images=images[held_out, 0].astype(np.uint8),
        labels=labels[held_out].astype(np.uint8),
    )


if __name__ == "__main__":
    main()
