"""Evaluation of whole functions."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.func import FuncOp

from cmir.context import make_context
from cmir.dialects.nn import ConvOp, ReluOp, StageOp, evaluate_function
from cmir.support.diagnostics import CompileError
from cmir.support.parsing import parse_module

NETWORK = """
func.func @main(%x: tensor<2x5xf32>) -> (tensor<3x3xf32>, tensor<3xf32>) {
  %bias = nn.parameter dense<[1.0, -1.0, 0.5]> : tensor<3xf32>
  %y = nn.stage @conv(%a = %x : tensor<2x5xf32>) -> (tensor<3x3xf32>) {
    %w = nn.parameter "w" : tensor<3x2x3xf32>
    %c = nn.conv %a, %w : (tensor<2x5xf32>, tensor<3x2x3xf32>) -> tensor<3x3xf32>
    %r = nn.relu %c : (tensor<3x3xf32>) -> tensor<3x3xf32>
    nn.yield %r : tensor<3x3xf32>
  }
  func.return %y, %bias : tensor<3x3xf32>, tensor<3xf32>
}
"""
X = np.arange(10, dtype=np.float32).reshape(2, 5)
W = np.arange(-9, 9, dtype=np.float32).reshape(3, 2, 3)


def function_of(text: str) -> FuncOp:
    function = parse_module(text, make_context(), "test.mlir").body.block.first_op
    assert isinstance(function, FuncOp)
    function.verify()
    return function


def expected() -> np.ndarray:
    columns = [np.tensordot(W, X[:, i : i + 3], 2) for i in range(3)]
    return np.stack(columns, axis=1)


def test_results():
    y, bias = evaluate_function(function_of(NETWORK), [X], {"w": W})
    np.testing.assert_array_equal(y, np.maximum(expected(), 0))
    np.testing.assert_array_equal(bias, np.array([1, -1, 0.5]))
    assert y.dtype == bias.dtype == np.float32


def test_intermediates():
    function = function_of(NETWORK)
    (y, _), values = evaluate_function(function, [X], {"w": W}, intermediates=True)
    ops = {type(op): op for op in function.walk()}
    np.testing.assert_array_equal(values[ops[ConvOp].results[0]], expected())
    for op in (ReluOp, StageOp):
        assert values[ops[op].results[0]] is y


def test_inputs_of_another_type_are_converted():
    y, _ = evaluate_function(function_of(NETWORK), [X.astype(int)], {"w": W})
    assert y.dtype == np.float32


@pytest.mark.parametrize(
    ("inputs", "parameters", "message"),
    [
        ([X[:1]], {"w": W}, "argument 0 must have the shape [2, 5], got [1, 5]"),
        ([X, X], {"w": W}, "the function has 1 argument, got 2 arrays"),
        (
            [X],
            {},
            "test.mlir:5:5: error: there is no parameter 'w' because there is no file 'test.safetensors'; give",
        ),
        (
            [X],
            {"w": W[0]},
            "parameter 'w' among the parameters has shape [2, 3], expected [3, 2, 3]",
        ),
        ([X], {"w": W.astype(np.float64)}, "has elements of type float64, expected float32"),
    ],
)
def test_values_that_do_not_fit(
    inputs: list[np.ndarray], parameters: dict[str, np.ndarray], message: str
):
    with pytest.raises(CompileError) as error:
        evaluate_function(function_of(NETWORK), inputs, parameters)
    assert message in str(error.value)


def test_other_operations_are_refused():
    function = function_of("""
func.func @main(%x: f32) -> f32 {
  %y = arith.addf %x, %x : f32
  func.return %y : f32
}
""")
    with pytest.raises(CompileError, match="expected a tensor"):
        evaluate_function(function, [np.zeros(())], {})
    function = function_of("""
func.func @main() {
  %y = arith.constant 1.0 : f32
  func.return
}
""")
    with pytest.raises(
        CompileError, match=r"test\.mlir:3:3: error: arith\.constant cannot be evaluated"
    ):
        evaluate_function(function, [], {})
