"""State in narrow types, and windows of inputs: equal to onnxruntime, with both proofs, in all kinds of buffers."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import parser

from cmir.tools.cm_run import main

WEIGHTS = "w = Constant<value = float[2,2] {0.5, -0.25, 0.75, 0.5}>()"
SCALE = "z = Constant<value = float {0.01}>() o = Constant<value = int8 {3}>()"
WINDOW = "a = Constant<value = int64[1] {1}>() e = Constant<value = int64[1] {5}>() t = Slice(s, a, e, a)"

NETWORKS = {
    "f16": (
        "float16[1,2] x, float16[1,2] s",
        "float16[1,2] y, float16[1,2] s_next",
        f"{WEIGHTS} h = Cast<to = 10>(w) m = MatMul(s, h) b = Add(m, x) s_next = Tanh(b) y = Relu(s_next)",
    ),
    "f16 of f32": (
        "float[1,2] x, float16[1,2] s",
        "float[1,2] y, float16[1,2] s_next",
        f"{WEIGHTS} c = Cast<to = 1>(s) m = MatMul(c, w) b = Add(m, x) n = Tanh(b)"
        " s_next = Cast<to = 10>(n) y = Relu(n)",
    ),
    "i8": (
        "float[1,2] x, int8[1,2] s",
        "float[1,2] y, int8[1,2] s_next",
        f"{WEIGHTS} {SCALE} c = DequantizeLinear(s, z, o) m = MatMul(c, w) b = Add(m, x) n = Tanh(b)"
        " s_next = QuantizeLinear(n, z, o) d = DequantizeLinear(s_next, z, o) y = Relu(d)",
    ),
    "window of i8": (
        "float[1,1,2] x, int8[1,5,2] s",
        "float[1,2] y, int8[1,5,2] s_next",
        f"{SCALE} {WINDOW} q = QuantizeLinear(x, z, o) s_next = Concat<axis = 1>(t, q)"
        " k = DequantizeLinear(s_next, z, o) y = ReduceMean<axes = [1], keepdims = 0>(k)",
    ),
    "window of inputs": (
        "float[1,1,2] x, float[1,5,2] s",
        "float[1,2] y, float[1,5,2] s_next",
        f"{WINDOW} s_next = Concat<axis = 1>(t, x) y = ReduceMean<axes = [1], keepdims = 0>(s_next)",
    ),
}


@pytest.mark.parametrize(
    "arguments", ["", "--storage lossless", "--hardware hermes --storage live"]
)
@pytest.mark.parametrize("name", NETWORKS)
def test_equal_to_onnxruntime(
    name: str, arguments: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs, outputs, body = NETWORKS[name]
    text = f'<ir_version: 8, opset_import: ["": 17]>\nmain ({inputs}) => ({outputs}) {{ {body} }}'
    path = tmp_path / "model.onnx"
    onnx.save(parser.parse_model(text), path)
    options = ["--random", "0", "-n", "12", "--sequence-lengths", "7,5", "--check", "--verify"]
    assert main([str(path), *options, *arguments.split()]) == 0
    printed = capsys.readouterr()
    assert "check: equal to onnxruntime in all 12 inferences" in printed.out
    assert "control proved for endless streams" in printed.out
    assert "values equal in endless streams" in printed.out
