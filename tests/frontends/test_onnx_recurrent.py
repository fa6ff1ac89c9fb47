"""Recurrent nodes: what the importer builds, and what it refuses."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from frontends.onnx_models import model_of, save
from xdsl.dialects.func import FuncOp

from cmir.dialects import nn
from cmir.frontends.onnx import OnnxError, import_onnx

WEIGHTS = "float[1,8,3] w, float[1,8,2] r"
NODE = "[n] y, h, c = LSTM<hidden_size = 2{}>(x, w, r{})"


def refusal(path: Path) -> str:
    with pytest.raises(OnnxError) as caught:
        import_onnx(path, samples="whole")
    (message,) = caught.value.messages
    return message


REFUSED = {
    "hidden size": (
        f"float[5,1,3] x, {WEIGHTS}",
        "[n] y = LSTM<hidden_size = 4>(x, w, r)",
        "input W has the shape [1, 8, 3], expected [1, 16, 3] for hidden_size = 4 and 3 inputs",
    ),
    "projection": (
        "float[5,1,3] x, float[1,8,3] w, float[1,8,1] r",
        "[n] y = LSTM<hidden_size = 2>(x, w, r)",
        "input R has the shape [1, 8, 1], expected [1, 8, 2] for hidden_size = 2 and 3 inputs",
    ),
    "bias": (
        f"float[5,1,3] x, {WEIGHTS}, float[1,8] b",
        NODE.format("", ", b"),
        "input B has the shape [1, 8], expected [1, 16] for hidden_size = 2 and 3 inputs",
    ),
    "peepholes": (
        f"float[5,1,3] x, {WEIGHTS}, float[1,8] p",
        NODE.format("", ", , , , , p"),
        "input P has the shape [1, 8], expected [1, 6]",
    ),
    "initial state": (  # as torch.onnx.export writes an LSTM with proj_size
        f"float[5,1,3] x, {WEIGHTS}, float[1,1,3] state",
        NODE.format("", ", , , , state"),
        "an initial state has the shape [1, 1, 3], expected [1, 1, 2]",
    ),
    "computed initial state": (
        f"float[5,1,3] x, float[2,1,2] xh, {WEIGHTS}",
        NODE.format("", ", , , xh"),
        "an initial state has the shape [2, 1, 2], expected [1, 1, 2]",
    ),
    "direction": (
        f"float[5,1,3] x, {WEIGHTS}",
        NODE.format(', direction = "up"', ""),
        "attribute direction = up is not supported",
    ),
    "activation": (
        f"float[5,1,3] x, {WEIGHTS}",
        NODE.format(', activations = ["Gelu", "Tanh", "Tanh"]', ""),
        "activation Gelu is not supported",
    ),
    "activations": (
        f"float[5,1,3] x, {WEIGHTS}",
        NODE.format(', activations = ["Tanh"]', ""),
        "attribute activations has 1 entry, expected 3: 3 for each direction",
    ),
    "numbers of an activation": (
        f"float[5,1,3] x, {WEIGHTS}",
        NODE.format(', activations = ["Affine", "Tanh", "Tanh"]', ""),
        "activation Affine needs a number in activation_alpha, and, if it takes two, in activation_beta",
    ),
    "computed weights": (
        "float[5,1,3] x, float[1,8,3] xw, float[1,8,2] r",
        "[n] y = LSTM<hidden_size = 2>(x, xw, r)",
        "input W must be a constant, but depends on the model's inputs",
    ),
    "computed lengths": (
        f"float[5,1,3] x, int32[1] xl, {WEIGHTS}",
        NODE.format("", ", , xl"),
        "input sequence_lens must be a constant, but depends on the model's inputs",
    ),
    "lengths": (
        f"float[5,1,3] x, {WEIGHTS}",
        "l = Constant<value_ints = [7]>() k = Cast<to = 6>(l) " + NODE.format("", ", , k"),
        "input sequence_lens must be 1 lengths of at most 5, got [7]",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str, tmp_path: Path) -> None:
    inputs, body, message = REFUSED[name]
    assert refusal(save(model_of(inputs, body), tmp_path)) == f"node 'n' (LSTM): {message}"


def test_samples_are_no_steps(tmp_path: Path) -> None:
    """The first dimension is that of the steps. With `layout` = 1 it is a batch, which can be split."""
    path = save(model_of(f"float[1,1,3] x, {WEIGHTS}", NODE.format("", "")), tmp_path)
    with pytest.raises(OnnxError, match="its first dimension is that of the steps, not of a batch"):
        import_onnx(path, samples="split")
    body = NODE.format(", layout = 1", "")
    path = save(model_of(f"float[N,5,3] x, {WEIGHTS}", body, 14), tmp_path)
    imported = import_onnx(path, samples="split")
    assert imported.inputs == {"x": (1, 5, 3)} and imported.outputs == {"y": (1, 5, 1, 2)}


def test_one_product_for_all_steps(tmp_path: Path) -> None:
    """Sequences of two lengths, in two directions, are two operators each."""
    inputs = "float[5,3,3] x, float[2,8,3] w, float[2,8,2] r"
    lengths = "l = Constant<value_ints = [5, 2, 5]>() k = Cast<to = 6>(l) "
    body = lengths + NODE.format(', direction = "bidirectional"', ", , k")
    imported = import_onnx(save(model_of(inputs, body), tmp_path), samples="whole")
    (function,) = imported.module.body.block.ops
    assert isinstance(function, FuncOp)
    kinds = Counter(op.name for op in function.body.block.ops if isinstance(op, nn.IterationOp))
    assert kinds == {"nn.gemm": 4, "nn.lstm": 4}
    lstms = [op for op in function.body.block.ops if isinstance(op, nn.LstmOp)]
    assert sorted(op.result_shape for op in lstms) == [(2, 2), (2, 2), (5, 2, 2), (5, 2, 2)]
