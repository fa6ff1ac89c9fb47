"""Proof of values of networks with state: whole streams are compared, and faults in what is carried are refused."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from networks import run_passes
from xdsl.dialects.func import FuncOp
from xdsl.printer import Printer

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.proof.values.comparison import ValuesVerdict, prove_values
from cmir.support.diagnostics import CompileError
from cmir.support.parameters import Parameters
from cmir.support.parsing import parse_module

NETWORK = """
func.func @main(%x: tensor<1x3xf32>,
                %s: tensor<4x3xf32> {{nn.carried_from = 1 : index, nn.initial = {initial}}},
                %h: tensor<3xf32> {{nn.carried_from = 2 : index, nn.initial = dense<2.0> : tensor<3xf32>}},
                %g: tensor<3xf32> {{nn.carried_from = 3 : index, nn.initial = dense<3.0> : tensor<3xf32>}})
    -> (tensor<3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>) {{
  %w = nn.parameter "w" : tensor<3x3xf32>
  %k = nn.gemm %x, %w : (tensor<1x3xf32>, tensor<3x3xf32>) -> tensor<1x3xf32>
  %old = nn.slice %s {{starts = [1, 0]}} : (tensor<4x3xf32>) -> tensor<3x3xf32>
  %n = nn.concat %old, %k {{axis = 0}} : (tensor<3x3xf32>, tensor<1x3xf32>) -> tensor<4x3xf32>
  %t = nn.tanh %n : (tensor<4x3xf32>) -> tensor<4x3xf32>
  %a = nn.slice %t {{starts = [0, 0], ends = [1, 3]}} : (tensor<4x3xf32>) -> tensor<1x3xf32>
  %b = nn.reshape %a {{shape = [3]}} : (tensor<1x3xf32>) -> tensor<3xf32>
  %c = nn.relu %h : (tensor<3xf32>) -> tensor<3xf32>
  %y = nn.tanh %g : (tensor<3xf32>) -> tensor<3xf32>
  func.return %y, %n, %b, %c : tensor<3xf32>, tensor<4x3xf32>, tensor<3xf32>, tensor<3xf32>
}}
"""
ROWS = "dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [10.0, 11.0, 12.0]]> : tensor<4x3xf32>"


def prove(edits: dict[str, str], initial: str = ROWS) -> ValuesVerdict:
    """Prove the network after edits of its text at the cmcore level, each of which changes one place."""
    context = make_context()
    context.parameters = Parameters({"s": np.zeros((4, 3), np.float32)})
    module = parse_module(NETWORK.format(initial=initial), context)
    function = module.clone().body.block.first_op
    run_passes(
        module, "nn-to-polyhedral,polyhedral-derive-dependences,polyhedral-generate-loops", context
    )
    run_passes(module, "convert-polyhedral-to-cmcore", context)
    stream = StringIO()
    Printer(stream).print_op(module)
    text = stream.getvalue()
    for old, new in edits.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    network = parse_module(text, make_context()).body.block.first_op
    assert isinstance(function, FuncOp) and isinstance(network, NetworkOp)
    network.verify()
    return prove_values(ElaboratedNetwork(network), function, 2)


def test_equal() -> None:
    """The output has a token four inferences after it arrives, through two other arrays."""
    verdict = prove({})
    assert verdict.uncovered is None and verdict.bits > 10
    # Reads reach back three inferences, and the window, the two states and the keys hold 3, 1 and 1.
    assert verdict.inferences == 1 + 3 + 5
    assert str(verdict).startswith("values equal in the first 9 inferences over 2 random")


@pytest.mark.parametrize(
    "edits",
    [
        {"k[m = -3 + c, 0, w]": "k[m = -c, 0, w]"},
        {"4.000000e+00": "5.000000e+00"},
        {"dense<2.000000e+00>": "dense<3.000000e+00>"},
    ],
)
def test_faults_are_refused(edits: dict[str, str]) -> None:
    with pytest.raises(CompileError, match="values differ from those of the source"):
        prove(edits)


def test_initial_values_in_the_weights_file() -> None:
    """The network has them in another order, under another name."""
    assert "is not covered" in str(prove({}, initial='"s"'))
