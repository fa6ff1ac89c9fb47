"""Constant folding of nodes by ONNX's reference implementation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import AttributeProto, helper
from onnx.defs import OpSchema, get_schema
from onnx.reference import ReferenceEvaluator

from cmir.frontends.onnx.errors import ImporterError, one_line
from cmir.frontends.onnx.node import Constant, Node


def is_random(schema: OpSchema) -> bool:
    """Return True if the operator draws random numbers.

    Such an operator has an attribute `seed` in the newest version of its schema.
    """
    return "seed" in get_schema(schema.name, domain=schema.domain).attributes


def is_pure(node: Node) -> bool:
    """Return True if ONNX defines the node's outputs as a function of its inputs."""
    if node.schema is None or is_random(node.schema):
        return False
    # A subgraph may refer to any tensor.
    subgraph = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
    return all(attribute.type not in subgraph for attribute in node.proto.attribute)


def fold(
    node: Node, inputs: Sequence[Constant | None], opsets: Mapping[str, int]
) -> list[Constant]:
    """Evaluate the node; return its outputs as constants. Raises ImporterError if it cannot be evaluated."""
    feeds = {n: c.array for n, c in zip(node.proto.input, inputs, strict=True) if c is not None}
    outputs = [name for name in node.proto.output if name]
    graph = helper.make_graph(
        [node.proto],
        "fold",
        [helper.make_empty_tensor_value_info(name) for name in feeds],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
    )
    try:
        results = ReferenceEvaluator(graph, opsets=dict(opsets)).run(outputs, feeds)
    except Exception as error:  # NumPy and the evaluator raise various errors
        raise ImporterError(f"its constants cannot be computed: {one_line(str(error))}") from error
    arrays = dict(zip(outputs, results, strict=True))
    return [Constant(n, np.asarray(arrays.get(n, ()))) for n in node.proto.output]
