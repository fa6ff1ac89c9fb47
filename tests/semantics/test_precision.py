"""The narrowest float of IR, and IR in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from networks import run_passes
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from cmir.context import make_context
from cmir.dialects.nn import evaluate_function
from cmir.dialects.polyhedral import PipelineOp
from cmir.semantics.pipeline import evaluate_pipeline
from cmir.semantics.precision import DoubleParameters, in_double, narrowest_float
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module

LEVELS = ("", "nn-to-polyhedral", "nn-to-cmcore")

MIXED = """
func.func @main(%x: tensor<2x6xf32>) -> tensor<2x6xf32> {
  %w = nn.parameter "w" : tensor<2x2x1xf16>
  %b = nn.parameter dense<[0.1, 0.2]> : tensor<2xf16>
  %s = nn.parameter dense<0.3> : tensor<2x6xf32>
  %a = nn.cast %x : (tensor<2x6xf32>) -> tensor<2x6xf16>
  %c = nn.conv %a, %w bias %b : (tensor<2x6xf16>, tensor<2x2x1xf16>, tensor<2xf16>) -> tensor<2x6xf16>
  %d = nn.leaky_relu %c {alpha = 0.3} : (tensor<2x6xf16>) -> tensor<2x6xf16>
  %e = nn.cast %d : (tensor<2x6xf16>) -> tensor<2x6xf32>
  %y = nn.add %e, %s : (tensor<2x6xf32>, tensor<2x6xf32>) -> tensor<2x6xf32>
  func.return %y : tensor<2x6xf32>
}
"""


def module_of(text: str, passes: str = "") -> ModuleOp:
    context = make_context()
    module = parse_module(text, context)
    run_passes(module, passes, context)
    return module


def relu(element: str) -> str:
    """A network with an option in f32, regardless of the type of its elements."""
    type_ = f"tensor<4x{element}>"
    return f"""
func.func @main(%x: {type_}) -> {type_} {{
  %y = nn.leaky_relu %x {{alpha = 0.3}} : ({type_}) -> {type_}
  func.return %y : {type_}
}}
"""


@pytest.mark.parametrize("passes", LEVELS)
def test_narrowest_float(passes: str) -> None:
    assert narrowest_float(module_of(MIXED, passes)) == "f16"
    for element in ("f16", "f32", "f64"):
        assert narrowest_float(module_of(relu(element), passes)) == element


def test_integers_have_no_narrowest_float() -> None:
    text = relu("i32").replace("leaky_relu", "relu").replace(" {alpha = 0.3}", "")
    assert narrowest_float(module_of(text)) is None


def test_bf16_is_narrower_than_f16() -> None:
    text = """
      "test.a"() {type = tensor<2xf16>, types = [vector<2xbf16>, f32]} : () -> ()
    """
    context = make_context()
    context.allow_unregistered = True
    assert narrowest_float(parse_module(text, context)) == "bf16"


def test_in_double() -> None:
    """All roundings but those of the weights are gone, and the original stays as it was."""
    random = np.random.default_rng(0)
    parameters = Parameters({"w": random.standard_normal((2, 2, 1)).astype(np.float16)})
    x = random.standard_normal((2, 6)).astype(np.float32)
    w = parameters["w"][:, :, 0].astype(np.float64)
    bias = np.array([0.1, 0.2], np.float16).astype(np.float64)
    c = w @ x.astype(np.float64) + bias[:, None]
    expected = np.where(c < 0, np.float64(np.float32(0.3)) * c, c) + np.float64(np.float32(0.3))

    (function,) = module_of(MIXED).body.block.ops
    assert isinstance(function, FuncOp)
    before = str(function)
    wide = in_double(function)
    assert isinstance(wide, FuncOp) and str(function) == before
    (result,) = evaluate_function(wide, [x], DoubleParameters(parameters))
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-14)

    (pipeline,) = module_of(MIXED, "nn-to-polyhedral").body.block.ops
    wide = in_double(pipeline)
    assert isinstance(wide, PipelineOp)
    (result,) = evaluate_pipeline(wide, [x], DoubleParameters(parameters))
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-14)


def test_parameters_in_double() -> None:
    parameters = DoubleParameters({"w": np.ones(2, np.float16), "q": np.ones(3, np.int8)})
    assert [*parameters] == ["w", "q"] and len(parameters) == 2
    assert parameters["w"].dtype == np.float64 and parameters["q"].dtype == np.int8
