"""The IR in the README is what the tools make. Its transcript is executed with those of other pages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
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


@pytest.mark.slow
def test_python_lines(tmp_path: Path) -> None:
    """They work as written in an environment with the wheel; in that of `make dist-check`, all else is new, too."""
    python, ours = tmp_path / "venv" / "bin" / "python", sysconfig.get_path("purelib")
    venv.create(tmp_path / "venv", symlinks=True)
    (library,) = (tmp_path / "venv").glob("lib/*/site-packages")
    (library / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    offline = ["--quiet", "--no-deps", "--no-index"]
    wheel = ["wheel", *offline, "--no-build-isolation", "-w", str(tmp_path), str(ROOT)]
    subprocess.run([*pip, *wheel], check=True)
    (built,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "--python", str(python), "install", *offline, str(built)], check=True)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python), str(ROOT / "tests" / "readme_lines.py")]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(library)), done.stdout
