"""View of a node for the importer that translates it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import DTypeLike
from onnx import helper, numpy_helper
from xdsl.ir import Block, Operation, SSAValue

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import Shape, shape_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.support.counts import count_of
from cmir.support.limits import bytes_text, count_text, memory_limit


@dataclass(frozen=True)
class Constant:
    """A tensor known at import: stored in the model, or computed from such tensors."""

    name: str
    array: np.ndarray

    @property
    def shape(self) -> Shape:
        return self.array.shape


Activation: TypeAlias = SSAValue
"""A tensor that depends on the model's inputs, without the dimensions of `Node.batch`."""

Value: TypeAlias = Activation | Constant


def _no_subgraphs(graph: onnx.GraphProto, inputs: Mapping[str, Value]) -> Sequence[Value]:
    raise ImporterError("subgraphs are not supported here")


def _no_detaching(block: Block, build: Callable[[], Sequence[Value]]) -> Sequence[Value]:
    raise ImporterError("subgraphs are not supported here")


def _no_remarks(message: str) -> None:
    pass


@dataclass(frozen=True)
class Node:
    """A node of the model, with functions to translate it."""

    proto: onnx.NodeProto
    schema: onnx.defs.OpSchema | None
    """Schema of the operator at the model's opset; None outside ONNX's domains."""
    build: Callable[[Operation], SSAValue]
    """Function that appends an operation, and returns its first result."""
    parameter: Callable[[Constant], SSAValue]
    """Function that turns a constant into a parameter of the network."""
    batch: Shape = (1,)
    """Leading dimensions of an activation's shape in ONNX: the batch, or none if inferences take whole inputs."""
    subgraph: Callable[[onnx.GraphProto, Mapping[str, Value]], Sequence[Value]] = _no_subgraphs
    """Function that translates a subgraph in place, given its inputs by name, and returns its outputs."""
    narrow: Mapping[str, np.dtype[Any]] = field(default_factory=dict[str, np.dtype[Any]])
    """The types of tensors of 2 or 4 bits, whose elements `i8` holds, by name."""
    detach: Callable[[Block, Callable[[], Sequence[Value]]], Sequence[Value]] = _no_detaching
    """Function that moves what another function builds, apart from parameters, to a block, and returns its values."""
    remark: Callable[[str], None] = _no_remarks
    """Function that prints a remark about the node."""

    def dtype(self, index: int, x: Value) -> np.dtype[Any]:
        """Return the type that an input has in ONNX, given its index and value."""
        if isinstance(x, Constant):
            return x.array.dtype
        return self.narrow.get(self.proto.input[index], dtype_of(x))

    def shape(self, x: Activation) -> Shape:
        """Return the shape that the activation has in ONNX."""
        return (*self.batch, *shape_of(x))

    def axis(self, x: Activation, axis: int) -> int:
        """Convert an ONNX axis of the whole tensor to an axis of a sample."""
        return self.axes(x, [axis])[0]

    def axes(self, x: Activation, axes: Sequence[int]) -> list[int]:
        """Convert several ONNX axes, in order. Raises ImporterError for the batch axis."""
        result = [axis - len(self.batch) for axis in self.whole_axes(x, axes)]
        if min(result, default=0) < 0:
            raise ImporterError("it would mix the samples of a batch (axis 0)")
        return result

    def whole_axes(self, x: Activation, axes: Sequence[int]) -> list[int]:
        """Convert ONNX axes, which may be negative, to dimensions of the whole tensor."""
        return whole_axes(len(self.shape(x)), axes)

    def default_of(self, attribute: str) -> object:
        """Return the attribute's default in ONNX; None if it has none."""
        if self.schema is None or attribute not in self.schema.attributes:
            return None
        default = self.schema.attributes[attribute].default_value
        return plain(default) if default.type else None

    def input_name(self, index: int) -> str:
        """Return the name of an input in ONNX's documentation; its index if it has no name."""
        return _formal_name(self.schema.inputs if self.schema else (), index)

    def output_name(self, index: int) -> str:
        """Return the name of an output in ONNX's documentation; its index if it has no name."""
        return _formal_name(self.schema.outputs if self.schema else (), index)


def read_tensors(proto: onnx.NodeProto) -> Iterator[str]:
    """Yield the names of the tensors that a node reads, also in subgraphs, and of some that are their own."""
    yield from proto.input
    for attribute in proto.attribute:
        for graph in (attribute.g, *attribute.graphs):
            yield from (output.name for output in graph.output)
            for inner in graph.node:
                yield from read_tensors(inner)


def check_constant(shape: Sequence[int], dtype: DTypeLike) -> None:
    """Refuse a constant of the size of a tensor that takes more memory than there is. Raises ImporterError."""
    elements = prod(shape)
    if elements * np.dtype(dtype).itemsize > (limit := memory_limit()):
        count = count_text(elements)
        raise ImporterError(
            f"it takes a constant of {count} elements, more than {bytes_text(limit)} (see --memory)"
        )


def shape_of_rank(x: SSAValue, name: str, least: int, most: int | None = None) -> Shape:
    """Return the shape of a tensor with `least` dimensions, or `least` to `most`. Raises ImporterError for others.

    name: of the tensor, for the message.
    """
    shape = shape_of(x)
    if not least <= len(shape) <= (least if most is None else most):
        wanted = f"{least} to {most} dimensions" if most else count_of(least, "dimension")
        raise ImporterError(f"{name} must have {wanted}, got shape {list(shape)}")
    return shape


def whole_axes(rank: int, axes: Sequence[int]) -> list[int]:
    """Convert ONNX axes, which may be negative, to dimensions of a tensor. Raises ImporterError."""
    if not all(-rank <= axis < rank for axis in axes):
        raise ImporterError(
            f"axes = {list(axes)} do not fit a tensor of {count_of(rank, 'dimension')}"
        )
    return [axis % rank for axis in axes]


def _formal_name(formals: Sequence[onnx.defs.OpSchema.FormalParameter], index: int) -> str:
    # A variadic last one stands for all that follow.
    return formals[min(index, len(formals) - 1)].name if formals else str(index)


def plain(attribute: onnx.AttributeProto) -> Any:
    """Return an attribute's value as numbers, strings and lists; subgraphs are unchanged. Raises ImporterError."""

    def convert(value: Any) -> Any:
        if isinstance(value, bytes):
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise ImporterError(f"attribute {attribute.name} is not UTF-8 text") from None
        if isinstance(value, onnx.TensorProto):
            return numpy_helper.to_array(value).tolist()
        return value

    value = helper.get_attribute_value(attribute)
    return [convert(item) for item in value] if isinstance(value, list) else convert(value)
