"""Read an ONNX file into a checked graph of one sample.

Tensors are taken out of the model *before* the checker and shape inference see it: both serialise
what they are given, and the contents of weights matter to neither.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, checker, helper, inliner, numpy_helper, parser, shape_inference
from xdsl.dialects.builtin import f16, f32, f64, i1, i8, i32
from xdsl.ir import Attribute

from cmir.dialects.nn.operation import Shape, ui8
from cmir.frontends.onnx.errors import OnnxError, one_line
from cmir.frontends.onnx.node import Constant

OLDEST_OPSET = 7
"""The opset that brought NumPy's broadcasting; what is older has other semantics."""

ELEMENTS: dict[int, Attribute] = {
    TensorProto.FLOAT: f32,
    TensorProto.FLOAT16: f16,
    TensorProto.DOUBLE: f64,
    TensorProto.INT8: i8,
    TensorProto.UINT8: ui8,
    TensorProto.INT32: i32,
    TensorProto.BOOL: i1,
}
"""The types of elements that inputs may have."""

LARGE = 256
"""Elements from which the checker and shape inference see a tensor's type only."""


@dataclass(frozen=True)
class Graph:
    """A checked graph of one sample: the inputs' shapes are static, and batch dimensions 1."""

    path: Path
    opsets: Mapping[str, int]
    nodes: Sequence[onnx.NodeProto]
    """In topological order."""
    inputs: Mapping[str, Shape]
    elements: Mapping[str, Attribute]
    """The types of the inputs' elements."""
    outputs: Sequence[str]
    constants: Mapping[str, Constant]
    inferred: Mapping[str, Shape]
    """The shapes that ONNX's own inference found; not of all tensors."""
    indices: Set[str]
    """The tensors of int64."""
    batch: Shape = (1,)
    """The batch dimension of the inputs; empty if they have none."""
    files: Set[Path] = frozenset()
    """The files that hold tensors outside the model."""


def load_graph(path: Path, shapes: Mapping[str, Sequence[int]], batch: bool = True) -> Graph:
    """Read and check ``path``; ``shapes`` sets the shapes of inputs. Raises OnnxError."""
    model = _inline_functions(_read(path), path)
    _normalise(model)
    _check_opset(model, path)
    files = _external_files(model, path)
    constants = _take_constants(model, path)
    # Copy what is left: protobuf frees the tensors only with the message that held them.
    skeleton = onnx.ModelProto()
    skeleton.CopyFrom(model)
    del model
    outputs = [output.name for output in skeleton.graph.output]
    inputs = _fix_inputs(skeleton.graph, constants, shapes, batch, path)
    _declare_constants(skeleton.graph, constants)
    return Graph(
        path,
        {opset.domain: opset.version for opset in skeleton.opset_import},
        skeleton.graph.node,
        inputs,
        {info.name: _element(info) for info in skeleton.graph.input if info.name in inputs},
        outputs,
        constants,
        *_check_and_infer(skeleton, path),
        (1,) if batch else (),
        files,
    )


def _read(path: Path) -> onnx.ModelProto:
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
        raise OnnxError(path, [one_line(error.args[0].decode())]) from error
    if not model.ir_version or not model.graph.output:
        raise OnnxError(path, ["not an ONNX model, or one without outputs"])
    return model


def _check_opset(model: onnx.ModelProto, path: Path) -> None:
    """Refuse opsets of ONNX's own domain that are not understood."""
    newest = onnx.defs.onnx_opset_version()
    for opset in model.opset_import:
        if opset.domain == "" and not OLDEST_OPSET <= opset.version <= newest:
            message = (
                f"opset {opset.version} is not supported, only {OLDEST_OPSET} to {newest}:"
                " convert the model with onnx.version_converter"
            )
            raise OnnxError(path, [message])


def _normalise(model: onnx.ModelProto) -> None:
    """Undo two differences between models that mean nothing."""
    # From this version on, initializers need not be inputs too.
    model.ir_version = max(model.ir_version, 4)
    # ONNX's own domain has two names.
    for item in (*model.opset_import, *model.graph.node):
        if item.domain == "ai.onnx":
            item.domain = ""


def _inline_functions(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    if not model.functions:
        return model
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # whatever the C++ inliner throws
        message = f"cannot inline the model's functions: {one_line(str(error))}"
        raise OnnxError(path, [message]) from error


def _holds_tensor(node: onnx.NodeProto) -> bool:
    """Return True if the node is a Constant whose value is a dense tensor."""
    return node.op_type == "Constant" and [a.name for a in node.attribute] == ["value"]


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
    constants = {name: _constant(name, tensor, path) for name, tensor in tensors.items()}
    nodes = [node for node in graph.node if not _holds_tensor(node)]
    del tensors, graph.initializer[:], graph.node[:]
    graph.node.extend(nodes)
    return constants


def _constant(name: str, tensor: TensorProto, path: Path) -> Constant:
    try:
        return Constant(name, numpy_helper.to_array(tensor, str(path.parent)))
    except Exception as error:  # missing or truncated data, unknown types: ONNX has no common class
        raise OnnxError(path, [f"initializer '{name}': {one_line(str(error))}"]) from error


def _declare_constants(graph: onnx.GraphProto, constants: Mapping[str, Constant]) -> None:
    """Put the constants back for the checker: the small ones as such, the large ones as inputs."""
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
    batch: bool,
    path: Path,
) -> dict[str, Shape]:
    """Leave only real inputs among the graph's inputs, with static shapes; return these.

    What the model says about other shapes is dropped: it is redundant, and follows from the shapes
    that the inputs had before.
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
            static[info.name] = _input_shape(info, shapes.get(info.name), batch)
        except ValueError as error:
            messages.append(f"input '{info.name}' {error}")
    if messages:
        raise OnnxError(path, messages)
    del graph.input[:], graph.value_info[:], graph.output[:]
    for name, shape in static.items():
        graph.input.append(helper.make_tensor_value_info(name, kinds[name], shape))
    return static


def _input_shape(info: onnx.ValueInfoProto, override: Sequence[int] | None, batch: bool) -> Shape:
    """Return the static shape of a graph input for one sample. Raises ValueError."""
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        raise ValueError(f"is not a tensor but a {kind}")
    tensor = info.type.tensor_type
    if tensor.elem_type not in ELEMENTS:
        element = TensorProto.DataType.Name(tensor.elem_type).lower()
        known = ", ".join(TensorProto.DataType.Name(kind).lower() for kind in ELEMENTS)
        raise ValueError(f"has elements of type {element}; supported are {known}")
    dims = _dims(tensor) if override is None else list(override)
    if override is not None and tensor.HasField("shape") and len(dims) != len(tensor.shape.dim):
        raise ValueError(f"has {len(tensor.shape.dim)} dimensions, but --shape sets {len(dims)}")
    if batch and dims and isinstance(dims[0], str):
        dims[0] = 1
    return _one_sample(info.name, dims, batch)


def _element(info: onnx.ValueInfoProto) -> Attribute:
    return ELEMENTS[info.type.tensor_type.elem_type]


def _dims(tensor: onnx.TypeProto.Tensor) -> list[int | str]:
    """Return the dimensions of a tensor type: numbers, or names ("?" for one without a name)."""
    if not tensor.HasField("shape"):
        raise ValueError("has no shape; set one with --shape")
    # Zero and negative values are what some exporters write for "unknown".
    return [d.dim_value if d.dim_value > 0 else d.dim_param or "?" for d in tensor.shape.dim]


def _one_sample(name: str, dims: Sequence[int | str], batch: bool) -> Shape:
    """Check that the dimensions are known and those of one sample."""
    text = ",".join(map(str, dims))
    static = tuple(dim for dim in dims if isinstance(dim, int))
    if len(static) < len(dims):
        symbols = ", ".join(f"'{dim}'" for dim in dims if isinstance(dim, str))
        raise ValueError(f"has unknown dimensions {symbols}; set them: --shape {name}={text}")
    if batch and static[:1] != (1,):
        raise ValueError(
            f"has the shape [{text}]; the first dimension must be a batch of 1 or symbolic"
            " (set it with --shape)"
        )
    return static


def _check_and_infer(model: onnx.ModelProto, path: Path) -> tuple[dict[str, Shape], Set[str]]:
    """Check the model and return what ONNX infers: static shapes, and which tensors are of int64."""
    try:
        checker.check_model(model)
        inferred = shape_inference.infer_shapes(model, data_prop=True)
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise OnnxError(path, [f"invalid model: {one_line(str(error))}"]) from error
    shapes, indices = dict[str, Shape](), set[str]()
    for info in inferred.graph.value_info:
        tensor = info.type.tensor_type
        if tensor.elem_type == TensorProto.INT64:
            indices.add(info.name)
        if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
            shapes[info.name] = tuple(d.dim_value for d in tensor.shape.dim)
    return shapes, indices
