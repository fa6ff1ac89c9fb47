"""The integers that an imported network rounds to, by ONNX node: what `cmir.checking.ties` prefers at ties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.dialects.func import FuncOp

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn import QuantizeOp, WhereOp, evaluate_function
from cmir.dialects.nn.operation import shape_of
from cmir.support.origins import node_of

ROUNDING = (QuantizeOp, WhereOp)
"""Operators by which importers round numbers to integers: to signs, the second."""


def rounded_numbers(
    function: FuncOp, inputs: Sequence[np.ndarray], parameters: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the last integers that the operations of each ONNX node compute, for nodes that round numbers.

    function: as imported. inputs: those of one inference.
    """
    nodes = {node_of(op) for op in function.walk() if isinstance(op, ROUNDING)}
    if not nodes:
        return {}
    shapes = [shape_of(argument) for argument in function.body.block.args]
    arrays = [x.reshape(shape) for x, shape in zip(inputs, shapes, strict=True)]
    with np.errstate(all="ignore"):  # infinities and NaNs are results
        _, values = evaluate_function(function, arrays, parameters, intermediates=True)
    found: dict[str, np.ndarray] = {}
    for op in function.body.block.ops:
        name = node_of(op)
        if name is None or name not in nodes or not op.results:
            continue
        if dtype_of(op.results[0]).kind in "iu":
            found[name] = values[op.results[0]]
    return found
