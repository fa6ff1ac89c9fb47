"""Floats of other types than float32 in operators that ONNX defines by others.

Some definitions combine inputs of several types, or have constants of float32 alone. They are computed in a type that
holds all floats, and the results are rounded to the types that the operator gives them.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import f32

from cmir.dialects.nn.operation import FLOATS
from cmir.frontends.onnx.node import Activation, Node, Value
from cmir.frontends.onnx.operators.elementwise import (
    as_element,
    converted,
    element_of_value,
    wide_float,
)


def widened_inputs(node: Node, inputs: Sequence[Value | None]) -> Sequence[Value | None] | None:
    """Return the inputs with all floats in one type, or None if that changes none of them."""
    wide = wide_float(*(x for x in inputs if x is not None))
    floats = {element_of_value(x) for x in inputs if x is not None} & {*FLOATS}
    if floats <= {wide}:
        return None
    return [
        converted(node, x, wide) if x is not None and element_of_value(x) in FLOATS else x
        for x in inputs
    ]


def rounded_results(
    node: Node, inputs: Sequence[Value | None], results: Sequence[Value]
) -> Sequence[Value]:
    """Return the results in the types that the operator gives them for these inputs: float32 where it does not say."""
    assert node.schema is not None
    known = {
        formal.type_str: element_of_value(x)
        for formal, x in zip(node.schema.inputs, inputs, strict=False)
        if x is not None
    }
    return [
        as_element(node, x, known.get(formal.type_str) or f32)
        if isinstance(x, Activation) and element_of_value(x) in FLOATS
        else x
        for formal, x in zip(node.schema.outputs, results, strict=False)
    ]
