"""Valid inputs that hostile ones are made from: the ONNX models of tests, and the IR of lit tests and examples."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import onnx
from frontends.onnx_models import model_of
from frontends.test_onnx_operators import CASES, OTHER_OPSETS

ROOT = Path(__file__).resolve().parents[2]

LAYERS = (
    "float[N,2,8,8] x, float[3,2,3,3] w, float[3] b, float[27,5] m",
    "a = Conv(x, w, b) r = Relu(a) p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(r)"
    " f = Flatten(p) y = MatMul(f, m)",
)
"""A network of several layers."""

SHARE_OF_LAYERS = 0.2
"""Share of models that are LAYERS, among many of one operator."""


@cache
def operator_models() -> tuple[onnx.ModelProto, ...]:
    """Return a small model for each case of an operator."""
    models = [model_of(*case) for case in CASES.values()]
    models += [model_of(inputs, body, opset) for opset, inputs, body in OTHER_OPSETS.values()]
    return tuple(models)


@cache
def layered_model() -> onnx.ModelProto:
    """Return the network of several layers."""
    return model_of(*LAYERS)


@cache
def ir_texts() -> tuple[str, ...]:
    """Return the modules of lit tests and examples that are valid, without comments on lines of their own."""
    files = [*(ROOT / "tests" / "filecheck").rglob("*.mlir"), *(ROOT / "examples").rglob("*.mlir")]
    chunks = [
        re.sub(r"^\s*//.*\n", "", chunk, flags=re.MULTILINE).strip()
        for file in sorted(files)
        for chunk in file.read_text(encoding="utf-8").split("// -----")
        if not re.search(r"expected-error|CHECK.*error", chunk)
    ]
    return tuple(f"{chunk}\n" for chunk in chunks if chunk)
