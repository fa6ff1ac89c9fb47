"""Verdicts on exported networks: import, compilation with proofs, and a run compared with onnxruntime.

Each step is a tool in a process of its own, with limits of memory and time, as a user runs it.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cmir.checking.comparison import default_tolerances, difference
from cmir.tools.common import NOT_PROVED


@dataclass(frozen=True)
class Limits:
    """memory: bytes of address space of a process. seconds: of the processor that a process may take."""

    memory: int = 8 << 30
    seconds: int = 300


@dataclass
class Verdict:
    """Result for one exported network.

    compiled: the proofs accept it. error: the largest difference from onnxruntime relative to the largest output; None
    without a run. seconds: of the processor, for importing, compiling, proving and running.
    reasons: the messages of the step that failed.
    """

    exported: bool = False
    imported: bool = False
    compiled: bool = False
    equal: bool = False
    error: float | None = None
    seconds: float = 0.0
    interval: float | None = None
    reasons: Sequence[str] = ()


def judge(folder: Path, limits: Limits) -> Verdict:
    """Import, compile, prove and run `model.onnx` in a folder that `exports.export` wrote."""
    verdict = Verdict(exported=True)
    start = _processor_seconds()
    with TemporaryDirectory(prefix="exports-") as scratch:
        _judge(verdict, folder, Path(scratch), limits)
    verdict.seconds = _processor_seconds() - start
    return verdict


def _judge(verdict: Verdict, folder: Path, scratch: Path, limits: Limits) -> None:
    model = str(folder / "model.onnx")
    translate = [
        "cmir.tools.cm_translate",
        "--import-onnx",
        model,
        "-o",
        str(scratch / "model.mlir"),
    ]
    _, verdict.reasons = run_module(translate, limits)
    verdict.imported = not verdict.reasons
    if verdict.reasons:
        return
    figures, outputs = scratch / "figures.json", scratch / "outputs.npz"
    run = ["cmir.tools.cm_run", model, str(folder / "inputs.npz"), "--verify", "--quiet"]
    run += ["--json", str(figures), "--output", str(outputs)]
    printed, verdict.reasons = run_module(run, limits)
    verdict.compiled = "proof: control proved" in printed
    if verdict.reasons:
        return
    verdict.interval = json.loads(figures.read_text())["interval_cycles"]
    with np.load(outputs) as got, np.load(folder / "expected.npz") as expected:
        _compare(verdict, got["output"], expected["output"], expected["exact"])


def _compare(
    verdict: Verdict, result: np.ndarray, reference: np.ndarray, exact: np.ndarray
) -> None:
    """Compare an output with that of onnxruntime.

    A deep network with random weights may amplify roundings. The tolerance is that of `cm-run --check`, or
    `NOISE` times the error that onnxruntime itself has if that is larger.
    """
    if result.size != reference.size:
        verdict.reasons = [f"the output has the shape {result.shape}, not {reference.shape}"]
        return
    result = result.reshape(reference.shape)
    scale = float(np.abs(reference).max())
    verdict.error = float(np.abs(result - reference).max()) / scale
    noise = float(np.abs(reference - exact).max()) / scale
    _, atol = default_tolerances(reference.dtype)
    found = difference(result, reference, atol=max(atol, NOISE * noise))
    verdict.equal = found is None
    verdict.reasons = () if found is None else (found,)


NOISE = 4.0
"""Two evaluations in single precision may each be off, in opposite directions, and one more than the other."""


def run_module(arguments: Sequence[str], limits: Limits) -> tuple[str, Sequence[str]]:
    """Run a Python module. Return what it printed, and why it failed: nothing if it succeeded."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
        resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds))

    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
        preexec_fn=limit,
    )
    printed, errors = process.communicate()
    if process.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return printed, [f"takes more than {limits.seconds} s"]
    if process.returncode in (0, NOT_PROVED):
        return printed, ()
    lines = [line for line in errors.splitlines() if line.strip()]
    told = [line.partition("error: ")[2] for line in lines if "error: " in line]
    return printed, told or lines[-1:] or [f"ends with exit code {process.returncode}"]


def _processor_seconds() -> float:
    """Return the seconds that processes of this one took which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environment() -> Mapping[str, str]:
    here = Path(__file__).resolve()
    paths = [str(here.parents[2]), str(here.parents[1]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
