"""Remainders, and operators on the bits of integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, traits_def
from xdsl.traits import Commutative

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import FLOATS, WHOLE
from cmir.dialects.nn.pointwise import WIDE, BinaryOp


@irdl_op_definition
class RemOp(BinaryOp):
    """Remainder of the division of two tensors, rounded towards zero, broadcast as in NumPy.

    A remainder is exact, and has the sign of the dividend. That of a division by 0 is NaN, or 0 for integers.

    ```mlir
    %y = nn.rem %a, %b : (tensor<16x8x8xf32>, tensor<f32>) -> tensor<16x8x8xf32>
    ```

    ONNX: Mod.
    """

    name = "nn.rem"

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *WHOLE)

    UFUNC: ClassVar[np.ufunc] = np.fmod


class BitwiseOp(BinaryOp):
    """Base of operators on the bits of two tensors of integers."""

    TAKES: ClassVar[Sequence[Attribute]] = WHOLE


@irdl_op_definition
class BitwiseAndOp(BitwiseOp):
    """Logical and of each bit of two tensors of integers, broadcast as in NumPy.

    ```mlir
    %y = nn.bitwise_and %a, %b : (tensor<16x8x8xi32>, tensor<i32>) -> tensor<16x8x8xi32>
    ```

    ONNX: BitwiseAnd.
    """

    name = "nn.bitwise_and"

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.bitwise_and


@irdl_op_definition
class BitwiseOrOp(BitwiseOp):
    """Logical or of each bit of two tensors of integers, broadcast as in NumPy.

    ```mlir
    %y = nn.bitwise_or %a, %b : (tensor<16x8x8xi32>, tensor<i32>) -> tensor<16x8x8xi32>
    ```

    ONNX: BitwiseOr.
    """

    name = "nn.bitwise_or"

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.bitwise_or


@irdl_op_definition
class BitwiseXorOp(BitwiseOp):
    """Logical exclusive or of each bit of two tensors of integers, broadcast as in NumPy.

    ```mlir
    %y = nn.bitwise_xor %a, %b : (tensor<16x8x8xi32>, tensor<i32>) -> tensor<16x8x8xi32>
    ```

    ONNX: BitwiseXor.
    """

    name = "nn.bitwise_xor"

    traits = traits_def(Commutative())

    UFUNC: ClassVar[np.ufunc] = np.bitwise_xor


class ShiftOp(BitwiseOp):
    """Base of shifts of the bits of the first operand by numbers of places, the second."""

    def possible(self, places: Any) -> Any:
        """Return the numbers of places, or the largest with which MLIR defines a shift for those that it does not."""
        dtype = dtype_of(self.result)
        last = 8 * (WIDE if dtype.kind == "u" else dtype).itemsize - 1
        return np.where(places < 0, last, np.minimum(places, last))


@irdl_op_definition
class ShiftLeftOp(ShiftOp):
    """The bits of the first operand moved to the left by the second, broadcast as in NumPy.

    Zeros come in at the right. A negative number of places, or one that is not less than the width, gives 0.

    ```mlir
    %y = nn.shift_left %a, %b : (tensor<16x8x8xi32>, tensor<i32>) -> tensor<16x8x8xi32>
    ```

    ONNX: BitShift.
    """

    name = "nn.shift_left"

    def formula(self, *operands: Any) -> Any:
        x, places = operands
        possible = self.possible(places)
        return np.where(possible == places, np.left_shift(x, possible), 0)


@irdl_op_definition
class ShiftRightOp(ShiftOp):
    """The bits of the first operand moved to the right by the second, broadcast as in NumPy.

    Copies of the sign come in at the left, or zeros if the elements are unsigned. A negative number of places, or one
    that is not less than the width, gives −1 for negative numbers and 0 for others.

    ```mlir
    %y = nn.shift_right %a, %b : (tensor<16x8x8xui8>, tensor<ui8>) -> tensor<16x8x8xui8>
    ```

    ONNX: BitShift.
    """

    name = "nn.shift_right"

    def formula(self, *operands: Any) -> Any:
        x, places = operands
        return np.right_shift(x, self.possible(places))
