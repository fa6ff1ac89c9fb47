"""Remainders, and logical operators on the bits of integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from xdsl.dialects.builtin import i8, i16, i32
from xdsl.ir import Attribute
from xdsl.irdl import irdl_op_definition, traits_def
from xdsl.traits import Commutative

from cmir.dialects.nn.operation import FLOATS, INTEGERS
from cmir.dialects.nn.pointwise import BinaryOp


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

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, *INTEGERS)

    UFUNC: ClassVar[np.ufunc] = np.fmod


class BitwiseOp(BinaryOp):
    """Base of logical operators on each bit of two tensors of integers."""

    TAKES: ClassVar[Sequence[Attribute]] = (i8, i16, i32)


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
