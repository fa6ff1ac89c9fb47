"""Verdicts on small ONNX files that need no exporter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx.parser
import pytest
from exports.judging import Limits, judge, run_module

X = np.array([[-1.0, 2.0, -3.0, 4.0]], np.float32)


def exported(
    folder: Path, operator: str, expected: np.ndarray, exact: np.ndarray | None = None
) -> Path:
    text = f"""
        <ir_version: 9, opset_import: ["": 18]>
        g (float[1, 4] x) => (float[1, 4] output) {{ output = {operator}(x) }}
    """
    onnx.save(onnx.parser.parse_model(text), folder / "model.onnx")
    np.savez(folder / "inputs.npz", x=X)
    np.savez(folder / "expected.npz", output=expected, exact=expected if exact is None else exact)
    return folder


def test_equal(tmp_path: Path) -> None:
    verdict = judge(exported(tmp_path, "Relu", np.maximum(X, 0)), Limits())
    assert verdict.imported and verdict.compiled and verdict.equal
    assert (verdict.error, verdict.reasons) == (0, ())
    assert verdict.interval is not None and verdict.seconds > 0


def test_wrong(tmp_path: Path) -> None:
    verdict = judge(exported(tmp_path, "Relu", np.abs(X)), Limits())
    assert verdict.compiled and not verdict.equal
    assert verdict.error == pytest.approx(3 / 4)
    assert "2 of 4 elements differ" in verdict.reasons[0]


def test_amplified_roundings(tmp_path: Path) -> None:
    expected = np.maximum(X, 0) * np.float32(1 + 3e-4)
    folder = exported(tmp_path, "Relu", expected)
    assert not judge(folder, Limits()).equal
    assert judge(exported(tmp_path, "Relu", expected, np.maximum(X, 0)), Limits()).equal


def test_refused(tmp_path: Path) -> None:
    verdict = judge(exported(tmp_path, "NonZero", X), Limits())
    assert not verdict.imported and verdict.error is None
    assert verdict.reasons == ["operator NonZero is not supported (node 'output')"]


def test_time_limit() -> None:
    printed, reasons = run_module(
        ["timeit", "-n", "1", "-r", "1", "while True: pass"], Limits(seconds=1)
    )
    assert (printed, reasons) == ("", ["takes more than 1 s"])


def test_memory_limit() -> None:
    command = ["timeit", "-n", "1", "-r", "1", "bytearray(1 << 31)"]
    _, reasons = run_module(command, Limits(memory=1 << 30))
    assert "MemoryError" in reasons[0]
