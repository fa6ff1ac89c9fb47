"""Softmax and its logarithm."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def

from cmir.dialects.nn import formula
from cmir.dialects.nn.along import AxisOp, verify_axes
from cmir.dialects.nn.interface import Access
from cmir.dialects.nn.operation import FLOATS, INTS, TENSOR, Shape, ints, numbers


class SoftmaxLikeOp(AxisOp):
    """Base of operators defined by a formula of the elements along some axes and of their maximum."""

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    x = operand_def(TENSOR)
    axes = prop_def(INTS)

    def __init__(self, x: SSAValue | Operation, axes: Sequence[int]):
        super().__init__([x], {"axes": ints(axes)})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,) = shapes
        verify_axes(numbers(options, "axes"), x)
        return x

    @property
    def lane_axes(self) -> Sequence[int]:
        return self.axes.get_values()

    def reads(self) -> Sequence[Access]:
        return [self.write()]

    @abstractmethod
    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        """Apply the formula to this array or `Vector`, along `axes`."""

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        axes = tuple(range(len(self.lane_axes)))
        return formula.build_formula(builder, lambda x: self.formula(x, axes), values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        axes = tuple(self.lane_axes)
        return formula.compute(lambda x: self.formula(x, axes), *operands)


@irdl_op_definition
class SoftmaxOp(SoftmaxLikeOp):
    """Softmax: the exponential of each element, divided by the sum of the exponentials along some axes.

    ```mlir
    %y = nn.softmax %x {axes = [0]} : (tensor<10xf32>) -> tensor<10xf32>
    ```

    The largest element is subtracted first, so that no exponential overflows. One iteration computes all elements along
    the axes.

    ONNX: Softmax.
    """

    name = "nn.softmax"

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        powers = np.exp(x - np.maximum.reduce(x, axis=axes, keepdims=True))
        return powers / np.add.reduce(powers, axis=axes, keepdims=True)


@irdl_op_definition
class LogSoftmaxOp(SoftmaxLikeOp):
    """Logarithm of the softmax along some axes.

    ```mlir
    %y = nn.log_softmax %x {axes = [0]} : (tensor<10xf32>) -> tensor<10xf32>
    ```

    The largest element is subtracted first, so that no exponential overflows. One iteration computes all elements along
    the axes.

    ONNX: LogSoftmax.
    """

    name = "nn.log_softmax"

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        shifted = x - np.maximum.reduce(x, axis=axes, keepdims=True)
        return shifted - np.log(np.add.reduce(np.exp(shifted), axis=axes, keepdims=True))
