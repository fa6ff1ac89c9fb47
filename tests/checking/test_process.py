"""Evaluation in a process of its own: with onnxruntimes that crash, hang, print, and are missing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest
from onnx import parser

import cmir.checking.process as process
from cmir.checking.process import evaluate_apart, evaluator_process
from cmir.support.diagnostics import CompileError

HEAD = '<ir_version: 10, opset_import: ["": 13, "com.microsoft": 1]>\n'
FLOATS = "main (float[2,2] x, float[2,2] w) => (float[2,2] y, float[2,2] z) { y = MatMul(x, w) z = Exp(x) }"
INTEGERS = "main (uint8[2,2] x, int8[2,2] w) => (int32[2,2] y) { y = MatMulInteger(x, w) }"

SESSION = """
class SessionOptions: pass
class GraphOptimizationLevel: ORT_ENABLE_BASIC = 0
class InferenceSession:
    def __init__(self, *arguments): pass
    def run(self, names, feeds): {run}
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(parser.parse_model(HEAD + FLOATS), path)
    return path


def pretend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put a module with this text in the place of onnxruntime, for other processes."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "onnxruntime.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))


def test_evaluators(model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    stream = [[rng.normal(size=(2, 2)).astype(np.float32) for _ in range(2)] for _ in range(3)]
    for which in ("reference", "onnxruntime"):
        name, outputs = evaluate_apart(which, model, stream)
        assert name == "onnxruntime"
        for (x, w), (y, z) in zip(stream, outputs, strict=True):
            assert y.dtype == z.dtype == np.float32
            np.testing.assert_allclose(y, x @ w, rtol=1e-5)
            np.testing.assert_allclose(z, np.exp(x), rtol=1e-5)
    name, outputs = evaluate_apart("float64", model, stream)
    assert name == "float64" and outputs[0][0].dtype == np.float64
    path = tmp_path / "integers.onnx"
    onnx.save(parser.parse_model(HEAD + INTEGERS), path)
    x, w = np.full((2, 2), 255, np.uint8), np.full((2, 2), 127, np.int8)
    name, ((y,),) = evaluate_apart("reference", path, [[x, w]])
    assert name == "exact integer arithmetic"
    assert y.dtype == np.int32 and (y == 2 * 255 * 127).all()


def test_what_onnxruntime_refuses(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    text = "main (float[2] x) => (float[2] y) { y = Unknown(x) }"
    onnx.save(parser.parse_model(HEAD + text), path)
    with pytest.raises(CompileError, match="no reference: onnxruntime refuses it: "):
        evaluate_apart("reference", path, [])


def test_what_onnxruntime_does_not_run(model: Path) -> None:
    x = np.ones((2, 2), np.float32)
    for inputs in ([x, x[:1, :1]], [x, x.astype(np.float64)]):
        with pytest.raises(CompileError, match="no reference: onnxruntime fails: "):
            evaluate_apart("reference", model, [inputs])
    with pytest.raises(CompileError, match="no reference: ValueError: "):
        evaluate_apart("reference", model, [[x]])


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("import os; os.abort()", r"its evaluation crashed \(SIGABRT\)"),
        ("import ctypes; ctypes.string_at(0)", r"its evaluation crashed \(SIGSEGV\)"),
        ("import os; os._exit(3)", "its evaluation ended with exit code 3"),
        ("raise RuntimeError('broken')", "onnxruntime fails: broken"),
    ],
)
def test_failures(
    run: str, message: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(tmp_path, monkeypatch, SESSION.format(run=run))
    x = np.ones((2, 2), np.float32)
    with pytest.raises(CompileError, match=f"^error: no reference: {message}$"):
        evaluate_apart("reference", model, [[x, x]])


def test_hangs(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in code that Python cannot interrupt."""
    monkeypatch.setattr(process, "SECONDS", 2.0)
    busy = "import re; re.match('(a+)+b', 'a' * 100)"
    pretend(tmp_path, monkeypatch, SESSION.format(run=busy))
    x = np.ones((2, 2), np.float32)
    with pytest.raises(CompileError, match="its evaluation took more than 2 seconds"):
        evaluate_apart("reference", model, [[x, x]])


def test_output_of_libraries(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It neither disturbs the messages nor reaches the terminal."""
    run = "import os; print('a'); os.write(1, b'b'); os.write(2, b'c'); return list(feeds.values())"
    pretend(tmp_path, monkeypatch, SESSION.format(run=run))
    x = np.ones((2, 2), np.float32)
    _, outputs = evaluate_apart("reference", model, [[x, 2 * x]])
    np.testing.assert_array_equal(outputs, [[x, 2 * x]])


def test_without_onnxruntime(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, monkeypatch, "raise ModuleNotFoundError(name='onnxruntime')")
    with pytest.raises(CompileError, match="the package 'onnxruntime' is not installed"):
        evaluate_apart("reference", model, [])


def test_results_that_are_no_arrays(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is pickled."""
    pretend(tmp_path, monkeypatch, SESSION.format(run="return [{1: 2}]"))
    x = np.ones((2, 2), np.float32)
    with pytest.raises(CompileError, match="no reference: ValueError: Object arrays"):
        evaluate_apart("reference", model, [[x, x]])


def test_the_working_folder_has_no_modules(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "onnxruntime.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(folder)
    assert evaluate_apart("reference", model, []) == ("onnxruntime", [])


def test_no_process_is_left(model: Path) -> None:
    """After an exception, and when the process that asked is killed."""
    workers: list[psutil.Process] = []

    def interrupted() -> None:
        with evaluator_process("reference", model):
            workers.extend(workers_of(os.getpid()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(workers) == 1 and ended(workers)
    text = (
        "import sys\n"
        "from pathlib import Path\n"
        "from cmir.checking.process import evaluator_process\n"
        "with evaluator_process('reference', Path(sys.argv[1])) as evaluate:\n"
        "    print(evaluate.name, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", text, str(model)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None and asking.stdout.readline() == b"onnxruntime\n"
        workers = workers_of(asking.pid)
        assert len(workers) == 1 and not ended(workers, 0)
        asking.kill()
    assert ended(workers)


def workers_of(process_id: int) -> list[psutil.Process]:
    found = psutil.Process(process_id).children()
    return [process for process in found if "cmir.checking.worker" in process.cmdline()]


def ended(processes: list[psutil.Process], seconds: float = 5) -> bool:
    """Whether processes end in this time. Zombies, which nobody waits for in a container, have."""
    for _ in range(round(seconds / 0.05) + 1):
        if not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):
            return True
        time.sleep(0.05)
    return False
