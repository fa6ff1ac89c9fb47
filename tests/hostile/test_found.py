"""IR that once led to internal errors: each is refused in a line, or runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hostile.seeds import ROOT

from cmir.tools import cm_opt, cm_run

F32 = "tensor<4xf32>"
RELU = f"nn.relu %x : ({F32}) -> {F32}"

TEXTS = {
    "private": f"func.func private @main({F32}) -> {F32}",
    "two blocks": (
        f"func.func @main(%a: {F32}) -> {F32} {{\n  cf.br ^next(%a : {F32})\n^next(%x: {F32}):\n"
        f"  %y = {RELU}\n  func.return %y : {F32}\n}}"
    ),
    "no inputs and results": "func.func @main() {\n  func.return\n}",
    "no results": f"func.func @main(%x: {F32}) {{\n  func.return\n}}",
}

COMMANDS = {
    "run": ["--random", "0"],
    "check": ["--random", "0", "--check"],
    "time": ["--timing-only"],
    "curve": ["--buffer-curve"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("text", TEXTS)
def test_odd_functions(text: str, command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    file = tmp_path / "input.mlir"
    file.write_text(TEXTS[text])
    code = cm_run.main([str(file), *COMMANDS[command]])
    message = capfd.readouterr().err
    assert code == 0 or (code == 1 and message.count("\n") == 1 and ": error: " in message)


@pytest.mark.parametrize("command", ["run", "time"])
def test_a_program_that_no_core_runs(
    command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    lowered, file = tmp_path / "cores.mlir", tmp_path / "input.mlir"
    source = ROOT / "tests" / "filecheck" / "textbook-polyhedral.mlir"
    assert cm_opt.main([str(source), "-p", "polyhedral-to-cmcore", "-o", str(lowered)]) == 0
    lines = lowered.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.strip().startswith("cmcore.core ")))
    capfd.readouterr()
    assert cm_run.main([str(file), *COMMANDS[command]]) == 1
    assert "error: no core runs @CONV1" in capfd.readouterr().err
