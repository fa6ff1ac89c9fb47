"""State of an ONNX model: inputs that are carried from outputs of the inference before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from xdsl.ir import SSAValue

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.frontends.onnx.errors import OnnxError
from cmir.frontends.onnx.loading import Graph
from cmir.frontends.state import State, pairs_by_name, split_initial
from cmir.support.diagnostics import emit_remark


@dataclass(frozen=True)
class ImportedState:
    """An input that is carried from an output, by name. initial: its value in the first inference, in its shape."""

    input: str
    output: str
    initial: np.ndarray


def bind_state(
    graph: Graph,
    state: State,
    arguments: Mapping[str, SSAValue],
    results: Mapping[str, SSAValue],
) -> list[ImportedState]:
    """Return the state of a translated graph; a remark names what was recognised. Raises OnnxError.

    arguments, results: the values of the function for inputs and outputs.
    """
    found = [_given(graph, name, text, arguments, results) for name, text in state.given.items()]
    _check_apart(graph, found)
    if state.recognised:
        found += _recognised(graph, found, arguments, results)
    if found and (count := graph.division.count) > 1:
        message = f"each of the {count} samples of a batch has a state of its own: set the batch to 1 with --shape"
        raise OnnxError(graph.path, [f"{message}, or --state none"])
    return found


def _given(
    graph: Graph,
    name: str,
    text: str,
    arguments: Mapping[str, SSAValue],
    results: Mapping[str, SSAValue],
) -> ImportedState:
    output, initial = split_initial(text, [*results])
    for what, wanted, known in (("input", name, arguments), ("output", output, results)):
        if wanted not in known:
            message = f"--state names '{wanted}', which is no {what}; there are: {', '.join(known)}"
            raise OnnxError(graph.path, [message])
    if reason := _difference(arguments[name], results[output]):
        raise OnnxError(graph.path, [f"input '{name}' cannot be carried from '{output}': {reason}"])
    try:
        value = _initial(graph, initial, (*graph.batch, *shape_of(arguments[name])))
        return ImportedState(name, output, _converted(value, arguments[name]))
    except (ValueError, OSError, EOFError) as error:
        raise OnnxError(graph.path, [f"initial value of input '{name}': {error}"]) from None


def _difference(argument: SSAValue, result: SSAValue) -> str | None:
    """Return why an argument cannot be carried from a result, or None."""
    if argument.type == result.type:
        return None
    before, after = shape_of(argument), shape_of(result)
    reason = f"they have types {argument.type} and {result.type}"
    if len(before) == len(after) and any(a > b for a, b in zip(after, before, strict=True)):
        reason += "; no static control exists for a state that grows: keep a window of it (Concat, then Slice)"
    return reason


def _initial(graph: Graph, text: str, shape: Shape) -> np.ndarray:
    """Return the initial value that a text denotes, in this shape. Raises ValueError, OSError or EOFError."""
    if text in graph.constants:
        array = graph.constants[text].array
    elif text.endswith(".npy"):
        array = np.load(text, allow_pickle=False)
    else:
        try:
            return np.full(shape, float(text))
        except ValueError:
            message = f"'{text}' is no number, no .npy file and no constant of the model"
            raise ValueError(message) from None
    if array.size != np.prod(shape) or _inner(array.shape) != _inner(shape):
        raise ValueError(f"'{text}' has the shape {list(array.shape)}, expected {list(shape)}")
    return array.reshape(shape)


def _inner(shape: Shape) -> Shape:
    """Return a shape without the leading dimensions of size 1."""
    first = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return shape[first:]


def _converted(value: np.ndarray, argument: SSAValue) -> np.ndarray:
    dtype = dtype_of(argument)
    converted = value.astype(dtype)
    if not np.can_cast(value.dtype, dtype, "same_kind") and (converted != value).any():
        raise ValueError(f"it must have numbers of type {dtype}")
    return converted


def _check_apart(graph: Graph, found: list[ImportedState]) -> None:
    outputs = [one.output for one in found]
    if twice := next((name for name in outputs if outputs.count(name) > 1), None):
        message = (
            f"--state carries output '{twice}' to two inputs: let the model have it as two outputs"
        )
        raise OnnxError(graph.path, [message])


def _recognised(
    graph: Graph,
    given: list[ImportedState],
    arguments: Mapping[str, SSAValue],
    results: Mapping[str, SSAValue],
) -> Iterator[ImportedState]:
    """Yield the state that the names of inputs and outputs show, and emit remarks about it."""
    inputs = [name for name in arguments if name not in {one.input for one in given}]
    outputs = [name for name in results if name not in {one.output for one in given}]
    pairs = list(pairs_by_name(inputs, outputs))
    bound = [pair for pair in pairs if _difference(arguments[pair[0]], results[pair[1]]) is None]
    for name, output in [pair for pair in pairs if pair not in bound]:
        reason = _difference(arguments[name], results[output])
        emit_remark(graph.path, f"input '{name}' is not carried from '{output}': {reason}")
    if len(bound) == len(inputs) or graph.division.count > 1:
        return
    for name, output in bound:
        shape = (*graph.batch, *shape_of(arguments[name]))
        yield ImportedState(name, output, np.zeros(shape, dtype_of(arguments[name])))
    if bound:
        what = ", ".join(f"'{name}' from '{output}'" for name, output in bound)
        emit_remark(
            graph.path,
            f"state is carried from inference to inference, as the names say: {what}; it begins with zeros"
            " (see --state)",
        )


def files_of(state: State) -> set[Path]:
    """Return the files that hold initial values, if they are files."""
    return {Path(text.rpartition(":")[2]) for text in state.given.values() if text.endswith(".npy")}
