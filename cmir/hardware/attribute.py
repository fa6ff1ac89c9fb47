"""The description of a machine in the IR, on the network that was compiled for it.

    cmcore.network @main (@a) -> (@c) attributes {cmir.hardware = {name = "small", core = {count = 8 : i64}}} { … }

The dictionary has the tables and fields of a description in TOML, but for those that have their defaults.
"""

from __future__ import annotations

from typing import Any

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    f64,
    i64,
)
from xdsl.ir import Attribute

from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError

ATTRIBUTE = "cmir.hardware"


def set_hardware(network: NetworkOp, hardware: Hardware) -> None:
    """Say which machine a network is for."""
    network.attributes[ATTRIBUTE] = _attribute(hardware.table())


def hardware_of(network: NetworkOp) -> Hardware | None:
    """The machine that a network is for, if it says. Raises CompileError if what it says is not well-formed."""
    given = network.attributes.get(ATTRIBUTE)
    if given is None:
        return None
    table = _value(given, network)
    if not isinstance(table, dict):
        raise CompileError(network, f"`{ATTRIBUTE}` must be a dictionary, got {given}")
    return Hardware.of(table, network)


def _attribute(value: Any) -> Attribute:
    match value:
        case dict():
            return DictionaryAttr({name: _attribute(item) for name, item in value.items()})
        case list():
            return ArrayAttr([_attribute(item) for item in value])
        case str():
            return StringAttr(value)
        case int():
            return IntegerAttr(value, i64)
        case _:
            return FloatAttr(value, f64)


def _value(attribute: Attribute, network: NetworkOp) -> Any:
    """What TOML would have."""
    match attribute:
        case DictionaryAttr():
            return {name: _value(item, network) for name, item in attribute.data.items()}
        case ArrayAttr():
            return [_value(item, network) for item in attribute.data]
        case StringAttr():
            return attribute.data
        case IntegerAttr() | FloatAttr():
            return attribute.value.data
        case _:
            raise CompileError(
                network,
                f"`{ATTRIBUTE}` must hold dictionaries, lists, strings and numbers, got {attribute}",
            )
