"""Registry of importers: one small function for each ONNX operator.

The signature of an importer declares the inputs and settings that it supports::

    @importer("Conv")
    def conv(
        node: Node, x: Activation, w: Constant, b: Constant | None = None, *,
        group: int = 1, strides: Sequence[int] | None = None, ...
    ) -> Value:

* Positional parameters are the node's inputs, in order (``*inputs`` for a variadic operator). An
``Activation`` lacks its batch dimension, if inferences take samples of a batch (``Node.batch``); a ``Constant`` is
known at import and includes any batch dimension; a ``Value`` is either.
* Keyword-only parameters are settings, with ONNX's names and defaults. A setting is an attribute of
the node, or an input of that name with a constant value: many operators changed one into the
other between opsets, and an importer need not distinguish them. Settings are plain numbers,
strings and lists; an attribute that is declared as a ``bool`` must be 0 or 1.
* A keyword-only parameter whose type is a dataclass stands for its fields, settings shared by
several operators.
* Any other attribute, input or output of a node is refused by name; none is silently ignored.

An importer returns a value, or one per output, and raises ``ImporterError`` with the reason if it
cannot translate its node.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from functools import cache, cached_property
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_type_hints

import onnx

from cmir import extensions
from cmir.frontends.onnx.errors import ImporterError, ImporterLimitError
from cmir.frontends.onnx.node import Activation, Constant, Node, Value, plain

Function: TypeAlias = Callable[..., Value | Sequence[Value]]
F = TypeVar("F", bound=Function)

_importers: dict[tuple[str, str], Importer] = {}


Batched: TypeAlias = bool | Literal["channels", "space"]


def importer(
    op_type: str, domain: str = "", *, batched: Batched = False, grows: bool | None = None
) -> Callable[[F], F]:
    """Register the decorated function as the importer of an operator; a later one replaces it.

    batched: the first dimension of the operator's tensors is a batch by definition (N×C×…), which the function never
    sees, even if inferences take whole inputs. Then `True` accepts batches of 1 only. With "channels", for an operator
    that treats channels alike, several samples become one with the channels of all, and vectors of the parameters are
    repeated. With "space", for one that treats positions alike or slides a `Window`, they become one whose first
    spatial dimension is the batch, and so do weights, whose window has size 1 there.
    grows: has no meaning any more, and warns.
    """
    if grows is not None:
        message = "`grows` has no meaning any more: int64 is computed in 64 bits"
        warnings.warn(message, DeprecationWarning, stacklevel=2)

    def register(function: F) -> F:
        _importers[domain, op_type] = Importer(function, batched)
        return function

    return register


@cache
def load_importers() -> None:
    """Load the importers of other packages. Raises CompileError if one cannot be loaded."""
    for _ in extensions.load(extensions.IMPORTERS):
        pass  # a module registers its importers while it is loaded


def find_importer(node: onnx.NodeProto) -> Importer | None:
    load_importers()
    return _importers.get((node.domain, node.op_type))


def operators() -> list[str]:
    """Return the operators that have an importer, as `domain.Operator` outside ONNX's own domain."""
    load_importers()
    return sorted(f"{domain}.{op_type}".lstrip(".") for domain, op_type in _importers)


def registered() -> Mapping[tuple[str, str], Importer]:
    """Return the importers that have been registered so far, by domain and operator."""
    return _importers


class Importer:
    """A registered function, its parsed signature, and the properties of its operator (see `importer`)."""

    def __init__(self, function: Function, batched: Batched = False) -> None:
        self.function = function
        self.batched = batched
        self.signature = inspect.signature(function)
        _, *parameters = self.signature.parameters.values()
        self.positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
        self.keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY]

    @cached_property
    def types(self) -> Mapping[str, Any]:
        """The annotations, which may name types that exist only after all modules are loaded, with those of groups."""
        own = get_type_hints(self.function)
        groups = [own[p.name] for p in self.keywords if is_dataclass(own[p.name])]
        return {
            name: t for hints in (*map(get_type_hints, groups), own) for name, t in hints.items()
        }

    @cached_property
    def settings(self) -> Mapping[str, inspect.Parameter | Field[Any]]:
        """Name and default of each setting."""
        grouped = [field for group in self._groups.values() for field in fields(group)]
        alone = [p for p in self.keywords if p.name not in self._groups]
        return {setting.name: setting for setting in (*alone, *grouped)}

    @cached_property
    def _groups(self) -> Mapping[str, type[Any]]:
        """The keyword-only parameters that stand for the fields of a dataclass."""
        types: dict[str, Any] = {p.name: self.types[p.name] for p in self.keywords}
        return {n: t for n, t in types.items() if isinstance(t, type) and is_dataclass(t)}

    def _grouped(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings as keyword arguments of the function."""
        arguments = dict(settings)
        for name, group in self._groups.items():
            own = [field.name for field in fields(group) if field.name in settings]
            arguments[name] = group(**{field: arguments.pop(field) for field in own})
        return arguments

    def attributes(self, node: Node) -> dict[str, Any]:
        """Return the settings that are attributes of the node. Raises ImporterError for unknown ones."""
        settings: dict[str, Any] = {}
        refused = []
        for attribute in node.proto.attribute:
            value = plain(attribute)
            if attribute.name in self.settings:
                settings[attribute.name] = self._attribute(attribute.name, value)
            elif value != node.default_of(attribute.name):
                refused.append(f"attribute {attribute.name} = {value} is not supported")
        if refused:
            raise ImporterError("; ".join(refused))
        return settings

    def __call__(self, node: Node, inputs: Sequence[Value | None]) -> Sequence[Value]:
        """Translate the node; a missing input is None. Raises ImporterError."""
        settings = self.attributes(node)
        positional: list[Value | None] = []
        for index, value in enumerate(inputs):
            name = node.input_name(index)
            parameter = self._parameter(index)
            if parameter is not None:
                positional.append(self._input(parameter, name, value))
            elif value is not None and name in self.settings:
                settings[name] = self._setting(name, _constant(name, value))
            elif value is not None:
                raise ImporterError(f"input {name} is not supported")
        try:
            arguments = self.signature.bind(node, *positional, **self._grouped(settings))
        except TypeError as error:  # only for nodes without an ONNX schema
            raise ImporterError(str(error)) from error
        try:
            result = self.function(*arguments.args, **arguments.kwargs)
        except (ValueError, IndexError, TypeError) as error:
            # ONNX's checker leaves the shapes of constants to the operators, and NumPy refuses those that do not fit.
            shapes = _shapes_of_constants(node, inputs, settings)
            if not shapes:
                raise
            raise ImporterError(f"its constants do not fit together: {shapes} ({error})") from error
        return result if isinstance(result, Sequence) else [result]

    def _attribute(self, name: str, value: Any) -> Any:
        """Return a setting that is an attribute. What other numbers mean for a flag, no two runtimes agree on."""
        if self.types.get(name) is not bool:
            return value
        if value not in (0, 1):
            raise ImporterError(f"attribute {name} = {value} must be 0 or 1")
        return bool(value)

    def _setting(self, name: str, value: Constant) -> Any:
        """Return a setting that is an input. A single number may have dimensions of size 1."""
        annotation = self.types.get(name)
        union = isinstance(annotation, UnionType)
        accepted = get_args(annotation) if union else (annotation,)
        if not any(kind in (bool, int, float) for kind in accepted):
            return value.array.tolist()
        if value.array.size != 1:
            raise ImporterError(f"input {name} must be one number, got shape {list(value.shape)}")
        return value.array.item()

    def needs_constant(self, index: int) -> bool:
        """Return True if the input with this index must be known at import."""
        parameter = self._parameter(index)
        return parameter is None or Activation not in self._accepted(parameter)

    def _accepted(self, parameter: inspect.Parameter) -> tuple[Any, ...]:
        annotation = self.types[parameter.name]
        return get_args(annotation) or (annotation,)

    def _parameter(self, index: int) -> inspect.Parameter | None:
        """Return the positional parameter that takes the input, if there is one."""
        if index < len(self.positional):
            return self.positional[index]
        last = self.positional[-1] if self.positional else None
        return last if last is not None and last.kind is last.VAR_POSITIONAL else None

    def _input(self, parameter: inspect.Parameter, name: str, value: Value | None) -> Value | None:
        """Return the value, checked against the parameter's annotation."""
        accepted = self._accepted(parameter)
        if value is None:
            if NoneType not in accepted:
                raise ImporterError(f"input {name} is missing")
            return None
        if isinstance(value, accepted):
            return value
        if Constant in accepted:
            return _constant(name, value)
        raise ImporterLimitError(f"input {name} is a constant, which is not supported")


def _shapes_of_constants(
    node: Node, inputs: Sequence[Value | None], settings: Mapping[str, Any]
) -> str:
    """Return the names of a node's constants with their shapes, and its settings that are lists."""
    constants = [
        f"{node.input_name(index)} of shape {list(value.shape)}"
        for index, value in enumerate(inputs)
        if isinstance(value, Constant)
    ]
    lists = [f"{name} = {value}" for name, value in settings.items() if isinstance(value, list)]
    return ", ".join([*constants, *lists])


def _constant(name: str, value: Value) -> Constant:
    if isinstance(value, Activation):
        raise ImporterLimitError(
            f"input {name} must be a constant, but depends on the model's inputs"
        )
    return value
