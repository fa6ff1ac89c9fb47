"""Numbers in another type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from xdsl.dialects.builtin import f16, f32, f64, i1, i8, i32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def

from cmir.dialects.nn import formula
from cmir.dialects.nn.operation import FLOATS, TENSOR, ui8
from cmir.dialects.nn.pointwise import ExactOp


class ConversionOp(ExactOp):
    """The same numbers in a type: the nearest it has, the even one of two; infinity beyond all of them; 1 for true."""

    TO: ClassVar[Attribute]
    """The type."""

    x = operand_def(TENSOR)

    def __init__(self, x: SSAValue | Operation):
        super().__init__([x], {})

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        super().element(operands)
        return cls.TO

    def formula(self, *operands: Any) -> Any:
        return formula.convert(operands[0], self.TO)


class ToFloatOp(ConversionOp):
    """A conversion to floats."""

    TAKES: ClassVar[Sequence[Attribute]] = (*FLOATS, i1, i8, ui8, i32)


@irdl_op_definition
class ToF16Op(ToFloatOp):
    """
    Each element as the nearest number of `f16`; infinity if it is beyond all of them.

    ```mlir
    %y = nn.to_f16 %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf16>
    ```

    ONNX: Cast, to float16.
    """

    name = "nn.to_f16"

    TO: ClassVar[Attribute] = f16


@irdl_op_definition
class ToF32Op(ToFloatOp):
    """
    Each element as the nearest number of `f32`; infinity if it is beyond all of them.

    ```mlir
    %y = nn.to_f32 %x : (tensor<16x8x8xf16>) -> tensor<16x8x8xf32>
    ```

    ONNX: Cast, to float.
    """

    name = "nn.to_f32"

    TO: ClassVar[Attribute] = f32


@irdl_op_definition
class ToF64Op(ToFloatOp):
    """
    Each element as the nearest number of `f64`.

    ```mlir
    %y = nn.to_f64 %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf64>
    ```

    ONNX: Cast, to double.
    """

    name = "nn.to_f64"

    TO: ClassVar[Attribute] = f64


@irdl_op_definition
class WidenOp(ConversionOp):
    """
    The same integers, in `i32`; true is 1.

    ```mlir
    %y = nn.widen %x : (tensor<16x8x8xui8>) -> tensor<16x8x8xi32>
    ```

    ONNX: Cast, to int32.
    """

    name = "nn.widen"

    TAKES: ClassVar[Sequence[Attribute]] = (i1, i8, ui8)

    TO: ClassVar[Attribute] = i32
