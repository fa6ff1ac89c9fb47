"""Sections of a description: dataclasses whose fields say what they mean, in which unit, and what they may be.

Loading, checking and documenting a section all go by what its fields say of themselves, so a new field is one line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from cmir.support.diagnostics import CompileError, Where

Section = TypeVar("Section")


@dataclass(frozen=True)
class Kind:
    """Kind of values that a field may have.

    text: what it must be, for messages and documentation. accepts: whether a value of TOML is that.
    convert: the value as the field has it.
    """

    text: str
    accepts: Callable[[Any], bool]
    convert: Callable[[Any], Any] = lambda value: value


MOST = 10**12
"""Bound of all numbers of a description: 15 minutes at a gigahertz, a terabyte. Sums of times then stay exact."""


def integer(least: int, most: int | None = None) -> Kind:
    """Return an integer that is not less than `least`, and not more than `most` if that is less than all numbers'."""
    text = f"an integer >= {least}" if most is None else f"an integer from {least} to {most}"

    def accepts(value: Any) -> bool:
        return _is_integer(value) and value >= least and (most is None or value <= most)

    return Kind(text, accepts)


def real(least: float | None = None) -> Kind:
    """Return a number that is not less than `least`, or a positive one."""
    text = "a number > 0" if least is None else f"a number >= {least:g}"

    def accepts(value: Any) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        # An infinity or NaN of TOML is no figure of a machine.
        return (value > 0 if least is None else value >= least) and abs(value) < float("inf")

    return Kind(text, accepts)


def choice(*names: str) -> Kind:
    """One of some words."""
    return Kind(f"one of {', '.join(names)}", lambda value: value in names)


def integers(least: int) -> Kind:
    """Return a list of integers that are not less than `least`, as a tuple."""
    return Kind(
        f"a list of integers >= {least}",
        lambda value: _is_list(value, lambda item: _is_integer(item) and item >= least),
        tuple,
    )


def edges() -> Kind:
    """Return a list of pairs of places, each a list of integers, as tuples."""

    def is_place(value: Any) -> bool:
        return _is_list(value, _is_integer)

    return Kind(
        "a list of pairs of places, such as [[[0, 0], [0, 1]], [[0, 1], [0, 0]]]",
        lambda value: _is_list(value, lambda pair: _is_list(pair, is_place) and len(pair) == 2),
        lambda value: tuple((tuple(start), tuple(end)) for start, end in value),
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _largest(value: Any) -> float:
    """Return the largest magnitude of the numbers in a value of TOML; 0 without numbers."""
    if isinstance(value, list):
        return max(map(_largest, value), default=0)
    return abs(value) if isinstance(value, int | float) else 0


def _is_list(value: Any, accepts: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(map(accepts, value))


@dataclass(frozen=True)
class Description:
    """Description of a field. absent: what it means if it is not given and has no default."""

    kind: Kind
    meaning: str
    unit: str
    absent: str


def described(
    kind: Kind, meaning: str, unit: str = "", *, default: Any = None, absent: str = ""
) -> Any:
    """Return a field of a section."""
    return dataclasses.field(
        default=default, metadata={"description": Description(kind, meaning, unit, absent)}
    )


def descriptions(section: Any) -> dict[str, Description]:
    """Return the descriptions of the fields of a section, or of its class, in order."""
    return {field.name: field.metadata["description"] for field in dataclasses.fields(section)}


def read_section(section: type[Section], name: str, given: object, where: Where) -> Section:
    """Return a section of a description, from the table that TOML has for it.

    name: what the section is called in messages. where: the file, or what stands in for it. Raises CompileError naming
    the field at fault.
    """
    if not isinstance(given, Mapping):
        raise CompileError(where, f"`{name}` must be a table")
    known = descriptions(section)
    if unknown := set(given) - set(known):
        raise CompileError(where, f"unknown field `{name}.{min(unknown)}`")
    values: dict[str, Any] = {}
    for field, value in given.items():
        kind = known[field].kind
        if not kind.accepts(value):
            raise CompileError(where, f"`{name}.{field}` must be {kind.text}, got {value!r}")
        if _largest(value) > MOST:
            raise CompileError(where, f"`{name}.{field}` must be at most {MOST:g}, got {value!r}")
        values[field] = kind.convert(value)
    return section(**values)
