"""Quantised constants: folded at every opset, to the numbers of ONNX's reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from frontends.onnx_models import evaluate, save
from onnx import TensorProto, helper, numpy_helper

from cmir.checking.scales import dequantize, quantize
from cmir.frontends.onnx import OnnxError, import_onnx

RANDOM = np.random.default_rng(3)


def network(
    nodes: list, constants: dict[str, np.ndarray], opset: int, kinds: dict[str, int] | None = None
):
    """x + constant, where nodes compute the constant `c`. kinds: the types of constants that NumPy lacks."""
    tensors = [
        numpy_helper.from_array(array, name)
        if name not in (kinds or {})
        else helper.make_tensor(name, (kinds or {})[name], array.shape, array.ravel())
        for name, array in constants.items()
    ]
    graph = helper.make_graph(
        [*nodes, helper.make_node("Add", ["x", "c"], ["y"])],
        "main",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4, 6])],
        [helper.make_empty_tensor_value_info("y")],
        tensors,
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", opset)])


def constant_of(model, directory: Path) -> np.ndarray:
    imported = import_onnx(save(model, directory))
    (result,) = evaluate(imported, [np.zeros((4, 6), np.float32)])
    return result


@pytest.mark.parametrize(
    ("opset", "axis"),
    [(10, None), *((opset, axis) for opset in (13, 19, 21, 25) for axis in (None, 0, -1))],
)
def test_dequantized_at_every_opset(opset: int, axis: int | None, tmp_path: Path) -> None:
    """One scale for each index of an axis came with opset 13."""
    numbers = RANDOM.integers(-128, 128, (4, 6)).astype(np.int8)
    shape = () if axis is None else numbers.shape[axis]
    scale = RANDOM.uniform(0.01, 0.1, shape).astype(np.float32)
    zero = RANDOM.integers(-9, 9, shape).astype(np.int8)
    settings = {} if axis is None else {"axis": axis}
    node = helper.make_node("DequantizeLinear", ["n", "s", "z"], ["c"], **settings)
    model = network([node], {"n": numbers, "s": np.asarray(scale), "z": np.asarray(zero)}, opset)
    expected = dequantize(numbers, np.asarray(scale), np.asarray(zero), axis=axis or 0)
    np.testing.assert_array_equal(constant_of(model, tmp_path), expected)


@pytest.mark.parametrize("kind", ["INT4", "UINT4", "INT16", "UINT16"])
def test_types_of_other_sizes(kind: str, tmp_path: Path) -> None:
    """Quantised and dequantised, with saturation."""
    dtype = helper.tensor_dtype_to_np_dtype(TensorProto.DataType.Value(kind))
    x = RANDOM.normal(size=(4, 6)).astype(np.float32)
    scale, zero = np.array(0.02 if "16" not in kind else 3e-5, np.float32), np.array(3, dtype)
    nodes = [
        helper.make_node("QuantizeLinear", ["n", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["c"]),
    ]
    kinds = {"z": TensorProto.DataType.Value(kind)}
    model = network(nodes, {"n": x, "s": scale, "z": zero}, 21, kinds)
    numbers = quantize(x, scale, zero)
    assert len({int(n) for n in numbers.ravel()}) < numbers.size  # some are saturated
    np.testing.assert_array_equal(constant_of(model, tmp_path), dequantize(numbers, scale, zero))


def test_blocks(tmp_path: Path) -> None:
    """One scale for every four numbers of a row; the last block is shorter."""
    numbers = RANDOM.integers(0, 256, (4, 6)).astype(np.uint8)
    scale = RANDOM.uniform(0.01, 0.1, (4, 2)).astype(np.float32)
    node = helper.make_node("DequantizeLinear", ["n", "s"], ["c"], axis=1, block_size=4)
    model = network([node], {"n": numbers, "s": scale}, 21)
    expected = numbers * np.repeat(scale, 4, 1)[:, :6]
    np.testing.assert_array_equal(constant_of(model, tmp_path), expected)


@pytest.mark.parametrize(
    ("scale", "settings", "message"),
    [
        (np.ones(5, np.float32), {"axis": 0}, "scales of shape [5] do not fit axis 0 of [4, 6]"),
        (np.ones(4, np.float32), {"axis": 3}, "attribute axis = 3 does not fit 2 dimensions"),
        (
            np.ones((4, 3), np.float32),
            {"block_size": 4},
            "scales of shape [4, 3] must have the shape [4, 2]",
        ),
    ],
)
def test_scales_that_do_not_fit(
    scale: np.ndarray, settings: dict[str, int], message: str, tmp_path: Path
) -> None:
    node = helper.make_node("DequantizeLinear", ["n", "s"], ["c"], **settings)
    model = network([node], {"n": np.zeros((4, 6), np.int8), "s": scale}, 21)
    with pytest.raises(OnnxError) as error:
        import_onnx(save(model, tmp_path))
    assert message in str(error.value)


def test_weights_stay_integers_through_movement(tmp_path: Path) -> None:
    """Transposed and reshaped weights reach the product as integers."""
    numbers = RANDOM.integers(-128, 128, (5, 2, 3)).astype(np.int8)
    nodes = [
        helper.make_node("DequantizeLinear", ["x8", "s", "z"], ["d"]),
        helper.make_node("DequantizeLinear", ["n", "s"], ["w0"]),
        helper.make_node("Reshape", ["w0", "shape"], ["w1"]),
        helper.make_node("Transpose", ["w1"], ["w2"]),
        helper.make_node("MatMul", ["d", "w2"], ["y"]),
    ]
    constants = {
        "s": np.array(0.1, np.float32),
        "z": np.array(7, np.int8),
        "n": numbers,
        "shape": np.array([5, 6], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "main",
        [helper.make_tensor_value_info("x8", TensorProto.INT8, [1, 4, 6])],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(a, n) for n, a in constants.items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
    imported = import_onnx(save(model, tmp_path))
    assert "xi8>, tensor<5xi32>) -> tensor<4x5xi32>" in str(imported.module)
    x = RANDOM.integers(-128, 128, (4, 6)).astype(np.int8)
    (result,) = evaluate(imported, [x])
    exact = (x.astype(np.int64) - 7) @ numbers.reshape(5, 6).T.astype(np.int64)
    factor = np.float32(0.1) * np.float32(0.1)
    np.testing.assert_array_equal(result, exact.astype(np.float32) * factor)
