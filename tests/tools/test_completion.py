"""Shell completion: bash completes options, passes and files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cmir.documentation.reference import TOOLS as COMMANDS
from cmir.testing.lit_format import load_function, run_in_process
from cmir.tools.completion import OPTION

ALL = {tool: f"cmir.tools.{tool.replace('-', '_')}:main" for tool in COMMANDS}
BASH = shutil.which("bash")


def script(tool: str, shell: str = "bash") -> str:
    pytest.importorskip("shtab")
    code, out, err = run_in_process(load_function(ALL[tool]), [OPTION, shell])
    assert (code, err) == (0, b"")
    return out.decode()


def completed(tool: str, words: list[str], folder: Path) -> set[str]:
    """Return what bash offers for the last word of a command line."""
    function = "_shtab_" + tool.replace("-", "_")
    line = " ".join(f"'{word}'" for word in words)
    text = f"""{script(tool)}
COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}
{function} {words[0]} '{words[-1]}' '{words[-2]}'
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    assert BASH is not None
    done = subprocess.run([BASH, "-c", text], cwd=folder, capture_output=True, text=True)
    return {*done.stdout.split()}


@pytest.mark.skipif(BASH is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["cm-run", "--time"], {"--timeline"}),
        (["cm-run", "--replicate", "ru"], {"runs"}),
        (["cm-run", "net"], {"net.onnx"}),
        (["cm-opt", "--nn-out"], {"--nn-outline-stages"}),
        (["cm-translate", "--import-onnx", "n"], {"net.onnx"}),
        (["cm-sweep", "--hard"], {"--hardware"}),
        (["cm-reduce", "--err"], {"--error"}),
    ],
)
def test_bash(words: list[str], offered: set[str], tmp_path: Path) -> None:
    (tmp_path / "net.onnx").touch()
    assert offered <= completed(words[0], words, tmp_path)


@pytest.mark.parametrize("tool", ALL)
@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells(tool: str, shell: str) -> None:
    assert tool in script(tool, shell)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra that installs it."""
    monkeypatch.setitem(sys.modules, "shtab", None)
    code, out, err = run_in_process(load_function(ALL["cm-run"]), [OPTION, "bash"])
    assert (code, out) == (2, b"")
    assert err.decode().startswith("cm-run: error: the package 'shtab' is not installed")
