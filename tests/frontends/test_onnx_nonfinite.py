"""Attributes of activations that are infinite or NaN reach no elements that they do not concern."""

from __future__ import annotations

import itertools
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser
import pytest
from frontends.onnx_models import evaluate, save
from networks import compile_network
from onnx import TensorProto, helper, numpy_helper

from cmir.checking import onnxruntime_evaluator
from cmir.frontends.onnx import import_onnx
from cmir.tools import cm_opt, cm_run, cm_translate

X = np.array([[-2, -0.5, -0.0, 0, 0.5, 3, nan, 50, -50]], np.float32)
INFINITIES = np.array([[inf, -inf]], np.float32)
NUMBERS = (nan, inf, -inf, 0.0, -1.0)

ATTRIBUTES = {
    "LeakyRelu": ("alpha",),
    "Elu": ("alpha",),
    "Selu": ("alpha", "gamma"),
    "HardSigmoid": ("alpha", "beta"),
}


def model_of(op_type: str, x: np.ndarray, numbers: dict[str, float]) -> onnx.ModelProto:
    """Return a model of one activation; those of its numbers that are not attributes are its inputs."""
    own: dict[str, Any] = {**numbers} if op_type in ATTRIBUTES else {}
    others = {name: number for name, number in numbers.items() if name not in own}
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
    names = {"Clip": ("min", "max"), "PRelu": ("slope",)}.get(op_type, ())
    inputs = ["x", *(name if name in others else "" for name in names)]
    constants = [
        numpy_helper.from_array(np.full((), number, np.float32), name)
        for name, number in others.items()
    ]
    node = helper.make_node(op_type, inputs, ["y"], **own)
    graph = helper.make_graph([node], "main", info[:1], info[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)


def check(op_type: str, x: np.ndarray, numbers: dict[str, float], tmp_path: Path) -> None:
    model = model_of(op_type, x, numbers)
    (expected,) = onnxruntime_evaluator(model)(x)
    (y,) = evaluate(import_onnx(save(model, tmp_path)), [x[0]])
    np.testing.assert_allclose(y, expected[0], 1e-5, err_msg=f"{op_type} {numbers}")


@pytest.mark.parametrize("op_type", ATTRIBUTES)
def test_attributes_that_are_not_finite(op_type: str, tmp_path: Path):
    names = ATTRIBUTES[op_type]
    for values in itertools.product(NUMBERS, repeat=len(names)):
        for x in (X, INFINITIES):
            check(op_type, x, dict(zip(names, values, strict=True)), tmp_path)


@pytest.mark.parametrize("slope", NUMBERS)
def test_slopes_that_are_not_finite(slope: float, tmp_path: Path):
    for x in (X, INFINITIES):
        check("PRelu", x, {"slope": slope}, tmp_path)


@pytest.mark.parametrize("high", [inf, -inf, nan, 1.0])
@pytest.mark.parametrize("low", [-inf, nan, -1.0])
def test_bounds_that_are_not_finite(low: float, high: float, tmp_path: Path):
    check("Clip", X, {"min": low, "max": high}, tmp_path)


@pytest.mark.parametrize("bounds", [{}, {"min": -1.0}, {"max": 1.0}, {"min": -inf}, {"max": nan}])
def test_missing_bounds_are_the_largest_numbers(bounds: dict[str, float], tmp_path: Path):
    check("Clip", INFINITIES, bounds, tmp_path)


def test_a_lower_bound_of_infinity_is_a_bound(tmp_path: Path):
    check("Clip", X, {"min": inf, "max": inf}, tmp_path)


@pytest.mark.parametrize("level", ["nn", "cmcore"])
@pytest.mark.parametrize(
    ("op_type", "numbers"),
    [
        ("LeakyRelu", {"alpha": nan}),
        ("Elu", {"alpha": inf}),
        ("Selu", {"alpha": -inf, "gamma": 2.0}),
        ("PRelu", {"slope": nan}),
        ("Clip", {"min": inf, "max": 1.0}),
    ],
)
def test_cores_compute_the_same(
    op_type: str, numbers: dict[str, float], level: str, tmp_path: Path
):
    model = model_of(op_type, X, numbers)
    (expected,) = onnxruntime_evaluator(model)(X)
    network, y, x = save(model, tmp_path), tmp_path / "y.npy", tmp_path / "x.npy"
    np.save(x, X)
    if level != "nn":  # the numbers are in the text of IR
        text = tmp_path / "model.mlir"
        assert cm_translate.main(["--import-onnx", str(network), "-o", str(text)]) == 0
        network = tmp_path / "cores.mlir"
        assert cm_opt.main([str(text), "-p", f"nn-to-{level}", "-o", str(network)]) == 0
    assert cm_run.main([str(network), str(x), "--output", str(y)]) == 0
    np.testing.assert_allclose(np.load(y), expected, 1e-5)


@pytest.mark.parametrize("attributes", ["", "<detect_negative = 0>", "<detect_positive = 0>"])
def test_infinities_and_nans_are_found(attributes: str):
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 13]> main (float[N,4] x) => (bool[N,4] i, bool[N,4] n)'
        f"{{ i = IsInf{attributes}(x) n = IsNaN(x) }}"
    )
    x = np.array([[inf, 1, nan, -inf]], np.float32)
    (found,) = compile_network(model).simulator.run([{"x": x[0]}]).outputs
    for result, expected in zip(found.values(), onnxruntime_evaluator(model)(x), strict=True):
        np.testing.assert_array_equal(result, expected[0])


@pytest.mark.filterwarnings("error")
def test_constants_that_become_infinite(tmp_path: Path):
    """Folding does not warn of them. T5 computes buckets of positions in this way."""
    text = """
        <ir_version: 9, opset_import: ["": 18]>
        main (float[N, 2] x) => (float[N, 2] y) <float[2] c = {0, 1}, float[2] d = {5, 7}> {
            l = Log(c) i = Cast<to = 7>(l) k = Cast<to = 1>(i) zero = Sub(c, c) n = Less(l, zero) s = Where(n, d, k)
            y = Add(x, s)
        }
    """
    path = save(onnx.parser.parse_model(text), tmp_path)
    (y,) = evaluate(import_onnx(path), [np.array([1, 2], np.float32)])
    assert y.tolist() == [6, 2]
