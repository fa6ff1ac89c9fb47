"""Control flow: what is inlined, selected and unrolled gives onnxruntime's results; the rest is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from frontends.control_cases import CASES, NEITHER
from frontends.onnx_models import evaluate, model_of, reference_outputs, samples_for, save
from tolerance import assert_close

from cmir.dialects import nn
from cmir.frontends.onnx import OnnxError, import_onnx
from cmir.frontends.onnx.operators import control


@pytest.mark.parametrize("name", CASES)
def test_control(name: str, tmp_path: Path) -> None:
    inputs, body, outputs = CASES[name]
    model = model_of(inputs, body, 13, outputs)
    imported = import_onnx(save(model, tmp_path))
    for scale in (1, 3):
        samples = {n: x * np.float32(scale) for n, x in samples_for(model).items()}
        results = evaluate(imported, [x[0] for x in samples.values()])
        for result, expected in zip(results, reference_outputs(model, samples), strict=True):
            assert_close(result, expected[0])


def test_a_branch_that_is_not_taken_leaves_nothing(tmp_path: Path) -> None:
    imported = import_onnx(save(model_of(*CASES["If of a shape"][:2]), tmp_path))
    kinds = [type(op) for op in imported.module.walk() if isinstance(op, nn.NNOp)]
    assert kinds == [nn.ReluOp]


def test_the_shape_of_the_branch_that_is_not_taken(tmp_path: Path) -> None:
    """PyTorch's exporter declares it for the result. onnxruntime warns, and computes the other one."""
    model = model_of(
        "float[6,8] x",
        "c = Constant<value = bool {0}>() y = If(c)<"
        " then_branch = g () => (float[48] t) { m = Constant<value_ints = [-1]>() t = Reshape(x, m) },"
        " else_branch = h () => (float[48] e) { e = Abs(x) }>",
        13,
        "float[48] y",
    )
    imported = import_onnx(save(model, tmp_path))
    assert imported.outputs == {"y": (6, 8)}


LOOP = "body = b (int64 i, bool k, float[1,4] v) => (k2, v2)"
START = "n = Constant<value = int64 {3}>() c = Constant<value = bool {1}>() "

REFUSED = {
    "branches of two shapes": (
        "m = ReduceMax<axes = [1]>(x) z = Greater(m, m) [n] y = If(z)<"
        " then_branch = g () => (t) { t = Identity(x) },"
        " else_branch = h () => (e) { e = Concat<axis = 1>(x, x) }>",
        "node 'n' (If): its branches have results of shapes [1, 4] and [1, 8], and its condition"
        " depends on the model's inputs",
    ),
    "a condition of several elements": (
        f"z = Greater(x, x) [n] y = If(z)<{NEITHER}>",
        "node 'n' (If): its condition has the shape [1, 4], not one element",
    ),
    "a loop of data": (
        "m = ReduceMax<axes = [1], keepdims = 0>(x) k = Cast<to = 7>(m)"
        + START
        + f"[n] y = Loop(k, c, x)<{LOOP} {{ k2 = Identity(k) v2 = Add(v, x) }}>",
        "node 'n' (Loop): input M must be a constant, but depends on the model's inputs",
    ),
    "a loop that data ends": (
        START + f"[n] y = Loop(n, c, x)<{LOOP} {{ m = ReduceMax<keepdims = 0, axes = [1]>(v)"
        " o = Constant<value_float = 9.0>() k2 = Less(m, o) v2 = Add(v, x) }>",
        "node 'n' (Loop): its condition depends on the model's inputs",
    ),
    "a loop without an end": (
        f"c = Constant<value = bool {{1}}>() [n] y = Loop(, c, x)<{LOOP}"
        " { k2 = Identity(k) v2 = Add(v, x) }>",
        "node 'n' (Loop): unrolled, it has more than 100 nodes: a body of 2 in 51 iterations"
        " or more",
    ),
    "an operator in a branch": (
        "c = Constant<value = bool {1}>() [n] y = If(c)<then_branch = g () => (t)"
        " { [inner] t = custom.Fancy(x) }, else_branch = h () => (e) { e = Neg(x) }>",
        "node 'n' (If): operator custom.Fancy is not supported (node 'inner')",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MOST_UNROLLED", 100)
    body, expected = REFUSED[name]
    with pytest.raises(OnnxError) as caught:
        import_onnx(save(model_of("float[N,4] x", body), tmp_path))
    assert list(caught.value.messages) == [expected]


def test_only_the_first_cause_is_named(tmp_path: Path) -> None:
    body = (
        "a = custom.Fancy(x) c = Constant<value = bool {1}>()"
        " y = If(c)<then_branch = g () => (t) { t = Relu(a) }, else_branch = h () => (e) { e = Neg(x) }>"
    )
    with pytest.raises(OnnxError) as caught:
        import_onnx(save(model_of("float[N,4] x", body), tmp_path))
    assert list(caught.value.messages) == ["operator custom.Fancy is not supported (node 'a')"]
