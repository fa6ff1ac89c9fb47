"""Registry of the exact semantics of operators on integers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import numpy as np
import onnx

from cmir.checking.scales import dequantize, dynamic_quantize, quantize

Function: TypeAlias = Callable[..., np.ndarray | tuple[np.ndarray, ...]]
F = TypeVar("F", bound=Function)

_INTEGER = re.compile(r"\w*Integer(16|ToFloat)?|QLinear\w+")
"""Operators on integers, of ONNX and of com.microsoft."""

_MICROSOFT = re.compile(r"QGemm|QAttention|QMoE|QOrdered\w+|DynamicQuantize(MatMul|LSTM)")
"""Further operators of com.microsoft. Its QuantizeLinear and DequantizeLinear are those of ONNX."""

QONNX = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
"""Domains of quantisers to any number of bits, which onnxruntime does not know."""

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
    """Return the domain of a node's operator. ONNX's own domain, which has two names, becomes the empty name."""
    return "" if node.domain == "ai.onnx" else node.domain


def on_integers(node: onnx.NodeProto) -> bool:
    """Return True if the operator computes with integers, so that only exact arithmetic is a reference for it.

    So are QONNX's quantisers counted, for which there is no other reference.
    """
    domain = domain_of(node)
    if domain in QONNX:
        return True
    if domain not in ("", "com.microsoft"):
        return False
    if _INTEGER.fullmatch(node.op_type):
        return True
    return domain == "com.microsoft" and _MICROSOFT.fullmatch(node.op_type) is not None


def find_function(node: onnx.NodeProto) -> Function | None:
    """Return the exact semantics of a node's operator, or None for an ordinary operator.

    Raises ValueError for an unknown operator on integers.
    """
    function = _functions.get((domain_of(node), node.op_type))
    if function is None and on_integers(node):
        raise ValueError("there is no exact reference for this operator")
    return function
