"""Pipelines evaluated stage by stage, against the nn level and against formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Builder, compile_network, run_passes
from tolerance import assert_close
from xdsl.dialects.func import FuncOp

from cmir.context import make_context
from cmir.dialects.nn import evaluate_function
from cmir.dialects.polyhedral import PipelineOp
from cmir.semantics import pipeline as polyhedral_reference
from cmir.semantics.pipeline import evaluate_pipeline
from cmir.support.diagnostics import CompileError
from cmir.support.parsing import parse_module


@given(st.data())
@settings(max_examples=15)
def test_networks(data: st.DataObject) -> None:
    """With pads, strides, groups, a residual and a dense end, in runs of any length."""
    net = Builder(2, *data.draw(st.lists(st.integers(5, 7), min_size=2, max_size=2)))
    stride, pads = data.draw(st.integers(1, 2)), data.draw(st.integers(0, 1))
    a = net.conv("x", 4, 3, stride, pads)
    b = net.relu(net.add(net.conv(a, 4, 1, groups=data.draw(st.sampled_from([1, 2, 4]))), a))
    pooled = net.pool(b, data.draw(st.sampled_from(["Max", "Average"])), 2, 1, pads)
    network = compile_network(net.model(net.gemm(net.flatten(pooled), 3), b))
    (sample,) = network.samples(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            polyhedral_reference, "LANES_AT_ONCE", data.draw(st.sampled_from([1, 200, 1 << 22]))
        )
        got = evaluate_pipeline(network.pipeline, list(sample.values()), network.parameters)
    for mine, expected in zip(got, network.reference(sample), strict=True):
        assert_close(mine, expected)


def pipeline(text: str) -> PipelineOp:
    op = parse_module(text, make_context(), "test.mlir").body.block.first_op
    assert isinstance(op, PipelineOp)
    op.verify()
    return op


COPY = """
  polyhedral.stage @{name} (%i) domain #polyhedral.set<"{{ {name}[i] : 0 <= i < 4 }}"> {{
    %v = polyhedral.read @{source}
      #polyhedral.map<"{{ [{name}[i] -> lane[]] -> {source}[{index}] : 0 <= i < 4 }}"> : vector<f32>
    polyhedral.write %v, @{target}
      #polyhedral.map<"{{ [{name}[i] -> lane[]] -> {target}[i] : 0 <= i < 4 }}"> : vector<f32>
  }}
"""


def test_writers_run_before_readers() -> None:
    """Whatever order they are written down in."""
    op = pipeline(
        "polyhedral.pipeline @main (@a) -> (@c) {\n"
        + "".join(f"  polyhedral.array @{name} : tensor<4xf32>\n" for name in "abc")
        + COPY.format(name="second", source="b", target="c", index="3 - i")
        + COPY.format(name="first", source="a", target="b", index="i")
        + "}"
    )
    (result,) = evaluate_pipeline(op, [np.arange(4, dtype=np.float32)])
    np.testing.assert_array_equal(result, [3, 2, 1, 0])


@pytest.mark.parametrize("split", ["outputs=2", "inputs=2", "outputs=3 inputs=2"])
def test_cores_that_wait_for_each_other(split: str) -> None:
    """A recurrent stage, divided among cores, and into stages that read each other's results in turn."""
    text = """func.func @main(%x: tensor<4x5x12xf32>) -> (tensor<4x5x3xf32>, tensor<4x5x3xf32>) {
      %w = nn.parameter "w" : tensor<12x3xf32>
      %h, %c = nn.lstm %x, %w {reverse} : (tensor<4x5x12xf32>, tensor<12x3xf32>)
        -> (tensor<4x5x3xf32>, tensor<4x5x3xf32>)
      func.return %h, %c : tensor<4x5x3xf32>, tensor<4x5x3xf32>
    }"""
    context = make_context()
    module = parse_module(text, context, "test.mlir")
    original = module.clone().body.block.first_op
    random = np.random.default_rng(0)
    weights = {"w": random.standard_normal((12, 3), np.float32)}
    x = random.standard_normal((4, 5, 12), np.float32)
    run_passes(module, "nn-outline-stages,convert-nn-to-polyhedral", context)
    run_passes(module, f"polyhedral-split-matrices{{stage=lstm1 {split}}}", context)
    op = module.body.block.first_op
    assert isinstance(original, FuncOp) and isinstance(op, PipelineOp)
    expected = evaluate_function(original, [x], weights)
    for mine, wanted in zip(evaluate_pipeline(op, [x], weights), expected, strict=True):
        assert_close(mine, wanted)


def test_refusals() -> None:
    text = "polyhedral.pipeline @main (@a) -> (@c) {\n"
    text += "".join(f"  polyhedral.array @{name} : tensor<4xf32>\n" for name in "abc")
    one = COPY.format(name="one", source="b", target="c", index="i")
    other = COPY.format(name="other", source="c", target="b", index="i")
    with pytest.raises(CompileError, match=r"elements that none of them has written: @one, @other"):
        evaluate_pipeline(pipeline(f"{text}{one}{other}}}"), [np.zeros(4)])
    copy = COPY.format(name="one", source="a", target="c", index="i")
    with pytest.raises(CompileError, match=r"input 'a' has shape \[3\], expected \[4\]"):
        evaluate_pipeline(pipeline(f"{text}{copy}}}"), [np.zeros(3)])
