"""The process that evaluates an ONNX model for `cmir.checking.process`.

    python -m cmir.checking.worker EVALUATOR MODEL SECONDS

It reads the inputs of inferences from its standard input and writes their outputs to its standard output, until its
input ends. A crash of onnxruntime ends this process alone, and so does a hang: an alarm kills it after SECONDS for one
inference.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from cmir.checking.messages import ARRAYS, ERROR, GUIDE, NAME, receive, send, send_text
from cmir.checking.reference import (
    DoubleEvaluator,
    double_evaluator,
    evaluator_of,
    onnxruntime_evaluator,
)
from cmir.checking.ties import Guide
from cmir.support.diagnostics import CompileError
from cmir.support.extras import missing_package

EVALUATORS = {
    "reference": evaluator_of,
    "onnxruntime": onnxruntime_evaluator,
    "float64": double_evaluator,
}


def main(arguments: Sequence[str]) -> int:
    """Run the process; return its exit code. Errors are messages."""
    which, path, seconds = arguments
    # What libraries print must not get between the messages.
    with os.fdopen(os.dup(1), "wb") as output:
        os.dup2(2, 1)
        try:
            _evaluate(which, Path(path), float(seconds), sys.stdin.buffer, output)
        except ModuleNotFoundError as error:
            send_text(output, ERROR, f"no reference: {missing_package(error.name or '')}")
        except CompileError as error:
            send_text(output, ERROR, error.message)
        except (
            Exception
        ) as error:  # of onnx and NumPy, which raise various errors for models they do not take
            send_text(output, ERROR, f"no reference: {type(error).__name__}: {error}")
    return 0


def _evaluate(which: str, path: Path, seconds: float, source: IO[bytes], output: IO[bytes]) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)  # its default action ends the process
    evaluator = EVALUATORS[which](path)
    send_text(output, NAME, evaluator.name)
    while True:
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            tag, arrays = receive(source)
            guide = None
            if tag == GUIDE:
                atol, names, *numbers = arrays
                guide = Guide(dict(zip(names.tolist(), numbers, strict=True)), float(atol))
                _, arrays = receive(source)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, seconds)
        if guide is None:
            send(output, ARRAYS, evaluator(*arrays))
        else:
            assert isinstance(evaluator, DoubleEvaluator)
            send(output, ARRAYS, evaluator.guided(guide, *arrays))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
