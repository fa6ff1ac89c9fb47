"""The `newname` dialect: its operators, with everything that the compiler requires of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute, Dialect, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn import Access, IterationOp
from cmir.dialects.nn.operation import INT, TENSOR, Shape, number, shape_of
from cmir.dialects.vectors import ReduceOp
from cmir.isl.text import read_map


@irdl_op_definition
class RunningMaxOp(IterationOp):
    """The largest of `width` consecutive elements of a sequence, in each channel.

    x: C×L, result: C×(L − width + 1).

    ```mlir
    %y = newname.running_max %x {width = 3} : (tensor<4x16xf32>) -> tensor<4x14xf32>
    ```
    """

    name = "newname.running_max"

    x = operand_def(TENSOR)
    width = prop_def(INT)

    def __init__(self, x: SSAValue | Operation, width: int = 2):
        super().__init__([x], {"width": IntegerAttr(width, i64)})

    @classmethod
    def defaults(cls, shapes: Sequence[Shape]) -> Mapping[str, Attribute]:
        """Return the values of options that IR need not give."""
        return {"width": IntegerAttr(2, i64)}

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        """Return the shape of the result. Raises VerifyException for operands and options that do not fit."""
        (x,) = shapes
        width = number(options, "width")
        if len(x) != 2:
            raise VerifyException(f"the input must be of shape C×L, got {list(x)}")
        if not 1 <= width <= x[1]:
            raise VerifyException(f"`width` must be one of 1 to {x[1]}, got {width}")
        return (x[0], x[1] - width + 1)

    def reads(self) -> Sequence[Access]:
        """Return the read of the window: iteration i reads elements i to i + width − 1 of all channels."""
        channels, length = shape_of(self.x)
        width = self.width.value.data
        relation = read_map(
            f"{{ [[i] -> [k, c]] -> [c, i + k] : 0 <= i <= {length - width}"
            f" and 0 <= k < {width} and 0 <= c < {channels} }}"
        )
        return [Access(relation, (width, channels))]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        """Build the computation of one iteration: from vectors of the lanes that it reads to the vector it writes."""
        (x,) = values
        return builder.insert(ReduceOp("maximumf", x, [0])).results[0]

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        """Compute the result with NumPy, in another way than the body."""
        (x,) = operands
        length = x.shape[1] - self.width.value.data + 1
        windows = [x[:, k : k + length] for k in range(self.width.value.data)]
        return np.stack(windows).max(axis=0)


NEWNAME = Dialect("newname", [RunningMaxOp])
