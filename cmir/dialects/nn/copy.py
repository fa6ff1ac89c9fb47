"""A value put in memory of its own."""

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
    """The operand, written to an array of its own by a stage of its own.

    Passes insert it if a value that is only a view of another one must exist in memory: a network output
    that is a reshaped tensor, or padding inside padding of another value.

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
