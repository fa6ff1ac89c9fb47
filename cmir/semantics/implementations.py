"""Implementations of operations in iteration bodies, with the properties that passes use, registered by operation.

The entry point `cmir.semantics` of a package names a module that registers its operations when it is loaded::

    @implements(MedianOp, work=lambda op: 5 * lanes_of(op))
    def median(x: np.ndarray, *, dim: int) -> np.ndarray:
        return np.median(x, axis=1 + dim)

Operands and results are arrays with a leading axis for iterations, of length 1 if the value is the same in all of them,
followed by the dimensions of the type. Keyword-only parameters are properties of the operation, as plain numbers,
strings and tuples.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    UnitAttr,
)
from xdsl.ir import Attribute, Operation

from cmir.support.diagnostics import CompileError
from cmir.support.numerics import DuckArray

Function: TypeAlias = Callable[..., np.ndarray]


@dataclass(frozen=True)
class Implementation:
    """A function of arrays that implements an operation, with properties of the operation.

    An implementation can be called like the function itself, so that the definition of an `nn` operator can use it,
    too.

    takes_operation: the function takes the operation before the operands.
    elementwise: lane i of the result depends on lane i of vector operands and on scalars only, so that passes can split
    the operation along lanes.
    interpreted: the function is composed of NumPy functions that the proof of values interprets over its field. The
    proof treats any other function as uninterpreted: it assumes only that equal operands give equal results.
    owns_result: the result never shares memory with other values.
    work: number of elements that pass through the vector unit per iteration; by default, the size of the largest
    operand or result.
    """

    name: str
    function: Function
    takes_operation: bool = False
    elementwise: bool = False
    interpreted: bool = False
    owns_result: bool = False
    work: Callable[[Any], int] | None = None
    settings: Sequence[inspect.Parameter] = field(default=(), compare=False)

    def __call__(self, *operands: Any, **settings: Any) -> Any:
        """Return the result for arrays, or for the objects that represent arrays in a proof."""
        defaults = {p.name: p.default for p in self.settings if p.default is not p.empty}
        given = defaults | settings
        return self._apply(_key(given), partial(self.function, **given), *operands)

    def of(self, op: Operation) -> Function:
        """Return the implementation of `op` as a function of its operands.

        Raises CompileError if `op` lacks a property that the implementation takes.
        """
        if self.takes_operation:
            key, function = _key(op.properties), partial(self.function, op)
        else:
            given = {parameter.name: _setting(op, parameter) for parameter in self.settings}
            key, function = _key(given), partial(self.function, **given) if given else self.function
        return function if self.interpreted else partial(self._apply, key, function)

    def _apply(self, key: str, function: Function, *operands: Any) -> Any:
        other = next((x for x in operands if isinstance(x, DuckArray)), None)
        if other is None or self.interpreted:
            return function(*operands)
        return other.uninterpreted(self.name + key, function, operands, self.elementwise)


_implementations: dict[type[Operation], Implementation] = {}


def implements(
    *operations: type[Operation],
    takes_operation: bool = False,
    elementwise: bool = False,
    interpreted: bool = False,
    owns_result: bool = False,
    work: Callable[[Any], int] | None = None,
) -> Callable[[Function], Implementation]:
    """Register the decorated function as the implementation of operations. For the properties, see `Implementation`.

    Raises ValueError if one of the operations already has an implementation.
    """

    def register(function: Function) -> Implementation:
        implementation = Implementation(
            operations[0].name,
            function,
            takes_operation,
            elementwise,
            interpreted,
            owns_result,
            work,
            _settings_of(function),
        )
        for operation in operations:
            if operation in _implementations:
                raise ValueError(f"{operation.name} has an implementation already")
            _implementations[operation] = implementation
        return implementation

    return register


def registered() -> Mapping[type[Operation], Implementation]:
    """Return the implementations registered so far."""
    return _implementations


def _settings_of(function: Function) -> tuple[inspect.Parameter, ...]:
    """Return the keyword-only parameters of a function. NumPy functions have none; their options do not count."""
    if isinstance(function, np.ufunc) or not inspect.isfunction(function):
        return ()
    parameters = inspect.signature(function).parameters.values()
    return tuple(p for p in parameters if p.kind is p.KEYWORD_ONLY)


def _setting(op: Operation, parameter: inspect.Parameter) -> Any:
    attribute = op.properties.get(parameter.name)
    if attribute is not None:
        return _plain(attribute)
    if parameter.default is parameter.empty:
        raise CompileError(
            op, f"{op.name} has no property `{parameter.name}`, which its implementation takes"
        )
    return parameter.default


def _plain(attribute: Attribute) -> Any:
    match attribute:
        case IntegerAttr() | FloatAttr():
            return attribute.value.data
        case StringAttr():
            return attribute.data
        case UnitAttr():
            return True
        case DenseArrayBase():
            return tuple(attribute.iter_values())  # pyright: ignore[reportAttributeAccessIssue]
        case ArrayAttr():
            return tuple(map(_plain, attribute))
        case _:
            return attribute


def _key(settings: Mapping[str, Any]) -> str:
    """Return a text that identifies the settings."""
    return "".join(f" {name}={settings[name]}" for name in sorted(settings))
