"""Precision of the floats in IR: the narrowest one, and the same IR in double precision."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import (
    ArrayAttr,
    BFloat16Type,
    ContainerType,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    DictionaryAttr,
    Float16Type,
    Float32Type,
    Float64Type,
    ShapedType,
    f64,
)
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, SSAValue
from xdsl.rewriter import Rewriter

from cmir.support.numerics import is_float

_FLOATS: tuple[type[Attribute], ...] = (BFloat16Type, Float16Type, Float32Type, Float64Type)
"""The float types, the least precise first."""


def narrowest_float(top: Operation) -> str | None:
    """Return the least precise float type of elements in IR, such as `f16`, or None if there are only integers.

    Scalar options of operators do not count: they are parts of formulas, not results.
    """
    found: set[type[Attribute]] = set()
    seen: set[Attribute] = set()
    for op in top.walk():
        for attribute in (*_types(op), *op.properties.values(), *op.attributes.values()):
            _collect(attribute, found, seen)
    return next((kind.name for kind in _FLOATS if kind in found), None)


def _types(op: Operation) -> Iterator[Attribute]:
    yield from (value.type for value in _values(op))


def _values(op: Operation) -> Iterator[SSAValue]:
    """Yield the values that an operation defines, the arguments of its blocks included."""
    yield from op.results
    for region in op.regions:
        for block in region.blocks:
            yield from block.args


def _collect(attribute: Attribute, found: set[type[Attribute]], seen: set[Attribute]) -> None:
    """Add the float types of the elements of all tensors, vectors and buffers in an attribute."""
    if attribute in seen:
        return
    seen.add(attribute)
    if isinstance(attribute, ShapedType) and isinstance(attribute, ContainerType):
        found.add(type(cast(Attribute, attribute.get_element_type())))
    for part in _parts(attribute):
        _collect(part, found, seen)


def _parts(attribute: Attribute) -> tuple[Attribute, ...]:
    match attribute:
        case ParametrizedAttribute():
            return attribute.parameters
        case ArrayAttr(data=data):
            return tuple(data)
        case DictionaryAttr(data=data):
            return tuple(data.values())
        case _:
            return ()


def in_double(op: Operation) -> Operation:
    """Return a copy of an operation in which all floats have the type f64, for evaluation.

    The copy need not verify: an operator that takes `f32` alone computes in the type of its operands.
    """
    copy = op.clone()
    wide: dict[Attribute, Attribute] = {}
    for inner in copy.walk():
        for attributes in (inner.properties, inner.attributes):
            attributes.update({name: _widened(a, wide) for name, a in attributes.items()})
        for value in list(_values(inner)):
            if (type_ := _widened(value.type, wide)) != value.type:
                Rewriter.replace_value_with_new_type(value, type_)
    return copy


def _widened(attribute: Attribute, known: dict[Attribute, Attribute]) -> Attribute:
    """Return an attribute with f64 in place of all float types. known: those that were computed before."""
    if attribute not in known:
        known[attribute] = _compute_widened(attribute, known)
    return known[attribute]


def _compute_widened(attribute: Attribute, known: dict[Attribute, Attribute]) -> Attribute:
    match attribute:
        case _ if isinstance(attribute, _FLOATS):
            return f64
        case DenseIntOrFPElementsAttr() if isinstance(attribute.get_element_type(), _FLOATS):
            numbers: Any = attribute.get_values()[: 1 if attribute.is_splat() else None]
            type_: Any = _widened(attribute.type, known)
            return DenseIntOrFPElementsAttr.from_list(type_, numbers)
        case DenseArrayBase():  # an option
            return attribute
        case ParametrizedAttribute():
            parts = [_widened(part, known) for part in attribute.parameters]
            return attribute if parts == [*attribute.parameters] else attribute.new(parts)
        case ArrayAttr(data=data):
            return ArrayAttr([_widened(part, known) for part in data])
        case DictionaryAttr(data=data):
            return DictionaryAttr({name: _widened(part, known) for name, part in data.items()})
        case _:
            return attribute


class DoubleParameters(Mapping[str, np.ndarray]):
    """Parameters with all floats in double precision. Arrays are converted when they are read."""

    def __init__(self, parameters: Mapping[str, np.ndarray]) -> None:
        self._parameters = parameters

    def __getitem__(self, name: str) -> np.ndarray:
        array = self._parameters[name]
        return array.astype(np.float64) if is_float(array.dtype) else array

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)
