"""Shape inference by ONNX, without large values.

To find shapes that are computed from shapes, ONNX propagates values: it keeps a record for each element of a vector
that an operator on shapes, such as `Gather`, reads, however many there are. It is therefore run without values first,
and then with values on those nodes whose vectors are known to be short.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import onnx
from onnx import shape_inference

from cmir.frontends.onnx.node import Node

MOST_VALUES = 4096
"""The most elements of a vector that is propagated. Shapes have few."""

GROWING = frozenset(
    "ConstantOfShape Expand EyeLike MelWeightMatrix OneHot Pad Range Resize Tile Upsample".split()
)
"""The operators whose results may be of any size, as the values of their inputs say."""

Types = Mapping[str, onnx.TypeProto.Tensor]


def infer_types(model: onnx.ModelProto) -> dict[str, onnx.TypeProto.Tensor]:
    """Return the types of the tensors that nodes compute, by name. Raises InferenceError."""
    without = _types(shape_inference.infer_shapes(model))
    small = _with_short_vectors(model, without)
    found = _types(shape_inference.infer_shapes(small, data_prop=True))
    return without | {n: type_ for n, type_ in found.items() if shape_of_type(type_) is not None}


def is_misjudged(node: Node) -> bool:
    """Return True if ONNX infers a wrong shape for some nodes with these attributes.

    In these cases, onnxruntime computes another shape than ONNX infers: pools that round up, whose last window may lie
    in the padding alone, before opset 22; transposed convolutions that are padded to a size, which output_padding does
    not change. STFT is one-sided by default.
    """
    options = {attribute.name: attribute for attribute in node.proto.attribute}
    match node.proto.op_type:
        case "AveragePool" | "LpPool" | "MaxPool" if "ceil_mode" in options:
            rounds_up = options["ceil_mode"].i != 0
            return rounds_up and node.schema is not None and node.schema.since_version < 22
        case "ConvTranspose" if "auto_pad" in options:
            return options["auto_pad"].s.startswith(b"SAME") and "output_padding" in options
        case "STFT":
            return "onesided" not in options
        case "If":  # sample by sample, another shape may mean that samples are mixed
            return not node.batch
        case _:
            return False


def shape_of_type(tensor: onnx.TypeProto.Tensor) -> tuple[int, ...] | None:
    """Return the dimensions of a tensor type, or None if they are not all known."""
    if tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim):
        return tuple(d.dim_value for d in tensor.shape.dim)
    return None


def _types(model: onnx.ModelProto) -> dict[str, onnx.TypeProto.Tensor]:
    return {info.name: info.type.tensor_type for info in model.graph.value_info}


def _with_short_vectors(model: onnx.ModelProto, types: Types) -> onnx.ModelProto:
    """Return a copy of the model without nodes that read or make long vectors. Their results are inputs instead."""
    known = dict(types)
    known |= {info.name: info.type.tensor_type for info in model.graph.input}
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.node[:]
    for node in model.graph.node:
        vectors = any(
            _is_long(known[name]) for name in (*node.input, *node.output) if name in known
        )
        if not vectors and not (node.op_type in GROWING and not _are_known(known, node)):
            copy.graph.node.append(node)
            continue
        for name in node.output:
            if name in known:
                info = copy.graph.input.add(name=name)
                info.type.tensor_type.CopyFrom(known[name])
    return copy


def _is_long(tensor: onnx.TypeProto.Tensor) -> bool:
    shape = shape_of_type(tensor)
    return shape is not None and len(shape) <= 1 and prod(shape) > MOST_VALUES


def _are_known(types: Types, node: onnx.NodeProto) -> bool:
    """Return True if the shapes of all results are known."""
    return all(
        name in types and shape_of_type(types[name]) is not None for name in node.output if name
    )
