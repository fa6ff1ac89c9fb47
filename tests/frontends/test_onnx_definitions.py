"""Operators without an importer, which ONNX defines by others: the expanded IR gives onnxruntime's results."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from frontends.onnx_models import evaluate, model_of, reference_outputs, samples_for, save
from tolerance import assert_close
from xdsl.dialects.func import FuncOp

from cmir.frontends.onnx import OnnxError, import_onnx

IMAGE = "float[N,4,6,5] x"
HEADS = "float[N,2,3,4] x1, float[N,2,5,4] x2, float[N,2,5,4] x3"

CASES: dict[str, tuple[int, str, str]] = {
    "Celu": (12, IMAGE, "y = Celu<alpha = 0.5>(x)"),
    "Celu default": (13, IMAGE, "y = Celu(x)"),
    "GroupNormalization": (
        21,
        f"{IMAGE}, float[4] s, float[4] b",
        "y = GroupNormalization<num_groups = 2, epsilon = 0.01>(x, s, b)",
    ),
    "RMSNormalization": (
        23,
        f"{IMAGE}, float[5] s",
        "y = RMSNormalization<epsilon = 0.01>(x, s)",
    ),
    "MeanVarianceNormalization": (
        9,
        IMAGE,
        "y = MeanVarianceNormalization<axes = [2, 3]>(x)",
    ),
    "Softsign before it was defined": (7, IMAGE, "y = Softsign(x)"),
    "Softsign": (22, IMAGE, "y = Softsign(x)"),
    "Swish": (24, IMAGE, "y = Swish<alpha = 0.5>(x)"),
    "ThresholdedRelu": (10, IMAGE, "y = ThresholdedRelu<alpha = 0.25>(x)"),
    "Attention": (23, HEADS, "y = Attention(x1, x2, x3)"),
    "Attention causal": (23, HEADS, "y = Attention<is_causal = 1, scale = 0.25>(x1, x2, x3)"),
    "Attention with a mask": (
        23,
        f"{HEADS}, float[3,5] m",
        "y = Attention<softcap = 2.0>(x1, x2, x3, m)",
    ),
    "Attention of rows": (
        23,
        "float[N,3,8] x1, float[N,5,8] x2, float[N,5,8] x3",
        "y = Attention<q_num_heads = 2, kv_num_heads = 2>(x1, x2, x3)",
    ),
    "RotaryEmbedding": (
        23,
        "float[N,2,3,4] x, float[1,3,2] c, float[1,3,2] s",
        "y = RotaryEmbedding(x, c, s)",
    ),
    "Clip between numbers that float32 cannot represent": (
        13,
        "double[N,5] x",
        "l = Constant<value = double {-0.1}>() h = Constant<value = double {0.1}>()"
        " c = Clip(x, l, h) y = Cast<to = 1>(c)",
    ),
    "inside another": (24, f"{IMAGE}", "a = Softsign(x) b = Swish(a) y = Celu(b)"),
}
"""Opset, inputs and nodes."""

NO_BATCH: dict[str, tuple[int, str, str]] = {
    "Clip between computed bounds": (
        13,
        "float[4,5] x",
        "l = ReduceMean<keepdims = 0>(x) h = ReduceMax<keepdims = 0>(x) y = Clip(x, l, h)",
    ),
    "Clip above": (
        13,
        "float[4,5] x",
        "h = ReduceMean<keepdims = 0>(x) y = Clip(x, , h)",
    ),
    "LayerNormalization with a computed scale": (
        17,
        "float[4,5] x, float[5] x2",
        "y = LayerNormalization<epsilon = 0.01>(x, x2)",
    ),
    "DepthToSpace of several images": (
        13,
        "float[2,4,3,3] x",
        "y = DepthToSpace<blocksize = 2>(x)",
    ),
}
"""Nodes that their importer refuses."""


def check(model: onnx.ModelProto, directory: Path, batch: bool) -> FuncOp:
    samples = samples_for(model)
    (expected,) = reference_outputs(model, samples)
    imported = import_onnx(save(model, directory), samples="split" if batch else "whole")
    inputs = [sample[0] if batch else sample for sample in samples.values()]
    (result,) = evaluate(imported, inputs)
    assert_close(result, expected[0] if batch else expected)
    (function,) = imported.module.body.block.ops
    assert isinstance(function, FuncOp)
    return function


@pytest.mark.parametrize("name", CASES)
def test_equal_to_onnxruntime(name: str, tmp_path: Path) -> None:
    opset, inputs, body = CASES[name]
    check(model_of(inputs, body, opset), tmp_path, batch=True)


@pytest.mark.parametrize("name", NO_BATCH)
def test_what_an_importer_refuses_is_expanded(name: str, tmp_path: Path) -> None:
    opset, inputs, body = NO_BATCH[name]
    function = check(model_of(inputs, body, opset), tmp_path, batch=False)
    # Nothing is left of the importer's attempt.
    unused = [op for op in function.body.block.ops if op.results and not op.results[0].uses]
    assert unused == []


REFUSED = {
    "an operator that nothing defines": (
        15,
        "float[N,3] x",
        "y = Bernoulli(x)",
        "node 'y' (Bernoulli): it is defined by other operators: operator RandomUniformLike is not supported"
        " (node 'y')",
    ),
    "what the definition refuses as well": (
        17,
        "float[N,3] x, float[N,3] x2",
        "y = LayerNormalization(x, x2)",
        "node 'y' (LayerNormalization): input Scale must be a constant, but depends on the model's inputs; it is"
        " defined by other operators: node 'y' (Flatten): attribute axis = 0 mixes the batch dimension with another",
    ),
    "a value that is none": (
        20,
        "float[N,3] x",
        '[n] y = Gelu<approximate = "cosh">(x)',
        "node 'n' (Gelu): attribute approximate = cosh is not supported",
    ),
    "sizes of what is refused": (
        13,
        "float[N,3,4] x",
        "[n] t = Transpose<perm = [1, 0, 2]>(x) s = Shape(t) z = ConstantOfShape(s) y = Add(t, z)",
        "node 'n' (Transpose): attribute perm = [1, 0, 2] moves the batch dimension",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    opset, inputs, body, message = REFUSED[name]
    with pytest.raises(OnnxError) as caught:
        import_onnx(save(model_of(inputs, body, opset), tmp_path), samples="split")
    assert caught.value.messages == (message,)


def test_constants_are_named_after_the_node(tmp_path: Path) -> None:
    body = "[norm] y = GroupNormalization<num_groups = 2>(x, s, b)"
    model = model_of(f"{IMAGE}, float[4] s, float[4] b", body, 21)
    imported = import_onnx(save(model, tmp_path))
    assert imported.parameters
    assert all(name.startswith("norm.") for name in imported.parameters)
    hints = {r.name_hint for op in imported.module.walk() if op.results for r in op.results}
    assert {hint for hint in hints if hint and not hint.startswith("norm")} == set()
