"""Options of passes: their types in words, their descriptions, and their values from text."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import MISSING, Field, fields
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import ParameterListType
from xdsl.utils.hints import isa, type_repr

_SINGULAR = {int: "an integer", float: "a number", bool: "true or false", str: "text"}
_PLURAL = {int: "integers", float: "numbers", bool: "truth values", str: "texts"}


class PassOption(NamedTuple):
    """An option of a pass: its name in pipelines, its type, its default as text or None, and what it does."""

    name: str
    type: Any
    default: str | None
    required: bool
    description: str

    @property
    def heading(self) -> str:
        """The name, the type in words, and the default."""
        note = " (required)" if self.required else f" (default {self.default})"
        shown = self.required or self.default is not None
        return f"{self.name}: {type_in_words(self.type)}{note if shown else ''}"


def options_of(pass_type: type[ModulePass]) -> list[PassOption]:
    """Return the options of a pass, in order."""
    types, described = get_type_hints(pass_type), _descriptions(pass_type)
    return [
        PassOption(
            option_name(field.name),
            types[field.name],
            _default(field),
            is_required(field),
            described.get(field.name, ""),
        )
        for field in fields(pass_type)
        if field.init
    ]


def option_name(field: str) -> str:
    """Return the name in pipelines of the option that is a field of the pass."""
    return field.replace("_", "-")


def type_in_words(wanted: Any) -> str:
    """Return the type of an option as a person would write it: `integers separated by commas`."""
    if get_origin(wanted) in (Union, UnionType):
        members = [kind for kind in get_args(wanted) if kind is not NoneType]
        textual = [kind for kind in members if _is_textual(kind)]
        return " or ".join(dict.fromkeys(map(type_in_words, textual or members)))
    if get_origin(wanted) is Literal:
        return f"one of {', '.join(map(str, get_args(wanted)))}"
    if get_origin(wanted) is tuple:
        element, *_ = get_args(wanted)
        return f"{_PLURAL.get(element, 'values')} separated by commas"
    return _SINGULAR.get(wanted, type_repr(wanted))


def is_required(field: Field[Any]) -> bool:
    """Return True if a pass cannot be constructed without this option."""
    optional = get_origin(field.type) in (Union, UnionType) and NoneType in get_args(field.type)
    optional = optional or (isinstance(field.type, str) and "None" in field.type)
    return field.default is field.default_factory is MISSING and not optional


def convert(texts: list[str], wanted: Any) -> Any:
    """Return the value of an option: the first interpretation of its text that has the wanted type.

    Raises ValueError if there is none.
    """
    readings: tuple[ParameterListType, ...] = (
        tuple(map(scalar, texts)),
        tuple(float(text) if _is_integer(text) else scalar(text) for text in texts),
        tuple(texts),
    )
    boolean = wanted is bool or bool in get_args(wanted)
    if not texts and boolean:
        return True
    if not texts and isa(None, wanted):
        return None
    for reading in readings:
        if not boolean and any(isinstance(value, bool) for value in reading):
            continue  # in Python, a bool is an int
        if len(reading) == 1 and isa(reading[0], wanted):
            return reading[0]
        if reading and isa(reading, wanted):
            return reading
    raise ValueError


def scalar(text: str) -> str | int | float | bool:
    """Return the value that a word stands for if any type is wanted."""
    if text in ("true", "false"):
        return text == "true"
    if _is_integer(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return text


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"[-+]?[0-9]+", text) is not None


def _is_textual(kind: Any) -> bool:
    """Return True if an option of this type can be given as text, unlike an object of Python."""
    return kind in _SINGULAR or get_origin(kind) in (Literal, tuple)


def _default(field: Field[Any]) -> str | None:
    default = field.default
    if default is MISSING:
        default = None if field.default_factory is MISSING else field.default_factory()
    match default:
        case None:
            return None
        case bool():
            return str(default).lower()
        case tuple():
            return ",".join(map(str, default))
        case _:
            return str(default)


def _descriptions(pass_type: type[ModulePass]) -> dict[str, str]:
    """Return the descriptions of the options: the docstrings below the fields, also of base classes."""
    found: dict[str, str] = {}
    for base in reversed(pass_type.__mro__):
        if base is not ModulePass and "__annotations__" in vars(base):
            found |= _field_docstrings(base)
    return found


def _field_docstrings(owner: type) -> dict[str, str]:
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    except (OSError, TypeError, SyntaxError, ValueError):  # there is no source
        return {}
    if not isinstance(tree, ast.ClassDef):
        return {}
    found: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(docstring))),
            ):
                found[name] = " ".join(docstring.split())
            case _:
                pass
    return found
