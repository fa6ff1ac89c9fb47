"""cm-run --check: verdicts, messages and remarks, at every level and with every reference."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser
from references import off_by

import cmir.checking.process as process
from cmir.dialects import nn
from cmir.dialects.nn.pointwise import ElementwiseOp
from cmir.execution.interface import Interface
from cmir.execution.references import IrReference, OnnxReference
from cmir.support import numerics
from cmir.support.diagnostics import CompileError
from cmir.tools import cm_opt, cm_run, cm_translate

HEAD = '<ir_version: 8, opset_import: ["": 13]>\n'
DENSE = "main (float[1,4] x) => (float[1,3] y) { z = MatMul(x, w) y = Sigmoid(z) }"
DOUBLE = "main (double[1,2,9] x) => (double[1,3,7] y) { z = Conv(x, w) y = Relu(z) }"
HALF = """main (float[1,4] x) => (float[1,3] y) {
  a = Cast<to = 10>(x) b = Cast<to = 10>(w) c = MatMul(a, b) y = Cast<to = 1>(c)
}"""
INTEGERS = "main (uint8[1,4] x) => (int32[1,3] y) { y = MatMulInteger(x, w) }"
RANDOM = np.random.default_rng(0)
MATRIX = RANDOM.normal(size=(4, 3)).astype(np.float32)
KERNEL = RANDOM.normal(size=(3, 2, 3))


def save(path: Path, text: str, w: np.ndarray = MATRIX) -> Path:
    model = parser.parse_model(HEAD + text)
    if "w" in text.partition("{")[2]:
        model.graph.initializer.append(numpy_helper.from_array(w, "w"))
    onnx.save(model, path)
    return path


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    return save(tmp_path / "dense.onnx", DENSE)


def run(*arguments: Any) -> int:
    return cm_run.main([*map(str, arguments), "--random", "0", "--quiet"])


def check(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    """Run with --check. Return the exit code, what is said of the check on stdout, and on stderr."""
    code = run(*arguments, "--check")
    captured = capsys.readouterr()
    said = "".join(line for line in captured.out.splitlines() if line.startswith("check: "))
    assert "Traceback" not in captured.err and "internal error" not in captured.err
    return code, said, captured.err


def wrong_results(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Multiply what cm-run computes."""
    true: Any = Interface.named

    def off(*arguments: Any) -> Any:
        return [
            {name: np.asarray(y * factor, y.dtype) for name, y in sample.items()}
            for sample in true(*arguments)
        ]

    monkeypatch.setattr(Interface, "named", off)


# Which side is nearer


def test_the_reference_is_wrong(
    dense: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    off_by(monkeypatch, 1 + 4.4e-4, "evaluate")
    code, said, err = check(capsys, dense, "-n", 3)
    assert code == 0
    assert (
        said
        == "check: equal to onnxruntime in 0 of 3 inferences, and to the float64 result in the rest"
    )
    start = (
        f"{dense}: remark: results differ from onnxruntime and agree with the network in float64: "
    )
    (line,) = [line for line in err.splitlines() if line.startswith(start)]
    assert line.startswith(
        f"{start}output 'y' of inference 0: 3 of 3 elements differ, first at [0, 0]: "
    )
    assert "; in float64, cmir is nearer: cmir is off by " in line
    assert line.endswith(", onnxruntime by 0.00044 (and 2 more)")
    assert "check failed" not in err


def test_the_results_are_wrong(
    dense: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong_results(monkeypatch, 1.125)
    code, said, err = check(capsys, dense, "-n", 2)
    assert code == 1 and not said
    first, second = [line for line in err.splitlines() if "check failed" in line]
    assert first.startswith(
        "cm-run: check failed: output 'y' of inference 0: 3 of 3 elements differ"
    )
    assert "; in float64, onnxruntime is nearer: cmir is off by 0.12, onnxruntime by " in first
    assert second.startswith("cm-run: check failed: output 'y' of inference 1: ")
    code, said, err = check(capsys, dense, "--check-with", "numpy")
    assert code == 1 and "; in float64, NumPy is nearer: cmir is off by 0.12, NumPy by " in err


def test_both_are_wrong(
    dense: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearer side is not right by being nearer."""
    wrong_results(monkeypatch, 1.125)
    off_by(monkeypatch, 1.5, "evaluate")
    code, said, err = check(capsys, dense)
    assert code == 1 and not said
    assert "; in float64, cmir is nearer: cmir is off by 0.12, onnxruntime by 0.5\n" in err


def test_an_import_that_is_wrong_has_no_excuse(
    dense: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The network in double precision is the ONNX model, not what was imported, which has the same fault."""
    other = save(tmp_path / "other.onnx", DENSE, MATRIX + np.float32(0.01))
    code, said, err = check(capsys, dense, "--check-against", other)
    assert code == 1 and not said
    assert "check failed: output 'y' of inference 0: " in err
    assert "; in float64, onnxruntime is nearer: " in err


# Quantised numbers on ties

QUANTISED = """main (float[1,200,8] x) => (float[1,200,8] y) {
  q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) v = DequantizeLinear(w, sw, z)
  m = MatMul(d, v) r = QuantizeLinear(m, t, z) e = DequantizeLinear(r, t, z)
  n = MatMul(e, v) p = QuantizeLinear(n, u, z) y = DequantizeLinear(p, u, z)
}"""


@pytest.fixture
def quantised(tmp_path: Path) -> Path:
    """A network with sums of products that are 1.5, 4.5, … steps of the next quantisation, up to rounding."""
    w = np.random.default_rng(1).integers(-127, 128, (8, 8)).astype(np.int8)
    path = save(tmp_path / "quantised.onnx", QUANTISED, w)
    model = onnx.load(path)
    scales = {"s": 0.03, "sw": 0.01, "t": 0.05, "u": 0.07}
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(scale, np.float32), name) for name, scale in scales.items()
    )
    model.graph.initializer.append(numpy_helper.from_array(np.zeros((), np.int8), "z"))
    onnx.save(model, path)
    return path


def test_ties_are_explained(quantised: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, err = check(capsys, quantised, "-n", 2)
    assert code == 0
    assert said.endswith("and to the float64 result in the rest")
    assert "agree with the network in float64: output 'y' of inference 0: " in err
    assert re.search(r"; \d+ numbers lie on a tie up to the errors of floats", err)


@pytest.mark.parametrize(
    ("operator", "change"),
    [
        (nn.QuantizeOp, lambda whole: whole + 1),
        (nn.DequantizeOp, lambda x: x * np.float32(1.004)),
    ],
)
def test_ties_excuse_nothing_else(
    quantised: Path,
    operator: type[ElementwiseOp],
    change: Callable[[Any], Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A network whose operators compute something else, in each evaluation that cmir has of them."""
    true = operator.formula
    monkeypatch.setattr(operator, "formula", lambda self, *xs: change(true(self, *xs)))
    code, said, err = check(capsys, quantised)
    assert code == 1 and not said
    assert "check failed: output 'y' of inference 0: " in err
    assert "; in float64, onnxruntime is nearer: " in err


def test_the_rule_for_exact_ties_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a step is a half without any error of floats: to an even integer, or wrong."""
    text = "main (float[1,4] x) => (uint8[1,4] y) { y = QuantizeLinear(x, w) }"
    model = save(tmp_path / "ties.onnx", text, np.array(0.5, np.float32))
    np.save(tmp_path / "x.npy", np.array([0.25, 0.75, 1.25, 1.75], np.float32))
    command = [str(model), str(tmp_path / "x.npy"), "--check", "--quiet"]
    assert cm_run.main(command) == 0

    def half_up(self: nn.QuantizeOp, x: Any, scale: Any, *zero: Any) -> Any:
        return numerics.convert(np.floor(x / scale + np.float32(0.5)), np.dtype(np.uint8))

    monkeypatch.setattr(nn.QuantizeOp, "formula", half_up)
    assert cm_run.main(command) == 1
    assert "2 of 4 elements differ, first at [0, 0]: 1, expected 0" in capsys.readouterr().err


# Evaluations in double precision that fail


def test_without_an_evaluation_in_float64(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator that has none: what differs fails, and a remark says that it is not known who is right."""
    text = "main (float[1,2,9] x) => (float[1,3,7] y) { y = Conv(x, w) }"
    model = save(tmp_path / "model.onnx", text, KERNEL.astype(np.float32))

    def none(*_: Any) -> Any:
        raise CompileError(None, "no reference: node 'y' (Conv): neither evaluates it")

    off_by(monkeypatch, 1.5, "evaluate")
    monkeypatch.setattr(OnnxReference, "evaluate_in_double", none)
    code, _, err = check(capsys, model)
    assert code == 1
    assert (
        "remark: there is no evaluation in float64: node 'y' (Conv): neither evaluates it\n" in err
    )
    assert "check failed: output 'y' of inference 0: 21 of 21 elements differ" in err
    assert "nearer" not in err


def test_many_wrong_inferences(
    dense: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones decide. Where those are right, all the others are evaluated."""
    wrong_results(monkeypatch, 1.125)
    code, _, err = check(capsys, dense, "-n", 20)
    lines = [line for line in err.splitlines() if "check failed" in line]
    assert code == 1 and len(lines) == 9
    assert lines[-1] == (
        "cm-run: check failed: 12 more inferences differ from onnxruntime; they were not evaluated in float64"
    )
    monkeypatch.undo()
    off_by(monkeypatch, 1.125, "evaluate")
    code, said, err = check(capsys, dense, "-n", 20)
    assert code == 0 and said.startswith("check: equal to onnxruntime in 0 of 20 inferences")
    assert "(and 19 more)" in err


def test_tails_of_sigmoids(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which onnxruntime approximates to a few digits, like the last layer of wake-word networks."""
    text = "main (float[1,1] x) => (float[1,1] y) { y = Sigmoid(x) }"
    model = save(tmp_path / "model.onnx", text)
    np.save(tmp_path / "x.npy", np.linspace(-17, -3, 60, dtype=np.float32)[:, None])
    command = [str(model), str(tmp_path / "x.npy"), "--check", "--quiet"]
    assert cm_run.main(command) == 0, capsys.readouterr().err


# Tolerances


@pytest.mark.parametrize(
    ("text", "w", "right", "wrong"),
    [
        (HALF, MATRIX, 1e-3, 1e-2),  # the output is in f32
        (DENSE, MATRIX, 1e-5, 1e-3),
        (DOUBLE, KERNEL, 1e-12, 1e-9),
        (INTEGERS, np.arange(12, dtype=np.int8).reshape(4, 3), 0, 0.5),
    ],
)
def test_tolerances_follow_the_narrowest_float(
    text: str,
    w: np.ndarray,
    right: float,
    wrong: float,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = save(tmp_path / "model.onnx", text, w)
    for factor, expected in ((1 + right, 0), (1 + wrong, 1)):
        with monkeypatch.context() as patched:
            wrong_results(patched, factor)
            assert check(capsys, model)[0] == expected


# What takes the place of onnxruntime


REFUSED = {
    "f64 convolution": (DOUBLE, KERNEL, "onnxruntime refuses it: "),
    "two nodes of one name": (
        "main (float[1,4] x) => (float[1,4] y) { [n] z = Relu(x) [n] y = Exp(z) }",
        MATRIX,
        "onnxruntime refuses it: ",
    ),
    "dilated SAME pool": (
        """main (float[1,2,7,7] x) => (float[1,2,7,7] y) {
          y = MaxPool<kernel_shape = [3, 3], dilations = [2, 2], auto_pad = "SAME_LOWER">(x)
        }""",
        MATRIX,
        "onnxruntime gives output 'y' the shape [1, 2, 5, 5], and the model declares [1, 2, 7, 7]",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_substitutes(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, w, reason = REFUSED[name]
    model = save(tmp_path / "model.onnx", text, w)
    code, said, err = check(capsys, model)
    assert (code, said) == (0, "check: equal to NumPy in 1 inference")
    assert f"{model}: remark: {reason}" in err
    assert "; the reference is NumPy's evaluation of what was imported\n" in err


def test_substitutes_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = save(tmp_path / "model.onnx", DOUBLE, KERNEL)
    wrong_results(monkeypatch, 1.125)
    code, _, err = check(capsys, model)
    assert code == 1 and "; in float64, " in err


def test_crashes_and_hangs(
    dense: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(process, "SECONDS", 2.0)
    for text, reason in (
        ("import os; os.abort()", "its evaluation crashed (SIGABRT)"),
        ("while True: pass", "its evaluation took more than 2 seconds"),
        ("raise ModuleNotFoundError(name='onnxruntime')", "the package 'onnxruntime' is not"),
    ):
        (folder / "onnxruntime.py").write_text(text)
        code, said, err = check(capsys, dense)
        assert (code, said) == (0, "check: equal to NumPy in 1 inference")
        assert f"{dense}: remark: {reason}" in err


def test_shapes_that_nothing_contradicts(
    dense: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shape that the model declares is right, so that of the results is wrong."""
    true: Any = Interface.named

    def cut(*arguments: Any) -> Any:
        return [{name: y[:, :2] for name, y in sample.items()} for sample in true(*arguments)]

    monkeypatch.setattr(Interface, "named", cut)
    code, _, err = check(capsys, dense)
    assert code == 1
    assert (
        "check failed: output 'y' of inference 0: it has the shape [1, 2], expected [1, 3]\n" in err
    )


# The choice


def test_check_with(
    dense: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for choice, name in (("onnxruntime", "onnxruntime"), ("numpy", "NumPy")):
        code, said, _ = check(capsys, dense, "--check-with", choice)
        assert (code, said) == (0, f"check: equal to {name} in 1 inference")
        assert run(dense, "--check-with", choice) == 0
        assert f"check: equal to {name}" in capsys.readouterr().out  # without --check
    integers = save(tmp_path / "i.onnx", INTEGERS, np.ones((4, 3), np.int8))
    assert "equal to exact integer arithmetic" in check(capsys, integers)[1]
    _, said, _ = check(capsys, integers, "--check-with", "onnxruntime")
    assert said == "check: equal to onnxruntime in 1 inference"
    double = save(tmp_path / "double.onnx", DOUBLE, KERNEL)
    code, said, err = check(capsys, double, "--check-with", "onnxruntime")
    assert code == 1 and not said
    assert f"{double}: error: no reference: onnxruntime refuses it: " in err
    assert "; --check-with numpy compares with an evaluation of what is imported\n" in err
    monkeypatch.setattr(IrReference, "evaluate", None)  # not used
    assert check(capsys, dense)[0] == 0


# Levels


def compiled(source: Path, passes: str, *options: str) -> Path:
    """Import a model, and lower it. Return the IR's file, with its parameters next to it."""
    folder = source.parent
    imported, lowered = folder / "imported.mlir", folder / f"{passes or 'nn'}.mlir"
    assert cm_translate.main(["--import-onnx", str(source), "-o", str(imported)]) == 0
    weights = str(imported.with_suffix(".safetensors"))
    arguments = [str(imported), "--weights", weights, "-o", str(lowered), *options]
    arguments += ["--output-weights", str(lowered.with_suffix(".safetensors"))]
    assert cm_opt.main([*arguments, *(["-p", passes] if passes else [])]) in (0, None)
    return lowered


@pytest.mark.parametrize("passes", ["", "nn-to-polyhedral", "nn-to-cmcore"])
def test_levels(passes: str, dense: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each against what it came from: the model, nn IR, and IR at the polyhedral level."""
    lowered = compiled(dense, passes)
    sources = [dense, dense.parent / "imported.mlir", compiled(dense, "nn-to-polyhedral")]
    for source in sources:
        name = "onnxruntime" if source == dense else "NumPy"
        code, said, err = check(capsys, lowered, "--check-against", source)
        assert (code, said) == (0, f"check: equal to {name} in 1 inference"), err
    code, said, _ = check(capsys, lowered, "--check-against", dense, "--check-with", "numpy")
    assert (code, said) == (0, "check: equal to NumPy in 1 inference")
    code, said, err = check(capsys, lowered)
    if passes == "nn-to-cmcore":
        assert code == 1
        assert (
            f"{lowered}: error: --check of IR at the cmcore level needs what the IR was compiled from: an ONNX model,"
            " or IR at the nn or polyhedral level, named with --check-against\n"
        ) in err
    else:
        assert (code, said) == (0, "check: equal to NumPy in 1 inference")


def test_sources_that_networks_name(dense: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As for --verify."""
    lowered = compiled(dense, "nn-to-cmcore", "--output-source")
    code, said, err = check(capsys, lowered)
    assert (code, said) == (0, "check: equal to NumPy in 1 inference"), err


def test_substitutes_of_other_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are imported only then, for the shapes of the network's inputs."""
    text = DOUBLE.replace("[1,2,9]", "[N,2,L]").replace("[1,3,7]", "[N,3,M]")
    source = save(tmp_path / "model.onnx", DOUBLE, KERNEL)
    lowered = compiled(source, "nn-to-cmcore")
    save(source, text, KERNEL)
    code, said, err = check(capsys, lowered, "--check-against", source)
    assert (code, said) == (0, "check: equal to NumPy in 1 inference")
    assert f"{source}: remark: onnxruntime refuses it: " in err


@pytest.mark.parametrize(
    ("text", "w", "message"),
    [
        (
            DENSE.replace("[1,4]", "[1,5]"),
            np.ones((5, 3), np.float32),
            "input 'x' has elements of type float32 and the shape [1, 5], and the network's float32 and [4]",
        ),
        (
            DENSE.replace("float[", "double["),
            np.ones((4, 3)),
            "input 'x' has elements of type float64 and the shape [1, 4], and the network's float32 and [4]",
        ),
        (
            "main (float[1,4] x, float[1,3] z) => (float[1,3] y) { a = MatMul(x, w) y = Add(a, z) }",
            MATRIX,
            "it has 2 inputs, and the network 1",
        ),
    ],
)
def test_other_files_with_other_inputs(
    text: str, w: np.ndarray, message: str, dense: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lowered = compiled(dense, "nn-to-cmcore")
    source = save(dense.parent / "other.onnx", text, w)
    code, _, err = check(capsys, lowered, "--check-against", source)
    assert code == 1
    assert f"{source}: error: not what the IR was compiled from: {message}\n" in err
    other = source.with_suffix(".mlir")
    assert cm_translate.main(["--import-onnx", str(source), "-o", str(other)]) == 0
    code, _, err = check(capsys, lowered, "--check-against", other)
    assert code == 1
    assert (
        f"{other}: error: not what '{lowered}' was compiled from: it has the inputs tensor<" in err
    )


def test_files_that_are_no_reference(dense: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lowered = compiled(dense, "nn-to-cmcore")
    code, _, err = check(capsys, lowered, "--check-against", lowered)
    assert code == 1
    assert (
        f"{lowered}: error: --check needs an ONNX model, or IR with one func.func or polyhedral"
        in err
    )
    for missing in ("missing.onnx", "missing.mlir"):
        code, _, err = check(capsys, lowered, "--check-against", missing)
        assert code == 1 and f"{missing}: error: No such file or directory\n" in err
    (dense.parent / "broken.onnx").write_bytes(b"no model")
    code, _, err = check(capsys, lowered, "--check-against", dense.parent / "broken.onnx")
    assert code == 1 and "broken.onnx: error: " in err
    imported = dense.parent / "imported.mlir"
    code, _, err = check(capsys, imported, "--check-with", "onnxruntime")
    assert code == 1
    assert f"{imported}: error: --check-with onnxruntime needs an ONNX model: " in err
