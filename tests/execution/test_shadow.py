"""Shadow execution: numbers on ties are decided as in a run, there and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from xdsl.dialects import math, test
from xdsl.dialects.builtin import Float64Type, IntegerType, VectorType, f32, f64, i8
from xdsl.ir import Operation, SSAValue

from cmir.dialects.vectors import CompareOp, ConvertOp
from cmir.execution.decisions import Follower, Recorder
from cmir.semantics import body
from cmir.simulator import numbers
from cmir.tools import cm_run

NEAR = 1e-6
"""A distance from a border that errors of floats explain, with a tolerance of 1e-5."""


def vector(element: Float64Type | IntegerType) -> SSAValue:
    return test.TestOp(result_types=[VectorType(element, [4])]).results[0]


def followed(op: Operation, recorded: np.ndarray, *operands: np.ndarray) -> tuple[list[Any], int]:
    """What an operation gives for operands, if it has given other results before; and how many that changes."""
    follower = Follower([[recorded]], 1e-5)
    return follower.function_of(op)(*operands).tolist(), follower.taken


@pytest.mark.parametrize(
    ("op", "border"),
    [
        (lambda x: ConvertOp(x, i8), 2.5),
        (math.RoundEvenOp, 2.5),
        (math.FloorOp, 3.0),
        (math.CeilOp, 2.0),
        (math.TruncOp, 3.0),
    ],
)
def test_roundings(op: Callable[[SSAValue], Operation], border: float) -> None:
    made = op(vector(f64))
    x = border + np.array([[-NEAR, NEAR, -0.01, 0.01]])
    assert followed(made, np.array([[3, 2, 3, 2]]), x) == ([[3, 2, 2, 3]], 2)
    assert followed(made, np.array([[4, 1, 2, 3]]), x) == ([[2, 3, 2, 3]], 0)


def test_comparisons() -> None:
    op = CompareOp("lt", vector(f64), vector(f64))
    x, y = 2.0 + np.array([[-NEAR, NEAR, -0.01, 0.01]]), np.full((1, 4), 2.0)
    wanted = np.array([[False, True, False, True]])
    assert followed(op, wanted, x, y) == ([[False, True, True, False]], 2)


def test_conversions_of_integers_decide_nothing() -> None:
    recorder = Recorder()
    recorder.function_of(ConvertOp(vector(i8), f32))
    assert not recorder.decisions


MODEL = """<ir_version: 8, opset_import: ["": 13]> main (float[1,90,200] x) => (float[1,90,8] y) {
  m = MatMul(x, w) q = QuantizeLinear(m, s, z) y = DequantizeLinear(q, s, z)
}"""


@pytest.mark.parametrize(("factor", "code"), [(1 + 3e-6, 0), (1 + 3e-3, 1)])
def test_runs(
    factor: float,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Numbers of 16 bits whose roundings a run decides otherwise, by little and by too much."""
    model = onnx.parser.parse_model(MODEL)
    w = np.random.default_rng(1).standard_normal((200, 8)).astype(np.float32)
    constants = {"w": w, "s": np.array(0.002, np.float32), "z": np.zeros((), np.int16)}
    model.graph.initializer.extend(numpy_helper.from_array(a, n) for n, a in constants.items())
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", 21))
    onnx.save(model, tmp_path / "model.onnx")

    def changed(op: Operation) -> Callable[..., Any]:
        function = body.function_of(op)
        if not isinstance(op, ConvertOp) or op.operands[0].type != VectorType(f32, [8]):
            return function
        return lambda x: function(x * np.float32(factor))

    monkeypatch.setattr(numbers, "function_of", changed)
    # Differences of a step are within the default tolerance.
    command = [str(tmp_path / "model.onnx"), "--random", "0", "--check", "--quiet"]
    assert cm_run.main([*command, "--rtol", "0", "--atol", "1e-6"]) == code
    said = capsys.readouterr().err
    assert ("on a tie up to the errors of floats" in said) == (not code)
