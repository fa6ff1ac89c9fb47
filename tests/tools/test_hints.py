"""Misspelt options and choices: each tool says what may have been meant."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from cmir.tools import cm_new_extension, cm_opt, cm_reduce, cm_run, cm_sweep, cm_translate

Main = Callable[[Sequence[str]], int]


@pytest.mark.parametrize(
    ("main", "line", "meant"),
    [
        (cm_run.main, "net.onnx --storge live", "--storage"),
        (cm_run.main, "net.onnx --storage=liv", "live"),
        (cm_run.main, "net.onnx --hardwear ideal x.npy", "--hardware"),
        (cm_translate.main, "--import-onx net.onnx", "--import-onnx"),
        (cm_translate.main, "--import-onnx net.onnx --samples spilt", "split"),
        (cm_sweep.main, "net.onnx --replicat=colums --hardware ideal -o a.csv", "columns"),
        (cm_reduce.main, "net.mlir --tset true", "--test"),
        (cm_new_extension.main, "--versoin", "--version"),
        (cm_opt.main, "net.mlir --split-input-fil --verify-round-trip", "--verify-roundtrip"),
        (cm_opt.main, "net.mlir -t mlri", "mlir"),
    ],
)
def test_hints(main: Main, line: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(line.split())
    assert exit.value.code == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error.endswith(f"; did you mean '{meant}'?")


def test_no_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cm_run.main(["net.onnx", "--zzzzzz"])
    assert capsys.readouterr().err == "cm-run: error: unrecognized arguments: --zzzzzz\n"
