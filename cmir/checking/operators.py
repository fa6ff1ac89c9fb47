"""ONNX's own operators on integers, and a table of all operators that are evaluated exactly.

A function takes the inputs of a node as positional arguments, None where one is left out, and its attributes by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np
import onnx

from cmir.checking.integers import along, centred, convolution, exact_product, wrapped
from cmir.checking.scales import dequantize, dynamic_quantize, quantize, requantize, single

Function: TypeAlias = Callable[..., np.ndarray | tuple[np.ndarray, ...]]
F = TypeVar("F", bound=Function)

_INTEGER = re.compile(r"\w*Integer(16|ToFloat)?|QLinear\w+")
"""Operators on integers, of ONNX and of com.microsoft."""

_MICROSOFT = re.compile(r"QGemm|QAttention|QMoE|QOrdered\w+|DynamicQuantize(MatMul|LSTM)")
"""More of them in com.microsoft, whose QuantizeLinear and DequantizeLinear are those of ONNX."""

_functions: dict[tuple[str, str], Function] = {
    ("", "QuantizeLinear"): quantize,
    ("", "DequantizeLinear"): dequantize,
    ("", "DynamicQuantizeLinear"): dynamic_quantize,
    ("com.microsoft", "QuantizeLinear"): quantize,
    ("com.microsoft", "DequantizeLinear"): dequantize,
}


def operator(name: str, domain: str = "") -> Callable[[F], F]:
    """Register the decorated function as the semantics of an operator."""

    def register(function: F) -> F:
        _functions[domain, name] = function
        return function

    return register


def domain_of(node: onnx.NodeProto) -> str:
    """Return the domain of a node's operator; ONNX's own, which has two names, is empty."""
    return "" if node.domain == "ai.onnx" else node.domain


def on_integers(node: onnx.NodeProto) -> bool:
    """True if the operator computes with integers, so that only exact arithmetic is a reference for it."""
    domain = domain_of(node)
    if domain not in ("", "com.microsoft"):
        return False
    if _INTEGER.fullmatch(node.op_type):
        return True
    return domain == "com.microsoft" and _MICROSOFT.fullmatch(node.op_type) is not None


def find_function(node: onnx.NodeProto) -> Function | None:
    """Return the exact semantics of a node's operator, or None for an ordinary operator.

    Raises ValueError for an operator on integers that is not known.
    """
    import cmir.checking.microsoft  # noqa: F401  (registers its functions)

    function = _functions.get((domain_of(node), node.op_type))
    if function is None and on_integers(node):
        raise ValueError("there is no exact reference for this operator")
    return function


@operator("ConvInteger")
def conv_integer(
    x: np.ndarray,
    w: np.ndarray,
    x_zero_point: np.ndarray | None = None,
    w_zero_point: np.ndarray | None = None,
    **window: Any,
) -> np.ndarray:
    return wrapped(convolution(centred(x, x_zero_point), centred(w, w_zero_point, 0), **window))


@operator("QLinearConv")
def qlinear_conv(
    x: np.ndarray,
    x_scale: np.ndarray,
    x_zero_point: np.ndarray,
    w: np.ndarray,
    w_scale: np.ndarray,
    w_zero_point: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
    bias: np.ndarray | None = None,
    **window: Any,
) -> np.ndarray:
    sums = convolution(centred(x, x_zero_point), centred(w, w_zero_point, 0), **window)
    if bias is not None:
        sums = sums + along(bias.astype(np.int64), sums.ndim, 1)
    factor = single(x_scale) * single(w_scale) / single(y_scale)
    return requantize(sums, along(factor, sums.ndim, 1), y_zero_point)


@operator("MatMulInteger")
def matmul_integer(
    a: np.ndarray,
    b: np.ndarray,
    a_zero_point: np.ndarray | None = None,
    b_zero_point: np.ndarray | None = None,
) -> np.ndarray:
    return wrapped(integer_product(a, b, a_zero_point, b_zero_point))


def integer_product(
    a: np.ndarray,
    b: np.ndarray,
    a_zero_point: np.ndarray | None,
    b_zero_point: np.ndarray | None,
) -> np.ndarray:
    """Return exact sums. Lists of zero points are for the rows of a and the columns of b."""
    return exact_product(centred(a, a_zero_point, -2), centred(b, b_zero_point, -1))


@operator("QLinearMatMul")
def qlinear_matmul(
    a: np.ndarray,
    a_scale: np.ndarray,
    a_zero_point: np.ndarray,
    b: np.ndarray,
    b_scale: np.ndarray,
    b_zero_point: np.ndarray,
    y_scale: np.ndarray,
    y_zero_point: np.ndarray,
) -> np.ndarray:
    sums = integer_product(a, b, a_zero_point, b_zero_point)
    rows = along(single(a_scale), max(sums.ndim, 2), -2)
    columns = along(single(b_scale), max(sums.ndim, 2), -1)
    scale, zero = (along(v, max(sums.ndim, 2), -2) for v in (single(y_scale), y_zero_point))
    return requantize(sums, rows * columns / scale, zero)
