"""Networks that onnxruntime refuses, or whose results it gives another shape, against formulas in NumPy."""

from __future__ import annotations

import numpy as np
import onnx
from frontends.onnx_models import model_of
from networks import compile_network
from onnx import TensorProto, helper, numpy_helper
from tolerance import assert_close

SCALE, ZERO, BITS = 0.125, 0.0, 4.0


def results(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """The result of the compiled network for one sample, which equals the evaluation of its operators."""
    network = compile_network(model)
    (name,) = network.timed.network.inputs
    (outputs,) = network.simulator.run([{name: x}]).outputs or []
    (result,) = outputs.values()
    (evaluated,) = network.reference({name: x})
    assert_close(result, evaluated)
    return result


def test_quantiser_of_finn() -> None:
    """Quant of FINN, before a Relu: rounded to steps, and clamped to integers of four bits."""
    numbers = {"s": SCALE, "z": ZERO, "b": BITS}
    domain = "qonnx.custom_op.general"
    nodes = [
        helper.make_node(
            "Quant",
            ["x", *numbers],
            ["q"],
            domain=domain,
            narrow=0,
            rounding_mode="ROUND",
            signed=1,
        ),
        helper.make_node("Relu", ["q"], ["y"]),
    ]
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 9]) for n in "xy"]
    held = [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in numbers.items()]
    graph = helper.make_graph(nodes, "finn", infos[:1], infos[1:], held)
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(domain, 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    x = np.array([-9, -0.2, 0, 0.0625, 0.07, 0.1875, 0.3, 0.86, 9], np.float32)
    steps = np.clip(np.rint(x / SCALE), -8, 7)
    np.testing.assert_array_equal(results(model, x), np.maximum(steps * SCALE, 0))


def test_transposed_convolution_to_a_whole_shape() -> None:
    """ConvTranspose whose output_shape has a batch and channels: each element is spread by the kernel."""
    body = "y = ConvTranspose<strides = [2, 2], output_shape = [1, 2, 16, 16]>(x, w)"
    model = model_of("float[1,4,8,8] x, float[4,2,3,3] w", body, 11)
    (weights,) = (numpy_helper.to_array(t) for t in model.graph.initializer)
    x = np.random.default_rng(0).standard_normal((4, 8, 8), np.float32)
    spread = np.zeros((2, 17, 17))
    for i in range(8):
        for j in range(8):
            spread[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += np.einsum(
                "c,cohw->ohw", x[:, i, j], weights
            )
    # One row and one column too many: with auto_pad = NOTSET, the beginning loses the larger part.
    assert_close(results(model, x), spread[:, 1:, 1:].astype(np.float32))


def test_convolution_of_doubles() -> None:
    model = model_of(
        "double[1,3,6,5] x, double[4,3,3,3] w",
        "y = Conv<pads = [1, 1, 1, 1]>(x, w)",
        outputs="double[] y",
    )
    (weights,) = (numpy_helper.to_array(t) for t in model.graph.initializer)
    x = np.random.default_rng(0).standard_normal((3, 6, 5))
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, ((0, 0), (1, 1), (1, 1))), (3, 3), (1, 2)
    )
    result = results(model, x)
    assert result.dtype == np.float64
    assert_close(result, np.einsum("chwij,ocij->ohw", windows, weights))


def test_dilated_pool_with_the_size_of_its_input() -> None:
    """MaxPool with SAME_LOWER, a window of 5×5 of which every other row and column counts."""
    body = 'y = MaxPool<auto_pad = "SAME_LOWER", dilations = [2, 2], kernel_shape = [3, 3]>(x)'
    x = np.random.default_rng(0).standard_normal((2, 7, 7), np.float32)
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), (1, 2))
    expected = windows[..., ::2, ::2].max((-2, -1))
    np.testing.assert_array_equal(results(model_of("float[1,2,7,7] x", body, 12), x), expected)
