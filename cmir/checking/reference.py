"""The rule for references of ONNX models.

A model with an operator on integers (`*Integer`, `QLinear*`, quantised operators of com.microsoft) is evaluated with
exact integers, regardless of the type of its outputs: onnxruntime saturates sums of products of uint8 and int8 to 16
bits on processors with AVX2 and without VNNI. All other models, including those that merely quantise and dequantise
(QuantizeLinear and DequantizeLinear), are evaluated by onnxruntime at the optimisation level *basic*.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser

from cmir.checking.interpreter import Interpreter, uses_integers
from cmir.checking.ordinary import open_session
from cmir.support.diagnostics import CompileError


@dataclass(frozen=True)
class Evaluator:
    """A reference for a model.

    name: name of the evaluator, for messages. inputs: the names of the inputs, in order. exact: True if integers are
    exact.
    """

    name: str
    inputs: list[str]
    exact: bool
    run: Callable[[Mapping[str, np.ndarray]], list[Any]]

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Return the outputs for inputs, both in order. Raises CompileError if the evaluation fails."""
        feeds = dict(zip(self.inputs, arrays, strict=True))
        return [np.asarray(output) for output in self.run(feeds)]


def needs_exact_integers(model: onnx.ModelProto | Path) -> bool:
    """Return True if only exact arithmetic is a reference for the model: it contains an operator on integers."""
    return uses_integers(_read(model))


def evaluator_of(model: onnx.ModelProto | Path) -> Evaluator:
    """Return the reference for a model, or for a model file.

    Raises CompileError if there is none, ModuleNotFoundError if onnxruntime is needed but not installed.
    """
    proto = _read(model)
    if not uses_integers(proto):
        return onnxruntime_evaluator(model)
    directory = str(model.parent) if isinstance(model, Path) else ""
    interpreter = Interpreter(proto, directory)
    return Evaluator("exact integer arithmetic", _inputs(proto), True, interpreter)


def onnxruntime_evaluator(model: onnx.ModelProto | Path) -> Evaluator:
    """Return onnxruntime's evaluation of a model. Raises as `evaluator_of` does."""
    proto = _read(model)
    path = model if isinstance(model, Path) and model.suffix != ".onnxtxt" else None
    try:
        session = open_session(proto.SerializeToString() if path is None else str(path))
    except ModuleNotFoundError:
        raise
    except Exception as error:  # onnxruntime's errors have no other base class
        where = model if isinstance(model, Path) else None
        raise CompileError(where, f"no reference: onnxruntime refuses it: {error}") from error
    return Evaluator(
        "onnxruntime", _inputs(proto), False, lambda feeds: session.run(None, dict(feeds))
    )


def _inputs(model: onnx.ModelProto) -> list[str]:
    constants = {tensor.name for tensor in model.graph.initializer}
    return [info.name for info in model.graph.input if info.name not in constants]


def _read(model: onnx.ModelProto | Path) -> onnx.ModelProto:
    """Return the model, without the contents of external data files."""
    if not isinstance(model, Path):
        return model
    if model.suffix == ".onnxtxt":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return onnx.parser.parse_model(model.read_text(encoding="utf-8"))
    return onnx.load(model, load_external_data=False)
