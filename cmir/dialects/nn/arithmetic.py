"""Element-wise arithmetic on one or two tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, traits_def
from xdsl.traits import Commutative

from cmir.dialects.nn.operation import FLOATS, WHOLE, element_of
from cmir.dialects.nn.pointwise import BinaryOp, UnaryOp
from cmir.support.numerics import divide_towards_zero, integer_power


@irdl_op_definition
class AddOp(BinaryOp):
    """Sum of two tensors, broadcast as in NumPy.

    Broadcasting aligns shapes at the last dimension and repeats dimensions that are missing or of size 1.

    ```mlir
    %y = nn.add %a, %b : (tensor<16x8x8xf32>, tensor<16x1x1xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Add.
    """

    name = "nn.add"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.add


@irdl_op_definition
class SubOp(BinaryOp):
    """Difference of two tensors, broadcast as in NumPy.

    ```mlir
    %y = nn.sub %a, %b : (tensor<16x8x8xf32>, tensor<16x1x1xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Sub.
    """

    name = "nn.sub"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    UFUNC: ClassVar[np.ufunc] = np.subtract


@irdl_op_definition
class MulOp(BinaryOp):
    """Element-wise product of two tensors, broadcast as in NumPy.

    ```mlir
    %y = nn.mul %x, %scale : (tensor<16x8x8xf32>, tensor<16x1x1xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Mul.
    """

    name = "nn.mul"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.multiply


@irdl_op_definition
class DivOp(BinaryOp):
    """Element-wise quotient of two tensors, broadcast as in NumPy.

    Quotients of integers are rounded towards zero; those of a division by 0 are 0.

    ```mlir
    %y = nn.div %x, %six : (tensor<16x8x8xf32>, tensor<1xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Div.
    """

    name = "nn.div"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    def formula(self, *operands: Any) -> Any:
        lhs, rhs = operands
        return lhs / rhs if element_of(self.result) in FLOATS else divide_towards_zero(lhs, rhs)


@irdl_op_definition
class PowOp(BinaryOp):
    """Element-wise power of two tensors, base and exponent, broadcast as in NumPy.

    A negative number raised to a non-integer power is NaN. Integers have the low bits of the power; a negative exponent
    gives the reciprocal, rounded towards zero, and 0 for that of 0.

    ```mlir
    %y = nn.pow %x, %two : (tensor<16x8x8xf32>, tensor<f32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Pow.
    """

    name = "nn.pow"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    def formula(self, *operands: Any) -> Any:
        base, exponent = operands
        floats = element_of(self.result) in FLOATS
        return np.power(base, exponent) if floats else integer_power(base, exponent)


@irdl_op_definition
class MinOp(BinaryOp):
    """Element-wise minimum of two tensors, broadcast as in NumPy.

    ```mlir
    %y = nn.min %a, %b : (tensor<16x8x8xf32>, tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Min, of two tensors.
    """

    name = "nn.min"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.minimum


@irdl_op_definition
class MaxOp(BinaryOp):
    """Element-wise maximum of two tensors, broadcast as in NumPy.

    ```mlir
    %y = nn.max %a, %b : (tensor<16x8x8xf32>, tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Max, of two tensors.
    """

    name = "nn.max"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.maximum


@irdl_op_definition
class NegOp(UnaryOp):
    """Negation of each element. That of the least integer is the least integer.

    ```mlir
    %y = nn.neg %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Neg.
    """

    name = "nn.neg"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        # MLIR has no negation of integers, and 0 − 0 is not the negation of the float 0.
        return np.negative(x) if element_of(self.result) in FLOATS else 0 - x


@irdl_op_definition
class AbsOp(UnaryOp):
    """Absolute value of each element. That of the least integer is the least integer.

    ```mlir
    %y = nn.abs %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Abs.
    """

    name = "nn.abs"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    UFUNC: ClassVar[np.ufunc] = np.absolute


@irdl_op_definition
class ReciprocalOp(UnaryOp):
    """Reciprocal of each element.

    ```mlir
    %y = nn.reciprocal %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Reciprocal.
    """

    name = "nn.reciprocal"

    def formula(self, *operands: Any) -> Any:
        return 1 / operands[0]


@irdl_op_definition
class SqrtOp(UnaryOp):
    """Square root of each element.

    ```mlir
    %y = nn.sqrt %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Sqrt.
    """

    name = "nn.sqrt"

    UFUNC: ClassVar[np.ufunc] = np.sqrt


@irdl_op_definition
class ExpOp(UnaryOp):
    """Exponential of each element.

    ```mlir
    %y = nn.exp %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Exp.
    """

    name = "nn.exp"

    UFUNC: ClassVar[np.ufunc] = np.exp


@irdl_op_definition
class LogOp(UnaryOp):
    """Natural logarithm of each element.

    ```mlir
    %y = nn.log %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Log.
    """

    name = "nn.log"

    UFUNC: ClassVar[np.ufunc] = np.log


@irdl_op_definition
class FloorOp(UnaryOp):
    """Each element rounded down to an integer.

    ```mlir
    %y = nn.floor %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Floor.
    """

    name = "nn.floor"

    UFUNC: ClassVar[np.ufunc] = np.floor


@irdl_op_definition
class CeilOp(UnaryOp):
    """Each element rounded up to an integer.

    ```mlir
    %y = nn.ceil %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Ceil.
    """

    name = "nn.ceil"

    UFUNC: ClassVar[np.ufunc] = np.ceil


@irdl_op_definition
class RoundOp(UnaryOp):
    """Each element rounded to the nearest integer, ties to even.

    ```mlir
    %y = nn.round %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Round.
    """

    name = "nn.round"

    UFUNC: ClassVar[np.ufunc] = np.rint
