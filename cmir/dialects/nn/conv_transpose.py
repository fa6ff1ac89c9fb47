"""Transposed convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import ClassVar

import islpy as isl
import numpy as np
from xdsl.builder import Builder
from xdsl.dialects import arith
from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.interface import Access, Cells, LinearOp
from cmir.dialects.nn.operation import (
    FLOATS,
    INT,
    INTS,
    TENSOR,
    Shape,
    ints,
    number,
    numbers,
    shape_of,
)
from cmir.dialects.nn.relations import (
    access_map,
    box_set,
    element_map,
    element_names,
    row_major,
    spatial_names,
)
from cmir.dialects.nn.window import verify_has_spatial_dimensions, window_defaults
from cmir.dialects.vectors import MxvOp
from cmir.isl.text import read_map
from cmir.support.counts import count_of
from cmir.support.numerics import widened


@irdl_op_definition
class ConvTransposeOp(LinearOp):
    """Transposed convolution over any number of spatial dimensions.

    Element i of x contributes to the positions `strides · i + dilations · k - pads` of the result, for k in the kernel.

    x: C×sizes, weight: C×O/groups×kernel, bias: O, result: O×sizes. Channels are split into
    `groups` that do not mix. `pads` gives the number of positions removed at the
    beginning of each spatial dimension, then at the end. `output_padding` gives the number of those added at the end.

    ```mlir
    %y = nn.conv_transpose %x, %w {strides = [2, 2]}
        : (tensor<16x8x8xf32>, tensor<16x4x2x2xf32>) -> tensor<4x16x16xf32>
    ```

    One iteration computes one position of the result: the matrix of weights times the elements that contribute to the
    position. Where the stride leaves gaps, no element exists for some k; these lanes read 0.

    ONNX: ConvTranspose.
    """

    name = "nn.conv_transpose"

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    x = operand_def(TENSOR)
    weight = operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    strides = prop_def(INTS)
    pads = prop_def(INTS)
    dilations = prop_def(INTS)
    output_padding = prop_def(INTS)
    groups = prop_def(INT)

    def __init__(
        self,
        x: SSAValue | Operation,
        weight: SSAValue | Operation,
        bias: SSAValue | Operation | None = None,
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        output_padding: Sequence[int] | None = None,
        groups: int = 1,
    ):
        super().__init__(
            [x, weight, bias],
            {
                "strides": ints(strides),
                "pads": ints(pads),
                "dilations": ints(dilations),
                "output_padding": ints(output_padding),
                "groups": IntegerAttr(groups, i64),
            },
        )

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        zeros = [0] * max(0, len(shapes[0]) - 1)
        return {
            **window_defaults(shapes[0]),
            "output_padding": DenseArrayBase.from_list(i64, zeros),
            "groups": IntegerAttr(1, i64),
        }

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        x, weight, *bias = shapes
        verify_has_spatial_dimensions(x)
        if len(weight) != len(x) + 1:
            raise VerifyException(
                f"the weight must have {count_of(len(x) + 1, 'dimension')}, got {len(weight)}"
            )
        if weight[0] != x[0]:
            raise VerifyException(f"the weight must have {x[0]} input channels, got {weight[0]}")
        groups = number(options, "groups")
        if groups < 1 or x[0] % groups:
            raise VerifyException(f"`groups` must divide the {x[0]} input channels, got {groups}")
        outputs = weight[1] * groups
        if bias and bias[0] != (outputs,):
            raise VerifyException(
                f"the bias must have shape [{outputs}], one per output channel, got {list(bias[0])}"
            )
        return (outputs, *_result_sizes(x[1:], weight[2:], options))

    @property
    def channel_axis(self) -> int | None:
        return 1 if number(self.properties, "groups") == 1 else None

    def domain(self) -> isl.Set:
        return box_set(self._iterations())

    def reads(self) -> Sequence[Access | Cells]:
        x, names = shape_of(self.x), spatial_names(self._rank)
        lanes = {"c": x[0], **self._kernel()}
        location = [f"x{axis}" for axis in range(self._rank)]
        boxes = {**self._iterations(), **lanes, **dict(zip(location, x[1:], strict=True))}
        bounds = [f"0 <= {name} < {size}" for name, size in boxes.items()]
        hits = [
            f"{stride}*{element} + {dilation}*{k} - {begin} = {name}"
            for element, k, name, stride, dilation, begin in zip(
                location,
                self._kernel(),
                names,
                numbers(self.properties, "strides"),
                numbers(self.properties, "dilations"),
                numbers(self.properties, "pads")[: self._rank],
                strict=True,
            )
        ]
        relation = read_map(
            f"{{ [[{', '.join(names)}] -> [{', '.join(lanes)}]] -> [c, {', '.join(location)}]"
            f" : {' and '.join([*bounds, *hits])} }}"
        )
        reads: list[Access | Cells] = [Access(relation, tuple(lanes.values())), self._cells()]
        if self.bias is not None:
            box = {"c": self.result_shape[0]}
            bias = access_map(self._iterations(), box, ["c"], self.result_shape[:1])
            reads.append(Access(bias, self.result_shape[:1]))
        return reads

    def write(self) -> Access:
        lanes = {"c": self.result_shape[0]}
        names = element_names(len(self.result_shape))
        relation = access_map(self._iterations(), lanes, names, self.result_shape)
        return Access(relation, self.result_shape[:1])

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        x, matrix, *bias = values
        product = builder.insert(MxvOp(matrix, x)).results[0]
        return builder.insert(arith.AddfOp(product, bias[0])).result if bias else product

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        x, weight, *bias = operands
        element = x.dtype
        groups, (outputs, *sizes) = number(self.properties, "groups"), self.result_shape
        lists = (numbers(self.properties, name) for name in ("strides", "dilations", "pads"))
        strides, dilations, pads = lists
        # All contributions, including those outside the result; the last element reaches furthest.
        reach = [
            max(stride * (size - 1) + dilation * (kernel - 1) + 1, begin + result)
            for stride, size, dilation, kernel, begin, result in zip(
                strides, x.shape[1:], dilations, weight.shape[2:], pads, sizes, strict=False
            )
        ]
        x, weight = widened(x), widened(weight)
        total = np.zeros_like(x, x.dtype, shape=(outputs, *reach))
        columns = x.reshape(groups, x.shape[0] // groups, -1)
        for k in np.ndindex(*weight.shape[2:]):
            matrix = weight[(..., *k)].reshape(groups, -1, weight.shape[1])
            added = (matrix.swapaxes(1, 2) @ columns).reshape(outputs, *x.shape[1:])
            places = tuple(
                slice(dilation * i, dilation * i + stride * size, stride)
                for dilation, i, stride, size in zip(
                    dilations, k, strides, x.shape[1:], strict=True
                )
            )
            total[(slice(None), *places)] += added
        kept = (slice(b, b + size) for b, size in zip(pads, sizes, strict=False))
        result = total[(slice(None), *kept)].astype(element)
        return result + bias[0].reshape(-1, *(1,) * len(sizes)) if bias else result

    @property
    def _rank(self) -> int:
        return len(self.result_shape) - 1

    def _iterations(self) -> dict[str, int]:
        return dict(zip(spatial_names(self._rank), self.result_shape[1:], strict=True))

    def _kernel(self) -> dict[str, int]:
        names = (f"k{name}" for name in spatial_names(self._rank))
        return dict(zip(names, shape_of(self.weight)[2:], strict=True))

    def _cells(self) -> Cells:
        """Return the weights as a matrix, from the lanes read to the channels of the result."""
        weight, groups = shape_of(self.weight), number(self.properties, "groups")
        inner, rows, kernel = weight[0] // groups, weight[1], weight[2:]
        columns = inner * prod(kernel)
        names = ["c", *self._kernel()]
        where = f"col = {row_major(names, (inner, *kernel))}"
        if groups == 1:
            box, shape = {"row": rows, "col": columns}, (rows, columns)
            return Cells(element_map(box, ["c", "row", *names[1:]], weight, where), shape)
        box, shape = {"block": groups, "row": rows, "col": columns}, (groups, rows, columns)
        # A column counts channels from the first of the block, an element from the first of all.
        offset = f"{columns}*block"
        within = f"{inner}*block <= c < {inner}*(block + 1)"
        where = f"col + {offset} = {row_major(names, (inner, *kernel))} and {within}"
        return Cells(element_map(box, ["c", "row", *names[1:]], weight, where), shape)


def _result_sizes(sizes: Shape, kernel: Shape, options: Mapping[str, Attribute]) -> Shape:
    """Return the spatial sizes of the result. Raises VerifyException if the options do not fit."""
    rank = len(sizes)
    least = {"strides": 1, "dilations": 1, "output_padding": 0, "pads": 0}
    for name, minimum in least.items():
        values, count = numbers(options, name), 2 * rank if name == "pads" else rank
        if len(values) != count:
            raise VerifyException(
                f"`{name}` must have {count_of(count, 'entry', 'entries')}, got {len(values)}"
            )
        if min(values) < minimum:
            raise VerifyException(f"`{name}` must be >= {minimum}, got {list(values)}")
    strides, dilations, added, pads = (numbers(options, name) for name in least)
    results: list[int] = []
    for axis, size in enumerate(sizes):
        whole = strides[axis] * (size - 1) + dilations[axis] * (kernel[axis] - 1) + 1
        result = whole + added[axis] - pads[axis] - pads[rank + axis]
        if result < 1:
            raise VerifyException(f"`pads` leave a size of {result} in spatial dimension {axis}")
        results.append(result)
    return tuple(results)
