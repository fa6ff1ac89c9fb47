"""Copies of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.builder import Builder
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition

from cmir.dialects.nn.operation import ELEMENT_TYPES
from cmir.dialects.nn.pointwise import UnaryOp


@irdl_op_definition
class CopyOp(UnaryOp):
    """A copy of the operand: a stage of its own writes it to an array of its own.

    Passes insert a copy if a value that is only a view of another value must exist in memory, such as a network output
    that is a reshaped tensor, or padding inside padding with another value.

    ```mlir
    %y = nn.copy %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Identity.
    """

    name = "nn.copy"

    TAKES: ClassVar[Sequence[Attribute]] = ELEMENT_TYPES

    def formula(self, *operands: Any) -> Any:
        return operands[0]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return values[0]

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return operands[0]
