"""The table of docs/mlir-opt.md: each row's command of cm-opt does what the row says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from cmir.testing.lit_format import TOOLS, load_function, run_in_process

ROOT = Path(__file__).parents[2]
TEXTBOOK = ROOT / "tests" / "filecheck" / "textbook.mlir"
PAGE = (ROOT / "docs" / "mlir-opt.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(mlir-\w+ [^`]+)` \| `(cm-[^`]+)` \|", PAGE, re.MULTILINE)

EXPECTED = {
    "--cse --canonicalize": r"nn\.conv %b",
    "--nn-outline-stages=fuse=false": r"nn\.stage @conv1",
    "--pass-pipeline=builtin.module(func.func(cse),canonicalize)": r"func\.func @main",
    "--pass-pipeline=any(cse)": r"func\.func @main",
    "--nn-to-cmcore=fuse=false": r"cmcore\.network @main",
    "--help": r"--nn-outline-stages +Group .*\n +fuse: true or false \(default true\)\n +Let",
    "--list-passes": r"\n  canonicalize ",
    "--show-dialects": r"Available Dialects: .*,nn,",
    "--version": r"^cm-opt [0-9.]+\S* \(xdsl ",
    "--cse --dump-pass-pipeline": r"builtin\.module\(cse\)",
    "--cse --print-ir-before=cse": r"// -----// IR Dump Before cse //----- //\nbuiltin\.module",
    "--cse --print-ir-after=cse": r"// -----// IR Dump After cse //----- //\nbuiltin\.module",
    "--cse --print-ir-after-all": r"// -----// IR Dump After cse //----- //\nbuiltin\.module",
    "--cse --nn-outline-stages --print-ir-after-change": r"^(?!.* After cse ).*"
    r"// -----// IR Dump After nn-outline-stages //----- //\n",
    "--convert-nn-to-polyhedral --print-ir-after-failure": r"// -----// IR Dump After"
    r" convert-nn-to-polyhedral Failed //----- //\n",
    "--nn-to-polyhedral --time-passes": r"% *\)  nn-to-polyhedral\n.*%\)    nn-outline-stages\n"
    r".*\(100\.0%\)  Total",
    "--nn-outline-stages --pass-statistics": r"nn-outline-stages\n.*\n.*\n  \(S\) +2 stages\n",
    "--nn-to-polyhedral --verify-roundtrip": r"polyhedral\.pipeline",
    "--split-input-file --verify-diagnostics": r"func\.func",
    "--verify-diagnostics=only-expected": r"func\.func",
    "--cse --generate-reproducer=run.mlir": r"func\.func",
    "--run-reproducer run.mlir": r"nn\.stage @conv1",
    "--convert-nn-to-polyhedral --crash-reproducer=crash.mlir": r"a reproducer is in crash\.mlir",
    "--print-op-on-diagnostic": r"func\.func",
    "--allow-unregistered-dialect --print-op-generic": r'"func\.func"\(\)',
    "--print-debuginfo": r'loc\("net\.mlir":\d+:\d+\)',
    "--test=grep conv": r"operations reduced to \d+",
}
"""What is printed, by the arguments except for the input."""

FAILING = {
    "--convert-nn-to-polyhedral --print-ir-after-failure",
    "--convert-nn-to-polyhedral --crash-reproducer=crash.mlir",
}


def arguments(command: str) -> str:
    return " ".join(word for word in shlex.split(command)[1:] if word != "net.mlir")


def run(command: str) -> tuple[int, str]:
    """Return the exit code of a command, and what it prints to both streams."""
    tool, *words = shlex.split(command)
    code, out, err = run_in_process(load_function(TOOLS[tool]), words)
    return code, (err + out).decode()


def test_each_row_is_tested() -> None:
    assert [arguments(command) for _, command in ROWS] == [*EXPECTED]


@pytest.mark.parametrize("command", [command for _, command in ROWS], ids=arguments)
def test_row(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.mlir").write_text(TEXTBOOK.read_text(encoding="utf-8"), encoding="utf-8")
    if "run.mlir" in command and "generate" not in command:
        assert run("cm-opt --nn-outline-stages --generate-reproducer=run.mlir net.mlir")[0] == 0
    code, printed = run(command)
    assert code == (arguments(command) in FAILING), printed
    assert re.search(EXPECTED[arguments(command)], printed, re.DOTALL), printed
