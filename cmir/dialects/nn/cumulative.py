"""Sums and products of all elements before or after each element."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import IntegerAttr, UnitAttr, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import formula
from cmir.dialects.nn.interface import Access, IterationOp
from cmir.dialects.nn.operation import FLOATS, INT, TENSOR, Shape, flag, number, shape_of
from cmir.dialects.nn.relations import Box, element_box


class CumulativeOp(IterationOp):
    """Base of operators that reduce, for each element, the elements along an axis up to it.

    With `reverse`, the elements from it on. With `exclusive`, the element itself does not count.

    One iteration computes one position, in all channels unless the axis is that of the channels. It reads as many lanes
    as the axis has elements; lanes of elements that do not count are padding.
    """

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, i32)

    x = operand_def(TENSOR)
    axis = prop_def(INT)
    exclusive = opt_prop_def(UnitAttr)
    reverse = opt_prop_def(UnitAttr)

    NEUTRAL: ClassVar[float]
    """The result for no elements."""

    def __init__(
        self,
        x: SSAValue | Operation,
        axis: int,
        exclusive: bool = False,
        reverse: bool = False,
    ):
        options = {
            "axis": IntegerAttr(axis, i64),
            "exclusive": flag(exclusive),
            "reverse": flag(reverse),
        }
        super().__init__([x], options)

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), axis = shapes, number(options, "axis")
        if not 0 <= axis < len(x):
            raise VerifyException(
                f"`axis` must be one of the {len(x)} dimensions, counted from 0, got {axis}"
            )
        return x

    def iterations(self) -> Box:
        lanes = self._channels()
        return {n: size for n, size in element_box(self.result_shape).items() if n not in lanes}

    def reads(self) -> Sequence[Access]:
        x, axis = shape_of(self.x), number(self.properties, "axis")
        lanes = {"k": x[axis], **self._channels()}
        location = [*element_box(x)]
        # Positions outside the operand are padding.
        sign = "-" if self.reverse is None else "+"
        first = "" if self.exclusive is None else f" {sign} 1"
        location[axis] = f"{location[axis]}{first} {sign} k"
        return [Access.build(self.iterations(), lanes, location, x, self.NEUTRAL)]

    def write(self) -> Access:
        box = element_box(self.result_shape)
        return Access.build(self.iterations(), self._channels(), [*box], self.result_shape)

    @abstractmethod
    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        """Reduce this array or `Vector` along `axes`, which the result lacks."""

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return formula.build_formula(builder, lambda x: self.formula(x, (0,)), values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        (x,), axis = operands, number(self.properties, "axis")
        size, skipped = x.shape[axis], int(self.exclusive is not None)
        margins, picked = [(0, 0)] * x.ndim, [slice(None)] * x.ndim
        if self.reverse is None:
            margins[axis], picked[axis] = (size - 1 + skipped, 0), slice(0, size)
        else:
            margins[axis], picked[axis] = (0, size - 1 + skipped), slice(skipped, None)
        padded = np.pad(x, margins, constant_values=self.NEUTRAL)
        seen = np.lib.stride_tricks.sliding_window_view(padded, size, axis)
        return formula.compute(lambda x: self.formula(x, (x.ndim - 1,)), seen[tuple(picked)])

    def _channels(self) -> Box:
        """Return the dimension of the channels, if they are lanes."""
        if number(self.properties, "axis") == 0:
            return {}
        return {"c": self.result_shape[0]}


@irdl_op_definition
class CumSumOp(CumulativeOp):
    """Sum of all elements along an axis up to each element.

    With `reverse`, the sum of the elements from it on. With `exclusive`, the element itself does not count.

    ```mlir
    %y = nn.cum_sum %x {axis = 1} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    ```

    One iteration computes one position, in all channels unless the axis is that of the channels.

    ONNX: CumSum.
    """

    name = "nn.cum_sum"

    NEUTRAL: ClassVar[float] = 0.0

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.add.reduce(x, axis=axes)


@irdl_op_definition
class CumProdOp(CumulativeOp):
    """Product of all elements along an axis up to each element.

    With `reverse`, the product of the elements from it on. With `exclusive`, the element itself does not count.

    ```mlir
    %y = nn.cum_prod %x {axis = 0, exclusive, reverse} : (tensor<8xf32>) -> tensor<8xf32>
    ```

    One iteration computes one position, in all channels unless the axis is that of the channels.

    ONNX: CumProd.
    """

    name = "nn.cum_prod"

    NEUTRAL: ClassVar[float] = 1.0

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.multiply.reduce(x, axis=axes)
