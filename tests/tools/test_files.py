"""Files and streams that go wrong: one line that says so, and no file is lost."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cmir.support.parameters import Parameters
from cmir.tools.files import check_outputs

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"
TEXTBOOK = ROOT / "tests" / "filecheck" / "textbook.mlir"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a model and IR."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.onnx").write_bytes(DIGITS.read_bytes())
    (tmp_path / "m.mlir").write_bytes(TEXTBOOK.read_bytes())
    return tmp_path


def call(tool: str, arguments: Sequence[str]) -> tuple[int, str, str]:
    """Run a tool in this process; arguments that the parser refuses end it, too."""
    from cmir.testing.lit_format import TOOLS, load_function, run_in_process

    main = load_function({**TOOLS, "cm-sweep": "cmir.tools.cm_sweep:main"}[tool])
    code, out, err = run_in_process(main, list(arguments))
    return code, out.decode(), err.decode()


INPUT = "the output would overwrite an input; give another file"
TWICE = "two outputs need a file each"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("cm-translate --import-onnx m.onnx -o m.onnx", f"m.onnx: error: {INPUT}"),
        ("cm-translate --import-onnx m.onnx -o link.onnx", f"link.onnx: error: {INPUT}"),
        ("cm-translate --import-onnx m.onnx -o a --weights m.onnx", f"m.onnx: error: {INPUT}"),
        ("cm-translate --import-onnx m.onnx -o a --weights ./a", f"a: error: {TWICE}"),
        ("cm-translate --import-onnx m.onnx -o a.safetensors", f"a.safetensors: error: {TWICE}"),
        ("cm-translate --relation-to-svg m.mlir -o m.mlir", f"m.mlir: error: {INPUT}"),
        ("cm-opt m.mlir -o m.mlir", f"m.mlir: error: {INPUT}"),
        ("cm-opt m.mlir -o a --output-weights a", f"a: error: {TWICE}"),
        ("cm-opt m.nn.mlir -o m.mlir --output-source", f"m.nn.mlir: error: {INPUT}"),
        (
            "cm-opt m.mlir -p cmcore-set-hardware{hardware=h.toml} -o h.toml",
            f"h.toml: error: {INPUT}",
        ),
        ("cm-run m.onnx --random 0 --json m.onnx", f"m.onnx: error: {INPUT}"),
        ("cm-run m.onnx --random 0 --json a --trace a", f"a: error: {TWICE}"),
        ("cm-run m.onnx x.npy --output x.npy", f"x.npy: error: {INPUT}"),
        ("cm-run m.onnx --random 0 --hardware h.toml --trace h.toml", f"h.toml: error: {INPUT}"),
        ("cm-sweep h.csv --set core.count=1 -o h.csv", f"h.csv: error: {INPUT}"),
    ],
)
def test_no_output_overwrites_a_file_of_the_command(
    command: str, message: str, folder: Path
) -> None:
    (folder / "link.onnx").symlink_to("m.onnx")
    (folder / "m.nn.mlir").write_bytes(TEXTBOOK.read_bytes())
    (folder / "h.csv").write_bytes(TEXTBOOK.read_bytes())
    (folder / "h.toml").write_text('name = "h"\n')
    np.save(folder / "x.npy", np.zeros((1, 8, 8), np.float32))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert call(*_split(command)) == (1, "", f"{message}\n")
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_tensors_outside_a_model_are_not_overwritten(folder: Path) -> None:
    import onnx

    model = onnx.load("m.onnx")
    onnx.save(model, "e.onnx", save_as_external_data=True, location="e.data", size_threshold=0)
    data = (folder / "e.data").read_bytes()
    code, _, said = call(*_split("cm-translate --import-onnx e.onnx -o e --weights e.data"))
    assert (code, said) == (1, f"e.data: error: {INPUT}\n")
    assert (folder / "e.data").read_bytes() == data and not (folder / "e").exists()


def test_a_pipe_stays_a_pipe_and_can_be_several_outputs(folder: Path) -> None:
    """Never try this with a device: the fault that it guards against replaces it by a file."""
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        Parameters({"a": np.zeros(3, np.float32)}).save("pipe")
        assert stat.S_ISFIFO(os.stat("pipe").st_mode)
        assert os.read(reader, 1 << 16)[8:].startswith(b'{"a":')
    finally:
        os.close(reader)
    check_outputs([], ["pipe", "pipe"])


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (
            "cm-run m.onnx one.npy",
            1,
            "one.npy: error: holds arrays with names, as a .npz file does, not one",
        ),
        (
            "cm-run m.onnx many.npz",
            1,
            "many.npz: error: holds one array, as a .npy file does, and not arrays with names",
        ),
        (
            "cm-run m.mlir --weights /dev/null --random 0",
            1,
            "/dev/null: error: not a regular file, which parameters are mapped from",
        ),
        (
            "cm-run m.onnx --random -1",
            2,
            "cm-run: error: argument --random: must be a number that is not negative, got '-1'",
        ),
        (
            "cm-sweep m.onnx --run -1",
            2,
            "cm-sweep: error: argument --run: must be a number that is not negative, got '-1'",
        ),
    ],
)
def test_files_that_are_no_such_files(command: str, code: int, message: str, folder: Path) -> None:
    array = np.zeros((1, 8, 8), np.float32)
    with open("one.npy", "wb") as one, open("many.npz", "wb") as many:
        np.savez(one, input=array)
        np.save(many, array)
    assert call(*_split(command)) == (code, "", f"{message}\n")


def test_names_as_long_as_can_be(folder: Path) -> None:
    name = "n" * 242
    model, ir, weights, out = f"{name}.onnx", f"{name}.mlir", f"{name}.bin", f"{name}.npz"
    (folder / "m.onnx").rename(model)
    arguments = ["--import-onnx", model, "-o", f"{ir}abcdefgh", "--weights", weights]
    assert call("cm-translate", arguments)[0] == 0
    (folder / f"{ir}abcdefgh").rename(ir)
    run = [ir, "--weights", weights, "--random", "0", "--quiet", "--output", out]
    assert call("cm-run", run)[0] == 0
    grid = [model, "--set", "core.count=8", "--run", "0", "--jobs", "1", "-o", f"{name}.csv"]
    assert call("cm-sweep", grid)[0] == 0
    assert {path.name for path in folder.iterdir()} == {
        *(model, ir, weights, out, f"{name}.csv", "m.mlir")
    }


def shell(line: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of a shell, in which $T runs a tool."""
    tool = f"{sys.executable} -m cmir.tools.entry"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "T": tool}
    return subprocess.run(["sh", "-c", line], env=environment, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("$T cm-opt m.mlir >&-", 1, b"cm-opt: error: a standard stream that is needed is closed\n"),
        ("$T cm-opt --help >&-", 1, b"cm-opt: error: a standard stream that is needed is closed\n"),
        ("$T cm-opt - <&-", 1, b"cm-opt: error: a standard stream that is needed is closed\n"),
        ("$T cm-opt m.mlir -o a.mlir <&- >&- 2>&-", 0, b""),
        ("$T cm-opt no.mlir 2>&-", 1, b""),
        ("$T cm-opt m.mlir >/dev/full", 1, b"cm-opt: error: No space left on device\n"),
    ],
)
def test_closed_streams(line: str, code: int, said: bytes, folder: Path) -> None:
    result = shell(line)
    assert (result.returncode, result.stderr) == (code, said)
    if "a.mlir" in line:  # no message or byte of a library has got into it
        assert (folder / "a.mlir").read_bytes() == shell("$T cm-opt m.mlir").stdout


def test_names_that_are_not_utf8(folder: Path) -> None:
    name = b"n\xff.mlir"
    (folder / "m.mlir").rename(os.fsdecode(name))
    missing = shell("$T cm-opt 'no\udcff.mlir'")
    assert missing.returncode == 1
    assert missing.stderr == b"no\\udcff.mlir: error: No such file or directory\n"
    for flags in ("", "--print-debuginfo -o a.mlir"):
        result = shell(f"$T cm-opt '{os.fsdecode(name)}' {flags}")
        assert b"internal" not in result.stderr and b"Traceback" not in result.stderr
        assert result.stderr.count(b"\n") == bool(result.returncode)


def _split(command: str) -> tuple[str, list[str]]:
    tool, *arguments = command.split()
    return tool, arguments


def test_inputs_after_options(folder: Path) -> None:
    """Files may stand anywhere among the options."""
    np.save(folder / "x.npy", np.zeros((2, 8, 8), np.float32)[:, None])
    code, _, err = call("cm-run", ["m.onnx", "--output", "y.npy", "x.npy", "-n", "2"])
    assert (code, (folder / "y.npy").exists()) == (0, True), err
