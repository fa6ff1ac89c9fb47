"""The part of a model's inputs that an inference takes, from the command line to the outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from frontends.onnx_models import model_of, reference_outputs, save
from tolerance import assert_close

from cmir.tools.cm_run import main as cm_run
from cmir.tools.cm_sweep import main as cm_sweep
from cmir.tools.cm_translate import main as cm_translate

WEIGHTS = "float[2,3,3,3] w"
SPLIT = model_of(f"float[N,3,5,5] x, {WEIGHTS}", "y = Conv(x, w)")
"""A model in which nothing mixes the batch."""
MIXED = model_of(
    f"float[N,3,5,5] x, {WEIGHTS}", "c = Conv(x, w) [t] y = Transpose<perm = [2, 0, 1, 3]>(c)"
)
OF_TWO = model_of(f"float[2,3,5,5] x, {WEIGHTS}", "y = Conv(x, w)")

IMAGES = np.random.default_rng(0).standard_normal((4, 1, 3, 5, 5), np.float32)


def run(model: onnx.ModelProto, data: np.ndarray, directory: Path, *options: str) -> np.ndarray:
    """The outputs of a run that is checked."""
    np.save(directory / "x.npy", data)
    files = [str(save(model, directory)), str(directory / "x.npy")]
    output = directory / "y.npy"
    assert cm_run([*files, "--check", "--quiet", "--output", str(output), *options]) == 0
    return np.load(output)


@pytest.mark.parametrize("samples", ["auto", "split", "whole"])
@pytest.mark.parametrize("model", [SPLIT, MIXED], ids=["split", "mixed"])
@pytest.mark.parametrize("data", [IMAGES, IMAGES[:, 0], IMAGES[0], IMAGES[0, 0]])
def test_outputs_have_their_shape_in_the_file(
    data: np.ndarray,
    model: onnx.ModelProto,
    samples: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In front of it is the stream; inputs may have the batch dimension or not."""
    if (model, samples) == (MIXED, "split"):
        path = str(save(model, tmp_path))
        assert cm_run([path, "--random", "0", "--samples", "split"]) == 1
        assert capsys.readouterr().err == (
            f"{path}: error: node 't' (Transpose): attribute perm = [2, 0, 1, 3] moves the batch dimension\n"
        )
        return
    outputs = run(model, data, tmp_path, "--samples", samples)
    inferences = data.reshape(-1, 1, 3, 5, 5)
    expected = [reference_outputs(model, {"x": x})[0] for x in inferences]
    assert outputs.shape == (len(inferences), *expected[0].shape)
    assert_close(outputs, np.stack(expected))
    remark = "an inference takes whole inputs, not one sample of a batch: node 't' (Transpose): "
    assert (remark in capsys.readouterr().err) == (model is MIXED and samples == "auto")


def test_a_larger_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batches = IMAGES[:, 0].reshape(2, 2, 3, 5, 5)
    expected = np.stack([reference_outputs(OF_TWO, {"x": x})[0] for x in batches])
    whole = run(OF_TWO, batches, tmp_path)
    assert whole.shape == (2, 2, 2, 3, 3)
    assert_close(whole, expected)
    assert "input 'x' has the shape [2, 3, 5, 5]" in capsys.readouterr().err
    split = run(OF_TWO, IMAGES, tmp_path, "--samples", "split")
    assert split.shape == (4, 1, 2, 3, 3)
    assert_close(split.reshape(expected.shape), expected)


def test_shapes_of_inputs(tmp_path: Path) -> None:
    model = model_of(f"float[N,3,height,5] x, {WEIGHTS}", "y = Conv(x, w)")
    outputs = run(model, IMAGES, tmp_path, "--shape", "x=1,3,5,5")
    assert outputs.shape == (4, 1, 2, 3, 3)


def test_sweep(tmp_path: Path) -> None:
    path, rows = str(save(MIXED, tmp_path)), tmp_path / "rows.csv"
    machines = ["--set", "crossbar.rows=32,64", "--run", "0", "-n", "2", "--jobs", "1"]
    assert cm_sweep([path, *machines, "-o", str(rows), "--samples", "whole"]) == 0
    assert rows.read_text().count(",ok,") == 2
    assert cm_sweep([path, *machines, "-o", str(rows), "--samples", "split"]) == 1


def test_ir_has_its_shapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ir = str(tmp_path / "out.mlir")
    assert cm_translate(["--import-onnx", str(save(MIXED, tmp_path)), "-o", ir]) == 0
    assert cm_run([ir, "--random", "0", "--check"]) == 0
    capsys.readouterr()
    for option in (["--samples", "whole"], ["--shape", "x=1,3,5,5"], ["--state", "x=y"]):
        assert cm_run([ir, "--random", "0", *option]) == 1
        message = "--shape, --samples and --state are for ONNX models, not for IR"
        assert capsys.readouterr().err == f"{ir}: error: {message}\n"


def test_no_batch_is_deprecated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(model_of("float[3,4] x", "y = Transpose(x)"), tmp_path)
    assert cm_translate(["--import-onnx", str(path), "--no-batch"]) == 0
    printed = capsys.readouterr()
    assert "(tensor<3x4xf32>) -> tensor<4x3xf32>" in printed.out
    assert printed.err == "cm-translate: remark: --no-batch is now --samples whole\n"
