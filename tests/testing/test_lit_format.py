"""The lit test format: what it understands, and that it judges as subprocesses do."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from cmir.testing.lit_format import Command, parse_pipeline, run_in_process, time_limit

CONFIG = """
import os, sys
from cmir.testing.lit_format import InProcessTest
config.name = "inner"
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(os.path.dirname(__file__), "out")
config.test_format = InProcessTest(subprocess="subprocess" in lit_config.params)
config.environment["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
"""

MODULE = "func.func @f() {\n  func.return\n}\n"
TESTS = {
    "pass": "// RUN: cm-opt %s | filecheck %s\n// CHECK: func.func @f\n",
    "fail-check": "// RUN: cm-opt %s | filecheck %s\n// CHECK: func.func @g\n",
    "fail-tool": "// RUN: cm-opt %s -p nonsense\n",
    # The tool fails, and what it has printed before satisfies filecheck.
    "fail-pipe": "// RUN: cm-opt %s -p nonsense 2>&1 | filecheck %s\n// CHECK: nonsense\n",
    "not": "// RUN: not cm-opt %s -p nonsense 2>&1 | filecheck %s\n// CHECK: error: unknown pass\n",
    "fail-not": "// RUN: not cm-opt %s\n",
    "redirect": "// RUN: cm-opt %s > %t\n// RUN: cm-opt <%t | filecheck %s\n// CHECK: @f\n",
    "fail-second": "// RUN: cm-opt %s\n// RUN: cm-opt %s.missing\n",
    "shell": "// RUN: cm-opt %s && echo done | filecheck %s\n// CHECK: done\n",
    "unverified": "// RUN: cm-opt --disable-verify %s | filecheck %s\n// CHECK: func.func @f\n",
    "fail-expected": "// RUN: not cm-opt %s\n// XFAIL: *\n",
}


@pytest.mark.parametrize("mode", ["in-process", "subprocess"])
def test_judges_as_lit_does(mode: str, tmp_path: Path):
    (tmp_path / "lit.cfg.py").write_text(CONFIG)
    for name, lines in TESTS.items():
        (tmp_path / f"{name}.mlir").write_text(lines + MODULE)
    command = [
        sys.executable,
        "-c",
        "from lit.main import main; main()",
        "-v",
        "-j2",
        str(tmp_path),
    ]
    if mode == "subprocess":
        command += ["--param", "subprocess=1"]
    output = subprocess.run(command, capture_output=True, text=True).stdout
    failed = {
        name for name in TESTS if f"FAIL: inner :: {name}.mlir" in output.replace("XFAIL", "X")
    }
    failing = {"fail-check", "fail-tool", "fail-pipe", "fail-not", "fail-second"}
    assert failed == failing, output


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cm-opt a.mlir", [Command(["cm-opt", "a.mlir"])]),
        (
            "not cm-opt -p 'a{b=1 c},d' \"x y\" 2>&1 | filecheck f",
            [
                Command(["not", "cm-opt", "-p", "a{b=1 c},d", "x y"], merge=True),
                Command(["filecheck", "f"]),
            ],
        ),
        ("a <in >out 2> err", [Command(["a"], stdin="in", stdout="out", stderr="err")]),
        ("a --x='' y\\ z", [Command(["a", "--x=", "y z"])]),
    ],
)
def test_understands_pipelines(line: str, expected: list[Command]):
    assert parse_pipeline(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "a && b",
        "a; b",
        "a || b",
        "a & b",
        "a |& b",
        "a *.mlir",
        "a $X",
        'a "$X"',
        "a `b`",
        "(a)",
        "a >> f",
        "a > f 2>&1",
        "a |",
        "a >",
        "",
        "not",
        "a <<x",
        "a &> f",
    ],
)
def test_leaves_the_rest_to_lit(line: str):
    assert parse_pipeline(line) is None


def test_runs_a_main_function_like_a_process():
    def main(arguments: list[str]) -> int:
        sys.stdout.write(sys.stdin.read().upper())
        print(arguments, file=sys.stderr)
        raise SystemExit("stop")

    assert run_in_process(main, ["a"], b"text") == (1, b"TEXT", b"['a']\nstop\n")

    def broken(arguments: list[str]) -> int:
        raise ValueError("x")

    code, out, err = run_in_process(broken, [])
    assert (code, out) == (1, b"") and err.endswith(b"ValueError: x\n")


def test_a_command_that_does_not_end_is_stopped():
    def forever(arguments: list[str]) -> int:
        while True:
            try:
                time.sleep(1)
            except Exception:
                continue

    stdout = sys.stdout
    with pytest.raises(TimeoutError), time_limit(0.05):
        run_in_process(forever, [])
    assert sys.stdout is stdout
