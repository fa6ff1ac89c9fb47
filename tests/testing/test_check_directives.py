"""The check of FileCheck directives."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmir.testing.check_directives import check, main

RUN = "// RUN: cm-opt %s | filecheck %s\n"


@pytest.mark.parametrize(
    "text",
    [
        RUN + "// CHECK: a\n// CHECK-NEXT: b\n// CHECK-COUNT-3: c\n// CHECK{LITERAL}: [[1]]\n",
        RUN + "func.func @f() // CHECK-SAME: a\n// CHECK-NOT{LITERAL}: [[1]]\n//CHECK-LABEL: x\n",
        RUN + "// CHECK: a\n// COM: CHECK-NXET: b\n// NOTE: this\n// A comment: with a colon.\n",
        RUN + "// CHECK: a\n// This checks that: nothing\n// check whether it works\n",
        "// RUN: cm-opt %s | filecheck %s --check-prefixes=A,B-C\n// A: x\n// B-C-NEXT: y\n",
        "// RUN: cm-opt %s \\\n// RUN:   | filecheck %s --check-prefix LONG\n// LONG-DAG: x\n",
        "// RUN: cm-opt %s --verify-diagnostics\n// expected-error {{x}}\n",
        "// RUN: cm-opt %s --verify-diagnostics\n// -----\n// XFAIL: *\n",
    ],
)
def test_accepts(text: str):
    assert check(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "// CHECK-NXET: b",
        "// CHECK-NEXT b",
        "// CHECK_NEXT: b",
        "// CHECK-NEXT : b",
        "// CHECK-COUNT: b",
        "// CHECK-COUNT-0: b",
        "// CHECK{LITRAL}: b",
        "// CHEKC: b",
        "// CHCEK-NEXT: b",
        "// CHECKNEXT: b",
        "// CHECK-next: b",
        "// check-next: b",
        "// Check: b",
        "// CHECKS: b",
        "// OTHER: b",
        "// OTHER-NEXT: b",
        "// RUN cm-opt",
        "// RUM: cm-opt",
        "// expected-error {{x}}",
    ],
)
def test_refuses(line: str):
    problems = check(f"{RUN}// CHECK: a\n{line}\n")
    assert [number for number, _ in problems] == [3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("func.func @f()\n", "no RUN line"),
        ("// RUN: cm-opt %s | filecheck\n", "filecheck without a file checks nothing"),
        ("// RUN: cm-opt %s | filecheck %s --check-prefix=A\n", "no directive has the prefix 'A'"),
        ("// RUN: cm-opt %s\n// CHECK: x\n", "no RUN line uses the prefix of 'CHECK'"),
    ],
)
def test_refuses_files(text: str, message: str):
    assert any(message in problem for _, problem in check(text))


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "Inputs").mkdir()
    (tmp_path / "Inputs" / "x.mlir").write_text("no RUN line")
    (tmp_path / "a.mlir").write_text(RUN + "// CHECK: a\n")
    (tmp_path / "b.onnxtxt").write_text("# RUN: cm-translate %s | filecheck %s\n# CHECK: a\n")
    assert main([str(tmp_path)]) == 0
    (tmp_path / "b.onnxtxt").write_text("# RUN: cm-translate %s | filecheck %s\n# CHEKC: a\n")
    assert main([str(tmp_path)]) == 1
    assert "b.onnxtxt:2: error: 'CHEKC' is not a directive" in capsys.readouterr().err
