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


def prove(
    edits: dict[str, str], initial: str = ROWS, source: str = NETWORK, rounds: int = 2
) -> ValuesVerdict:
    """Prove the network after edits of its text at the cmcore level, each of which changes one place."""
    context = make_context()
    context.parameters = Parameters({"s": np.zeros((4, 3), np.float32)})
    module = parse_module(source.format(initial=initial), context)
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
    return prove_values(ElaboratedNetwork(network), function, rounds)


def test_equal() -> None:
    """The output has a token four inferences after it arrives, through two other arrays."""
    verdict = prove({})
    assert verdict.uncovered is None and verdict.bits > 10
    assert verdict.inferences is None
    assert str(verdict).startswith("values equal in endless streams over 2 random")


TWINS = """
func.func @main(%x: tensor<3xf32>,
                %s: tensor<3xf32> {{nn.carried_from = 1 : index, nn.initial = {initial}}},
                %t: tensor<3xf32> {{nn.carried_from = 2 : index, nn.initial = {initial}}})
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {{
  %a = nn.tanh %s : (tensor<3xf32>) -> tensor<3xf32>
  %b = nn.tanh %t : (tensor<3xf32>) -> tensor<3xf32>
  %c = nn.sub %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %y = nn.add %x, %c : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %u = nn.softmax %a {{axes = [0]}} : (tensor<3xf32>) -> tensor<3xf32>
  %v = nn.softmax %b {{axes = [0]}} : (tensor<3xf32>) -> tensor<3xf32>
  func.return %y, %u, %v : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}}
"""


def test_states_that_are_always_equal() -> None:
    """Their elements are paired in order."""
    assert prove({}, "dense<0.5> : tensor<3xf32>", TWINS).inferences is None


def test_recurrence_is_bounded_in_endless_streams() -> None:
    """An inference from random values has small degrees; 50 from reset have not."""
    verdict = prove({}, "dense<0.5> : tensor<4xf32>", CELL, rounds=8)
    assert str(verdict).startswith("values equal in endless streams over 8 random")
    assert verdict.bits > 60


SCALED = """
func.func @main(%x: tensor<3xf32>,
                %s: tensor<3xf32> {{nn.carried_from = 1 : index, nn.initial = {initial}}})
    -> (tensor<3xf32>, tensor<3xf32>) {{
  %two = nn.parameter dense<2.0> : tensor<3xf32>
  %n = nn.mul %s, %two : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %y = nn.add %x, %n : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  func.return %y, %n : tensor<3xf32>, tensor<3xf32>
}}
"""


def test_the_step_begins_with_any_state() -> None:
    """A state that is 0 from reset on hides that it is scaled by 3: nothing is said of later inferences."""
    zeros = "dense<0.0> : tensor<3xf32>"
    assert prove({}, zeros, SCALED).inferences is None
    assert prove({"dense<2.000000e+00>": "dense<3.000000e+00>"}, zeros, SCALED).inferences == 3
    with pytest.raises(CompileError, match="values differ from those of the source"):
        prove({"dense<2.000000e+00>": "dense<3.000000e+00>"}, "dense<1.0> : tensor<3xf32>", SCALED)


CELL = """
func.func @main(%x: tensor<4xf32>,
                %s: tensor<4xf32> {{nn.carried_from = 1 : index, nn.initial = {initial}}})
    -> (tensor<4xf32>, tensor<4xf32>) {{
  %w = nn.parameter "w" : tensor<4x4xf32>
  %a = nn.gemm %s, %w : (tensor<4xf32>, tensor<4x4xf32>) -> tensor<4xf32>
  %b = nn.add %a, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %n = nn.tanh %b : (tensor<4xf32>) -> tensor<4xf32>
  %y = nn.relu %n : (tensor<4xf32>) -> tensor<4xf32>
  func.return %y, %n : tensor<4xf32>, tensor<4xf32>
}}
"""


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


LSTM = """
func.func @main(%x: tensor<20x16xf32>, %h0: tensor<4xf32>) -> tensor<20x4xf32> {{
  %w = nn.parameter "w" : tensor<16x4xf32>
  %h, %c = nn.lstm %x, %w initial_h %h0 {{reverse}}
      : (tensor<20x16xf32>, tensor<16x4xf32>, tensor<4xf32>) -> (tensor<20x4xf32>, tensor<20x4xf32>)
  func.return %h : tensor<20x4xf32>
}}
"""
SCAN = """
func.func @main(%xs: tensor<20x4xf32>, %h0: tensor<4xf32>, %c0: tensor<4xf32>)
    -> (tensor<20x4xf32>, tensor<20x4xf32>) {{
  %h, %c, %y = nn.scan carried(%s = %h0 : tensor<4xf32>, %d = %c0 : tensor<4xf32>) over(%x = %xs : tensor<20x4xf32>)
      -> (tensor<20x4xf32>, tensor<20x4xf32>, tensor<20x4xf32>) {{
    %w = nn.parameter "w" : tensor<4x4xf32>
    %a = nn.gemm %s, %w : (tensor<4xf32>, tensor<4x4xf32>) -> tensor<4xf32>
    %b = nn.add %a, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %n = nn.tanh %b : (tensor<4xf32>) -> tensor<4xf32>
    %e = nn.gemm %n, %w : (tensor<4xf32>, tensor<4x4xf32>) -> tensor<4xf32>
    %f = nn.softmax %e {{axes = [0]}} : (tensor<4xf32>) -> tensor<4xf32>
    %g = nn.mul %d, %f : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %o = nn.relu %g : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %n, %g, %o : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }}
  func.return %y, %c : tensor<20x4xf32>, tensor<20x4xf32>
}}
"""


@pytest.mark.parametrize("source", [LSTM, SCAN])
def test_recurrence_is_bounded_over_steps(source: str) -> None:
    """Each step begins with random values, so that degrees do not grow."""
    verdict = prove({}, "", source, rounds=8)
    assert verdict.inferences is None and not verdict.state
    assert verdict.bits > 60


@pytest.mark.parametrize(
    "edits",
    [
        {"-> h[20 - t, u] : 0 < t <= 19": "-> h[20 - t, 3 - u] : 0 < t <= 19"},
        {"[lstm1[t = 0] -> lane[u]] -> h0[u]": "[lstm1[t = 0] -> lane[u]] -> h0[3 - u]"},
    ],
)
def test_faults_of_steps_are_refused(edits: dict[str, str]) -> None:
    with pytest.raises(CompileError, match="values differ from those of the source"):
        prove(edits, "", LSTM)
