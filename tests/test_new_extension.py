"""cm-new-extension: the package that it writes passes its own tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cmir.testing.lit_format import run_in_process
from cmir.tools.cm_new_extension import main

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["windows", "my_maxima"])
def test_its_own_tests(name: str, tmp_path: Path) -> None:
    """They run where the package is found, with its metadata, as after `pip install`."""
    folder = tmp_path / f"cmir-{name}"
    assert main([name, "-o", str(folder)]) == 0
    assert not [file for file in folder.rglob("*") if "newname" in file.name.lower()]
    assert not [
        file
        for file in folder.rglob("*")
        if file.is_file() and "newname" in file.read_text("utf-8").lower()
    ]
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    site = tmp_path / "site"
    place = ["--no-build-isolation", "--target", str(site), str(folder)]
    subprocess.run([*install, *place], check=True)
    path = os.pathsep.join([str(site), str(ROOT)])
    code = "import os, sys; from lit.main import main; os.chdir(sys.argv.pop(1)); main()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), "-v", str(folder / "tests")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0 and "Passed: 4 (100.00%)" in done.stdout, done.stdout + done.stderr


def test_what_it_writes_is_formatted(tmp_path: Path) -> None:
    assert main(["windows", "-o", str(tmp_path / "new")]) == 0
    for arguments in (["check", "--select=E,F,I"], ["format", "--check", "--line-length=100"]):
        command = [sys.executable, "-m", "ruff", arguments[0], *arguments[1:], str(tmp_path)]
        command += ["--exclude=lit.cfg.py"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nn"], "there is a dialect `nn` already: choose another name"),
        (["Windows"], "got `Windows`"),
        (["lambda"], "got `lambda`"),
        (["a-b"], "got `a-b`"),
        (["windows", "-o", "."], ".: error: it exists already: give a new folder (-o)"),
    ],
)
def test_refusals(arguments: list[str], message: str) -> None:
    code, out, err = run_in_process(main, arguments)
    assert code == 1 and not out
    assert re.fullmatch(r".*\n", err.decode()) and message in err.decode()
