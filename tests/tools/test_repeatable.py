"""The same command gives the same files, byte for byte, whatever the order of sets and the load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits.onnx"

COMMANDS = {
    "cm-translate": "--import-onnx m.onnx -o m.mlir",
    "cm-opt": "m.mlir -p nn-to-cmcore,cmcore-place-cores{shape=3,3} -o opt.mlir --output-source"
    " --weights m.safetensors --output-weights opt.safetensors",
    "cm-run": "m.onnx --random 0 -n 3 --hardware hermes --replicate --output run.npz --json run.json"
    " --trace trace.json --report page --plot plot.svg",
    "cm-sweep": "m.onnx --set core.count=6..8 --run 0 --jobs 2 -o rows.csv",
}


def files_after(folder: Path, hash_seed: str) -> dict[str, bytes]:
    """Run all commands in a folder; return the files and what was printed."""
    folder.mkdir()
    (folder / "m.onnx").write_bytes(DIGITS.read_bytes())
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
    found: dict[str, bytes] = {}
    for tool, arguments in COMMANDS.items():
        command = [sys.executable, "-m", "cmir.tools.entry", tool, *arguments.split()]
        result = subprocess.run(command, cwd=folder, env=environment, capture_output=True)
        assert result.returncode == 0, result.stderr
        found[tool] = result.stdout + result.stderr
    files = (path for path in folder.rglob("*") if path.is_file())
    return {**found, **{str(path.relative_to(folder)): path.read_bytes() for path in files}}


def test_the_same_command_gives_the_same_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    one, two = (files_after(tmp_path / seed, seed) for seed in ("1", "2"))
    assert one.keys() == two.keys() >= {"page/index.html", "rows.csv", "plot.svg", "opt.nn.mlir"}
    assert [name for name in one if one[name] != two[name]] == []


def threads(*options: str) -> str:
    """Return how many threads a library of linear algebra is told to use in cm-run."""
    code = (
        "import os, sys; from cmir.tools.entry import cm_run; cm_run();"
        "print(os.environ['OPENBLAS_NUM_THREADS'], len(os.listdir('/proc/self/task')))"
    )
    command = [sys.executable, "-c", code, str(DIGITS), "--random", "0", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "3"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    return result.stdout.splitlines()[-1]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_one_thread_unless_more_are_asked_for() -> None:
    one, two = threads(), threads("--threads", "2")
    assert (one.split()[0], two.split()[0]) == ("1", "2")
    if (os.cpu_count() or 1) > 1:  # OpenBLAS does as it is told
        assert int(two.split()[1]) == int(one.split()[1]) + 1
