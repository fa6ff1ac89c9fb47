"""The `morphology` dialect: operators, with everything that the compiler requires of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from xdsl.builder import Builder
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute, Dialect, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import Access, IterationOp
from cmir.dialects.nn.operation import INT, TENSOR, Shape, number, shape_of
from cmir.dialects.vectors import ReduceOp
from cmir.isl.text import read_map
from cmir_morphology.operations import ReduceMedianOp, median


@irdl_op_definition
class DilateOp(IterationOp):
    """
    The largest element within `radius` steps, each to a neighbour above, below, left or right.

    x: C×H×W, result: C×H×W.

    The window is a diamond, not a box. What is outside the image does not count.

    ```mlir
    %y = morphology.dilate %x {radius = 2} : (tensor<3x16x16xf32>) -> tensor<3x16x16xf32>
    ```
    """

    name = "morphology.dilate"

    x = operand_def(TENSOR)
    radius = prop_def(INT)

    def __init__(self, x: SSAValue | Operation, radius: int = 1):
        super().__init__([x], {"radius": IntegerAttr(radius, i64)})

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {"radius": IntegerAttr(1, i64)}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        (x,) = shapes
        if len(x) != 3:
            raise VerifyException(f"the input must be of shape C×H×W, got {list(x)}")
        if number(options, "radius") < 0:
            raise VerifyException(f"`radius` must be >= 0, got {number(options, 'radius')}")
        return x

    def reads(self) -> Sequence[Access]:
        """Return the read of the window: a lane for each position of a box; those outside the diamond read -inf."""
        channels, height, width = shape_of(self.x)
        r = self.radius.value.data
        relation = read_map(
            f"{{ [[h, w] -> [dh, dw, c]] -> [c, h + dh - {r}, w + dw - {r}] :"
            f" 0 <= c < {channels} and 0 <= h < {height} and 0 <= w < {width}"
            f" and 0 <= h + dh - {r} < {height} and 0 <= w + dw - {r} < {width}"
            f" and {r} <= dh + dw <= {3 * r} and {-r} <= dh - dw <= {r} }}"
        )
        return [Access(relation, (2 * r + 1, 2 * r + 1, channels), pad=-inf)]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        (x,) = values
        return builder.insert(ReduceOp("maximumf", x, [0, 1])).results[0]

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        """Compute the dilation one step at a time."""
        (x,) = operands
        for _ in range(self.radius.value.data):
            padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), constant_values=-inf)
            steps = [padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]]
            steps += [padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]]
            x = np.maximum.reduce([x, *steps])
        return x


@irdl_op_definition
class MedianOp(IterationOp):
    """
    The median of the square window of `2 * radius + 1` rows and columns around each element.

    x: C×H×W, result: C×H×W. What is outside the image is 0.

    ```mlir
    %y = morphology.median %x {radius = 2} : (tensor<3x16x16xf32>) -> tensor<3x16x16xf32>
    ```
    """

    name = "morphology.median"

    x = operand_def(TENSOR)
    radius = prop_def(INT)

    def __init__(self, x: SSAValue | Operation, radius: int = 1):
        super().__init__([x], {"radius": IntegerAttr(radius, i64)})

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        return {"radius": IntegerAttr(1, i64)}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        return DilateOp.infer(shapes, options)

    def reads(self) -> Sequence[Access]:
        """The window, in each channel."""
        channels, height, width = shape_of(self.x)
        r = self.radius.value.data
        relation = read_map(
            f"{{ [[h, w] -> [dh, dw, c]] -> [c, h + dh - {r}, w + dw - {r}] :"
            f" 0 <= c < {channels} and 0 <= h < {height} and 0 <= w < {width}"
            f" and 0 <= h + dh - {r} < {height} and 0 <= w + dw - {r} < {width}"
            f" and 0 <= dh <= {2 * r} and 0 <= dw <= {2 * r} }}"
        )
        return [Access(relation, (2 * r + 1, 2 * r + 1, channels))]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        (x,) = values
        return builder.insert(ReduceMedianOp(x)).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        """All windows at once."""
        (x,) = operands
        r, (_, height, width) = self.radius.value.data, x.shape
        padded = np.pad(x, ((0, 0), (r, r), (r, r)))
        windows = sliding_window_view(padded, (2 * r + 1, 2 * r + 1), axis=(1, 2))
        found = median(np.moveaxis(windows, 0, -1).reshape(-1, *windows.shape[-2:], len(x)))
        return np.moveaxis(found.reshape(height, width, len(x)), -1, 0)


MORPHOLOGY = Dialect("morphology", [DilateOp, MedianOp, ReduceMedianOp])
