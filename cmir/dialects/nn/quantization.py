"""Quantisation and dequantisation."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np
from xdsl.dialects.builtin import f32, i32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, traits_def
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.traits import HasCanonicalizationPatternsTrait
from xdsl.utils.exceptions import VerifyException

from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import INTEGERS, QUANTIZED, TENSOR, element_of, shape_of
from cmir.dialects.nn.parameter import inline_number
from cmir.dialects.nn.pointwise import ExactOp
from cmir.support.numerics import convert


class QuantizationOp(ExactOp):
    """Base of operators that relate numbers to integers by a scale and a zero point, broadcast as in NumPy."""

    x = operand_def(TENSOR)
    scale = operand_def(TENSOR)
    zero_point = operand_def(TENSOR)

    def __init__(
        self,
        x: SSAValue | Operation,
        scale: SSAValue | Operation,
        zero_point: SSAValue | Operation,
    ):
        super().__init__([x, scale, zero_point], {})

    def needs(self, operand: int) -> bool:
        neutral = {1: 1, 2: 0}
        value = self.operands[operand]
        return (
            operand not in neutral
            or inline_number(value) != neutral[operand]
            or len(shape_of(value)) > len(shape_of(self.x))  # it adds dimensions to the result
        )

    def given(self, operands: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Return x, the scale and the zero point; None for those that are not needed."""
        values = iter(operands)
        x, scale, zero_point = (next(values) if self.needs(i) else None for i in range(3))
        return x, scale, zero_point

    def evaluate(self, *operands: np.ndarray) -> np.ndarray:
        return super().evaluate(*(x for i, x in enumerate(operands) if self.needs(i)))


class QuantizeAgain(RewritePattern):
    """Pattern that rewrites quantize(dequantize(x)) to x, if both have the same scale and the same zero point."""

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        assert isinstance(op, QuantizeOp)
        inner = op.x.owner
        if not isinstance(inner, DequantizeOp) or element_of(inner.x) != element_of(op.result):
            return
        scales, zeros = (
            [inline_number(value) for value in values]
            for values in ((inner.scale, op.scale), (inner.zero_point, op.zero_point))
        )
        if _same(*scales) and _same(*zeros) and _keeps_integers(scales[0]):
            rewriter.replace(op, (), [inner.x])


def _same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is not None and b is not None and a == b


def _keeps_integers(scale: np.ndarray | None) -> bool:
    """Return True if integers of 17 bits times `scale`, divided by it, are near the same integers again.

    Products of other scales may leave the range of normal numbers.
    """
    limits = np.finfo(np.float32)
    return scale is not None and bool(limits.tiny <= scale <= limits.max / 2**17)


class QuantizeCanonicalization(HasCanonicalizationPatternsTrait):
    """Canonicalization of `nn.quantize`."""

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return (QuantizeAgain(),)


@irdl_op_definition
class QuantizeOp(QuantizationOp):
    """Quantisation: x / scale, rounded to the nearest integer (ties to even), plus the zero point.

    The result has the type of the zero point and saturates at the bounds of that type.

    ```mlir
    %q = nn.quantize %x, %scale, %zero
        : (tensor<16x8x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<16x8x8xui8>
    ```

    ONNX: QuantizeLinear.
    """

    name = "nn.quantize"

    traits = traits_def(QuantizeCanonicalization())

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        x, scale, zero_point = operands
        if x != f32 or scale != f32 or zero_point not in QUANTIZED:
            known = ", ".join(map(str, QUANTIZED))
            raise VerifyException(
                f"the operands must have elements of f32, f32 and one of {known}, got"
                f" {x}, {scale}, {zero_point}"
            )
        return zero_point

    def formula(self, *operands: Any) -> Any:
        x, scale, zero_point = self.given(operands)
        if scale is not None:
            x = x / scale
        if zero_point is not None:
            x = np.rint(x) + convert(zero_point, dtype_of(f32))
        return convert(x, dtype_of(self.result))


@irdl_op_definition
class DequantizeOp(QuantizationOp):
    """Dequantisation: (x − zero point) · scale. The difference is computed in `i32`, the product in `f32`.

    ```mlir
    %x = nn.dequantize %q, %scale, %zero
        : (tensor<16x8x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<16x8x8xf32>
    ```

    ONNX: DequantizeLinear.
    """

    name = "nn.dequantize"

    @classmethod
    def element(cls, operands: Sequence[Attribute]) -> Attribute:
        x, scale, zero_point = operands
        if scale != f32 or x != zero_point or x not in INTEGERS:
            known = ", ".join(map(str, INTEGERS))
            raise VerifyException(
                f"the operands must have elements of one of {known}, of f32, and of the first type"
                f" again, got {x}, {scale}, {zero_point}"
            )
        return f32

    def is_increasing(self) -> bool:
        scale = inline_number(self.scale)
        return scale is not None and 0 < float(scale) < inf and element_of(self.x) in QUANTIZED

    def formula(self, *operands: Any) -> Any:
        x, scale, zero_point = self.given(operands)
        if zero_point is not None:
            x = convert(x, dtype_of(i32)) - convert(zero_point, dtype_of(i32))
        x = convert(x, dtype_of(f32))
        return x if scale is None else x * scale
