"""Reductions along axes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, ClassVar

import islpy as isl
import numpy as np
from ml_dtypes import finfo
from xdsl.builder import Builder
from xdsl.dialects.builtin import UnitAttr, i32, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, traits_def

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn import formula
from cmir.dialects.nn.along import verify_axes
from cmir.dialects.nn.interface import Access, Cells, Order, UnorderedOp
from cmir.dialects.nn.operation import (
    FLOATS,
    INTS,
    TENSOR,
    WHOLE,
    Shape,
    element_of,
    flag,
    ints,
    numbers,
    shape_of,
)
from cmir.dialects.nn.relations import Box, box_set, element_box, element_map
from cmir.dialects.nn.rescaling import SumCanonicalization
from cmir.dialects.nn.widening import SelectionCanonicalization
from cmir.isl.axes import Axes
from cmir.support.numerics import convert, divide_towards_zero, wrap


class AxisReductionOp(UnorderedOp):
    """Base of operators that reduce the elements along some axes to one. With `keepdims`, the axes remain, with size 1.

    Lanes are the axes that are reduced, then those of the result. By itself, an iteration computes one position in the
    other dimensions, for all channels if the channels are not reduced.
    """

    x = operand_def(TENSOR)
    keepdims = opt_prop_def(UnitAttr)

    @classmethod
    @abstractmethod
    def reduced_axes(cls, options: Mapping[str, Attribute]) -> Sequence[int]:
        """Return the axes that the options name, in ascending order."""

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), axes = shapes, cls.reduced_axes(options)
        if "keepdims" in options:
            return tuple(1 if axis in axes else size for axis, size in enumerate(x))
        return tuple(size for axis, size in enumerate(x) if axis not in axes)

    def iterations(self) -> Box:
        _, kept = self._dimensions()
        return {name: size for name, size in kept.items() if name != "c"}

    def reads(self) -> Sequence[Access | Cells]:
        return self.order(self._channels()).reads

    def write(self) -> Access:
        return self.order(self._channels()).write

    def order(self, lanes: Axes) -> Order:
        reduced, kept = self._dimensions()
        location, x = self._location(), shape_of(self.x)
        along = {name for axis, name in enumerate(location) if axis in lanes}
        outer = {name: size for name, size in kept.items() if name not in along}
        inner = {name: size for name, size in kept.items() if name in along}
        read = Access.build(outer, {**reduced, **inner}, [*element_box(x)], x)
        write = Access.build(outer, inner, location, self.result_shape)
        return Order(box_set(outer), write, [read])

    def smallest_lanes(self) -> Axes:
        """Return no axes: those that are reduced are lanes already."""
        return frozenset()

    def element_relation(self, operand: int) -> isl.Map:
        return element_map(
            element_box(shape_of(self.x)), self._location(), self.result_shape
        ).reverse()

    def _dimensions(self) -> tuple[Box, Box]:
        """Return the dimensions of the operand that are reduced, and those that remain."""
        axes = self.reduced_axes(self.properties)
        box = [*element_box(shape_of(self.x)).items()]
        kept = dict(item for axis, item in enumerate(box) if axis not in axes)
        return dict(box[axis] for axis in axes), kept

    def _location(self) -> Sequence[str]:
        """Return the location of a result element: dimensions of the operand, or 0 for those that are reduced."""
        reduced, kept = self._dimensions()
        if self.keepdims is None:
            return [*kept]
        return ["0" if n in reduced else n for n in element_box(shape_of(self.x))]

    def _channels(self) -> Axes:
        """Return the axis of the channels in the result, if they are not reduced."""
        return frozenset(axis for axis, name in enumerate(self._location()) if name == "c")


class ReductionOp(AxisReductionOp):
    """Base of reductions defined by a formula of the elements along some axes."""

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    axes = prop_def(INTS)

    def __init__(self, x: SSAValue | Operation, axes: Sequence[int], keepdims: bool = False):
        super().__init__([x], {"axes": ints(axes), "keepdims": flag(keepdims)})

    @classmethod
    def reduced_axes(cls, options: Mapping[str, Attribute]) -> Sequence[int]:
        return numbers(options, "axes")

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        verify_axes(numbers(options, "axes"), shapes[0])
        return super().infer(shapes, options)

    @abstractmethod
    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        """Reduce this array or `Vector` along `axes`, which the result lacks."""

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        axes = tuple(range(len(self.axes)))
        return formula.build_formula(builder, lambda x: self.formula(x, axes), values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        # Axes lie in the order of iterations and lanes, so that floats are added up in the order of the body.
        (x,), axes = operands, self.axes.get_values()
        channels = [0] if x.ndim and 0 not in axes else []
        others = [axis for axis in range(len(channels), x.ndim) if axis not in axes]
        x = x.transpose(*others, *axes, *channels).copy()
        reduced = tuple(range(len(others), len(others) + len(axes)))
        result = formula.compute(lambda x: self.formula(x, reduced), x)
        if channels:
            result = np.moveaxis(result, -1, 0)
        return result.reshape(self.result_shape)


@irdl_op_definition
class ReduceSumOp(ReductionOp):
    """Sum of the elements along some axes.

    ```mlir
    %y = nn.reduce_sum %x {axes = [1, 2]} : (tensor<16x8x8xf32>) -> tensor<16xf32>
    ```

    ONNX: ReduceSum.
    """

    name = "nn.reduce_sum"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    traits = traits_def(SumCanonicalization())

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.add.reduce(x, axis=axes)


@irdl_op_definition
class ReduceMeanOp(ReductionOp):
    """Mean of the elements along some axes. Integers are summed in `i64`, and their mean is rounded towards zero.

    ```mlir
    %y = nn.reduce_mean %x {axes = [1, 2], keepdims} : (tensor<16x8x8xf32>) -> tensor<16x1x1xf32>
    ```

    ONNX: ReduceMean.
    """

    name = "nn.reduce_mean"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, i32, i64)

    traits = traits_def(SumCanonicalization())

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        count = prod(shape_of(self.x)[axis] for axis in self.axes.get_values())
        if (element := element_of(self.x)) in FLOATS:
            return np.add.reduce(x, axis=axes) / count
        total = np.add.reduce(convert(x, dtype_of(i64)), axis=axes)
        return wrap(divide_towards_zero(total, count), dtype_of(element))


@irdl_op_definition
class ReduceMaxOp(ReductionOp):
    """Maximum of the elements along some axes.

    ```mlir
    %y = nn.reduce_max %x {axes = [1, 2], keepdims} : (tensor<16x8x8xf32>) -> tensor<16x1x1xf32>
    ```

    ONNX: ReduceMax, GlobalMaxPool.
    """

    name = "nn.reduce_max"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    traits = traits_def(SelectionCanonicalization())

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.maximum.reduce(x, axis=axes)


@irdl_op_definition
class ReduceMinOp(ReductionOp):
    """Minimum of the elements along some axes.

    ```mlir
    %y = nn.reduce_min %x {axes = [0]} : (tensor<16x8x8xf32>) -> tensor<8x8xf32>
    ```

    ONNX: ReduceMin.
    """

    name = "nn.reduce_min"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    traits = traits_def(SelectionCanonicalization())

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.minimum.reduce(x, axis=axes)


@irdl_op_definition
class ReduceL2Op(ReductionOp):
    """Euclidean norm of the elements along some axes: the square root of the sum of their squares.

    ```mlir
    %y = nn.reduce_l2 %x {axes = [0]} : (tensor<64xf32>) -> tensor<f32>
    ```

    ONNX: ReduceL2.
    """

    name = "nn.reduce_l2"

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.sqrt(np.add.reduce(x * x, axis=axes))


@irdl_op_definition
class ReduceProdOp(ReductionOp):
    """Product of the elements along some axes.

    ```mlir
    %y = nn.reduce_prod %x {axes = [0]} : (tensor<16x8x8xf32>) -> tensor<8x8xf32>
    ```

    ONNX: ReduceProd.
    """

    name = "nn.reduce_prod"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, i32, i64)

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.multiply.reduce(x, axis=axes)


@irdl_op_definition
class ReduceL1Op(ReductionOp):
    """Sum of the absolute values of the elements along some axes.

    ```mlir
    %y = nn.reduce_l1 %x {axes = [0]} : (tensor<64xf32>) -> tensor<f32>
    ```

    ONNX: ReduceL1.
    """

    name = "nn.reduce_l1"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, i32, i64)

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.add.reduce(np.absolute(x), axis=axes)


@irdl_op_definition
class ReduceSumSquareOp(ReductionOp):
    """Sum of the squares of the elements along some axes.

    ```mlir
    %y = nn.reduce_sum_square %x {axes = [1, 2]} : (tensor<16x8x8xf32>) -> tensor<16xf32>
    ```

    ONNX: ReduceSumSquare.
    """

    name = "nn.reduce_sum_square"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, i32, i64)

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.add.reduce(x * x, axis=axes)


@irdl_op_definition
class ReduceLogSumOp(ReductionOp):
    """Logarithm of the sum of the elements along some axes.

    ```mlir
    %y = nn.reduce_log_sum %x {axes = [0]} : (tensor<64xf32>) -> tensor<f32>
    ```

    ONNX: ReduceLogSum.
    """

    name = "nn.reduce_log_sum"

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        return np.log(np.add.reduce(x, axis=axes))


@irdl_op_definition
class ReduceLogSumExpOp(ReductionOp):
    """Logarithm of the sum of the exponentials of the elements along some axes.

    The largest element is subtracted first, so that no exponential overflows.

    ```mlir
    %y = nn.reduce_log_sum_exp %x {axes = [0], keepdims} : (tensor<16x8x8xf32>) -> tensor<1x8x8xf32>
    ```

    ONNX: ReduceLogSumExp.
    """

    name = "nn.reduce_log_sum_exp"

    def formula(self, x: Any, axes: tuple[int, ...]) -> Any:
        # An infinity is not subtracted from itself.
        limit = float(finfo(dtype_of(self.x)).max)
        largest = np.maximum.reduce(x, axis=axes, keepdims=True)
        largest = np.minimum(np.maximum(largest, -limit), limit)
        powers = np.exp(x - largest)
        return np.log(np.add.reduce(powers, axis=axes, keepdims=True)) + largest
