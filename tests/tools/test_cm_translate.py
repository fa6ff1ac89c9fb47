"""cm-translate as a tool: its files, its messages and its exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from frontends.onnx_models import model_of, save

from cmir.support.parameters import Parameters
from cmir.tools.cm_translate import main


@pytest.fixture
def model(tmp_path: Path) -> str:
    body = "y = Conv(x, w)"
    return str(save(model_of("float[N,3,height,6] x, float[4,3,3,3] w", body), tmp_path))


SHAPE = ("--shape", "x=1,3,5,6")


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_writes_the_ir_and_the_parameters_beside_it(model: str, tmp_path: Path) -> None:
    assert main(["--import-onnx", model, "-o", str(tmp_path / "out.mlir"), *SHAPE]) == 0
    assert files(tmp_path) == ["model.onnx", "out.mlir", "out.safetensors"]
    assert "tensor<3x5x6xf32>" in (tmp_path / "out.mlir").read_text()
    parameters = Parameters.open(tmp_path / "out.safetensors")
    assert {name: array.shape for name, array in parameters.items()} == {"w": (4, 3, 3, 3)}


def test_parameters_can_go_elsewhere(model: str, tmp_path: Path) -> None:
    output, weights = str(tmp_path / "out.mlir"), str(tmp_path / "w.safetensors")
    assert main(["--import-onnx", model, "-o", output, "--weights", weights, *SHAPE]) == 0
    assert files(tmp_path) == ["model.onnx", "out.mlir", "w.safetensors"]


def test_prints_without_an_output(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--import-onnx", model, *SHAPE]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("builtin.module {")
    assert printed.err == "note: the parameters are not written: see --weights\n"
    assert files(tmp_path) == ["model.onnx"]


def test_prints_and_writes_the_parameters(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "w.safetensors"
    assert main(["--import-onnx", model, "--weights", str(weights), *SHAPE]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("builtin.module {")  # the file is outside of the working folder
    assert printed.err == (
        "cm-translate: note: the output does not name the file of its parameters,"
        f" '{weights}'; see --weights\n"
    )
    assert list(Parameters.open(weights)) == ["w"]


def test_refusal_writes_nothing(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--import-onnx", model, "-o", str(tmp_path / "out.mlir")]) == 1
    assert capsys.readouterr().err.startswith(
        f"{model}: error: input 'x' has unknown dimensions 'height'; set them: --shape x=1,3,height"
    )
    assert files(tmp_path) == ["model.onnx"]


@pytest.mark.parametrize("missing", ["-o", "--weights"])
def test_both_files_or_none(
    missing: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {"-o": tmp_path / "out.mlir", "--weights": tmp_path / "w.safetensors"}
    paths[missing] = tmp_path / "no" / "file"
    arguments = [str(item) for pair in paths.items() for item in pair]
    assert main(["--import-onnx", model, *arguments, *SHAPE]) == 1
    assert "No such file or directory" in capsys.readouterr().err
    assert files(tmp_path) == ["model.onnx"]


def test_one_file_cannot_hold_both(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.safetensors"
    assert main(["--import-onnx", model, "-o", str(path), *SHAPE]) == 1
    assert capsys.readouterr().err == f"{path}: error: two outputs need a file each\n"


@pytest.mark.parametrize("shape", ["x", "x=", "=1,2", "x=1,a", "x=1,-2", "x=1,,2", "x=0"])
def test_malformed_shape(shape: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--import-onnx", model, "--shape", shape])
    assert caught.value.code == 2
    assert f"'{shape}' is not a name, '=' and positive numbers" in capsys.readouterr().err


def test_lists_operators(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list-operators"]) == 0
    listed = capsys.readouterr().out.split()
    assert {"Conv", "Gemm", "MaxPool"} <= set(listed)
    assert listed == sorted(listed)


def test_help_does_not_load_onnx() -> None:
    code = (
        "import sys; from cmir.tools.cm_translate import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print('onnx' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.endswith("False\n")
