"""Which reference a model has, graphs inside of graphs, and how results are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser
from references import off_by

from cmir.checking import compare, deviation, difference, double_evaluator, evaluator_of
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
    "inputs of 4 bits": (
        "main (uint4[2] x, float s) => (float[2] y) { y = DequantizeLinear(x, s) }",
        "exact integer arithmetic",
    ),
    "bfloat16": ("main (bfloat16[2] x) => (bfloat16[2] y) { y = Relu(x) }", "float64"),
    "a cast to bfloat16": (
        "main (float[2] x) => (bfloat16[2] y) { y = Cast<to = 16>(x) }",
        "float64",
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
    assert found == "1 of 2 elements differ, first at [0]: 1000001, expected 1000000"
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


def test_tolerances_follow_the_narrowest_float() -> None:
    """That of either array, or of the network. Integers stay exact."""
    exact = np.array([1.0, -3.0])
    for narrowest, small, large in (
        ("bf16", 1e-2, 1e-1),
        ("f16", 1e-3, 1e-2),
        ("f32", 1e-5, 1e-3),
        ("f64", 1e-12, 1e-10),
    ):
        assert difference(exact * (1 + small), exact, narrowest=narrowest) is None
        assert difference(exact * (1 + large), exact, narrowest=narrowest) is not None
        one = [exact * (1 + small)]
        assert compare([{"y": one[0]}], [[exact[None]]], narrowest=narrowest) == []
    single = exact.astype(np.float32) * np.float32(1 + 1e-5)
    assert difference(single, exact) is None
    assert difference(single, exact, narrowest="f64") is None
    assert difference(single.astype(np.float64), exact) is not None
    numbers = np.array([1, 3])
    assert difference(numbers + 1, numbers, narrowest="bf16") is not None


def test_numbers_are_told_apart() -> None:
    found = difference(np.array([1 + 1e-9]), np.array([1.0]))
    assert found == "1 of 1 elements differ, first at [0]: 1.000000001, expected 1"


def test_shapes_that_differ() -> None:
    """Leading dimensions of size 1 are those of a batch."""
    y = np.ones((3, 2), np.float32)
    assert compare([{"y": y}], [[y[None]]]) == compare([{"y": y[None]}], [[y]]) == []
    assert compare([{"y": y}], [[np.ones((2, 3))]]) == [
        "output 'y' of inference 0: it has the shape [3, 2], expected [2, 3]"
    ]
    assert compare([{"y": y}], [[np.ones((3, 1, 2))]]) != []


def test_deviation() -> None:
    exact = np.array([2.0, 0.0])
    assert deviation(np.array([2.0, 0.5]), exact) == 0.25
    assert deviation(np.array([0.5]), np.array([0.0])) == 0.5
    special = np.array([np.nan, np.inf, 1.0])
    assert deviation(special, special) == 0
    assert deviation(np.array([np.inf]), np.array([1.0])) == np.inf
    assert deviation(np.array([1.0]), np.array([np.nan])) == np.inf


# Double precision

WIDE = {
    "products": """main (float[1,3,5] x, float16[1,5,3] w) => (float16[1,3,3] y) {
      z = Cast<to = 10>(x) y = MatMul(z, w)
    }""",
    "convolution": "main (float[1,3,9] x, float[4,3,3] w) => (float[1,4,7] y) { y = Conv(x, w) }",
    "constants": """main (float[1,4] x) => (float[1,4] y) {
      a = Constant<value_float = 0.1>() b = Constant<value_floats = [0.1, 0.2, 0.3, 0.7]>()
      c = Constant<value = float[4] {0.1, 0.2, 0.3, 0.7}>() d = Mul(x, a) e = Add(d, b) f = Exp(e) y = Div(f, c)
    }""",
    "branches": """main (float[2] x, bool c) => (float[2] y) {
      y = If(c) <
        then_branch = then () => (float[2] a) { t = Constant<value = float {0.1}>() a = Mul(x, t) },
        else_branch = other () => (float[2] b) { b = Exp(x) }
      >
    }""",
    "quantised": """main (float[1,3] x, int8[3,2] w) => (float[1,2] y) {
      q, s, z = DynamicQuantizeLinear(x) a = MatMulInteger(q, w, z) b = Cast<to = 1>(a) y = Mul(b, s)
    }""",
    "functions": """main (float[2] x) => (float[2] y) { y = local.twice(x) }
<domain: "local", opset_import: ["": 13]>
twice (a) => (d) { t = Constant<value_float = 0.1>() b = Mul(a, t) d = Add(b, b) }""",
}


@pytest.mark.parametrize("name", WIDE)
def test_models_in_double_precision(name: str) -> None:
    """Against NumPy on the numbers that the model holds, which are rounded to its types."""
    evaluator = double_evaluator(parser.parse_model(HEAD + WIDE[name]))
    rng = np.random.default_rng(0)
    tenth = np.float64(np.float32(0.1))
    row = np.array([0.1, 0.2, 0.3, 0.7], np.float32).astype(np.float64)
    match name:
        case "products":
            x, w = rng.normal(size=(1, 3, 5)), rng.normal(size=(1, 5, 3)).astype(np.float16)
            inputs, expected = [x, w], x @ w.astype(np.float64)
        case "convolution":
            x, w = rng.normal(size=(1, 3, 9)), rng.normal(size=(4, 3, 3))
            windows = np.lib.stride_tricks.sliding_window_view(x[0], 3, 1)
            inputs, expected = [x, w], np.einsum("cik,ock->oi", windows, w)[None]
        case "constants":
            x = rng.normal(size=(1, 4))
            inputs, expected = [x], np.exp(x * tenth + row) / row
        case "quantised":
            x, w = np.array([[-0.5, 2.05, 0.25]]), rng.integers(-9, 9, (3, 2)).astype(np.int8)
            inputs, expected = [x, w], np.array([[-50, 205, 25]]) @ w * np.float64(np.float32(0.01))
        case "branches":
            x = rng.normal(size=2)
            inputs, expected = [x, np.array(True)], x * tenth
        case _:
            x = rng.normal(size=2)
            inputs, expected = [x], 2 * x * tenth
    (result,) = evaluator(*inputs)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-13)


def test_tensors_in_other_files_in_double_precision(tmp_path: Path) -> None:
    model = parser.parse_model(
        f"{HEAD}main (float[1,40] x) => (float[1,40] y) {{ y = MatMul(x, w) }}"
    )
    weights = np.random.default_rng(0).normal(size=(40, 40)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "w"))
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, size_threshold=0)
    x = np.linspace(0, 1, 40)[None]
    (result,) = double_evaluator(path)(x)
    np.testing.assert_allclose(result, x @ weights.astype(np.float64), rtol=1e-13)


def test_what_has_no_double_precision() -> None:
    """onnxruntime's own operators may take single precision only: there is no result, rather than a rounded one."""
    model = parser.parse_model(
        HEAD
        + "main (float[1,1,4] x, float[1,1,3] w) => (float[1,1,2] y) { y = com.microsoft.FusedConv(x, w) }"
    )
    evaluator_of(model)(np.ones((1, 1, 4), np.float32), np.ones((1, 1, 3), np.float32))
    with pytest.raises(CompileError, match="neither onnxruntime nor ONNX evaluates it"):
        double_evaluator(model)(np.ones((1, 1, 4)), np.ones((1, 1, 3)))


# cm-run

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
    """With a reference that is off by a factor, in double precision, too."""
    model = parser.parse_model(f"{HEAD}main ({PRODUCTS[kind]}")
    dtype = np.uint8 if kind == "integers" else np.float32
    model.graph.initializer.append(numpy_helper.from_array(np.full((8, 3), 9, dtype), "w"))
    model.graph.input.pop()
    onnx.save(model, tmp_path / "model.onnx")
    np.save(tmp_path / "x.npy", np.arange(100, 108, dtype=dtype))
    off_by(monkeypatch, factor, "evaluate", "evaluate_in_double")
    command = [str(tmp_path / "model.onnx"), str(tmp_path / "x.npy"), "--check", "--quiet"]
    assert main([*command, *options]) == code
