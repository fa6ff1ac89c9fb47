"""Builders of common parts of operator bodies."""

from __future__ import annotations

from xdsl.builder import Builder
from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IntegerType,
    VectorType,
    f32,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue

from cmir.dialects.nn.operation import NARROW_FLOATS
from cmir.dialects.vectors import ConvertOp, ReduceOp


def add(builder: Builder, lhs: SSAValue, rhs: SSAValue) -> SSAValue:
    """Build the sum of two vectors of the same type, and return it."""
    assert isinstance(lhs.type, VectorType)
    integers = isinstance(lhs.type.element_type, IntegerType)
    return builder.insert((arith.AddiOp if integers else arith.AddfOp)(lhs, rhs)).result


def products(builder: Builder, lhs: SSAValue, rhs: SSAValue, axis: int) -> SSAValue:
    """Build the element-wise product of two vectors, summed along an axis, and return it.

    `lhs` may have fewer dimensions than `rhs`.
    """
    assert isinstance(rhs.type, VectorType)
    element = rhs.type.element_type
    integers = isinstance(element, IntegerType)
    if element in NARROW_FLOATS or (integers and element != i64):
        wide = i32 if integers else f32
        lhs, rhs = (builder.insert(ConvertOp(value, wide)).result for value in (lhs, rhs))
    assert isinstance(rhs.type, VectorType)
    multiply = arith.MuliOp if integers else arith.MulfOp
    spread = builder.insert(vector.BroadcastOp(lhs, rhs.type)).vector
    product = builder.insert(multiply(spread, rhs)).result
    total = builder.insert(ReduceOp("add", product, [axis])).results[0]
    return builder.insert(ConvertOp(total, element)).result if element in NARROW_FLOATS else total


def splat(builder: Builder, value: float, type: Attribute) -> SSAValue:
    """Build a vector constant with the same value in all lanes, and return it."""
    assert isinstance(type, VectorType)
    number = int(value) if isinstance(type.element_type, IntegerType) else float(value)
    return builder.insert(
        arith.ConstantOp(DenseIntOrFPElementsAttr.from_list(type, [number]))
    ).result
