"""Sums of overlapping windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import formula
from cmir.dialects.nn.interface import Access, IterationOp
from cmir.dialects.nn.operation import (
    FLOATS,
    INTS,
    TENSOR,
    WHOLE,
    Shape,
    ints,
    numbers,
    shape_of,
)
from cmir.dialects.nn.relations import Box, access_map, element_names, spatial_names
from cmir.isl.text import read_map
from cmir.support.counts import count_of
from cmir.support.numerics import widened


@irdl_op_definition
class FoldOp(IterationOp):
    """Sum of overlapping windows of an image, each of which has its own elements.

    Element k of window i counts at the position `strides · i + dilations · k - pads` of the result, if there is such a
    position. x: C×kernel×windows, result: C×shape, over any number of spatial dimensions. `pads` gives the number of
    positions that windows reach over the beginning of each spatial dimension, then over the end.

    ```mlir
    %y = nn.fold %x {shape = [5, 5]} : (tensor<16x2x2x4x4xf32>) -> tensor<16x5x5xf32>
    ```

    One iteration computes one position of the result, in all channels.

    ONNX: Col2Im.
    """

    name = "nn.fold"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    x = operand_def(TENSOR)
    shape = prop_def(INTS)
    strides = prop_def(INTS)
    pads = prop_def(INTS)
    dilations = prop_def(INTS)

    def __init__(
        self,
        x: SSAValue | Operation,
        shape: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
    ):
        options = {"strides": strides, "pads": pads, "dilations": dilations}
        values = {name: ints(value) for name, value in options.items()}
        super().__init__([x], {"shape": ints(shape), **values})

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        rank = (len(shapes[0]) - 1) // 2
        ones = ints([1] * rank)
        assert ones is not None
        pads = ints([0] * (2 * rank))
        assert pads is not None
        return {"strides": ones, "dilations": ones, "pads": pads}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,), shape = shapes, numbers(options, "shape")
        rank = len(shape)
        if not rank or len(x) != 1 + 2 * rank:
            raise VerifyException(
                f"the operand must have channels, and {count_of(rank, 'dimension')} of windows and of their"
                f" positions, got {list(x)}"
            )
        least = {"strides": 1, "dilations": 1, "pads": 0}
        for name, minimum in least.items():
            values, count = numbers(options, name), 2 * rank if name == "pads" else rank
            if len(values) != count:
                raise VerifyException(
                    f"`{name}` must have {count_of(count, 'entry', 'entries')}, got {len(values)}"
                )
            if min(values) < minimum:
                raise VerifyException(f"`{name}` must be >= {minimum}, got {list(values)}")
        strides, dilations, pads = (numbers(options, name) for name in least)
        for axis, size in enumerate(shape):
            kernel, windows = x[1 + axis], x[1 + rank + axis]
            whole = size + pads[axis] + pads[rank + axis]
            fitting = (whole - dilations[axis] * (kernel - 1) - 1) // strides[axis] + 1
            if size < 1 or fitting != windows:
                raise VerifyException(
                    f"{windows} windows of {count_of(kernel, 'element')} do not fit a size of {size} in spatial"
                    f" dimension {axis}, where there is room for {max(0, fitting)}"
                )
        return (x[0], *shape)

    def iterations(self) -> Box:
        return dict(zip(spatial_names(self._rank), self.result_shape[1:], strict=True))

    def reads(self) -> Sequence[Access]:
        x, names, rank = shape_of(self.x), spatial_names(self._rank), self._rank
        kernel = {f"k{name}": size for name, size in zip(names, x[1 : 1 + rank], strict=True)}
        windows = {f"x{axis}": size for axis, size in enumerate(x[1 + rank :])}
        lanes = {**kernel, "c": x[0]}
        boxes = {**self.iterations(), **lanes, **windows}
        bounds = [f"0 <= {name} < {size}" for name, size in boxes.items()]
        hits = [
            f"{stride}*{window} + {dilation}*{k} - {begin} = {name}"
            for window, k, name, stride, dilation, begin in zip(
                windows, kernel, names, self._strides, self._dilations, self._pads, strict=True
            )
        ]
        relation = read_map(
            f"{{ [[{', '.join(names)}] -> [{', '.join(lanes)}]] ->"
            f" [c, {', '.join([*kernel, *windows])}] : {' and '.join([*bounds, *hits])} }}"
        )
        return [Access(relation, tuple(lanes.values()))]

    def write(self) -> Access:
        lanes = {"c": self.result_shape[0]}
        names = element_names(len(self.result_shape))
        relation = access_map(self.iterations(), lanes, names, self.result_shape)
        return Access(relation, self.result_shape[:1])

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        def added(x: Any) -> Any:
            return np.add.reduce(x, axis=tuple(range(self._rank)))

        return formula.build_formula(builder, added, values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        (x,), rank = operands, self._rank
        # All positions that windows reach, including those outside the result.
        sizes = zip(
            self.result_shape[1:], self._pads, numbers(self.properties, "pads")[rank:], strict=True
        )
        reach = (x.shape[0], *(size + begin + end for size, begin, end in sizes))
        element = x.dtype
        x = widened(x)
        total = np.zeros_like(x, x.dtype, shape=reach)
        for k in np.ndindex(*x.shape[1 : 1 + rank]):
            places = tuple(
                slice(dilation * i, dilation * i + stride * (count - 1) + 1, stride)
                for dilation, i, stride, count in zip(
                    self._dilations, k, self._strides, x.shape[1 + rank :], strict=True
                )
            )
            total[(slice(None), *places)] += x[(slice(None), *k)]
        kept = (slice(b, b + n) for b, n in zip(self._pads, self.result_shape[1:], strict=True))
        return total[(slice(None), *kept)].astype(element)

    @property
    def _rank(self) -> int:
        return len(self.result_shape) - 1

    @property
    def _strides(self) -> Sequence[int]:
        return numbers(self.properties, "strides")

    @property
    def _dilations(self) -> Sequence[int]:
        return numbers(self.properties, "dilations")

    @property
    def _pads(self) -> Sequence[int]:
        """The padding at the beginning of each dimension."""
        return numbers(self.properties, "pads")[: self._rank]
