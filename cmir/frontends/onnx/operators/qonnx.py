"""Quantisers of QONNX, which Brevitas and FINN write: to integers of any number of bits, and back to floats."""

from __future__ import annotations

import numpy as np

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import element_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.elementwise import operands
from cmir.frontends.onnx.qonnx import DOMAINS, Quantiser, number_of
from cmir.frontends.onnx.registry import Function, importer


def quant(
    node: Node,
    x: Activation,
    scale: Constant,
    zeropt: Constant,
    bitwidth: Constant,
    *,
    signed: bool = True,
    narrow: bool = True,
    rounding_mode: str = "ROUND",
) -> Value:
    """1 to 16 bits, with integer zero points."""
    quantiser = Quantiser.of(number_of(bitwidth), signed, narrow, rounding_mode)
    zero = quantiser.zero(zeropt.array)
    _, divisor = operands(node, x, scale)
    if quantiser.bipolar:
        quotient = _shifted(node, node.build(nn.DivOp(x, divisor)), zeropt)
        return _dequantized(node, _signs(node, quotient), divisor, Constant(zeropt.name, zero))
    name = node.proto.output[0]
    exact = not zero.any() and quantiser.rounding == "ROUND"
    if not exact:
        x = _shifted(node, node.build(nn.DivOp(x, divisor)), zeropt)
        if quantiser.rounding != "ROUND":
            x = node.build((nn.CeilOp if quantiser.rounding == "CEIL" else nn.FloorOp)(x))
    one = divisor if exact else node.parameter(Constant(f"{name}.one", np.ones((), np.float32)))
    none = node.parameter(Constant(f"{name}.none", np.zeros((), quantiser.dtype)))
    numbers = node.build(nn.QuantizeOp(x, one, none))
    for bound, number in quantiser.bounds():
        limit = node.parameter(Constant(f"{name}.bound", np.array(number, quantiser.dtype)))
        numbers = node.build((nn.MaxOp if bound == "low" else nn.MinOp)(numbers, limit))
    return _dequantized(node, numbers, divisor, Constant(zeropt.name, zero))


def bipolar_quant(node: Node, x: Activation, scale: Constant) -> Value:
    """Plus or minus the scale."""
    _, factor = operands(node, x, scale)
    zero = Constant(f"{scale.name}.zero", np.zeros((), np.int8))
    return _dequantized(node, _signs(node, x), factor, zero)


def _shifted(node: Node, x: Activation, zero: Constant) -> Activation:
    """Build x + zero point, in floats."""
    if not zero.array.any():
        return x
    shift = Constant(zero.name, zero.array.astype(dtype_of(x)))
    return node.build(nn.AddOp(*operands(node, x, shift)))


def _signs(node: Node, x: Activation) -> Activation:
    """Build 1 where x is not negative, and −1 elsewhere."""
    name = node.proto.output[0]
    zero, plus, minus = (
        node.parameter(Constant(f"{name}.{number}", np.array(number, dtype)))
        for number, dtype in ((0, dtype_of(x)), (1, np.int8), (-1, np.int8))
    )
    return node.build(nn.WhereOp(node.build(nn.GreaterOrEqualOp(x, zero)), plus, minus))


def _dequantized(node: Node, numbers: Activation, scale: Activation, zero: Constant) -> Activation:
    dtype = dtype_of(numbers)
    limits = np.iinfo(dtype)
    if zero.array.min() < limits.min or zero.array.max() > limits.max:
        raise ImporterError(f"zero points must be numbers of {element_of(numbers)}")
    _, number = operands(node, numbers, Constant(zero.name, zero.array.astype(dtype)))
    return node.build(nn.DequantizeOp(numbers, scale, number))


_IMPORTERS: dict[str, Function] = {
    "Quant": quant,
    "IntQuant": quant,
    "BipolarQuant": bipolar_quant,
}
for domain in DOMAINS:
    for name, function in _IMPORTERS.items():
        importer(name, domain)(function)
