"""The IR in the README is what the tools make. Its transcript is executed with those of other pages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
IR = re.findall(r"```mlir\n(.*?)```", README, re.DOTALL)


def shell(command: str) -> str:
    """What a command prints. It must succeed."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(
        command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nn_example_is_the_textbook_test() -> None:
    assert IR[0] in (ROOT / "tests/filecheck/textbook.mlir").read_text(encoding="utf-8")


@pytest.mark.parametrize("level", [1, 2])
def test_lowered_example(level: int) -> None:
    """Each line is one that the command in front of the example prints, in that order."""
    command = re.findall(r"From\s+`(cm-opt [^`]+)`", README)[level - 1]
    printed = iter([line.strip() for line in shell(command.replace("\n", " ")).splitlines()])
    for line in map(str.strip, IR[level].splitlines()):
        assert line == "…" or any(line == other for other in printed), line
