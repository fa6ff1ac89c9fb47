"""Invalid models: what ONNX's checker finds is said in one line, with the node's name."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper, parser

from cmir.frontends.onnx import OnnxError, import_onnx

HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n'

CASES = {
    "[n] y = Frobnicate(x)": "node 'n' (Frobnicate): ONNX has no operator 'Frobnicate' in opset 17",
    "[n] y = Sigmoyd(x)": (
        "node 'n' (Sigmoyd): ONNX has no operator 'Sigmoyd' in opset 17; did you mean 'Sigmoid'?"
    ),
    "[n] y = Gelu(x)": (
        "node 'n' (Gelu): the operator is unknown: opset 20 introduced it, and the model imports opset 17"
    ),
    "[n] y = Upsample(x)": "node 'n' (Upsample): the operator is no longer part of opset 17",
    "[n] y = other.Op(x)": "node 'n' (Op): the model imports no opset of domain 'other'",
    "[n] y = MatMul(x, w)": (
        "node 'n' (MatMul) reads 'w', which is no input, no initializer, and no output of a node"
    ),
    "[b] y = Relu(a) [a] a = Relu(x)": (
        "node 'b' (Relu) reads 'a', which node 'a' (Relu) computes later: nodes must be sorted"
    ),
    "[a] y = Relu(x) [b] y = Neg(x)": (
        "tensor 'y' is computed by several nodes: node 'a' (Relu), node 'b' (Neg)"
    ),
    "[n] y = Add(x)": "node 'n' (Add): it has 1 input, and must have 2",
    "a = Relu(x) y = Relu(a, x)": "node 'y' (Relu): it has 2 inputs, and must have 1",
    "[n] y, z = Relu(x)": "node 'n' (Relu): it has 2 outputs, and must have 1",
    "[n] y = Clip()": "node 'n' (Clip): it has 0 inputs, and must have 1 to 3",
    "[n] y = Concat<axis = 0>()": "node 'n' (Concat): it has 0 inputs, and must have at least 1",
    "[n] y = LeakyRelu<alfa = 1.0>(x)": (
        "node 'n' (LeakyRelu): unknown attribute 'alfa'; did you mean 'alpha'?"
    ),
    "[n] y = LeakyRelu<foo = 1.0>(x)": "node 'n' (LeakyRelu): unknown attribute 'foo'; it has alpha",
    "[n] y = MaxPool(x)": "node 'n' (MaxPool): attribute 'kernel_shape' is missing",
    '[n] y = MaxPool<kernel_shape = "a">(x)': (
        "node 'n' (MaxPool): attribute 'kernel_shape' must be of type ints, got string"
    ),
}


def refusal(model: onnx.ModelProto, folder: Path) -> str:
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(OnnxError) as caught:
        import_onnx(folder / "model.onnx")
    (message,) = caught.value.messages
    return message


@pytest.mark.parametrize("nodes", CASES)
def test_findings(nodes: str, tmp_path: Path) -> None:
    model = parser.parse_model(f"{HEAD} main (float[1,2,4] x) => (float[1,2,4] y) {{ {nodes} }}")
    assert refusal(model, tmp_path) == f"invalid model: {CASES[nodes]}"


def test_subgraphs(tmp_path: Path) -> None:
    branch = "() => (float[1] {0}) {{ {0} = Relu(w) }}"
    nodes = (
        f"[n] y = If<then_branch = a {branch.format('q')}, else_branch = b {branch.format('r')}>(x)"
    )
    model = parser.parse_model(f"{HEAD} main (bool[1] x) => (float[1] y) {{ {nodes} }}")
    assert refusal(model, tmp_path).startswith("invalid model: node 'q' (Relu) reads 'w', which is")


def test_attributes_that_are_given_twice(tmp_path: Path) -> None:
    text = f"{HEAD} main (float[1,2] x) => (float[1,2] y) {{ [n] y = Softmax<axis = 0>(x) }}"
    model = parser.parse_model(text)
    model.graph.node[0].attribute.append(helper.make_attribute("axis", 1))
    found = refusal(model, tmp_path)
    assert found == "invalid model: node 'n' (Softmax): attribute 'axis' is given several times"
