"""A pass that crashes on purpose leaves a reproducer, which replays, and shrinks to one stage."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

ROOT = Path(__file__).parents[2]
PASS = '''
from dataclasses import dataclass

from xdsl.passes import ModulePass
from xdsl.universe import Universe

from cmir.context import parameters_of, source_of_module
from cmir.dialects.polyhedral import PipelineOp


@dataclass(frozen=True)
class CrashPass(ModulePass):
    """Crash if a stage reduces a window, and its parameter has the value 2, if it has one."""

    name = "crash"

    text: str = "none"

    def apply(self, ctx, op):
        if self.text == "source" and source_of_module(ctx, op) is not None:
            {}["source"]
        for found in op.walk():
            if found.name == "cmcore.reduce":
                {}["maximum"]
            if found.name == "nn.parameter" and (parameters_of(ctx) or {})[found.source.data][0] == 2:
                {}["weight"]


THING = Universe(all_passes={"crash": lambda: CrashPass})
'''
NETWORK = """
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}

func.func @main(%x: tensor<1x16x16xf32>) -> (tensor<1x14x14xf32>, tensor<1x14x14xf32>) {
  %k = nn.parameter dense<1.0> : tensor<1x1x3x3xf32>
  %a = nn.conv %x, %k {pads = [1, 1, 1, 1]}
      : (tensor<1x16x16xf32>, tensor<1x1x3x3xf32>) -> tensor<1x16x16xf32>
  %b = nn.conv %a, %k : (tensor<1x16x16xf32>, tensor<1x1x3x3xf32>) -> tensor<1x14x14xf32>
  %c = nn.max_pool %b {kernel = [3, 3], pads = [1, 1, 1, 1]}
      : (tensor<1x14x14xf32>) -> tensor<1x14x14xf32>
  %d = nn.relu %c : (tensor<1x14x14xf32>) -> tensor<1x14x14xf32>
  %e = nn.conv %d, %k {pads = [1, 1, 1, 1]}
      : (tensor<1x14x14xf32>, tensor<1x1x3x3xf32>) -> tensor<1x14x14xf32>
  func.return %e, %b : tensor<1x14x14xf32>, tensor<1x14x14xf32>
}
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a tool that knows the pass `crash`, in a folder for its files."""
    site = tmp_path / "site"
    (site / "thing-1.0.dist-info").mkdir(parents=True)
    (site / "thing-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n"
    )
    (site / "thing-1.0.dist-info" / "entry_points.txt").write_text(
        "[xdsl.universe]\nthing = thing_crashes:THING\n"
    )
    (site / "thing_crashes.py").write_text(PASS)
    path = os.pathsep.join([str(site), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path)}

    def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cmir.tools.entry", tool, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    return run


def test_a_crash_shrinks_to_one_stage(run: Run, tmp_path: Path) -> None:
    (tmp_path / "net.mlir").write_text(NETWORK)
    crashed = run("cm-opt", "net.mlir", "--nn-to-polyhedral", "--crash={text='a \"b\" \\\\'}")
    assert crashed.returncode == 70
    error, note = crashed.stderr.splitlines()
    assert error.startswith("cm-opt: internal error in pass 'crash': KeyError: 'maximum'")
    (file,) = re.findall(r"a reproducer is in (\S+\.mlir):", note)
    # The reproducer holds the IR before the pass, and the pass alone, with its options.
    text = Path(file).read_text()
    assert "polyhedral.stage @max_pool1" in text and "nn-to-polyhedral" not in text

    replayed = run("cm-opt", "--run-reproducer", file)
    assert replayed.returncode == 70
    assert replayed.stderr.splitlines()[0] == error

    reduced = run("cm-reduce", file, "-o", "small.mlir")
    assert reduced.returncode == 0, reduced.stderr
    assert re.fullmatch(r"cm-reduce: \d+ operations reduced to \d, in \d+ tests\n", reduced.stderr)
    small = (tmp_path / "small.mlir").read_text()
    assert re.findall(r"polyhedral\.(?:stage|pipeline) @\w+", small) == [
        "polyhedral.pipeline @main",
        "polyhedral.stage @max_pool1",
    ]
    assert 'domain #polyhedral.set<"{ max_pool1[h = 0, w = 0] }">' in small
    again = run("cm-opt", "--run-reproducer", "small.mlir")
    assert again.stderr.splitlines()[0] == error


def test_parameters_are_in_the_reproducer(run: Run, tmp_path: Path) -> None:
    values = {"w": np.full(3, 2, np.float32), "other": np.zeros(100, np.float32)}
    save_file(values, tmp_path / "w.safetensors")
    (tmp_path / "net.mlir").write_text(
        "func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {\n"
        '  %w = nn.parameter "w" : tensor<3xf32>\n'
        "  %y = nn.add %x, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>\n"
        "  func.return %y : tensor<3xf32>\n}\n"
    )
    crashed = run("cm-opt", "net.mlir", "--weights", "w.safetensors", "--crash")
    (file,) = re.findall(r"a reproducer is in (\S+\.mlir):", crashed.stderr)
    (tmp_path / "w.safetensors").unlink()
    assert len(Path(file).read_text()) < 1000  # only the tensor that the IR names
    replayed = run("cm-opt", "--run-reproducer", file)
    assert "internal error in pass 'crash': KeyError: 'weight'" in replayed.stderr


def test_a_pass_that_needs_more_than_the_ir(run: Run, tmp_path: Path) -> None:
    """Then the reproducer holds the input, and the passes up to the one that failed."""
    (tmp_path / "net.mlir").write_text(NETWORK)
    crashed = run("cm-opt", "net.mlir", "--nn-to-polyhedral", "--crash=text=source", "--cse")
    (file,) = re.findall(r"a reproducer is in (\S+\.mlir):", crashed.stderr)
    text = Path(file).read_text()
    assert "nn.max_pool" in text
    assert 'convert-nn-to-polyhedral,crash{text=source})"' in text
    replayed = run("cm-opt", "--run-reproducer", file)
    assert "internal error in pass 'crash': KeyError: 'source'" in replayed.stderr


def test_errors_of_the_user(run: Run, tmp_path: Path) -> None:
    """They leave a reproducer if an option asks for one."""
    (tmp_path / "net.mlir").write_text(NETWORK)
    flags = ["--nn-to-cmcore=rounds=0", "-o", "out.mlir"]
    assert "reproducer" not in run("cm-opt", "net.mlir", *flags).stderr
    failed = run("cm-opt", "net.mlir", *flags, "--crash-reproducer=crash.mlir")
    assert failed.returncode == 1 and "`rounds` must be > 0" in failed.stderr
    assert "a reproducer is in crash.mlir" in failed.stderr
    assert not (tmp_path / "out.mlir").exists()
    text = (tmp_path / "crash.mlir").read_text()
    assert "cmcore-verify-values{rounds=0" in text and "cmcore.network" in text
