"""Operators that compute each element of the result from one element of each operand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from xdsl.builder import Builder
from xdsl.dialects import arith
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, traits_def
from xdsl.traits import Commutative
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.body import splat
from cmir.dialects.nn.canonicalization import MayBeIdentity
from cmir.dialects.nn.interface import PointwiseOp
from cmir.dialects.nn.operation import TENSOR, Shape


@irdl_op_definition
class AddOp(PointwiseOp):
    """
    Sum of two tensors, broadcast as in NumPy: shapes are aligned at the last dimension, and a
    dimension of size 1, or a missing one, is repeated.

    ```mlir
    %y = nn.add %a, %b : (tensor<16x8x8xf32>, tensor<16x1x1xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Add.
    """

    name = "nn.add"

    lhs = operand_def(TENSOR)
    rhs = operand_def(TENSOR)

    traits = traits_def(Commutative())

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation):
        super().__init__([lhs, rhs], {})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        lhs, rhs = shapes
        try:
            return np.broadcast_shapes(lhs, rhs)
        except ValueError:
            raise VerifyException(
                f"shapes {list(lhs)} and {list(rhs)} do not broadcast to one shape"
            ) from None

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        lhs, rhs = values
        return builder.insert(arith.AddfOp(lhs, rhs)).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return np.add(*operands)


@irdl_op_definition
class ReluOp(PointwiseOp):
    """
    The larger one of each element and zero.

    ```mlir
    %y = nn.relu %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Relu.
    """

    name = "nn.relu"

    x = operand_def(TENSOR)

    traits = traits_def(MayBeIdentity())

    def __init__(self, x: SSAValue | Operation):
        super().__init__([x], {})

    @classmethod
    def infer(cls, shapes: Sequence[Shape], options: Mapping[str, Attribute]) -> Shape:
        return shapes[0]

    def build_body(self, builder: Builder, values: Sequence[SSAValue]) -> SSAValue:
        (x,) = values
        return builder.insert(arith.MaximumfOp(x, splat(builder, 0, x.type))).result

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return np.maximum(operands[0], np.float32(0))

    def is_identity(self) -> bool:
        return isinstance(self.x.owner, ReluOp)
