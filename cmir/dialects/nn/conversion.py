"""Conversion between element types."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, traits_def
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.canonicalization import IdentityCanonicalization
from cmir.dialects.nn.operation import (
    FLOATS,
    TENSOR,
    WHOLE,
    check_elements,
    element_of,
    shape_of,
    tensor_type,
)
from cmir.dialects.nn.pointwise import ExactOp
from cmir.support.numerics import convert, is_float, wrap

CASTS: Mapping[Attribute, Sequence[Attribute]] = dict.fromkeys(
    (*FLOATS, *WHOLE), (*FLOATS, i1, *WHOLE)
)
"""Valid casts: operand element types by result element type."""


def cast(x: Any, source: np.dtype[Any], target: np.dtype[Any]) -> Any:
    """Return elements of type `source` converted to `target`, as `CastOp` does. x: an array or a `Vector`."""
    if is_float(target) or np.can_cast(source, target):
        return convert(x, target)
    return convert(np.trunc(x), target) if is_float(source) else wrap(x, target)


class ConversionOp(ExactOp):
    """Base of operators whose result has the shape of their operand and another element type."""

    x = operand_def(TENSOR)

    traits = traits_def(IdentityCanonicalization())

    def __init__(self, x: SSAValue | Operation, element: Attribute):
        """element: the type of the result's elements. Raises VerifyException if there is no such conversion."""
        x = SSAValue.get(x)
        self.check(element_of(x), element)
        IRDLOperation.__init__(self, operands=[x], result_types=[tensor_type(shape_of(x), element)])

    @classmethod
    @abstractmethod
    def check(cls, source: Attribute, target: Attribute) -> None:
        """Raise VerifyException if `source` elements cannot become `target`."""

    def verify_(self) -> None:
        element = element_of(self.result)
        self.check(element_of(self.x), element)
        expected = tensor_type(shape_of(self.x), element)
        if self.result.type != expected:
            raise VerifyException(f"result type must be {expected}, got {self.result.type}")

    def is_identity(self) -> bool:
        return self.result.type == self.x.type


@irdl_op_definition
class CastOp(ConversionOp):
    """Conversion of the elements to the element type of the result.

    ```mlir
    %y = nn.cast %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf16>
    %z = nn.cast %q : (tensor<16x8x8xui8>) -> tensor<16x8x8xi32>
    ```

    To floats: the nearest number, ties to even; infinity beyond the range of the type. Numbers become `bf16` by way of
    `f32`. From floats to integers: the number without its fraction, the nearest bound beyond the range of the type, and
    0 for NaN. From integers to integers: the low bits. True becomes 1.

    ONNX: Cast.
    """

    name = "nn.cast"

    OLD_NAMES: ClassVar = ("nn.to_f16", "nn.to_f32", "nn.to_f64", "nn.widen")

    @classmethod
    def check(cls, source: Attribute, target: Attribute) -> None:
        if target not in CASTS:
            known = ", ".join(map(str, CASTS))
            raise VerifyException(f"the result must have elements of one of {known}, got {target}")
        check_elements(CASTS[target], [source])

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        return cast(x, dtype_of(self.x), dtype_of(self.result))


@irdl_op_definition
class BitcastOp(ConversionOp):
    """The bits of the elements as elements of another type of the same width.

    ```mlir
    %y = nn.bitcast %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xi32>
    ```

    ONNX: BitCast.
    """

    name = "nn.bitcast"

    @classmethod
    def check(cls, source: Attribute, target: Attribute) -> None:
        known = [e for e in (*FLOATS, *WHOLE) if dtype_of(e).itemsize == dtype_of(source).itemsize]
        if source not in known or target not in known:
            raise VerifyException(f"elements of {source} cannot be reinterpreted as {target}")

    def formula(self, *operands: Any) -> Any:
        (x,) = operands
        return x.view(dtype_of(self.result))
