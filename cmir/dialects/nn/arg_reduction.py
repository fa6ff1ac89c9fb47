"""Operators that find the indices of the largest or smallest elements along an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import IntegerAttr, UnitAttr, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects import vectors
from cmir.dialects.nn import formula
from cmir.dialects.nn.interface import Access, IterationOp
from cmir.dialects.nn.operation import (
    FLOATS,
    INT,
    TENSOR,
    WHOLE,
    Shape,
    flag,
    number,
    shape_of,
)
from cmir.dialects.nn.reduction import AxisReductionOp
from cmir.dialects.nn.relations import Box, element_box
from cmir.support.numerics import arg_top_k, position


class ArgReductionOp(AxisReductionOp):
    """Base of operators that return the index, an `i32`, of one element along an axis."""

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    LARGEST: ClassVar[bool]
    """True for the index of the largest element, False for that of the smallest."""

    axis = prop_def(INT)
    last = opt_prop_def(UnitAttr)

    def __init__(
        self, x: SSAValue | Operation, axis: int, keepdims: bool = False, last: bool = False
    ):
        options = {"keepdims": flag(keepdims), "last": flag(last)}
        super().__init__([x], {"axis": IntegerAttr(axis, i64), **options})

    @classmethod
    def reduced_axes(cls, options: Mapping[str, Attribute]) -> Sequence[int]:
        return (number(options, "axis"),)

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        rank, axis = len(shapes[0]), number(options, "axis")
        if not 0 <= axis < rank:
            raise VerifyException(f"`axis` must be one of the {rank} dimensions, got {axis}")
        return super().infer(shapes, options)

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        super().element(operands)
        return i32

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return self._position(formula.Vector(builder, values[0]), 0).value

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        found = self._position(operands[0], number(self.properties, "axis"))
        return found.reshape(self.result_shape)

    def _position(self, x: Any, axis: int) -> Any:
        return position(x, axis, self.LARGEST, self.last is not None)


@irdl_op_definition
class ArgMaxOp(ArgReductionOp):
    """Index of the largest element along an axis.

    Among equal elements the first one counts, or the last one with `last`. NaN is larger than all numbers.

    ```mlir
    %y = nn.argmax %x {axis = 0, keepdims} : (tensor<16x8x8xf32>) -> tensor<1x8x8xi32>
    ```

    ONNX: ArgMax, which returns int64 indices.
    """

    name = "nn.argmax"

    LARGEST: ClassVar[bool] = True


@irdl_op_definition
class ArgMinOp(ArgReductionOp):
    """Index of the smallest element along an axis.

    Among equal elements the first one counts, or the last one with `last`. NaN is smaller than all numbers.

    ```mlir
    %y = nn.argmin %x {axis = 0} : (tensor<10xf32>) -> tensor<i32>
    ```

    ONNX: ArgMin, which returns int64 indices.
    """

    name = "nn.argmin"

    LARGEST: ClassVar[bool] = False


@irdl_op_definition
class ArgTopKOp(IterationOp):
    """Indices, as `i32`, of the `k` smallest elements along an axis in ascending order, or the `largest` in descending.

    Equal elements have the order of their indices. NaN is larger than all numbers.

    ```mlir
    %y = nn.arg_top_k %x {axis = 0, k = 3, largest} : (tensor<10x4xf32>) -> tensor<3x4xi32>
    ```

    ONNX: TopK, the output Indices.
    """

    name = "nn.arg_top_k"

    TAKES: ClassVar[Sequence[Attribute]] = ArgReductionOp.TAKES

    x = operand_def(TENSOR)
    axis = prop_def(INT)
    k = prop_def(INT)
    largest = opt_prop_def(UnitAttr)

    def __init__(self, x: SSAValue | Operation, axis: int, k: int, largest: bool = False):
        numbers = {"axis": IntegerAttr(axis, i64), "k": IntegerAttr(k, i64)}
        super().__init__([x], {**numbers, "largest": flag(largest)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), axis, k = shapes, number(options, "axis"), number(options, "k")
        if not 0 <= axis < len(x):
            raise VerifyException(f"`axis` must be one of the {len(x)} dimensions, got {axis}")
        if not 1 <= k <= x[axis]:
            raise VerifyException(f"`k` must be one of 1 to {x[axis]}, got {k}")
        return (*x[:axis], k, *x[axis + 1 :])

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        super().element(operands)
        return i32

    def iterations(self) -> Box:
        box = [*element_box(self.result_shape).items()]
        del box[number(self.properties, "axis")]
        return dict(box)

    def reads(self) -> Sequence[Access]:
        return [self._along(shape_of(self.x))]

    def write(self) -> Access:
        return self._along(self.result_shape)

    def _along(self, shape: Shape) -> Access:
        name = [*element_box(shape)][number(self.properties, "axis")]
        lanes = {name: element_box(shape)[name]}
        return Access.build(self.iterations(), lanes, [*element_box(shape)], shape)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        k = number(self.properties, "k")
        return builder.insert(vectors.ArgTopKOp(values[0], k, self.largest is not None)).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        (x,), axis, shape = operands, number(self.properties, "axis"), self.result_shape
        rows = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
        found = arg_top_k(rows, shape[axis], self.largest is not None)
        sizes = (*shape[:axis], *shape[axis + 1 :], shape[axis])
        return np.moveaxis(found.reshape(sizes), -1, axis)
