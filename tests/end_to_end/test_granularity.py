"""Networks whose first dimension is not the channels: values, and the cycles that iterations of a token take."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from networks import Compiled, compile_network
from onnx import TensorProto, helper, numpy_helper
from timing.measured_interval import measured_interval
from tolerance import assert_close

from cmir.checking import evaluator_of
from cmir.dialects.polyhedral import StageOp

TOKENS, HIDDEN, HEADS = 17, 64, 4
RINGS = "polyhedral-assign-storage{sizes=lossless}"


class Graph:
    """An ONNX model in the making, whose input `x` has this shape. Values are names."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape
        self.random = np.random.default_rng(0)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def weight(self, *shape: int) -> str:
        value = self.random.standard_normal(shape) / np.sqrt(shape[0])
        return self.constant(value.astype(np.float32))

    def number(self, value: float) -> str:
        return self.constant(np.float32(value))

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [*inputs], [name], **attributes))
        return name

    def reshape(self, x: str, *shape: int) -> str:
        return self.add("Reshape", x, self.constant(np.array(shape, np.int64)))

    def transpose(self, x: str, *perm: int) -> str:
        return self.add("Transpose", x, perm=perm)

    def linear(self, x: str, inputs: int, outputs: int) -> str:
        product = self.add("MatMul", x, self.weight(inputs, outputs))
        return self.add("Add", product, self.weight(outputs))

    def norm(self, x: str, size: int) -> str:
        return self.add("LayerNormalization", x, self.weight(size), self.weight(size), axis=-1)

    def gelu(self, x: str) -> str:
        erf = self.add("Erf", self.add("Div", x, self.number(2**0.5)))
        return self.add(
            "Mul", self.add("Mul", x, self.add("Add", erf, self.number(1))), self.number(0.5)
        )

    def model(self, y: str) -> onnx.ModelProto:
        ends = [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape),
            helper.make_tensor_value_info(y, TensorProto.FLOAT, None),
        ]
        graph = helper.make_graph(self.nodes, "main", ends[:1], ends[1:], self.constants)
        opsets = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return onnx.shape_inference.infer_shapes(model)


def attention(g: Graph, x: str, causal: bool) -> str:
    """Scaled as PyTorch exports it: queries and keys each by the root of the scale."""
    size = HIDDEN // HEADS
    q, k, v = (
        g.transpose(g.reshape(g.linear(x, HIDDEN, HIDDEN), 1, TOKENS, HEADS, size), 0, 2, 1, 3)
        for _ in range(3)
    )
    q = g.add("Mul", q, g.number(size**-0.25))
    k = g.add("Mul", g.transpose(k, 0, 1, 3, 2), g.number(size**-0.25))
    scores = g.add("MatMul", q, k)
    if causal:
        mask = np.triu(np.full((TOKENS, TOKENS), -1e9, np.float32), 1)
        scores = g.add("Add", scores, g.constant(mask[None, None]))
    found = g.add("MatMul", g.add("Softmax", scores, axis=-1), v)
    return g.linear(g.reshape(g.transpose(found, 0, 2, 1, 3), 1, TOKENS, HIDDEN), HIDDEN, HIDDEN)


def transformer(g: Graph, x: str, causal: bool = False) -> str:
    """A layer that normalises first."""
    x = g.add("Add", attention(g, g.norm(x, HIDDEN), causal), x)
    wide = g.gelu(g.linear(g.norm(x, HIDDEN), HIDDEN, 2 * HIDDEN))
    x = g.add("Add", g.linear(wide, 2 * HIDDEN, HIDDEN), x)
    return g.norm(x, HIDDEN)


def vision_transformer() -> onnx.ModelProto:
    """Patches of an image, a token for the class, and a layer."""
    g = Graph(1, 3, 32, 32)
    conv = g.add("Conv", "x", g.weight(HIDDEN, 3, 8, 8), kernel_shape=[8, 8], strides=[8, 8])
    patches = g.transpose(g.reshape(conv, 1, HIDDEN, TOKENS - 1), 0, 2, 1)
    tokens = g.add("Concat", g.weight(1, 1, HIDDEN), patches, axis=1)
    x = g.add("Add", tokens, g.weight(1, TOKENS, HIDDEN))
    return g.model(transformer(g, x))


def language_model() -> onnx.ModelProto:
    g = Graph(1, TOKENS, HIDDEN)
    return g.model(transformer(g, g.add("Add", "x", g.weight(1, TOKENS, HIDDEN)), causal=True))


def convnext() -> onnx.ModelProto:
    """A block: a depthwise convolution, and a network for each pixel, whose result is scaled."""
    g = Graph(1, 4, 12, 12)
    x = g.add("Conv", "x", g.weight(4, 4, 3, 3), kernel_shape=[3, 3], pads=[1] * 4)
    y = g.add("Conv", x, g.weight(4, 1, 7, 7), kernel_shape=[7, 7], pads=[3] * 4, group=4)
    y = g.norm(g.transpose(y, 0, 2, 3, 1), 4)
    y = g.linear(g.gelu(g.linear(y, 4, 16)), 16, 4)
    return g.model(g.add("Add", g.add("Mul", g.weight(4, 1, 1), g.transpose(y, 0, 3, 1, 2)), x))


def windows(shift: int = 0) -> onnx.ModelProto:
    """Softmax along the channels, a product within shifted windows, and back."""
    g = Graph(1, 6, 8, 5)
    x = n = g.add("Softmax", "x", axis=-1)

    def roll(x: str, by: int) -> str:
        ends = [np.array([n], np.int64) for n in (by, 6, 0)]
        by_, end, zero = map(g.constant, ends)
        axis = g.constant(np.array([1], np.int64))
        after = g.add("Slice", x, by_, end, axis)
        return g.add("Concat", after, g.add("Slice", x, zero, by_, axis), axis=1)

    x = roll(x, shift) if shift else x
    x = g.reshape(g.transpose(g.reshape(x, 1, 2, 3, 2, 4, 5), 0, 1, 3, 2, 4, 5), 4, 12, 5)
    x = g.add("Softmax", g.linear(x, 5, 5), axis=1)
    x = g.reshape(g.transpose(g.reshape(x, 1, 2, 2, 3, 4, 5), 0, 1, 3, 2, 4, 5), 1, 6, 8, 5)
    x = roll(x, 6 - shift) if shift else x
    return g.model(g.add("Add", x, n))


def compiled(model: onnx.ModelProto, passes: str = "") -> Compiled:
    return compile_network(model, passes=passes, batch=False)


def check(model: onnx.ModelProto, network: Compiled) -> None:
    """Compare two inferences with the reference."""
    evaluate = evaluator_of(model)
    samples = network.samples(2)
    for sample, outputs in zip(samples, network.simulator.run(samples).outputs, strict=True):
        (result,), (expected,) = outputs.values(), evaluate(*sample.values())
        assert_close(result, expected)


def interval(network: Compiled) -> float:
    return measured_interval(network.timed.time(6))


@pytest.mark.parametrize("make", [vision_transformer, language_model])
def test_transformer(make: Any) -> None:
    """Each head of each token takes a cycle; buffers of whole inferences are emptied before they fill again."""
    model = make()
    network = compiled(model)
    check(model, network)
    assert interval(network) == pytest.approx(HEADS * TOKENS + TOKENS, abs=2)
    assert interval(compiled(model, RINGS)) == HEADS * TOKENS


def test_heads_on_cores_of_their_own() -> None:
    """Four copies of each stage of the attention: a token takes a cycle."""
    network = compiled(language_model())
    stages = [op for op in network.pipeline.body.block.ops if isinstance(op, StageOp)]
    slow = [s.sym_name.data for s in stages if s.domain.points.count_val().to_python() > TOKENS]
    assert len(slow) == 3
    copies = [f"polyhedral-replicate{{stage={name} copies={HEADS} by=runs}}" for name in slow]
    copied = compiled(language_model(), ",".join([*copies, RINGS]))
    assert interval(copied) == TOKENS


def test_pixels() -> None:
    """A scale per channel joins the product in front of a transpose, so that pixels take a cycle."""
    model = convnext()
    network = compiled(model)
    check(model, network)
    assert interval(network) == 12 * 12


def test_mean_of_pixels() -> None:
    """Channels that a product computes at once are averaged at once, although they are not the first axis."""
    g = Graph(1, 4, 12, 12)
    x = g.add("Conv", "x", g.weight(64, 4, 3, 3), kernel_shape=[3, 3], strides=[3, 3])
    mean = g.transpose(g.add("ReduceMean", x, axes=[2, 3], keepdims=1), 0, 2, 3, 1)
    model = g.model(g.linear(g.norm(mean, 64), 64, 4))
    network = compiled(model)
    check(model, network)
    assert interval(network) == 4 * 4 + 1


@pytest.mark.parametrize("shift", [0, 1])
def test_windows(shift: int) -> None:
    model = windows(shift)
    check(model, compiled(model))


def test_windows_become_a_grid() -> None:
    """Rows of two windows of three become rows of three windows of two, by a copy of the image."""
    g = Graph(1, 6, 6, 5)
    windows = g.transpose(g.reshape("x", 1, 2, 3, 2, 3, 5), 0, 1, 3, 2, 4, 5)
    y = g.add("Softmax", g.reshape(windows, 4, 9, 5), axis=1)
    image = g.transpose(g.reshape(y, 1, 2, 2, 3, 3, 5), 0, 1, 3, 2, 4, 5)
    grid = g.transpose(g.reshape(image, 1, 3, 2, 3, 2, 5), 0, 2, 4, 1, 3, 5)
    model = g.model(g.add("Softmax", g.reshape(grid, 4, 9, 5), axis=1))
    network = compiled(model)
    assert [name for name in network.pipeline.stages if name.startswith("copy")] == ["copy1"]
    check(model, network)
