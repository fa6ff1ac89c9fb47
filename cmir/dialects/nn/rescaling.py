"""Sums and means of dequantised numbers: of the integers, if that gives the same floats."""

from __future__ import annotations

from math import frexp

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, f32
from xdsl.ir import Operation
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern
from xdsl.traits import HasCanonicalizationPatternsTrait

from cmir.dialects.nn.arithmetic import MulOp
from cmir.dialects.nn.canonicalization import RemoveIdentity
from cmir.dialects.nn.interface import IterationOp
from cmir.dialects.nn.operation import QUANTIZED, element_of, tensor_type
from cmir.dialects.nn.parameter import ParameterOp, inline_number
from cmir.dialects.nn.quantization import DequantizeOp

_LARGEST_EXPONENT = 64
"""Products of integers of 17 bits, and of sums of them, with such powers of two are normal numbers."""


class ScaleAfterSum(RewritePattern):
    """Pattern that rewrites sum((x − z) · 2ⁿ) to sum(x − z) · 2ⁿ, for sums and means.

    A power of two changes no rounding. For other scales, the sum of the products and the product of the sum are
    different floats.
    """

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter) -> None:
        assert isinstance(op, IterationOp)
        inner = op.operands[0].owner
        if not isinstance(inner, DequantizeOp) or element_of(inner.x) not in QUANTIZED:
            return
        scale = inline_number(inner.scale)
        if scale is None or scale == 1 or not _is_power_of_two(scale):
            return
        number = tensor_type((), f32)
        one, factor = (
            ParameterOp(DenseIntOrFPElementsAttr.from_list(number, [value]), number)
            for value in (1.0, float(scale))
        )
        integers = DequantizeOp(inner.x, one, inner.zero_point)
        total = type(op).create(
            operands=[integers.result],
            properties=dict(op.properties),
            result_types=[op.results[0].type],
        )
        product = MulOp(total.results[0], factor)
        made = [one, integers, total, factor, product]
        for new in made:
            new.location = op.location
        total.results[0].name_hint = product.result.name_hint = op.results[0].name_hint
        rewriter.replace(op, made)


def _is_power_of_two(scale: np.ndarray) -> bool:
    mantissa, exponent = frexp(abs(float(scale)))
    return mantissa == 0.5 and abs(exponent) <= _LARGEST_EXPONENT


class SumCanonicalization(HasCanonicalizationPatternsTrait):
    """Canonicalization of sums and means."""

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        return RemoveIdentity(), ScaleAfterSum()
