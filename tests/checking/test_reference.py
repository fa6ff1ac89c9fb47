"""Which reference a model has, graphs inside of graphs, and how results are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from cmir.checking import compare, difference, evaluator_of
from cmir.support.diagnostics import CompileError
from cmir.tools.cm_run import main

HEAD = '<ir_version: 10, opset_import: ["": 13, "com.microsoft": 1, "local": 1]>\n'

IF = """main (bool c, uint8[2,2] x, uint8[2,2] w) => (int32[2,2] y) {
  y = If (c) <
    then_branch = then () => (int32[2,2] a) { a = MatMulInteger(x, w) },
    else_branch = other () => (int32[2,2] b) { d = Cast<to = 6>(x) b = Add(d, d) }
  >
}"""

FUNCTION = """main (uint8[2,2] x, uint8[2,2] w) => (int32[2,2] y) { y = local.twice(x, w) }
<domain: "local", opset_import: ["": 13]>
twice (a, b) => (d) { c = MatMulInteger(a, b) d = Add(c, c) }"""

MODELS = {
    # text and the reference
    "floats": ("main (float[2,2] x) => (float[2,2] y) { y = MatMul(x, x) }", "onnxruntime"),
    "sums of integers": ("main (int32[2,2] x) => (int32[2,2] y) { y = Add(x, x) }", "onnxruntime"),
    "quantised and dequantised": (
        "main (float[2] x, float s) => (float[2] y) { q = QuantizeLinear(x, s) y = DequantizeLinear(q, s) }",
        "onnxruntime",
    ),
    "integers": (
        "main (uint8[2,2] x) => (float[2,2] y) { z = MatMulInteger(x, x) y = Cast<to = 1>(z) }",
        "exact integer arithmetic",
    ),
    "Microsoft's": (
        "main (uint8[2] x, float s) => (uint8[2] y) { y = com.microsoft.QLinearAdd(x, s, , x, s, , s) }",
        "exact integer arithmetic",
    ),
    "in a subgraph": (IF, "exact integer arithmetic"),
    "in a function": (FUNCTION, "exact integer arithmetic"),
}


@pytest.mark.parametrize("name", MODELS)
def test_rule(name: str) -> None:
    text, reference = MODELS[name]
    assert evaluator_of(parser.parse_model(HEAD + text)).name == reference


def test_subgraphs_and_functions() -> None:
    x, w = np.array([[200, 3], [0, 1]], np.uint8), np.array([[255, 2], [250, 9]], np.uint8)
    product = x.astype(int) @ w.astype(int)
    branches = evaluator_of(parser.parse_model(HEAD + IF))
    np.testing.assert_array_equal(branches(np.array(True), x, w)[0], product)
    np.testing.assert_array_equal(branches(np.array(False), x, w)[0], 2 * x.astype(int))
    (twice,) = evaluator_of(parser.parse_model(HEAD + FUNCTION))(x, w)
    np.testing.assert_array_equal(twice, 2 * product)


def test_weights_in_other_files(tmp_path: Path) -> None:
    text = "main (uint8[1,40] x) => (int32[1,40] y) { y = MatMulInteger(x, w) }"
    model = parser.parse_model(HEAD + text)
    weights = np.arange(1600).reshape(40, 40).astype(np.int8)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, size_threshold=0)
    x = np.full((1, 40), 255, np.uint8)
    (result,) = evaluator_of(path)(x)
    np.testing.assert_array_equal(result, x.astype(int) @ weights.astype(int))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "main (uint8[2] x) => (uint8[2] y) { y = com.microsoft.QAttention(x) }",
            "error: no reference: node 'y' (com.microsoft.QAttention): there is no exact reference for this operator",
        ),
        (
            "main (uint8[2,2] x, uint8[3,3] w) => (int32[2,3] y) { y = MatMulInteger(x, w) }",
            "error: no reference: node 'y' (MatMulInteger): ",
        ),
        (
            "main (uint8[2,2] x) => (int32[2,2] y) { z = Unknown(x) y = MatMulInteger(x, x) }",
            "error: no reference: node 'z' (Unknown): neither onnxruntime nor ONNX evaluates it: ",
        ),
    ],
)
def test_what_has_no_reference(text: str, message: str) -> None:
    evaluator = evaluator_of(parser.parse_model(HEAD + text))
    with pytest.raises(CompileError) as raised:
        evaluator(
            *(
                np.ones((n, n) if text.count(",2]") else n, np.uint8)
                for n in (2, 3)[: len(evaluator.inputs)]
            )
        )
    assert str(raised.value).startswith(message) and "\n" not in str(raised.value)


def test_what_onnxruntime_refuses() -> None:
    model = parser.parse_model(HEAD + "main (float[2] x) => (float[2] y) { y = local.unknown(x) }")
    with pytest.raises(CompileError, match=r"^error: no reference: onnxruntime refuses it: "):
        evaluator_of(model)


# Comparison


def test_integers_are_equal_or_not() -> None:
    """However large they are, unless the user allows for a difference."""
    expected = np.array([10**6, 3], np.int32)
    assert difference(expected, expected) is None
    close = expected + np.array([1, 0])
    found = difference(close, expected)
    assert found == "1 of 2 elements differ, first at [0]: 1e+06, expected 1e+06"
    assert difference(close, expected, rtol=1e-6) is None
    assert difference(np.array([True, False]), np.array([True, True])) is not None
    large = np.array([2**62], np.int64)
    assert difference(large, large + 1) is not None


def test_floats_differ_by_the_largest_element() -> None:
    expected = np.array([100, 0.001], np.float32)
    near = expected + np.array([0, 5e-4], np.float32)
    assert difference(near, expected) is None
    assert difference(near, expected, atol=0) is not None
    assert difference(near[1:], expected[1:]) is not None
    assert difference(near[1:], expected[1:], terms=100) is None
    assert difference(expected, np.array([np.nan, 0.001])) is not None
    special = np.array([np.nan, np.inf, 1])
    assert difference(special, special) is None
    assert difference(special, special, 0, 0) is None
    assert difference(np.array([np.inf]), np.array([-np.inf])) is not None


def test_tolerances_of_the_user_win() -> None:
    """For each type of output."""
    for dtype, relative in ((np.int8, 0.02), (np.float16, 5e-3), (np.float32, 2e-4)):
        expected = np.full(3, 100, dtype)
        result = np.asarray(expected * (1 + relative), dtype)
        sample = {"y": result}
        assert compare([sample], [[expected[None]]]) != []
        assert compare([sample], [[expected[None]]], rtol=0.05) == []
        assert compare([sample], [[expected[None]]], atol=0.05) == []
        assert compare([sample], [[expected[None]]], rtol=1e-6, atol=0) != []


PRODUCTS = {
    "integers": "uint8[N,8] x, uint8[8,3] w) => (int32[N,3] y) { y = MatMulInteger(x, w) }",
    "floats": "float[N,8] x, float[8,3] w) => (float[N,3] y) { y = MatMul(x, w) }",
}


@pytest.mark.parametrize(
    ("kind", "factor", "options", "code"),
    [
        ("integers", 1.0, [], 0),
        ("integers", 1.01, [], 1),
        ("integers", 1.01, ["--rtol", "0.1"], 0),
        ("floats", 1 + 5e-5, [], 0),
        ("floats", 1 + 5e-5, ["--rtol", "1e-5", "--atol", "0"], 1),
    ],
)
def test_options_of_cm_run(
    kind: str,
    factor: float,
    options: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a reference that is off by a factor."""
    import cmir.tools.reference as module

    model = parser.parse_model(f"{HEAD}main ({PRODUCTS[kind]}")
    dtype = np.uint8 if kind == "integers" else np.float32
    model.graph.initializer.append(numpy_helper.from_array(np.full((8, 3), 9, dtype), "w"))
    model.graph.input.pop()
    onnx.save(model, tmp_path / "model.onnx")
    np.save(tmp_path / "x.npy", np.arange(100, 108, dtype=dtype))
    true = module.reference_of

    def off(*arguments: Any) -> Any:
        name, evaluate = true(*arguments)
        return name, lambda s: [np.asarray(y * factor, y.dtype) for y in evaluate(s)]

    monkeypatch.setattr(module, "reference_of", off)
    command = [str(tmp_path / "model.onnx"), str(tmp_path / "x.npy"), "--check", "--quiet"]
    assert main([*command, *options]) == code
