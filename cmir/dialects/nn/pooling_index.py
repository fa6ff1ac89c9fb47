"""Places of the largest elements in windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from math import inf, prod
from typing import Any, ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, UnitAttr, i32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.formula import Vector
from cmir.dialects.nn.interface import Access
from cmir.dialects.nn.operation import FLOATS, QUANTIZED, Shape, flag, shape_of, tensor_type
from cmir.dialects.nn.pooling import PoolOp

OUTSIDE = 1 << 28
"""What a table says of positions outside the input: more than any index, and little enough to be added up."""


@irdl_op_definition
class MaxPoolIndexOp(PoolOp):
    """Index of the largest element in a window, the first of equals, in each channel.

    The index is the place of the element in the flattened input, C×sizes. With `column_major`, the first spatial
    dimension runs fastest.

    x: C×sizes, result: C×sizes.

    ```mlir
    %i = nn.max_pool_index %x {kernel = [2, 2], strides = [2, 2]}
        : (tensor<16x32x32xf32>) -> tensor<16x16x16xi32>
    ```

    One iteration computes one position of the result in all channels. It reads a table for each dimension, whose
    entries add up to the index.

    ONNX: the output Indices of MaxPool.
    """

    name = "nn.max_pool_index"

    PAD: ClassVar[float] = -inf
    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *QUANTIZED)

    column_major = opt_prop_def(UnitAttr)

    def __init__(
        self,
        x: SSAValue | Operation,
        kernel: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        ceil_mode: bool = False,
        column_major: bool = False,
    ):
        super().__init__(x, kernel, strides, pads, dilations, ceil_mode)
        self.column_major = flag(column_major)

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        if prod(shapes[0]) > OUTSIDE or len(shapes[0]) > 7:
            raise VerifyException(
                f"the input must have at most {OUTSIDE} elements and 7 dimensions, got {list(shapes[0])}"
            )
        return super().infer(shapes, options)

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        super().element(operands)
        return i32

    def reads(self) -> Sequence[Access]:
        window, shape = self.window, shape_of(self.x)
        lanes = {**window.kernel_box(), "c": shape[0]}
        places = ["c", *window.locations()]
        tables = [
            Access.build(self.iterations(), lanes, [place], [size], OUTSIDE, _table(size, step))
            for steps in self._orders()
            for place, size, step in zip(places, shape, steps, strict=True)
        ]
        return [*super().reads(), *tables]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        x, *tables = (Vector(builder, value) for value in values)
        return self._formula(x, tables, tuple(range(self.window.rank))).value

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        (x,), window = operands, self.window
        tables = [table for steps in self._orders() for table in self._places(x.shape, steps)]
        axes = tuple(range(1 + window.rank, 1 + 2 * window.rank))
        return self._formula(window.view(x, self.pad), tables, axes)

    def _formula(self, x: Any, tables: Sequence[Any], axes: tuple[int, ...]) -> Any:
        rank = 1 + self.window.rank
        rows, columns = tables[:rank], tables[rank:]
        largest = np.equal(x, np.maximum.reduce(x, axis=axes, keepdims=True))
        places = _where(largest, rows)
        if not columns:
            return np.minimum.reduce(places, axis=axes)
        first = np.equal(places, np.minimum.reduce(places, axis=axes, keepdims=True))
        return np.minimum.reduce(_where(first, columns), axis=axes)

    def _orders(self) -> list[list[int]]:
        """Return the distances of neighbours in each dimension, in row-major order.

        That order determines which of equals is the first. If the indices are those of column-major order, its
        distances follow.
        """
        _, *sizes = shape_of(self.x)
        rows = [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
        columns = [prod(sizes[:axis]) for axis in range(len(sizes))]
        orders = [rows] if self.column_major is None else [rows, columns]
        return [[prod(sizes), *steps] for steps in orders]

    def _places(self, shape: Shape, steps: Sequence[int]) -> list[np.ndarray]:
        """Return what the tables contribute to the index of each element of each window."""
        window = self.window
        rank = 2 * window.rank
        channels = np.arange(shape[0], dtype=np.int32) * np.int32(steps[0])
        places = [channels.reshape(-1, *(1,) * rank)]
        for axis, result in enumerate(self.result_shape[1:]):
            first = np.arange(result) * window.strides[axis] - window.begins[axis]
            seen = first[:, None] + np.arange(window.kernel[axis]) * window.dilations[axis]
            inside = (seen >= 0) & (seen < shape[1 + axis])
            place = np.where(inside, seen * steps[1 + axis], OUTSIDE).astype(np.int32)
            dimensions = [1] * (1 + rank)
            dimensions[1 + axis], dimensions[1 + window.rank + axis] = place.shape
            places.append(place.reshape(dimensions))
        return places


def _where(found: Any, tables: Sequence[Any]) -> Any:
    """Return the sums of the tables where elements are found, and a larger number elsewhere."""
    return reduce(np.add, [np.where(found, table, OUTSIDE) for table in tables])


def _table(size: int, step: int) -> DenseIntOrFPElementsAttr:
    return DenseIntOrFPElementsAttr.from_list(tensor_type([size], i32), range(0, size * step, step))
