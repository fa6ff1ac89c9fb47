"""Operators whose first dimension is a batch by definition, in models whose batch is a dimension like any other."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from cmir.dialects import nn
from cmir.dialects.nn.operation import numbers, shape_of
from cmir.frontends.onnx.errors import ImporterError, ImporterLimitError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.registry import Importer

_ADDED: Mapping[str, tuple[int, int]] = {
    "dilations": (1, 1),
    "kernel_shape": (1, 1),
    "output_padding": (1, 0),
    "pads": (2, 0),
    "strides": (1, 1),
}
"""Attributes with (number of lists) of a number for each spatial dimension, and (the number) that leaves one alone."""


def import_batch(importer: Importer, node: Node, inputs: Sequence[Value | None]) -> Sequence[Value]:
    """Translate a node whose tensors are batches with its importer, which takes one sample.

    Several samples are combined into one if the importer says how (see `importer`). Raises ImporterError if not.
    """
    batches = {
        index: x
        for index, x in enumerate(inputs)
        if isinstance(x, Activation) and shape_of(x) and not importer.needs_constant(index)
    }
    if any(len(shape_of(x)) < 2 for x in batches.values()):
        raise ImporterError("the input must have a batch and channels, but has one dimension")
    sizes = {shape_of(x)[0] for x in batches.values()} or {1}
    count = max(sizes)
    if len(sizes) > 1 or (importer.batched is True and count > 1):
        raise ImporterLimitError(
            f"a batch of {count} is not one sample: split it (--samples split)"
        )
    space = max((len(shape_of(x)) - 2 for x in batches.values()), default=0)
    way = _Alone if count == 1 else _InSpace if importer.batched == "space" else _InChannels
    one = way(node, count, space)
    given = [
        one.sample(batches[index])
        if index in batches
        else one.constant(x)
        if isinstance(x, Constant)
        else x
        for index, x in enumerate(inputs)
    ]
    results = importer(dataclasses.replace(node, proto=one.proto(), batch=(1,)), given)
    return [one.batch(r) if isinstance(r, Activation) else r for r in results]


@dataclasses.dataclass(frozen=True)
class _Alone:
    """A batch of 1 as a sample: without the batch dimension."""

    node: Node
    count: int
    """Number of samples."""
    space: int
    """Number of spatial dimensions."""

    def proto(self) -> onnx.NodeProto:
        """Return the node for the sample."""
        return self.node.proto

    def constant(self, constant: Constant) -> Constant:
        """Return an operand of the operator for the sample."""
        return constant

    def sample(self, x: Activation) -> Activation:
        """Build the sample."""
        return self.reshaped(x, shape_of(x)[1:])

    def batch(self, x: Activation) -> Activation:
        """Build the batch that a result for the sample stands for."""
        return self.reshaped(x, (1, *shape_of(x)))

    def reshaped(self, x: Activation, shape: Sequence[int]) -> Activation:
        # Between operators in a row, samples need not become a batch.
        if isinstance(x.owner, nn.ReshapeOp) and shape_of(x.owner.x) == tuple(shape):
            return x.owner.x
        return self.node.build(nn.ReshapeOp(x, shape))


class _InChannels(_Alone):
    """A batch as a sample with the channels of all samples, in order."""

    def constant(self, constant: Constant) -> Constant:
        if not constant.shape:  # one number for all channels
            return constant
        return Constant(f"{constant.name}.repeated", np.tile(constant.array, self.count))

    def sample(self, x: Activation) -> Activation:
        _, channels, *space = shape_of(x)
        return self.reshaped(x, (self.count * channels, *space))

    def batch(self, x: Activation) -> Activation:
        channels, *space = shape_of(x)
        return self.reshaped(x, (self.count, channels // self.count, *space))


class _InSpace(_Alone):
    """A batch as a sample whose first spatial dimension is the batch."""

    def proto(self) -> onnx.NodeProto:
        proto = onnx.NodeProto()
        proto.CopyFrom(self.node.proto)
        for attribute in proto.attribute:
            if attribute.name in _ADDED:
                lists, number = _ADDED[attribute.name]
                size = len(attribute.ints) // lists
                for i in reversed(range(lists)):
                    attribute.ints.insert(i * size, number)
            elif attribute.name == "output_shape":
                attribute.ints.insert(len(attribute.ints) - self.space, self.count)
        return proto

    def constant(self, constant: Constant) -> Constant:
        arrays = {
            field.name: np.expand_dims(array, 2)
            for field in dataclasses.fields(constant)
            if isinstance(array := getattr(constant, field.name), np.ndarray) and array.ndim > 2
        }  # of weights, which have output channels × input channels × space
        return dataclasses.replace(constant, **arrays)

    def sample(self, x: Activation) -> Activation:
        return self._exchanged(x)

    def batch(self, x: Activation) -> Activation:
        return self._exchanged(x)

    def _exchanged(self, x: Activation) -> Activation:
        op, perm = x.owner, (1, 0, *range(2, len(shape_of(x))))
        if isinstance(op, nn.TransposeOp) and numbers(op.properties, "perm") == perm:
            return op.x
        return self.node.build(nn.TransposeOp(x, perm))
