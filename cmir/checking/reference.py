"""The rule for references of ONNX models.

A model with an operator on integers (`*Integer`, `QLinear*`, quantised operators of com.microsoft) is evaluated with
exact integers, regardless of the type of its outputs: onnxruntime saturates sums of products of uint8 and int8 to 16
bits on processors with AVX2 and without VNNI. So is a model with inputs of 2 or 4 bits, which onnxruntime does not take
from NumPy. A model with bfloat16 is evaluated in double precision. All other models, including those that merely
quantise and dequantise (QuantizeLinear and DequantizeLinear), are evaluated by onnxruntime at the optimisation level
*basic*.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
from google.protobuf.message import DecodeError
from onnx import TensorProto

from cmir.checking.double import TYPES, DoubleInterpreter
from cmir.checking.interpreter import Interpreter, uses_integers
from cmir.checking.ordinary import open_session
from cmir.checking.ties import Guide
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import NARROW_INTEGERS, held


@dataclass(frozen=True)
class Evaluator:
    """A reference for a model.

    name: name of the evaluator, for messages. inputs: the names of the inputs, in order. exact: True if integers are
    exact. narrow: the types of inputs of 2 or 4 bits, which arrays of `int8` hold.
    """

    name: str
    inputs: list[str]
    exact: bool
    run: Callable[[Mapping[str, np.ndarray]], list[Any]]
    narrow: Mapping[str, np.dtype[Any]] = field(
        default_factory=dict[str, np.dtype[Any]], kw_only=True
    )

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Return the outputs for inputs, both in order. Raises CompileError if the evaluation fails."""
        feeds = {
            name: array.astype(self.narrow.get(name, array.dtype), copy=False)
            for name, array in zip(self.inputs, arrays, strict=True)
        }
        return [held(np.asarray(output)) for output in self.run(feeds)]


@dataclass(frozen=True)
class DoubleEvaluator(Evaluator):
    """The evaluation of a model in double precision."""

    interpreter: DoubleInterpreter

    def guided(self, guide: Guide, *arrays: np.ndarray) -> list[np.ndarray]:
        """Return the outputs for inputs, with numbers that lie on ties rounded as `guide` says. Raises like a call."""
        self.interpreter.guide = guide
        try:
            return self(*arrays)
        finally:
            self.interpreter.guide = None


def needs_exact_integers(model: onnx.ModelProto | Path) -> bool:
    """Return True if only exact arithmetic is a reference for the model: it contains an operator on integers."""
    return uses_integers(_read(model))


def evaluator_of(model: onnx.ModelProto | Path) -> Evaluator:
    """Return the reference for a model, or for a model file.

    Raises CompileError if there is none, ModuleNotFoundError if onnxruntime is needed but not installed.
    """
    proto = _read(model)
    if _uses_bfloat16(proto):
        return double_evaluator(model)
    narrow = _narrow(proto)
    if not uses_integers(proto) and not narrow:
        return onnxruntime_evaluator(model)
    interpreter = Interpreter(proto, _directory(model))
    return Evaluator("exact integer arithmetic", _inputs(proto), True, interpreter, narrow=narrow)


def _uses_bfloat16(model: onnx.ModelProto) -> bool:
    """Return True if a model has inputs, constants or casts of bfloat16, which onnxruntime hardly computes with."""
    elements = [info.type.tensor_type.elem_type for info in model.graph.input]
    elements += [tensor.data_type for tensor in model.graph.initializer]
    elements += [a.i for node in model.graph.node for a in node.attribute if a.name in TYPES]
    return TensorProto.BFLOAT16 in elements


def _narrow(model: onnx.ModelProto) -> dict[str, np.dtype[Any]]:
    """Return the types of the inputs of 2 or 4 bits."""
    return {
        info.name: info.dtype
        for info in inputs_of(model)
        if info.dtype is not None and info.dtype in NARROW_INTEGERS
    }


def onnxruntime_evaluator(model: onnx.ModelProto | Path) -> Evaluator:
    """Return onnxruntime's evaluation of a model. Raises as `evaluator_of` does."""
    proto = _read(model)
    path = model if isinstance(model, Path) and not _is_text(model) else None
    try:
        session = open_session(proto.SerializeToString() if path is None else str(path))
    except ModuleNotFoundError:
        raise
    except Exception as error:  # onnxruntime's errors have no other base class
        where = model if isinstance(model, Path) else None
        raise CompileError(where, f"no reference: onnxruntime refuses it: {error}") from error

    def run(feeds: Mapping[str, np.ndarray]) -> list[Any]:
        try:
            return [*session.run(None, dict(feeds))]
        except Exception as error:
            raise CompileError(None, f"no reference: onnxruntime fails: {error}") from error

    return Evaluator("onnxruntime", _inputs(proto), False, run)


def double_evaluator(model: onnx.ModelProto | Path) -> DoubleEvaluator:
    """Return the evaluation of a model with all its floats in double precision, node by node.

    onnxruntime evaluates the nodes, or ONNX's reference evaluator, as in `OrdinaryNodes`. No importer is involved.
    """
    interpreter = DoubleInterpreter(_read(model), _directory(model))
    inputs, narrow = _inputs(_read(model)), _narrow(_read(model))
    return DoubleEvaluator("float64", inputs, False, interpreter, interpreter, narrow=narrow)


@dataclass(frozen=True)
class Input:
    """An input of a model. dtype: None for a type that NumPy lacks. shape: None for unknown sizes, or as a whole."""

    name: str
    dtype: np.dtype[Any] | None
    shape: tuple[int | None, ...] | None


def inputs_of(model: onnx.ModelProto | Path) -> list[Input]:
    """Return the inputs of a model, in order; constants are not inputs."""
    proto = _read(model)
    names = {*_inputs(proto)}
    return [
        Input(info.name, _dtype(info.type.tensor_type.elem_type), _shape(info.type.tensor_type))
        for info in proto.graph.input
        if info.name in names
    ]


def declared_shapes(model: onnx.ModelProto | Path) -> dict[str, tuple[int | None, ...] | None]:
    """Return the shapes of a model's outputs, as it declares them or as ONNX's shape inference finds them.

    Shape inference does without the contents of external data files.
    None stands for an unknown size, or an unknown shape.
    """
    proto = _read(model)
    declared = {info.name: _shape(info.type.tensor_type) for info in proto.graph.output}
    try:
        inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    except Exception:  # of the model, or of its size: then only declared shapes are known
        return declared
    found = {info.name: _shape(info.type.tensor_type) for info in inferred.output}
    return {name: found.get(name) if shape is None else shape for name, shape in declared.items()}


def _shape(tensor: onnx.TypeProto.Tensor) -> tuple[int | None, ...] | None:
    if not tensor.HasField("shape"):
        return None
    return tuple(d.dim_value if d.dim_value > 0 else None for d in tensor.shape.dim)


def _dtype(element: int) -> np.dtype[Any] | None:
    try:
        return onnx.helper.tensor_dtype_to_np_dtype(element)
    except KeyError:
        return None


def _inputs(model: onnx.ModelProto) -> list[str]:
    constants = {tensor.name for tensor in model.graph.initializer}
    return [info.name for info in model.graph.input if info.name not in constants]


def _directory(model: onnx.ModelProto | Path) -> str:
    """Return the folder of the files with external tensor data."""
    return str(model.parent) if isinstance(model, Path) else ""


def _is_text(model: Path) -> bool:
    return model.suffix == ".onnxtxt"


def _read(model: onnx.ModelProto | Path) -> onnx.ModelProto:
    """Return the model, without the contents of external data files. Raises CompileError or OSError."""
    if not isinstance(model, Path):
        return model
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "the onnxtxt format is experimental"
            syntax = "onnxtxt" if _is_text(model) else "protobuf"
            return onnx.load(model, syntax, load_external_data=False)
    except (DecodeError, UnicodeDecodeError, onnx.parser.ParseError) as error:
        raise CompileError(model, "not an ONNX model, or a truncated one") from error
