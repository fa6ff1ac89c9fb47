"""Pooling: reduction of the elements in a window, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from math import inf, prod
from typing import Any, ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerAttr, UnitAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, traits_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn import formula
from cmir.dialects.nn.interface import Access, IterationOp
from cmir.dialects.nn.operation import (
    FLOATS,
    INT,
    INTS,
    QUANTIZED,
    TENSOR,
    Shape,
    element_of,
    flag,
    ints,
    number,
    numbers,
    shape_of,
    tensor_type,
)
from cmir.dialects.nn.relations import Box, element_box, element_names
from cmir.dialects.nn.rescaling import SumCanonicalization
from cmir.dialects.nn.widening import SelectionCanonicalization
from cmir.dialects.nn.window import Window, verify_has_spatial_dimensions, window_defaults
from cmir.support.numerics import convert


class PoolOp(IterationOp):
    """Base of pooling with a window. x: C×sizes, result: C×sizes.

    One iteration computes one position of the result in all channels.
    """

    x = operand_def(TENSOR)
    kernel = prop_def(INTS)
    strides = prop_def(INTS)
    pads = prop_def(INTS)
    dilations = prop_def(INTS)
    ceil_mode = opt_prop_def(UnitAttr)

    PAD: ClassVar[float]
    """The value of the elements of a window that lie outside the input."""

    def __init__(
        self,
        x: SSAValue | Operation,
        kernel: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        ceil_mode: bool = False,
    ):
        super().__init__(
            [x],
            {
                "kernel": ints(kernel),
                "strides": ints(strides),
                "pads": ints(pads),
                "dilations": ints(dilations),
                "ceil_mode": flag(ceil_mode),
            },
        )

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return window_defaults(shapes[0])

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,) = shapes
        verify_has_spatial_dimensions(x)
        window = _window(options)
        sizes = window.result_sizes(x[1:])
        for axis, counts in enumerate(window.counts(x[1:])):
            if not counts.all():
                raise VerifyException(
                    f"the window at position {counts.argmin()} of spatial dimension {axis} contains"
                    " no element of the input"
                )
        return (x[0], *sizes)

    @property
    def window(self) -> Window:
        """The window that slides over the input."""
        return _window(self.properties)

    @property
    def pad(self) -> float:
        """`PAD`, or the nearest number of the element type."""
        return float(convert(np.array(self.PAD), dtype_of(self.x)))

    def reads(self) -> Sequence[Access]:
        x, window = shape_of(self.x), self.window
        lanes = {**window.kernel_box(), "c": x[0]}
        location = ["c", *window.locations()]
        return [Access.build(self.iterations(), lanes, location, x, self.pad)]


@irdl_op_definition
class MaxPoolOp(PoolOp):
    """Maximum pooling: the largest element in a window, in each channel.

    x: C×sizes, result: C×sizes.

    Positions outside the input do not count. With `ceil_mode`, a last window extends beyond the
    padded input, unless it would start in the padding after the input.

    ```mlir
    %y = nn.max_pool %x {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]}
        : (tensor<16x32x32xf32>) -> tensor<16x16x16xf32>
    ```

    ONNX: MaxPool, without the output Indices.
    """

    name = "nn.max_pool"

    PAD: ClassVar[float] = -inf
    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *QUANTIZED)

    traits = traits_def(SelectionCanonicalization())

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        x: Any = formula.Vector(builder, values[0])
        return np.maximum.reduce(x, axis=tuple(range(self.window.rank))).value

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        window = self.window
        seen = window.view(operands[0], self.pad)
        return seen.max(axis=tuple(range(1 + window.rank, 1 + 2 * window.rank)))

    def is_identity(self) -> bool:
        window = self.window
        ones = (1,) * window.rank
        return window.kernel == window.strides == ones and self.result_shape == shape_of(self.x)


@irdl_op_definition
class AveragePoolOp(PoolOp):
    """Average pooling: the mean of the elements in a window, in each channel.

    x: C×sizes, result: C×sizes.

    Only elements of the input count. With `count_include_pad`, the zeros of its padding count too.
    With `ceil_mode`, a last window extends beyond the padded input, unless it would start in the
    padding after the input. Positions outside the padded input never count.

    ```mlir
    %y = nn.average_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1], count_include_pad}
        : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    If all elements of all windows count, the sum is divided by a constant. Otherwise, an iteration also reads ones
    through its window; their sum is the number of elements that count.

    ONNX: AveragePool.
    """

    name = "nn.average_pool"

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    traits = traits_def(SumCanonicalization())

    PAD: ClassVar[float] = 0.0

    count_include_pad = opt_prop_def(UnitAttr)

    def __init__(
        self,
        x: SSAValue | Operation,
        kernel: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        ceil_mode: bool = False,
        count_include_pad: bool = False,
    ):
        super().__init__(x, kernel, strides, pads, dilations, ceil_mode)
        self.count_include_pad = flag(count_include_pad)

    def reads(self) -> Sequence[Access]:
        reads = super().reads()
        return reads if self._counts_are_constant() else [*reads, self._ones()]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return formula.build_formula(builder, self._formula, values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        window = self.window
        seen = window.view(operands[0], self.PAD)
        seen = np.moveaxis(seen, range(-window.rank, 0), range(window.rank))
        return formula.compute(self._mean, seen)

    def _mean(self, seen: np.ndarray) -> np.ndarray:
        """Return the means over the kernel, in all windows. Floats are added up in the order of the body."""
        kernel = self.window.kernel
        total = reduce(np.add, (seen[place] for place in np.ndindex(*kernel)))
        if self._counts_are_constant():
            return total / prod(kernel)
        return total / reduce(np.multiply.outer, self._counts()).astype(np.float32)

    def _formula(self, seen: Any, *ones: Any) -> Any:
        """Return the means over the kernel, whose dimensions are the leading ones of `seen`."""
        axes = tuple(range(self.window.rank))
        total = np.add.reduce(seen, axis=axes)
        if not ones:
            return total / prod(self.window.kernel)
        return total / np.add.reduce(ones[0], axis=axes)

    def _counts(self) -> list[np.ndarray]:
        """Return the number of elements that count at each position, for each spatial dimension."""
        padded = self.count_include_pad is not None
        return list(self.window.counts(shape_of(self.x)[1:], padded))

    def _counts_are_constant(self) -> bool:
        return all(map(np.all, map(np.equal, self._counts(), self.window.kernel)))

    def _ones(self) -> Access:
        """Return an array of ones where elements count: on the input, or on the padded input."""
        window = self.window
        sizes = shape_of(self.x)[1:]
        origin = (0,) * window.rank
        if self.count_include_pad is not None:
            sizes = window.padded_sizes(sizes)
            origin = tuple(-begin for begin in window.begins)
        ones = DenseIntOrFPElementsAttr.from_list(tensor_type(sizes, element_of(self.x)), [1.0])
        location = window.locations(origin)
        return Access.build(self.iterations(), window.kernel_box(), location, sizes, 0.0, ones)


@irdl_op_definition
class LpPoolOp(PoolOp):
    """Lp pooling: the `p`-th root of the sum of the `p`-th powers of the absolute values in a window, in each channel.

    x: C×sizes, result: C×sizes.

    ```mlir
    %y = nn.lp_pool %x {kernel = [3, 3], strides = [2, 2], p = 3}
        : (tensor<16x33x33xf32>) -> tensor<16x16x16xf32>
    ```

    ONNX: LpPool.
    """

    name = "nn.lp_pool"

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    PAD: ClassVar[float] = 0.0

    p = prop_def(INT)

    def __init__(
        self,
        x: SSAValue | Operation,
        kernel: Sequence[int],
        strides: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        ceil_mode: bool = False,
        p: int = 2,
    ):
        super().__init__(x, kernel, strides, pads, dilations, ceil_mode)
        self.p = IntegerAttr(p, i64)

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {**super().defaults(shapes), "p": IntegerAttr(2, i64)}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        if (p := number(options, "p")) < 1:
            raise VerifyException(f"`p` must be > 0, got {p}")
        return super().infer(shapes, options)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        axes = tuple(range(self.window.rank))
        return formula.build_formula(builder, lambda seen: self._formula(seen, axes), values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        window = self.window
        axes = tuple(range(1 + window.rank, 1 + 2 * window.rank))
        seen = window.view(operands[0], self.PAD)
        return formula.compute(lambda seen: self._formula(seen, axes), seen)

    def _formula(self, seen: Any, axes: tuple[int, ...]) -> Any:
        match p := number(self.properties, "p"):
            case 1:
                return np.add.reduce(np.absolute(seen), axis=axes)
            case 2:
                return np.sqrt(np.add.reduce(seen * seen, axis=axes))
            case _:
                powers = np.power(np.absolute(seen), float(p))
                return np.power(np.add.reduce(powers, axis=axes), 1 / p)


@irdl_op_definition
class GlobalAveragePoolOp(IterationOp):
    """The mean over all spatial dimensions, in each channel.

    x: C×sizes, result: C×1×…×1.

    ```mlir
    %y = nn.global_average_pool %x : (tensor<64x8x8xf32>) -> tensor<64x1x1xf32>
    ```

    A single iteration computes the result.

    ONNX: GlobalAveragePool.
    """

    name = "nn.global_average_pool"

    TAKES: ClassVar[Sequence[Attribute]] = FLOATS

    traits = traits_def(SumCanonicalization())

    x = operand_def(TENSOR)

    def __init__(self, x: SSAValue | Operation):
        super().__init__([x], {})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,) = shapes
        verify_has_spatial_dimensions(x)
        return (x[0], *(1,) * (len(x) - 1))

    def iterations(self) -> Box:
        return {}

    def reads(self) -> Sequence[Access]:
        x = shape_of(self.x)
        return [Access.build({}, element_box(x), element_names(len(x)), x)]

    def write(self) -> Access:
        location = ["c", *("0" for _ in self.result_shape[1:])]
        return Access.build({}, {"c": self.result_shape[0]}, location, self.result_shape)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return formula.build_formula(builder, self._formula, values)

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return formula.compute(self._formula, *operands).reshape(self.result_shape)

    def _formula(self, x: Any) -> Any:
        sizes = shape_of(self.x)[1:]
        return np.add.reduce(x, axis=tuple(range(1, 1 + len(sizes)))) / prod(sizes)


def _window(options: Mapping[str, Attribute]) -> Window:
    return Window(
        numbers(options, "kernel"),
        numbers(options, "strides"),
        numbers(options, "pads"),
        numbers(options, "dilations"),
        "ceil_mode" in options,
    )
