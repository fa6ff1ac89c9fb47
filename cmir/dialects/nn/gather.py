"""Gathering by constant indices, and broadcasting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, traits_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.interface import LayoutOp
from cmir.dialects.nn.operation import INT, INTS, TENSOR, Shape, ints, number, numbers, shape_of
from cmir.dialects.nn.relations import element_box, element_map, element_names
from cmir.dialects.nn.widening import LayoutCanonicalization
from cmir.support.counts import count_of

MOST_RUNS = 128
"""Maximum number of runs of equally spaced indices. Each run is one piece of a relation."""


@irdl_op_definition
class GatherOp(LayoutOp):
    """Slices of dimension `axis` selected by a list of indices, in the order of the list. Indices can repeat.

    ```mlir
    %y = nn.gather %x {axis = 0, indices = [3, 1, 1]} : (tensor<16x8x8xf32>) -> tensor<3x8x8xf32>
    ```

    Each run of equally spaced indices is one affine piece of the relation. The verifier rejects more than 128 runs:
    such indices are data and need a table, not relations.

    ONNX: Gather with constant indices.
    """

    name = "nn.gather"

    x = operand_def(TENSOR)
    axis = prop_def(INT)
    indices = prop_def(INTS)

    traits = traits_def(LayoutCanonicalization())

    def __init__(self, x: SSAValue | Operation, axis: int, indices: Sequence[int]):
        super().__init__([x], {"axis": IntegerAttr(axis, i64), "indices": ints(indices)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), axis = shapes, number(options, "axis")
        indices = numbers(options, "indices")
        if not 0 <= axis < len(x):
            raise VerifyException(
                f"`axis` must be one of the {len(x)} dimensions, counted from 0, got {axis}"
            )
        if not indices:
            raise VerifyException("`indices` must not be empty")
        for index in indices:
            if not 0 <= index < x[axis]:
                raise VerifyException(
                    f"index {index} is outside dimension {axis}, which has {count_of(x[axis], 'element')}"
                )
        if (count := len(runs(indices))) > MOST_RUNS:
            raise VerifyException(
                f"`indices` must have at most {MOST_RUNS} runs of equal steps, got {count}"
            )
        return (*x[:axis], len(indices), *x[axis + 1 :])

    def element_relation(self, operand: int = 0) -> isl.Map:
        axis, x = number(self.properties, "axis"), shape_of(self.x)
        names = element_names(len(self.result_shape))
        location = list(names)
        location[axis] = "x"
        pieces = (
            f"({run.first} <= {names[axis]} < {run.first + run.count}"
            f" and x = {run.start} + {run.step}*({names[axis]} - {run.first}))"
            for run in runs(self.indices.get_values())
        )
        where = f"({' or '.join(pieces)})"
        return element_map(element_box(self.result_shape), location, x, where)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return operands[0].take(self.indices.get_values(), number(self.properties, "axis"))

    def is_identity(self) -> bool:
        size = shape_of(self.x)[number(self.properties, "axis")]
        return self.indices.get_values() == tuple(range(size))


@irdl_op_definition
class ExpandOp(LayoutOp):
    """Broadcast of the operand to a shape, as in NumPy.

    Dimensions that are missing in front or of size 1 are repeated.

    ```mlir
    %y = nn.expand %x {shape = [16, 8, 8]} : (tensor<16x1x1xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Expand.
    """

    name = "nn.expand"

    x = operand_def(TENSOR)
    shape = prop_def(INTS)

    traits = traits_def(LayoutCanonicalization())

    def __init__(self, x: SSAValue | Operation, shape: Sequence[int]):
        super().__init__([x], {"shape": ints(shape)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), shape = shapes, numbers(options, "shape")
        kept = shape[len(shape) - len(x) :]
        if len(shape) < len(x) or any(a not in (1, b) for a, b in zip(x, kept, strict=True)):
            raise VerifyException(f"shape {list(x)} does not broadcast to `shape`, {list(shape)}")
        if any(size < 1 for size in shape):
            raise VerifyException(f"`shape` must be > 0, got {list(shape)}")
        return shape

    def element_relation(self, operand: int = 0) -> isl.Map:
        x, names = shape_of(self.x), element_names(len(self.result_shape))
        kept = names[len(names) - len(x) :]
        location = ["0" if size == 1 else name for name, size in zip(kept, x, strict=True)]
        return element_map(element_box(self.result_shape), location, x)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return np.broadcast_to(operands[0], self.result_shape)

    def is_identity(self) -> bool:
        return self.result_shape == shape_of(self.x)


@dataclass(frozen=True)
class IndexRun:
    """A run of equally spaced indices, which starts with index `start` at position `first` of the list."""

    first: int
    start: int
    step: int
    count: int


def runs(indices: Sequence[int]) -> list[IndexRun]:
    """Split a list of indices into runs, and return these in order."""
    found: list[IndexRun] = []
    first = 0
    while first < len(indices):
        step = indices[first + 1] - indices[first] if first + 1 < len(indices) else 0
        stop = first + 1
        while stop < len(indices) and indices[stop] - indices[stop - 1] == step:
            stop += 1
        found.append(IndexRun(first, indices[first], step, stop - first))
        first = stop
    return found
