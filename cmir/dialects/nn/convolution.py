"""Convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.body import add
from cmir.dialects.nn.interface import Access, Cells, LinearOp
from cmir.dialects.nn.operation import (
    FLOATS,
    INT,
    INTS,
    TENSOR,
    Shape,
    accumulator,
    ints,
    number,
    numbers,
    shape_of,
)
from cmir.dialects.nn.relations import element_map, row_major
from cmir.dialects.nn.window import Window, verify_has_spatial_dimensions, window_defaults
from cmir.dialects.vectors import MxvOp
from cmir.support.counts import count_of
from cmir.support.numerics import matrix_product


@irdl_op_definition
class ConvOp(LinearOp):
    """Convolution over any number of spatial dimensions.

    x: C×sizes, weight: O×C/groups×kernel, bias: O, result: O×sizes.

    Input and output channels are split into `groups` that do not mix; with C groups the convolution is depthwise.
    `pads` gives the number of zeros before each spatial dimension, then after.

    ```mlir
    %y = nn.conv %x, %w bias %b {strides = [2, 2], pads = [1, 1, 1, 1]}
        : (tensor<3x32x32xf32>, tensor<16x3x3x3xf32>, tensor<16xf32>) -> tensor<16x16x16xf32>
    ```

    One iteration computes one position of the result: the matrix of weights times the elements in the window. Products
    of integers are summed in `i32`, which is then the type of the bias.

    ONNX: Conv, ConvInteger and QLinearConv.
    """

    name = "nn.conv"

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    x = operand_def(TENSOR)
    weight = operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    strides = prop_def(INTS)
    pads = prop_def(INTS)
    dilations = prop_def(INTS)
    groups = prop_def(INT)

    def __init__(
        self,
        x: SSAValue | Operation,
        weight: SSAValue | Operation,
        bias: SSAValue | Operation | None = None,
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        groups: int = 1,
    ):
        super().__init__(
            [x, weight, bias],
            {
                "strides": ints(strides),
                "pads": ints(pads),
                "dilations": ints(dilations),
                "groups": IntegerAttr(groups, i64),
            },
        )

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {**window_defaults(shapes[0]), "groups": IntegerAttr(1, i64)}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        x, weight, *bias = shapes
        verify_has_spatial_dimensions(x)
        if len(weight) != len(x) + 1:
            raise VerifyException(
                f"the weight must have {count_of(len(x) + 1, 'dimension')}, got {len(weight)}"
            )
        groups = number(options, "groups")
        for value, what in ((x[0], "input"), (weight[0], "output")):
            if groups < 1 or value % groups:
                raise VerifyException(
                    f"`groups` must divide the {value} {what} channels, got {groups}"
                )
        if weight[1] * groups != x[0]:
            raise VerifyException(
                f"the weight must have {x[0]} / {groups} = {x[0] // groups} input channels,"
                f" got {weight[1]}"
            )
        if bias and bias[0] != weight[:1]:
            raise VerifyException(
                f"the bias must have shape [{weight[0]}], one per output channel,"
                f" got {list(bias[0])}"
            )
        return (weight[0], *_window(weight, options).result_sizes(x[1:]))

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        return accumulator(operands) or super().element(operands)

    @property
    def channel_axis(self) -> int:
        return 0

    @property
    def window(self) -> Window:
        """The window that slides over the input."""
        return _window(shape_of(self.weight), self.properties)

    def reads(self) -> Sequence[Access | Cells]:
        x, window, iterations = shape_of(self.x), self.window, self.iterations()
        lanes = {"c": x[0], **window.kernel_box()}
        reads = [Access.build(iterations, lanes, ["c", *window.locations()], x), self._cells()]
        if self.bias is not None:
            channels = shape_of(self.bias)
            reads.append(Access.build(iterations, {"c": channels[0]}, ["c"], channels))
        return reads

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        x, matrix, *bias = values
        product = builder.insert(MxvOp(matrix, x)).results[0]
        if not bias:
            return product
        return add(builder, product, bias[0])

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, weight, *bias = operands
        groups = number(self.properties, "groups")
        seen = self.window.view(x, 0)
        sizes = seen.shape[1 : 1 + self.window.rank]
        # From (C, *sizes, *kernel) to one matrix per group, with one column per position.
        rows = np.moveaxis(seen, 0, self.window.rank).reshape(prod(sizes), groups, -1)
        matrices = weight.reshape(groups, weight.shape[0] // groups, -1)
        result = matrix_product(matrices, rows.transpose(1, 2, 0))
        result = result.reshape(weight.shape[0], *sizes)
        return result + bias[0].reshape(-1, *(1,) * len(sizes)) if bias else result

    def _cells(self) -> Cells:
        """Return the weights as a matrix, with one block per group if there are several groups."""
        weight, groups = shape_of(self.weight), number(self.properties, "groups")
        rows, columns = weight[0] // groups, prod(weight[1:])
        names = ["c", *self.window.kernel_names()]
        where = f"col = {row_major(names, weight[1:])}"
        if groups == 1:
            box = {"row": rows, "col": columns}
            return Cells(element_map(box, ["row", *names], weight, where), (rows, columns))
        box = {"block": groups, "row": rows, "col": columns}
        location = [f"{rows}*block + row", *names]
        return Cells(element_map(box, location, weight, where), (groups, rows, columns))


def _window(weight: Shape, options: Mapping[str, Attribute]) -> Window:
    return Window(
        weight[2:],
        numbers(options, "strides"),
        numbers(options, "pads"),
        numbers(options, "dilations"),
    )
