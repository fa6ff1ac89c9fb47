"""Element-wise arithmetic and activation functions."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import numpy as np
from ml_dtypes import finfo
from xdsl.dialects.builtin import f32, f64, i64
from xdsl.ir import Attribute, Operation, SSAValue

from cmir.dialects import nn
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.operation import FLOATS, NARROW_FLOATS, WHOLE, element_of
from cmir.frontends.onnx.errors import ImporterError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value
from cmir.frontends.onnx.operators.elementwise import (
    as_element,
    converted,
    element_of_value,
    operands,
    option,
    wide_float,
)
from cmir.frontends.onnx.registry import Function, importer

UNARY: dict[str, Callable[[SSAValue], Operation]] = {
    "Abs": nn.AbsOp,
    "Acos": nn.AcosOp,
    "Acosh": nn.AcoshOp,
    "Asin": nn.AsinOp,
    "Asinh": nn.AsinhOp,
    "Atan": nn.AtanOp,
    "Atanh": nn.AtanhOp,
    "Ceil": nn.CeilOp,
    "Cos": nn.CosOp,
    "Cosh": nn.CoshOp,
    "Erf": nn.ErfOp,
    "Exp": nn.ExpOp,
    "Floor": nn.FloorOp,
    "HardSwish": nn.HardSwishOp,
    "Log": nn.LogOp,
    "Mish": nn.MishOp,
    "Neg": nn.NegOp,
    "Not": nn.NotOp,
    "Reciprocal": nn.ReciprocalOp,
    "Relu": nn.ReluOp,
    "Round": nn.RoundOp,
    "Sigmoid": nn.SigmoidOp,
    "Sign": nn.SignOp,
    "Sin": nn.SinOp,
    "Sinh": nn.SinhOp,
    "Softplus": nn.SoftplusOp,
    "Sqrt": nn.SqrtOp,
    "Tan": nn.TanOp,
    "Tanh": nn.TanhOp,
}
BINARY: dict[str, Callable[[SSAValue, SSAValue], Operation]] = {
    "Add": nn.AddOp,
    "And": nn.AndOp,
    "BitwiseAnd": nn.BitwiseAndOp,
    "BitwiseOr": nn.BitwiseOrOp,
    "BitwiseXor": nn.BitwiseXorOp,
    "Div": nn.DivOp,
    "Equal": nn.EqualOp,
    "Greater": nn.GreaterOp,
    "GreaterOrEqual": nn.GreaterOrEqualOp,
    "Less": nn.LessOp,
    "LessOrEqual": nn.LessOrEqualOp,
    "Mul": nn.MulOp,
    "Or": nn.OrOp,
    "PRelu": nn.PReluOp,
    "Sub": nn.SubOp,
    "Xor": nn.XorOp,
}
VARIADIC: dict[str, Callable[[SSAValue, SSAValue], Operation]] = {
    "Max": nn.MaxOp,
    "Min": nn.MinOp,
    "Sum": nn.AddOp,
}


def _unary(op: Callable[[SSAValue], Operation]) -> Function:
    def unary(node: Node, x: Activation) -> Value:
        return node.build(op(x))

    return unary


def _binary(op: Callable[[SSAValue, SSAValue], Operation]) -> Function:
    def binary(node: Node, a: Value, b: Value) -> Value:
        return node.build(op(*operands(node, a, b)))

    return binary


def _variadic(op: Callable[[SSAValue, SSAValue], Operation]) -> Function:
    def variadic(node: Node, *values: Value) -> Value:
        # Constants come last, so that no operation has only constants.
        result, *others = operands(node, *sorted(values, key=lambda v: isinstance(v, Constant)))
        for value in others:
            result = node.build(op(result, value))
        return result

    return variadic


for name, unary in UNARY.items():
    importer(name)(_unary(unary))
for name, binary in BINARY.items():
    importer(name)(_binary(binary))
for name, variadic in VARIADIC.items():
    importer(name)(_variadic(variadic))


@importer("Mean")
def mean(node: Node, *values: Value) -> Value:
    total = _variadic(nn.AddOp)(node, *values)
    assert isinstance(total, Activation)
    if len(values) == 1:
        return total
    count = Constant(f"{node.proto.name}.count", np.array(len(values), dtype_of(total)))
    return node.build(nn.DivOp(total, node.parameter(count)))


@importer("BitwiseNot")
def bitwise_not(node: Node, x: Activation) -> Value:
    ones = Constant(f"{node.proto.name}.ones", ~np.zeros((), dtype_of(x)))
    return node.build(nn.BitwiseXorOp(x, node.parameter(ones)))


@importer("BitShift")
def bit_shift(node: Node, x: Value, y: Value, *, direction: str) -> Value:
    if direction not in ("LEFT", "RIGHT"):
        raise ImporterError(f"attribute direction = {direction} is not supported")
    shift = nn.ShiftLeftOp if direction == "LEFT" else nn.ShiftRightOp
    return node.build(shift(*operands(node, x, y)))


@importer("Mod")
def mod(node: Node, a: Value, b: Value, *, fmod: bool = False) -> Value:
    """Floats and integers."""
    a, b = operands(node, a, b)
    remainder = node.build(nn.RemOp(a, b))
    dtype = dtype_of(remainder)
    if fmod or dtype.kind == "u":
        return remainder
    # A remainder other than 0 that does not have the divisor's sign is on the other side of a multiple.
    zero = node.parameter(Constant(f"{node.proto.name}.zero", np.zeros((), dtype)))
    agree = nn.EqualOp(*(node.build(nn.LessOp(x, zero)) for x in (remainder, b)))
    kept = nn.OrOp(node.build(nn.EqualOp(remainder, zero)), node.build(agree))
    other = node.build(nn.AddOp(remainder, b))
    return node.build(nn.WhereOp(node.build(kept), remainder, other))


@importer("Where")
def where(node: Node, condition: Value, a: Value, b: Value) -> Value:
    return node.build(nn.WhereOp(*operands(node, condition, a, b)))


@importer("IsNaN")
def is_nan(node: Node, x: Activation) -> Value:
    return node.build(nn.NotOp(node.build(nn.EqualOp(x, x))))


@importer("IsInf")
def is_inf(
    node: Node, x: Activation, *, detect_negative: bool = True, detect_positive: bool = True
) -> Value:
    if not detect_negative and not detect_positive:
        return node.build(nn.LessOp(x, x))
    if detect_negative and detect_positive:
        x = node.build(nn.AbsOp(x))
    sign = 1 if detect_positive else -1
    infinity = Constant(f"{node.proto.name}.infinity", np.array(sign * np.inf, dtype_of(x)))
    return node.build(nn.EqualOp(x, node.parameter(infinity)))


@importer("Pow")
def power(node: Node, base: Value, exponent: Value) -> Value:
    """Floats and integers. Floats of two types are computed in float, or in double if one of them is that.

    Powers of integers whose exponents are floats are computed in double precision and rounded towards zero, unless
    the exponents are constant and whole: then they are exact.
    """
    kinds = [dtype_of(x) if isinstance(x, Activation) else x.array.dtype for x in (base, exponent)]
    if kinds[0].kind in "iu":
        if kinds[1].kind not in "iu":
            exponent = _whole(exponent)
        return _integer_power(node, *operands(node, base, exponent))
    element = wide = element_of_value(base) or f32
    if isinstance(exponent, Constant) and _holds(element, exponent):
        exponent = converted(node, exponent, element)
    if element_of_value(exponent) != element:
        wide = wide_float(base, exponent)
    values = (converted(node, value, wide) for value in (base, exponent))
    return as_element(node, node.build(nn.PowOp(*operands(node, *values))), element)


def _holds(element: Attribute, constant: Constant) -> bool:
    """Return True if the elements of a constant are numbers of this type."""
    with np.errstate(all="ignore"):
        return bool((constant.array.astype(dtype_of(element)) == constant.array).all())


def _whole(exponent: Value) -> Value:
    """Return the exponent, as integers if it is constant and they are the same numbers."""
    if isinstance(exponent, Constant):
        numbers = exponent.array.astype(np.float64)
        if (np.abs(numbers) <= _LARGEST_POWER).all() and (numbers == np.trunc(numbers)).all():
            return Constant(exponent.name, numbers.astype(np.int64))
    return exponent


_LARGEST_POWER = 1 << 20
"""Larger exponents give no power of an integer that its type holds, other than of −1, 0 and 1."""


def _integer_power(node: Node, base: SSAValue, exponent: SSAValue) -> Activation:
    """Build the power of integers: exact if the exponent is one, too."""
    wide = i64 if element_of(exponent) in WHOLE else f64
    power = node.build(nn.PowOp(*(as_element(node, x, wide) for x in (base, exponent))))
    return as_element(node, power, element_of(base))


@importer("Clip")
def clip(node: Node, x: Activation, *, min: float | None = None, max: float | None = None) -> Value:
    """Float64: a missing bound is infinite."""
    # In ONNX, the largest numbers of the type stand for missing bounds, so that infinities become finite.
    bounded = element_of(x) in (*NARROW_FLOATS, f32)
    largest = float(finfo(dtype_of(x)).max) if bounded else inf
    low = -largest if min is None else min
    high = largest if max is None else max
    given: dict[str, float] = {}
    if low > -inf:  # a NaN is no bound
        given["min"] = option("min", low)
    if high < inf:
        given["max"] = option("max", high)
    return node.build(nn.ClipOp(x, **given))


@importer("Shrink")
def shrink(node: Node, x: Activation, *, bias: float = 0.0, lambd: float = 0.5) -> Value:
    """Integers are computed in double precision and rounded towards zero."""
    element = element_of(x)
    x = as_element(node, x, element if element in FLOATS else f64)
    low, high, offset, zero = (
        node.parameter(Constant(f"{node.proto.name}.{name}", np.array(number, dtype_of(x))))
        for name, number in (("low", -lambd), ("high", lambd), ("bias", bias), ("zero", 0))
    )
    above = node.build(nn.SubOp(x, offset))
    inside = node.build(nn.WhereOp(node.build(nn.LessOp(high, x)), above, zero))
    below = node.build(nn.AddOp(x, offset))
    result = node.build(nn.WhereOp(node.build(nn.LessOp(x, low)), below, inside))
    return as_element(node, result, element)


@importer("LeakyRelu")
def leaky_relu(node: Node, x: Activation, *, alpha: float = 0.01) -> Value:
    return node.build(nn.LeakyReluOp(x, alpha=alpha))


@importer("Elu")
def elu(node: Node, x: Activation, *, alpha: float = 1.0) -> Value:
    return node.build(nn.EluOp(x, alpha=alpha))


@importer("Selu")
def selu(
    node: Node,
    x: Activation,
    *,
    alpha: float = 1.67326319217681884765625,
    gamma: float = 1.05070102214813232421875,
) -> Value:
    return node.build(nn.SeluOp(x, alpha=alpha, gamma=gamma))


@importer("HardSigmoid")
def hard_sigmoid(node: Node, x: Activation, *, alpha: float = 0.2, beta: float = 0.5) -> Value:
    return node.build(nn.HardSigmoidOp(x, alpha=alpha, beta=beta))


@importer("Gelu")
def gelu(node: Node, x: Activation, *, approximate: str = "none") -> Value:
    if approximate not in ("none", "tanh"):
        raise ImporterError(f"attribute approximate = {approximate} is not supported")
    return node.build(nn.GeluOp(x, tanh=approximate == "tanh"))
