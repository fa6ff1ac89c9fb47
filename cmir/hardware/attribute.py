"""Hardware description in the IR, as an attribute of the pipeline or network that is compiled for it.

    polyhedral.pipeline @main (@a) -> (@c) attributes {cmir.hardware = {name = "small", core = {count = 8 : i64}}} { … }

The dictionary holds the tables and fields of a TOML description, except for fields with their default values.
"""

from __future__ import annotations

from typing import Any

from xdsl.dialects.builtin import (
    ArrayAttr,
    BytesAttr,
    DictionaryAttr,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    f64,
    i1,
    i64,
)
from xdsl.ir import Attribute

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import PipelineOp
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError

ATTRIBUTE = "cmir.hardware"

Carrier = PipelineOp | NetworkOp
"""Operations that carry the description; lowering a pipeline passes it on to the network."""


def set_hardware(carrier: Carrier, hardware: Hardware) -> None:
    """Attach the description of the hardware that a pipeline or network is compiled for."""
    carrier.attributes[ATTRIBUTE] = _attribute(hardware.table())


def hardware_of(carrier: Carrier) -> Hardware | None:
    """Return the hardware that a pipeline or network is compiled for, or None if it carries none.

    Raises CompileError if the attribute is malformed.
    """
    given = carrier.attributes.get(ATTRIBUTE)
    if given is None:
        return None
    table = _value(given, carrier)
    if not isinstance(table, dict):
        raise CompileError(carrier, f"`{ATTRIBUTE}` must be a dictionary, got {given}")
    return Hardware.of(table, carrier)


def _attribute(value: Any) -> Attribute:
    match value:
        case dict():
            return DictionaryAttr({name: _attribute(item) for name, item in value.items()})
        case list():
            return ArrayAttr([_attribute(item) for item in value])
        case str():
            return StringAttr(value)
        case bool():
            return IntegerAttr(int(value), i1)
        case int():
            return IntegerAttr(value, i64)
        case _:
            return FloatAttr(value, f64)


def _value(attribute: Attribute, carrier: Carrier) -> Any:
    """Return the value of an attribute as a TOML parser returns it."""
    match attribute:
        case DictionaryAttr():
            return {name: _value(item, carrier) for name, item in attribute.data.items()}
        case ArrayAttr():
            return [_value(item, carrier) for item in attribute.data]
        case StringAttr():
            return attribute.data
        case BytesAttr():  # a string with characters that are printed as escapes
            return attribute.data.decode("utf-8", "replace")
        case IntegerAttr() if attribute.type == i1:
            return bool(attribute.value.data)
        case IntegerAttr() | FloatAttr():
            return attribute.value.data
        case _:
            raise CompileError(
                carrier,
                f"`{ATTRIBUTE}` must hold dictionaries, lists, strings, numbers and truth values, got {attribute}",
            )
