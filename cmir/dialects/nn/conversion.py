"""Conversion between element types."""

from __future__ import annotations

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
from cmir.support.numerics import convert, wrap

CASTS: Mapping[Attribute, Sequence[Attribute]] = dict.fromkeys(
    (*FLOATS, *WHOLE), (*FLOATS, i1, *WHOLE)
)
"""Valid casts: operand element types by result element type."""


@irdl_op_definition
class CastOp(ExactOp):
    """Conversion of the elements to the element type of the result.

    ```mlir
    %y = nn.cast %x : (tensor<16x8x8xf32>) -> tensor<16x8x8xf16>
    %z = nn.cast %q : (tensor<16x8x8xui8>) -> tensor<16x8x8xi32>
    ```

    To floats: the nearest number, ties to even; infinity beyond the range of the type. From floats to integers: the
    number without its fraction, the nearest bound beyond the range of the type, and 0 for NaN. From integers to
    integers: the low bits. True becomes 1.

    ONNX: Cast.
    """

    name = "nn.cast"

    OLD_NAMES: ClassVar = ("nn.to_f16", "nn.to_f32", "nn.to_f64", "nn.widen")

    x = operand_def(TENSOR)

    traits = traits_def(IdentityCanonicalization())

    def __init__(self, x: SSAValue | Operation, element: Attribute):
        """element: the type to cast to. Raises VerifyException if there is no such cast."""
        x = SSAValue.get(x)
        _check(element_of(x), element)
        IRDLOperation.__init__(self, operands=[x], result_types=[tensor_type(shape_of(x), element)])

    def verify_(self) -> None:
        element = element_of(self.result)
        _check(element_of(self.x), element)
        expected = tensor_type(shape_of(self.x), element)
        if self.result.type != expected:
            raise VerifyException(f"result type must be {expected}, got {self.result.type}")

    def formula(self, *operands: Any) -> Any:
        (x,), target = operands, dtype_of(self.result)
        if target.kind == "f" or np.can_cast(source := dtype_of(self.x), target):
            return convert(x, target)
        return convert(np.trunc(x), target) if source.kind == "f" else wrap(x, target)

    def is_identity(self) -> bool:
        return self.result.type == self.x.type


def _check(source: Attribute, target: Attribute) -> None:
    """Raise VerifyException if `source` elements cannot be cast to `target`."""
    if target not in CASTS:
        known = ", ".join(map(str, CASTS))
        raise VerifyException(f"the result must have elements of one of {known}, got {target}")
    check_elements(CASTS[target], [source])
