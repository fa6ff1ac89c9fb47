"""Operators whose first dimension is a batch, in models without a batch dimension."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from cmir.dialects import nn
from cmir.dialects.nn.operation import shape_of
from cmir.frontends.onnx.errors import ImporterLimitError
from cmir.frontends.onnx.node import Activation, Node, Value
from cmir.frontends.onnx.registry import Importer


def one_batch(importer: Importer, node: Node, inputs: Sequence[Value | None]) -> Sequence[Value]:
    """Translate a node of a model without a batch dimension, whose tensors the operator treats as batches of 1."""
    samples = [_sample(node, i) if isinstance(i, Activation) else i for i in inputs]
    results = importer(dataclasses.replace(node, batch=(1,)), samples)
    return [_batch(node, r) if isinstance(r, Activation) else r for r in results]


def _sample(node: Node, x: Activation) -> Activation:
    if not shape_of(x):  # a scale or a zero point: one for the whole batch
        return x
    count, *rest = shape_of(x)
    if count != 1:
        raise ImporterLimitError(
            f"a batch of {count} is not one sample; the model needs a batch dimension"
        )
    return node.build(nn.ReshapeOp(x, rest))


def _batch(node: Node, x: Activation) -> Activation:
    return node.build(nn.ReshapeOp(x, (1, *shape_of(x))))
