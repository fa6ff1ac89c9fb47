"""Evaluation of ONNX models in a process of its own, which onnxruntime may crash or keep busy for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

import numpy as np

from cmir.checking.messages import ARRAYS, ERROR, GUIDE, receive, send
from cmir.checking.ties import Guide
from cmir.support.diagnostics import CompileError
from cmir.support.interruption import at_interruption

SECONDS = 300.0
"""The most seconds that the evaluation of one inference may take."""

Arrays = Sequence[np.ndarray]

EvaluatorName = Literal["reference", "onnxruntime", "float64"]
"""The evaluators: `evaluator_of`, `onnxruntime_evaluator`, `double_evaluator`."""


class EvaluatorProcess:
    """A process that evaluates a model. name: the evaluator, for messages."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._requests: IO[bytes] = process.stdin
        self._answers: IO[bytes] = process.stdout
        (name,) = self._receive()
        self.name = str(name)

    def __call__(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the outputs of an inference, in order. Raises CompileError if there are none, with the reason."""
        with suppress(BrokenPipeError):  # the process has ended, and the answer is missing
            send(self._requests, ARRAYS, inputs)
        return self._receive()

    def guided(self, inputs: Sequence[np.ndarray], guide: Guide) -> list[np.ndarray]:
        """Return what `DoubleEvaluator.guided` does, which the process must have. Raises like a call."""
        message = [np.array(guide.atol), np.array([*guide.numbers], str), *guide.numbers.values()]
        with suppress(BrokenPipeError):
            send(self._requests, GUIDE, message)
        return self(inputs)

    def _receive(self) -> list[np.ndarray]:
        try:
            tag, arrays = receive(self._answers)
        except EOFError:
            raise CompileError(None, f"no reference: {self._end()}") from None
        if tag == ERROR:
            raise CompileError(None, str(arrays[0]))
        return arrays

    def _end(self) -> str:
        """Return the reason why the process has ended without an answer."""
        code = self._process.wait()
        if code == -signal.SIGALRM:
            return f"its evaluation took more than {SECONDS:g} seconds"
        if code < 0:
            return f"its evaluation crashed ({signal.Signals(-code).name})"
        return f"its evaluation ended with exit code {code}"


@contextmanager
def evaluator_process(which: EvaluatorName, model: Path) -> Generator[EvaluatorProcess]:
    """Start a process that evaluates a model file, and end it on exit. Raises CompileError if it has no result."""
    command = [sys.executable, "-P", "-m", "cmir.checking.worker", which, str(model), str(SECONDS)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # The same modules as here; the working directory has none (-P).
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        # Ctrl-C reaches this process alone, which then ends the other one.
        start_new_session=True,
    )
    try:
        with at_interruption(process.kill):
            yield EvaluatorProcess(process)
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        process.wait()


def evaluate_apart(
    which: EvaluatorName,
    model: Path,
    inferences: Iterable[Sequence[np.ndarray]],
    complete: Callable[[int, Arrays, Arrays], Arrays] | None = None,
) -> tuple[str, list[list[np.ndarray]]]:
    """Return the name of an evaluator, and the outputs of each inference. Raises as `evaluator_process` does.

    complete: returns the inputs of an inference, given its number, what is given for it, and the outputs of the
    inference before it (none for the first); by default, all inputs are given.
    """
    outputs: list[list[np.ndarray]] = []
    with evaluator_process(which, model) as evaluate:
        for number, given in enumerate(inferences):
            before = outputs[-1] if outputs else ()
            inputs = given if complete is None else complete(number, given, before)
            outputs.append(evaluate(inputs))
        return evaluate.name, outputs


def evaluate_in_double_apart(
    model: Path, inferences: Iterable[Sequence[np.ndarray]], guides: Iterable[Guide]
) -> list[list[np.ndarray]]:
    """Return for each inference what `DoubleEvaluator.guided` does. Raises as `evaluator_process` does."""
    with evaluator_process("float64", model) as evaluate:
        return [
            evaluate.guided(inputs, guide) for inputs, guide in zip(inferences, guides, strict=True)
        ]
