"""Helpers that build parts of the bodies of operators."""

from __future__ import annotations

from xdsl.builder import Builder
from xdsl.dialects import arith
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, VectorType
from xdsl.ir import Attribute, SSAValue


def splat(builder: Builder, value: float, type: Attribute) -> SSAValue:
    """A vector constant with the same value everywhere."""
    assert isinstance(type, VectorType)
    return builder.insert(
        arith.ConstantOp(DenseIntOrFPElementsAttr.from_list(type, [value]))
    ).result
