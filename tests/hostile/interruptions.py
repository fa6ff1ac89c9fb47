"""Interrupt the tools at random moments after they have begun: `python tests/hostile/interruptions.py --count 50`.

Each tool is sent SIGINT or SIGTERM. It must say one line and exit with 130 or 143, or be done: then its files are
those of an undisturbed run. Sweeps are killed, too: no row may be lost or there twice after the sweep is resumed. No
temporary file and, after five seconds, no process may be left. Moments are drawn with a fixed seed, as fractions of the
time that the tool takes undisturbed.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "examples" / "digits" / "digits.onnx"

TOOLS: Mapping[str, Sequence[str]] = {
    "cm-opt": ("digits.mlir", "-p", "nn-to-cmcore,cmcore-place-cores{shape=3,3}", "-o", "opt.mlir"),
    "cm-run": (
        *("digits.onnx", "--random", "0", "-n", "4", "--hardware", "hermes", "--output", "run.npz"),
        *("--json", "run.json", "--trace", "trace.json", "--report", "page"),
    ),
    "cm-sweep": (
        *("digits.onnx", "--set", "core.count=7,8", "--set", "crossbar.phase_cycles=1..3"),
        *("--run", "0", "--jobs", "2", "-o", "rows.csv"),
    ),
    "cm-translate": ("--import-onnx", "digits.onnx", "-o", "imported.mlir"),
}
SAID = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
}


class Trial:
    """A folder in which a tool is run again and again, and what an undisturbed run leaves there."""

    def __init__(self, tool: str, folder: Path):
        self.tool, self.folder = tool, folder
        (folder / "digits.onnx").write_bytes(MODEL.read_bytes())
        if tool == "cm-opt":
            start(
                folder, "cm-translate", "--import-onnx", "digits.onnx", "-o", "digits.mlir"
            ).wait()
        self.given = set(self.files())
        started = time.monotonic()
        process = start(folder, tool, *TOOLS[tool])
        begun(process)
        self.begin = time.monotonic() - started
        _, said = process.communicate()
        assert process.returncode == 0, said
        self.said = said.splitlines()
        self.seconds = time.monotonic() - started - self.begin
        self.expected = self.files()

    def files(self) -> dict[str, bytes]:
        """Return the contents of all files."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found}

    def clear(self) -> None:
        """Remove what an earlier run left."""
        for name in set(self.files()) - self.given:
            (self.folder / name).unlink()

    def disturb(self, number: signal.Signals, moment: float) -> list[str]:
        """Send a signal at a moment, a fraction of the tool's time; return what is wrong then."""
        self.clear()
        process = start(self.folder, self.tool, *TOOLS[self.tool])
        begun(process)
        time.sleep(moment * self.seconds)
        process.send_signal(number)
        problems = []
        try:
            _, said = process.communicate(timeout=5)  # also of children, which would hold it open
        except subprocess.TimeoutExpired:
            process.kill()
            return ["it or a child is still there after 5 s"]
        there = self.files()
        if number == signal.SIGKILL:
            return self._resume()
        if process.returncode == 0:
            if there != self.expected:
                problems.append("it is done, and its files differ")
            return problems
        if process.returncode != 128 + number:
            problems.append(f"exit code {process.returncode}")
        *before, last = said.splitlines() or [""]
        stop = self.tool == "cm-sweep" and last.startswith("cm-sweep: stopped; ")
        if (
            not (stop or last == f"{self.tool}: {SAID[number]}")
            or before != self.said[: len(before)]
        ):
            problems.append(f"it says {said!r}")
        for name, data in there.items():
            if name not in self.expected:
                problems.append(f"it leaves {name}")
            elif data != self.expected[name] and self.tool != "cm-sweep":
                problems.append(f"{name} is half-written")
        return problems + (self._resume() if self.tool == "cm-sweep" else [])

    def _resume(self) -> list[str]:
        """Repeat the command; return what is wrong with the rows."""
        process = start(self.folder, self.tool, *TOOLS[self.tool])
        _, said = process.communicate()
        if process.returncode:
            return [f"it cannot be resumed: {said}"]
        there = self.files()
        problems = [f"it leaves {name}" for name in set(there) - set(self.expected)]
        if sorted(there["rows.csv"].splitlines()) != sorted(self.expected["rows.csv"].splitlines()):
            problems.append("rows are lost, or there twice")
        return problems


def command(tool: str, *arguments: str) -> list[str]:
    """Return the command line that runs a tool."""
    return [sys.executable, "-m", "cmir.tools.entry", tool, *arguments]


def start(folder: Path, tool: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a tool."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command(tool, *arguments),
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def begun(process: subprocess.Popen[str]) -> None:
    """Wait until the entry point has begun: from its first lines on, the process handles SIGTERM."""
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        caught = next(line for line in status.read_text().splitlines() if line[:7] == "SigCgt:")
        if int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.0005)


def disturb(tool: str, count: int, seed: int, numbers: Sequence[signal.Signals] = ()) -> int:
    """Interrupt a tool at so many moments, print what is wrong, and return how often something is.

    numbers: the signals, in turn; by default, all that the tool must survive.
    """
    draw, wrong = random.Random(f"{tool} {seed}"), 0
    if not numbers:
        killed = [signal.SIGKILL] if tool == "cm-sweep" else []
        numbers = [signal.SIGINT, signal.SIGTERM, *killed]
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(tool, Path(folder))
        for k in range(count):
            number, moment = numbers[k % len(numbers)], draw.random()
            problems = trial.disturb(number, moment)
            wrong += bool(problems)
            for problem in problems:
                print(f"{tool}: {number.name} at {moment:.4f}: {problem}", flush=True)
    print(f"{tool}: {count - wrong} of {count} interruptions are clean", flush=True)
    return wrong


def main() -> int:
    # A shell starts jobs in the background with SIGINT ignored, which the tools would inherit and heed.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="moments for each tool")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--signal", choices=("SIGINT", "SIGTERM", "SIGKILL"), action="append", default=[]
    )
    parser.add_argument("tools", nargs="*", default=[*TOOLS])
    options = parser.parse_args()
    numbers = [signal.Signals[name] for name in options.signal]
    wrong = sum(disturb(tool, options.count, options.seed, numbers) for tool in options.tools)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
