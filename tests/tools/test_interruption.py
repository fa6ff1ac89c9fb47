"""Signals: one line, the exit code of the signal, and nothing left behind. `make interruptions` is the longer run."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TEXTBOOK = ROOT / "tests" / "filecheck" / "textbook.mlir"
SLOW = (
    "from ortools.sat.python import cp_model; from cmir.support.solving import deterministic_solver;"
    "m = cp_model.CpModel(); x = [m.new_int_var(0, 10**6, '') for _ in range(60)];"
    "[m.add_multiplication_equality(x[i], [x[i + 1], x[i + 2]]) for i in range(57)];"
    "m.add(sum(v * (k * 7919 % 101 - 50) for k, v in enumerate(x)) == 12345);"
    "m.maximize(sum(v * (k * 31 % 17 - 8) for k, v in enumerate(x)));"
    "print('solving', flush=True); deterministic_solver().solve(m)"
)
"""A model that CP-SAT does not finish soon."""


def hostile(name: str) -> Any:
    """Return a module of tests/hostile."""
    spec = spec_from_file_location(name, ROOT / "tests" / "hostile" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(("tool", "count"), [("cm-opt", 1), ("cm-translate", 4)])
def test_random_moments(tool: str, count: int) -> None:
    assert hostile("interruptions").disturb(tool, count, seed=1) == 0


def begin(code: str) -> subprocess.Popen[str]:
    """Start Python code in a process that handles signals, and wait for its first line."""
    text = f"from cmir.support.interruption import *; handle_signals('tool'); {code}"
    command = [sys.executable, "-c", text]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline()
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_cp_sat_can_be_interrupted(number: signal.Signals) -> None:
    process = begin(SLOW)
    time.sleep(0.3)
    started = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    words = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}
    assert (process.returncode, said) == (128 + number, f"tool: {words[number]}\n")
    assert time.monotonic() - started < 10


def test_a_signal_is_not_lost_in_a_destructor() -> None:
    """Where Python ignores exceptions, KeyboardInterrupt would be one of them."""
    code = (
        "import time\nclass A:\n def __del__(self):\n  print('here', flush=True)\n  time.sleep(20)\n"
        "a = A(); del a; print('survived', flush=True)"
    )
    process = begin(f"exec({code!r})")
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=15)
    assert (process.returncode, out, said) == (130, "", "tool: interrupted\n")


def test_a_shield_lets_a_signal_wait(tmp_path: Path) -> None:
    """All files take their names, or none."""
    code = (
        "import time; from pathlib import Path; from cmir.support import atomic\n"
        "def slow(*args, replace=atomic.os.replace):\n"
        " replace(*args); print('one', flush=True); time.sleep(0.5)\n"
        "atomic.os.replace = slow\n"
        "with atomic.atomic_paths() as temporary_for:\n"
        f" for name in 'ab': temporary_for(Path({str(tmp_path)!r}) / name).write_text(name)\n"
        "print('survived', flush=True)"
    )
    process = begin(f"exec({code!r})")
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=15)
    assert (process.returncode, out, said) == (130, "one\n", "tool: interrupted\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_temporary_files_are_removed(tmp_path: Path) -> None:
    code = (
        "import time; from cmir.support.atomic import atomic_path\n"
        f"with atomic_path({str(tmp_path / 'a')!r}) as temporary:\n"
        " temporary.write_text('half'); print('begun', flush=True); time.sleep(20)"
    )
    process = begin(f"exec({code!r})")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 143
    assert not list(tmp_path.iterdir())


def test_ignored_signals_stay_ignored() -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN);"
        "from cmir.support.interruption import handle_signals; handle_signals('tool');"
        "signal.raise_signal(signal.SIGINT); print('alive')"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "alive\n")


def sweep(file: Path, *options: str) -> list[str]:
    settings = ["--set", "crossbar.phase_cycles=1..300", "-o", str(file), *options]
    return [sys.executable, "-m", "cmir.tools.entry", "cm-sweep", str(TEXTBOOK), *settings]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_leaves_no_process(number: signal.Signals, tmp_path: Path) -> None:
    """Its output is at its end when all who hold it open have ended."""
    file = tmp_path / "rows.csv"
    command = sweep(file, "--jobs", "2", "--run", "0")
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not file.exists() or file.read_bytes().count(b"\n") < 2:
        assert process.poll() is None
        time.sleep(0.01)
    second = subprocess.run(sweep(file), cwd=ROOT, capture_output=True, text=True)
    assert second.returncode == 1
    assert second.stderr == f"{file}: error: another sweep is writing to this file\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=5)
    if number == signal.SIGTERM:
        assert process.returncode == 143 and said.startswith("cm-sweep: stopped; ")
        assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
    else:  # what it could not remove, the next one does
        fewer = ["crossbar.phase_cycles=1..2" if "1..300" in word else word for word in command]
        assert subprocess.run(fewer, cwd=ROOT, capture_output=True).returncode == 0
        assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
