"""A value put in memory of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import islpy as isl
import numpy as np
from xdsl.builder import Builder
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def

from cmir.dialects.nn.interface import PointwiseOp
from cmir.dialects.nn.operation import TENSOR, Shape
from cmir.dialects.nn.relations import element_box, element_map, element_names


@irdl_op_definition
class CopyOp(PointwiseOp):
    """
    The operand, written to an array of its own by a stage of its own.

    Passes insert it where a value that only exists as a way of reading another one must exist in memory: a
    network output that is a reshaped tensor, or padding inside padding of another value.

    ```mlir
    %y = nn.copy %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Identity.
    """

    name = "nn.copy"

    x = operand_def(TENSOR)

    def __init__(self, x: SSAValue | Operation):
        super().__init__([x], {})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        return shapes[0]

    def element_relation(self, operand: int) -> isl.Map:
        names = element_names(len(self.result_shape))
        return element_map(element_box(self.result_shape), names, self.result_shape)

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        return values[0]

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return operands[0].copy()
