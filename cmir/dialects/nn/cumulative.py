"""Sums and products of all elements before or after each element."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import islpy as isl
import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import IntegerAttr, UnitAttr, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import formula
from cmir.dialects.nn.interface import Access, IterationOp, Own
from cmir.dialects.nn.operation import FLOATS, INT, TENSOR, Shape, flag, number
from cmir.dialects.nn.relations import Box, element_box


class CumulativeOp(IterationOp):
    """Base of operators that reduce, for each element, the elements along an axis up to it.

    With `reverse`, the elements from it on. With `exclusive`, the element itself does not count.

    One iteration computes one position, in all channels. If the axis is that of the channels, it computes one position
    of the others except the last one, whose elements are its lanes. It reads the result of the position before.
    """

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, i32, i64)

    x = operand_def(TENSOR)
    axis = prop_def(INT)
    exclusive = opt_prop_def(UnitAttr)
    reverse = opt_prop_def(UnitAttr)

    NEUTRAL: ClassVar[int]
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
        lanes = self._lanes()
        return {n: size for n, size in element_box(self.result_shape).items() if n not in lanes}

    def reads(self) -> Sequence[Access]:
        before = self._access(1)
        x = self._access(0 if self.exclusive is None else 1)
        own = Own(0, before.relation) if self._size > 1 else None
        nothing = isl.Map.empty(before.relation.get_space())
        return [x, replace(before, relation=nothing, own=own)]

    def write(self) -> Access:
        return self._access()

    def _access(self, back: int = 0) -> Access:
        """Return the access to the position that is `back` positions before that of the iteration."""
        axis, box = number(self.properties, "axis"), element_box(self.result_shape)
        location = [*box]
        last = self._size - 1
        forwards = self.reverse is None
        location[axis] = (
            f"{location[axis]} - {back}" if forwards else f"{last + back} - {location[axis]}"
        )
        return Access.build(
            self.iterations(), self._lanes(), location, self.result_shape, self.NEUTRAL
        )

    @property
    def _size(self) -> int:
        return self.result_shape[number(self.properties, "axis")]

    @abstractmethod
    def formula(self, x: Any, before: Any) -> Any:
        """Return the result for an element and the result before it, which are arrays or `Vector`s."""

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return formula.build_formula(builder, self.formula, values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        (x,), axis = operands, number(self.properties, "axis")
        before = np.zeros_like(x, x.dtype, shape=np.delete(x.shape, axis)) + self.NEUTRAL
        positions = [*np.moveaxis(x, axis, 0)[:: 1 if self.reverse is None else -1]]
        if self.exclusive is not None:
            positions = [before, *positions[:-1]]
        results: list[np.ndarray] = []
        for position in positions:
            before = formula.compute(self.formula, position, before)
            results.append(before)
        return np.stack(results if self.reverse is None else results[::-1], axis)

    def _lanes(self) -> Box:
        box = [*element_box(self.result_shape).items()]
        if number(self.properties, "axis") > 0:
            return dict(box[:1])
        return dict(box[1:][-1:])


@irdl_op_definition
class CumSumOp(CumulativeOp):
    """Sum of all elements along an axis up to each element.

    With `reverse`, the sum of the elements from it on. With `exclusive`, the element itself does not count.

    ```mlir
    %y = nn.cum_sum %x {axis = 1} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    ```

    One iteration computes one position, in all channels, from the result of the position before.

    ONNX: CumSum.
    """

    name = "nn.cum_sum"

    NEUTRAL: ClassVar[int] = 0

    def formula(self, x: Any, before: Any) -> Any:
        return before + x


@irdl_op_definition
class CumProdOp(CumulativeOp):
    """Product of all elements along an axis up to each element.

    With `reverse`, the product of the elements from it on. With `exclusive`, the element itself does not count.

    ```mlir
    %y = nn.cum_prod %x {axis = 0, exclusive, reverse} : (tensor<8xf32>) -> tensor<8xf32>
    ```

    One iteration computes one position, in all channels, from the result of the position before.

    ONNX: CumProd.
    """

    name = "nn.cum_prod"

    NEUTRAL: ClassVar[int] = 1

    def formula(self, x: Any, before: Any) -> Any:
        return before * x
