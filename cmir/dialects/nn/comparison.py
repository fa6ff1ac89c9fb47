"""Comparisons, logical operators, and selection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, traits_def
from xdsl.traits import Commutative
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.nn.operation import FLOATS, TENSOR, WHOLE
from cmir.dialects.nn.pointwise import ExactOp


class LogicalOp(ExactOp):
    """Base of logical operators on two tensors of truth values."""

    TAKES: ClassVar[Sequence[Attribute]] = (i1,)

    lhs = operand_def(TENSOR)
    rhs = operand_def(TENSOR)

    def __init__(self, lhs: SSAValue | Operation, rhs: SSAValue | Operation):
        super().__init__([lhs, rhs], {})


class ComparisonOp(LogicalOp):
    """Base of element-wise comparisons of two tensors. Comparisons with NaN are false."""

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        super().element(operands)
        return i1


@irdl_op_definition
class EqualOp(ComparisonOp):
    """True where the elements of two tensors are equal, broadcast as in NumPy.

    ```mlir
    %y = nn.equal %a, %b : (tensor<16x8x8xf32>, tensor<f32>) -> tensor<16x8x8xi1>
    ```

    ONNX: Equal.
    """

    name = "nn.equal"

    TAKES: ClassVar[Sequence[Attribute]] = (*ComparisonOp.TAKES, i1)

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.equal


@irdl_op_definition
class LessOp(ComparisonOp):
    """True where the first operand is less than the second, broadcast as in NumPy.

    ```mlir
    %y = nn.less %a, %b : (tensor<16x8x8xf32>, tensor<f32>) -> tensor<16x8x8xi1>
    ```

    ONNX: Less.
    """

    name = "nn.less"

    UFUNC: ClassVar[np.ufunc] = np.less


@irdl_op_definition
class LessOrEqualOp(ComparisonOp):
    """True where the first operand is less than or equal to the second, broadcast as in NumPy.

    ```mlir
    %y = nn.less_or_equal %a, %b : (tensor<16x8x8xf32>, tensor<f32>) -> tensor<16x8x8xi1>
    ```

    ONNX: LessOrEqual.
    """

    name = "nn.less_or_equal"

    UFUNC: ClassVar[np.ufunc] = np.less_equal


@irdl_op_definition
class GreaterOp(ComparisonOp):
    """True where the first operand is greater than the second, broadcast as in NumPy.

    ```mlir
    %y = nn.greater %a, %b : (tensor<16x8x8xf32>, tensor<f32>) -> tensor<16x8x8xi1>
    ```

    ONNX: Greater.
    """

    name = "nn.greater"

    UFUNC: ClassVar[np.ufunc] = np.greater


@irdl_op_definition
class GreaterOrEqualOp(ComparisonOp):
    """True where the first operand is greater than or equal to the second, broadcast as in NumPy.

    ```mlir
    %y = nn.greater_or_equal %a, %b : (tensor<16x8x8xf32>, tensor<f32>) -> tensor<16x8x8xi1>
    ```

    ONNX: GreaterOrEqual.
    """

    name = "nn.greater_or_equal"

    UFUNC: ClassVar[np.ufunc] = np.greater_equal


@irdl_op_definition
class AndOp(LogicalOp):
    """True where both operands are true, broadcast as in NumPy.

    ```mlir
    %y = nn.and %a, %b : (tensor<16x8x8xi1>, tensor<16x8x8xi1>) -> tensor<16x8x8xi1>
    ```

    ONNX: And.
    """

    name = "nn.and"

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.logical_and


@irdl_op_definition
class OrOp(LogicalOp):
    """True where at least one operand is true, broadcast as in NumPy.

    ```mlir
    %y = nn.or %a, %b : (tensor<16x8x8xi1>, tensor<16x8x8xi1>) -> tensor<16x8x8xi1>
    ```

    ONNX: Or.
    """

    name = "nn.or"

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.logical_or


@irdl_op_definition
class XorOp(LogicalOp):
    """True where exactly one operand is true, broadcast as in NumPy.

    ```mlir
    %y = nn.xor %a, %b : (tensor<16x8x8xi1>, tensor<16x8x8xi1>) -> tensor<16x8x8xi1>
    ```

    ONNX: Xor.
    """

    name = "nn.xor"

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.logical_xor


@irdl_op_definition
class NotOp(ExactOp):
    """True where the operand is false.

    ```mlir
    %y = nn.not %x : (tensor<16x8x8xi1>) -> tensor<16x8x8xi1>
    ```

    ONNX: Not.
    """

    name = "nn.not"

    TAKES: ClassVar[Sequence[Attribute]] = (i1,)

    x = operand_def(TENSOR)

    def __init__(self, x: SSAValue | Operation):
        super().__init__([x], {})

    def formula(self, *operands: Any) -> Any:
        return np.logical_xor(operands[0], True)


@irdl_op_definition
class WhereOp(ExactOp):
    """Selection: the element of `lhs` where the condition is true, that of `rhs` elsewhere.

    All operands are broadcast as in NumPy.

    ```mlir
    %y = nn.where %c, %a, %b
        : (tensor<8x8xi1>, tensor<16x8x8xf32>, tensor<f32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Where.
    """

    name = "nn.where"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, i1, *WHOLE)

    condition = operand_def(TENSOR)
    lhs = operand_def(TENSOR)
    rhs = operand_def(TENSOR)

    def __init__(
        self,
        condition: SSAValue | Operation,
        lhs: SSAValue | Operation,
        rhs: SSAValue | Operation,
    ):
        super().__init__([condition, lhs, rhs], {})

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        condition, *values = operands
        if condition != i1:
            raise VerifyException(f"the condition must have elements of i1, got {condition}")
        return super().element(values)

    def formula(self, *operands: Any) -> Any:
        return np.where(*operands)
