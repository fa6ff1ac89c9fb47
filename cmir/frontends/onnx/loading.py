"""Loading of an ONNX file as a checked graph of one inference.

Tensors are removed from the model *before* the checker and shape inference see it: both serialise their input, and
neither needs the contents of weights.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError, Message
from onnx import TensorProto, checker, helper, inliner, numpy_helper, parser, shape_inference
from xdsl.dialects.builtin import (
    FileLineColLoc,
    IntAttr,
    StringAttr,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i8,
    i16,
    i32,
    i64,
)
from xdsl.ir import Attribute

from cmir.dialects.nn.operation import Shape, ui8, ui16
from cmir.frontends.onnx.elements import element_name, numpy_dtype
from cmir.frontends.onnx.errors import OnnxError, one_line
from cmir.frontends.onnx.inference import infer_types, shape_of_type
from cmir.frontends.onnx.invalid import explain_finding
from cmir.frontends.onnx.node import Constant
from cmir.frontends.samples import Division, Samples, divide
from cmir.support.counts import count_of
from cmir.support.diagnostics import emit_remark
from cmir.support.file_kinds import ONNX, refuse_other_kinds
from cmir.support.limits import count_text

OLDEST_OPSET = 7
"""The opset that introduced NumPy's broadcasting; older ones have other semantics."""

ELEMENTS: dict[int, Attribute] = {
    TensorProto.FLOAT: f32,
    TensorProto.FLOAT16: f16,
    TensorProto.BFLOAT16: bf16,
    TensorProto.DOUBLE: f64,
    TensorProto.INT8: i8,
    TensorProto.UINT8: ui8,
    TensorProto.INT16: i16,
    TensorProto.UINT16: ui16,
    TensorProto.INT32: i32,
    TensorProto.INT64: i64,
    TensorProto.BOOL: i1,
}
"""The element types of tensors."""

HELD: dict[int, Attribute] = dict.fromkeys(
    (TensorProto.INT4, TensorProto.UINT4, TensorProto.INT2, TensorProto.UINT2), i8
)
"""Element types of inputs that a wider type holds."""

INPUTS = {**ELEMENTS, **HELD}
"""Element types that inputs may have."""

LARGE = 256
"""Number of elements from which the checker and shape inference see only a tensor's type."""


@dataclass(frozen=True)
class Graph:
    """A checked graph of one inference: the inputs' shapes are static."""

    path: Path
    opsets: Mapping[str, int]
    nodes: Sequence[onnx.NodeProto]
    """The nodes in topological order."""
    inputs: Mapping[str, Shape]
    elements: Mapping[str, Attribute]
    """The element types of the inputs."""
    outputs: Sequence[str]
    constants: Mapping[str, Constant]
    inferred: Mapping[str, Shape]
    """The shapes that ONNX's shape inference found; some tensors are missing."""
    division: Division
    """The part of the inputs that one inference takes."""
    files: Set[Path] = frozenset()
    """The files that hold tensors outside the model."""
    narrow: Mapping[str, np.dtype[Any]] = field(default_factory=dict[str, np.dtype[Any]])
    """The types of the tensors whose elements a wider type holds."""

    @property
    def batch(self) -> Shape:
        """The leading dimensions that tensors have in ONNX and not in `nn`."""
        return self.division.batch


def load_graph(path: Path, shapes: Mapping[str, Sequence[int]], samples: Samples) -> Graph:
    """Read and check a file. shapes, samples: see `import_onnx`. Raises OnnxError."""
    model = _inline_functions(_read(path), path)
    _normalise(model)
    _check_opset(model, path)
    _check_names(model.graph, path)
    files = _external_files(model, path)
    constants = _take_constants(model, path)
    # Copy the rest, because protobuf frees the tensors only with the message that held them.
    skeleton = onnx.ModelProto()
    skeleton.CopyFrom(model)
    del model
    outputs = [output.name for output in skeleton.graph.output]
    kinds = {info.name: _kind(info) for info in skeleton.graph.input}
    inputs, division = _fix_inputs(skeleton.graph, constants, shapes, samples, path)
    _declare_constants(skeleton.graph, constants)
    types = _check_and_infer(skeleton, path)
    kinds |= {name: type_.elem_type for name, type_ in types.items()}
    inferred = {name: shape_of_type(type_) for name, type_ in types.items()}
    return Graph(
        path,
        {opset.domain: opset.version for opset in skeleton.opset_import},
        skeleton.graph.node,
        inputs,
        {name: INPUTS[kinds[name]] for name in inputs},
        outputs,
        constants,
        {name: shape for name, shape in inferred.items() if shape is not None},
        division,
        files,
        {name: numpy_dtype(kind) for name, kind in kinds.items() if kind in HELD},
    )


def _read(path: Path) -> onnx.ModelProto:
    refuse_other_kinds(path, "an ONNX model", ONNX)
    syntax = "onnxtxt" if path.suffix == ".onnxtxt" else "protobuf"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "the onnxtxt format is experimental"
            model = onnx.load(path, syntax, load_external_data=False)
    except OSError as error:
        raise OnnxError(path, [error.strerror or str(error)]) from error
    except (DecodeError, UnicodeDecodeError) as error:
        raise OnnxError(path, ["not an ONNX model, or a truncated one"]) from error
    except parser.ParseError as error:
        raise _syntax_error(path, error.args[0].decode()) from error
    if not model.ir_version or not model.graph.output:
        raise OnnxError(path, ["not an ONNX model, or one without outputs"])
    _check_text(model, path)
    return model


_PARSE_ERROR = re.compile(
    r"\[ParseError at position \(line: (\d+) column: (\d+)\)\]\s*Error context:.*?\n(.*)", re.DOTALL
)
"""An error of ONNX's parser: the place, the line, and what is wrong."""


def _syntax_error(path: Path, text: str) -> OnnxError:
    """Return the error for a text that ONNX's parser refuses, at the place in the file."""
    if (match := _PARSE_ERROR.match(text)) is None:
        return OnnxError(path, [one_line(text)])
    line, column = IntAttr(int(match[1])), IntAttr(int(match[2]))
    message = one_line(match[3]).rstrip(".")
    where = FileLineColLoc(StringAttr(str(path)), line, column)
    return OnnxError(where, [f"{message[:1].lower()}{message[1:]}"])


def _check_text(message: Message, path: Path) -> None:
    """Refuse strings that are not UTF-8, which protobuf gives as bytes.

    Only the fields that can hold text are read: `ListFields` would copy the contents of all tensors.
    """
    for entry in message.DESCRIPTOR.fields:
        is_message = entry.type == entry.TYPE_MESSAGE
        if is_message and (entry.is_repeated or message.HasField(entry.name)):
            value = getattr(message, entry.name)
            for inner in value if entry.is_repeated else [value]:
                _check_text(inner, path)
        elif entry.type == entry.TYPE_STRING:
            value = getattr(message, entry.name)
            values = value if entry.is_repeated else [value]
            if not all(isinstance(text, str) for text in values):
                raise OnnxError(path, [f"invalid model: a {entry.full_name} is not UTF-8 text"])


def _check_opset(model: onnx.ModelProto, path: Path) -> None:
    """Refuse unsupported opsets of ONNX's own domain."""
    newest = onnx.defs.onnx_opset_version()
    for opset in model.opset_import:
        if opset.domain == "" and not OLDEST_OPSET <= opset.version <= newest:
            message = (
                f"opset {opset.version} is not supported, only {OLDEST_OPSET} to {newest}:"
                " convert the model with onnx.version_converter"
            )
            raise OnnxError(path, [message])


def _check_names(graph: onnx.GraphProto, path: Path) -> None:
    """Refuse names that a graph gives twice. ONNX's checker sees tensors only after they are told apart by name."""
    constants = [tensor.name for tensor in graph.initializer]
    constants += [output for node in graph.node if _holds_tensor(node) for output in node.output]
    listed = {
        "input": [info.name for info in graph.input],
        "output": [info.name for info in graph.output],
        "constant": constants,
    }
    messages = [
        f"invalid model: {kind} '{name}' is listed {count} times"
        for kind, names in listed.items()
        for name, count in Counter(names).items()
        if count > 1
    ]
    if messages:
        raise OnnxError(path, messages)


def _normalise(model: onnx.ModelProto) -> None:
    """Normalise two differences between models that have no meaning."""
    # From this version on, initializers need not be inputs too.
    model.ir_version = max(model.ir_version, 4)
    # ONNX's own domain has two names.
    for item in (*model.opset_import, *model.graph.node):
        if item.domain == "ai.onnx":
            item.domain = ""


def _inline_functions(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    if not model.functions:
        return model
    if (count := inlined_nodes(model)) > MOST_NODES:
        message = f"its functions have {count_text(count)} nodes when they are inlined, {MOST_NODES} at most"
        raise OnnxError(path, [message])
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # the C++ inliner throws various errors
        message = f"cannot inline the model's functions: {one_line(str(error))}"
        raise OnnxError(path, [message]) from error


MOST_NODES = 1_000_000
"""The most nodes of a model whose functions are inlined."""


def inlined_nodes(model: onnx.ModelProto) -> int:
    """Return the nodes of the model once its functions are inlined, at every depth.

    Functions that call themselves count once; the inliner refuses them.
    """
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    sizes: dict[tuple[str, str, str], int] = {}

    def callees(nodes: Iterable[onnx.NodeProto]) -> Iterator[tuple[str, str, str]]:
        """Yield the functions that nodes call, subgraphs included, or the key of an operator."""
        pending = list(nodes)
        while pending:
            node = pending.pop()
            yield (node.domain, node.op_type, node.overload)
            for attribute in node.attribute:
                for graph in (attribute.g, *attribute.graphs):
                    pending += graph.node

    calls = {key: list(callees(function.node)) for key, function in functions.items()}
    stack = list(functions)
    open_ = set[tuple[str, str, str]]()
    while stack:
        key = stack[-1]
        waiting = [c for c in calls[key] if c in functions and c not in sizes and c not in open_]
        if key not in sizes and key not in open_ and waiting:
            open_.add(key)
            stack += dict.fromkeys(waiting)
            continue
        stack.pop()
        open_.discard(key)
        sizes.setdefault(key, sum(sizes.get(c, 1) for c in calls[key]))
    return sum(sizes.get(c, 1) for c in callees(model.graph.node))


def _holds_tensor(node: onnx.NodeProto) -> bool:
    """Return True if the node is a Constant with an output, whose value is a dense tensor."""
    return (
        node.op_type == "Constant"
        and len(node.output) == 1
        and [a.name for a in node.attribute] == ["value"]
    )


def _external_files(model: onnx.ModelProto, path: Path) -> Set[Path]:
    """Return the files outside the model that hold its dense tensors."""
    tensors = [*model.graph.initializer]
    tensors += [node.attribute[0].t for node in model.graph.node if _holds_tensor(node)]
    return frozenset(
        path.parent / entry.value
        for tensor in tensors
        if tensor.data_location == TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    )


def _take_constants(model: onnx.ModelProto, path: Path) -> dict[str, Constant]:
    """Remove the dense tensors from the model and return them by name."""
    graph = model.graph
    for sparse in graph.sparse_initializer:
        message = f"initializer '{sparse.values.name}' is sparse, which is not supported"
        raise OnnxError(path, [message])
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    tensors |= {n.output[0]: n.attribute[0].t for n in graph.node if _holds_tensor(n)}
    constants = {name: read_constant(name, tensor, path) for name, tensor in tensors.items()}
    nodes = [node for node in graph.node if not _holds_tensor(node)]
    del tensors, graph.initializer[:], graph.node[:]
    graph.node.extend(nodes)
    return constants


def read_constant(name: str, tensor: TensorProto, path: Path) -> Constant:
    """Return a tensor of the model in a file. Raises OnnxError."""
    try:
        return Constant(name, numpy_helper.to_array(tensor, str(path.parent)))
    except Exception as error:  # missing or truncated data, unknown types: ONNX has no common class
        raise OnnxError(path, [f"initializer '{name}': {one_line(str(error))}"]) from error


def _declare_constants(graph: onnx.GraphProto, constants: Mapping[str, Constant]) -> None:
    """Declare the constants for the checker: small ones as constants, large ones as inputs."""
    for constant in constants.values():
        if constant.array.size < LARGE:
            graph.initializer.append(numpy_helper.from_array(constant.array, constant.name))
        else:
            kind = helper.np_dtype_to_tensor_dtype(constant.array.dtype)
            graph.input.append(helper.make_tensor_value_info(constant.name, kind, constant.shape))


def _fix_inputs(
    graph: onnx.GraphProto,
    constants: Mapping[str, Constant],
    shapes: Mapping[str, Sequence[int]],
    samples: Samples,
    path: Path,
) -> tuple[dict[str, Shape], Division]:
    """Reduce the graph's inputs to real inputs with static shapes, and return these.

    Other declared shapes are dropped: they are redundant, and derived from the inputs' previous shapes.
    """
    inputs = [info for info in graph.input if info.name not in constants]
    kinds = {info.name: info.type.tensor_type.elem_type for info in inputs}
    names = [info.name for info in inputs]
    messages = [
        f"--shape names '{name}', which is not an input; the inputs are {', '.join(names)}"
        for name in shapes
        if name not in names
    ]
    static: dict[str, Shape] = {}
    for info in inputs:
        try:
            static[info.name] = _input_shape(info, shapes.get(info.name))
        except ValueError as error:
            messages.append(f"input '{info.name}' {error}")
    if messages:
        raise OnnxError(path, messages)
    try:
        division = divide(static, samples)
    except ValueError as error:
        raise OnnxError(path, [str(error)]) from None
    if samples == "whole":
        _remark_on_batch([info for info in inputs if info.name not in shapes], static, path)
    batch = division.batch
    static = {name: (*batch, *shape[len(batch) :]) for name, shape in static.items()}
    del graph.input[:], graph.value_info[:], graph.output[:]
    for name, shape in static.items():
        graph.input.append(helper.make_tensor_value_info(name, kinds[name], shape))
    return static, division


def _remark_on_batch(
    inputs: Sequence[onnx.ValueInfoProto], static: Mapping[str, Shape], path: Path
) -> None:
    """Say that an open batch is 1, and how to set another, when an inference takes a whole batch."""
    for info in inputs:
        dims = _dims(info.type.tensor_type)
        if dims and isinstance(dims[0], str):
            name, batch = info.name, dims[0]
            other = ",".join([batch, *map(str, static[name][1:])])
            taken = f"input '{name}' has an open batch '{batch}', which is taken as 1"
            emit_remark(path, f"{taken}; --shape {name}={other} sets another")
            return


def _input_shape(info: onnx.ValueInfoProto, override: Sequence[int] | None) -> Shape:
    """Return the static shape of a graph input; a symbolic batch is 1. Raises ValueError."""
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        raise ValueError(f"is not a tensor but a {kind}")
    tensor = info.type.tensor_type
    if tensor.elem_type not in INPUTS:
        element = element_name(tensor.elem_type).lower()
        known = ", ".join(element_name(kind).lower() for kind in INPUTS)
        raise ValueError(f"has elements of type {element}; supported are {known}")
    dims = _dims(tensor) if override is None else list(override)
    if override is not None and tensor.HasField("shape") and len(dims) != len(tensor.shape.dim):
        raise ValueError(
            f"has {count_of(len(tensor.shape.dim), 'dimension')}, but --shape sets {len(dims)}"
        )
    if dims and isinstance(dims[0], str):
        dims[0] = 1
    return _static(info.name, dims)


def _kind(info: onnx.ValueInfoProto) -> int:
    return info.type.tensor_type.elem_type


def _dims(tensor: onnx.TypeProto.Tensor) -> list[int | str]:
    """Return the dimensions of a tensor type: numbers, or names (`D2` for the third, if it has none)."""
    if not tensor.HasField("shape"):
        raise ValueError("has no shape; set one with --shape")
    # Some exporters write zero or negative values for "unknown".
    return [
        d.dim_value if d.dim_value > 0 else d.dim_param or f"D{k}"
        for k, d in enumerate(tensor.shape.dim)
    ]


def _static(name: str, dims: Sequence[int | str]) -> Shape:
    """Return the dimensions. Raises ValueError if some are unknown."""
    text = ",".join(map(str, dims))
    static = tuple(dim for dim in dims if isinstance(dim, int))
    if len(static) < len(dims):
        symbols = ", ".join(f"'{dim}'" for dim in dims if isinstance(dim, str))
        raise ValueError(f"has unknown dimensions {symbols}; set them: --shape {name}={text}")
    return static


def _check_and_infer(model: onnx.ModelProto, path: Path) -> dict[str, onnx.TypeProto.Tensor]:
    """Check the model and return the types of ONNX's inference."""
    try:
        checker.check_model(model)
        return infer_types(model)
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise OnnxError(path, [f"invalid model: {explain_finding(error, model)}"]) from error
