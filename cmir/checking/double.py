"""ONNX models in double precision: an evaluation whose rounding errors are negligible beside those of both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import Message
from onnx import AttributeProto, TensorProto, helper, inliner, numpy_helper

from cmir.checking.interpreter import Interpreter, Values
from cmir.checking.ties import Guide, preferring
from cmir.support.numerics import is_float

_NARROW = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16}

TYPES = {"to", "dtype", "output_dtype"}
"""Attributes that hold an element type."""


class DoubleInterpreter(Interpreter):
    """Interpreter of a model with all its floats in double precision.

    Integers, and the arithmetic of quantised operators, stay as they are.
    """

    guide: Guide | None = None
    """What to prefer where a quantised number lies on a tie."""

    def __init__(self, model: onnx.ModelProto, directory: str = "") -> None:
        copy = onnx.ModelProto()
        copy.CopyFrom(inliner.inline_local_functions(model) if model.functions else model)
        _widen(copy, directory)
        super().__init__(copy, directory)
        self._exact: set[str] = set()
        """The inputs, and tensors of integers and of their multiples."""

    def __call__(self, feeds: Mapping[str, np.ndarray]) -> list[Any]:
        self._exact = {*feeds}
        return super().__call__(_widened(feeds))

    def _node(self, node: onnx.NodeProto, values: Values) -> Values:
        numbers = None if self.guide is None else self.guide.numbers.get(name_of(node))
        if self.guide is None or numbers is None:
            results = super()._node(node, values)
        else:
            exact = node.input[0] in self._exact
            with preferring(numbers, self.guide.atol, exact):
                results = super()._node(node, values)
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            self._exact.update(node.output)  # no evaluation has errors in them
        return _widened(results)  # scales of quantised operators are single


def name_of(node: onnx.NodeProto) -> str:
    """Return the name of a node, or that of its first output if the node has none."""
    return node.name or next(filter(None, node.output), "")


def _widened(values: Mapping[str, Any]) -> Values:
    """Return tensors with all floats in double precision."""
    floats = [name for name, x in values.items() if is_float(getattr(x, "dtype", np.dtype(int)))]
    return {**values, **{name: values[name].astype(np.float64) for name in floats}}


def _widen(message: Message, directory: str) -> None:
    """Replace float types and tensors by double ones, in a message and all messages inside."""
    match message:
        case TensorProto():
            if message.data_type in _NARROW:
                array = numpy_helper.to_array(message, directory).astype(np.float64)
                message.CopyFrom(numpy_helper.from_array(array, message.name))
            return
        case onnx.TypeProto.Tensor():
            if message.elem_type in _NARROW:
                message.elem_type = TensorProto.DOUBLE
            return
        case onnx.NodeProto():
            for attribute in message.attribute:
                _widen_attribute(message, attribute)
        case _:
            pass
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                _widen(inner, directory)


def _widen_attribute(node: onnx.NodeProto, attribute: AttributeProto) -> None:
    """Widen an element type in an attribute, and the numbers of a Constant, whose type they determine."""
    if attribute.type == AttributeProto.INT:
        if attribute.name in TYPES and attribute.i in _NARROW:
            attribute.i = TensorProto.DOUBLE
    elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
        numbers = np.asarray(helper.get_attribute_value(attribute), np.float64)
        attribute.CopyFrom(helper.make_attribute("value", numpy_helper.from_array(numbers)))
