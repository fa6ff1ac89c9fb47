"""Quantised tensors of 4 and 16 bits: activations, weights and outputs, per tensor, channel and block."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from networks import compile_network
from onnx import TensorProto, helper, numpy_helper, parser
from tolerance import assert_close

from cmir.checking import double_evaluator, evaluator_of
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import ArrayOp

RANGES = {
    "int4": (-8, 7),
    "uint4": (0, 15),
    "int16": (-(2**15), 2**15 - 1),
    "uint16": (0, 2**16 - 1),
}
HELD = {"int4": "int8", "uint4": "int8", "int16": "int16", "uint16": "uint16"}
"""The types of arrays on the chip."""

IMAGE, ROWS = "float[1,4,6,5] x", "float[1,7,12] x"
CASES: dict[str, tuple[str, str]] = {
    "per tensor": (IMAGE, "q = QuantizeLinear(x, s, z) y = DequantizeLinear(q, s, z)"),
    "without zero point": (
        IMAGE,
        "q = QuantizeLinear<output_dtype = KIND>(x, s) y = DequantizeLinear(q, s)",
    ),
    "per channel": (
        IMAGE,
        "q = QuantizeLinear<axis = 1>(x, sc, zc) y = DequantizeLinear<axis = 1>(q, sc, zc)",
    ),
    "per block": (
        IMAGE,
        "q = QuantizeLinear<axis = 1, block_size = 2>(x, sb, zb)"
        " y = DequantizeLinear<axis = 1, block_size = 2>(q, sb, zb)",
    ),
    "Conv": (
        IMAGE,
        "q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)"
        " v = DequantizeLinear<axis = 0>(w, sw, zw) c = Conv<pads = [1, 1, 1, 1]>(d, v)"
        " r = QuantizeLinear(c, t, z) y = DequantizeLinear(r, t, z)",
    ),
    "MatMul": (
        ROWS,
        "q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)"
        " v = DequantizeLinear<axis = 1>(m, sm) c = MatMul(d, v)"
        " r = QuantizeLinear(c, t, z) y = DequantizeLinear(r, t, z)",
    ),
    "weights per block": (
        ROWS,
        "v = DequantizeLinear<axis = 0, block_size = 4>(m, sl, zl) y = MatMul(x, v)",
    ),
    "MaxPool": (
        IMAGE,
        "q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z)"
        " p = MaxPool<kernel_shape = [2, 2]>(d) r = QuantizeLinear(p, s, z)"
        " y = DequantizeLinear(r, s, z)",
    ),
    "Cast": (IMAGE, "q = QuantizeLinear(x, s, z) y = Cast<to = 1>(q)"),
    "an output": (IMAGE, "y = QuantizeLinear(x, s, z)"),
}


def model_of(case: str, kind: str) -> onnx.ModelProto:
    low, high = RANGES[kind]
    random = np.random.default_rng(1)
    step = 6.0222 / (high - low)

    def scales(*shape: int) -> np.ndarray:
        return np.asarray(random.uniform(0.5, 2, shape) * step, np.float32)

    def numbers(*shape: int) -> np.ndarray:
        return random.integers(low, high, shape, endpoint=True)

    constants: dict[str, Any] = {
        "s": np.array(step, np.float32),
        "t": np.array(5 * step, np.float32),
        "sc": scales(4),
        "sb": scales(1, 2, 6, 5),
        "sw": scales(3),
        "sm": scales(5),
        "sl": scales(3, 5),
        "z": np.array((low + high) // 2),
        "zc": numbers(4) // 2,
        "zb": numbers(1, 2, 6, 5) // 2,
        "zw": numbers(3) // 2,
        "zl": numbers(3, 5) // 2,
        "w": numbers(3, 4, 3, 3),
        "m": numbers(12, 5),
    }
    given, nodes = CASES[case]
    nodes = nodes.replace("KIND", str(int(getattr(TensorProto, kind.upper()))))
    result = kind if case == "an output" else "float"
    text = (
        f'<ir_version: 10, opset_import: ["": 21]> main ({given}) => ({result}[] y) {{ {nodes} }}'
    )
    model = parser.parse_model(text)
    read = {name for node in model.graph.node for name in node.input}
    for name in sorted(read & constants.keys()):
        array = constants[name]
        tensor = (
            numpy_helper.from_array(array, name)
            if array.dtype == np.float32
            else helper.make_tensor(
                name, getattr(TensorProto, kind.upper()), array.shape, array.ravel().tolist()
            )
        )
        model.graph.initializer.append(tensor)
    return model


@pytest.mark.parametrize("kind", RANGES)
@pytest.mark.parametrize("case", CASES)
def test_equal_to_reference(case: str, kind: str) -> None:
    model = model_of(case, kind)
    compiled = compile_network(model)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    x = np.random.default_rng(2).standard_normal(shape, np.float32)
    (result,) = compiled.simulator.run([{"x": x[0]}]).outputs[0].values()
    # onnxruntime has no outputs of 4 bits.
    packed = case == "an output" and kind.endswith("4")
    (wanted,) = (double_evaluator if packed else evaluator_of)(model)(x)
    if case == "weights per block":  # a product of floats
        assert_close(result, wanted[0])
    else:
        np.testing.assert_array_equal(result, wanted[0].astype(result.dtype))
    arrays = [op for op in compiled.pipeline.body.block.ops if isinstance(op, ArrayOp)]
    kept = {dtype_of(a.type) for a in arrays if a.source is None and a.sym_name.data != "x"}
    assert kept <= {np.dtype(HELD[kind]), np.dtype(np.float32)}
    if case in ("Conv", "MatMul", "MaxPool", "an output"):
        assert np.dtype(HELD[kind]) in kept
