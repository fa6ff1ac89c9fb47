"""Sections of a description: dataclasses whose fields declare their meaning, unit and valid values.

Sections are loaded, checked and documented from these declarations, so a new field takes one line.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cmir.hardware.places import DescriptionText, place_of
from cmir.support.diagnostics import CompileError, Where
from cmir.support.similar import did_you_mean

Section = TypeVar("Section")

_NAME = re.compile(r"\w+", re.ASCII)
"""A name that TOML writes without quotes, and that may be an argument."""


@dataclass(frozen=True)
class Kind:
    """Kind of values that a field may have.

    text: condition on the value, for messages and documentation. accepts: returns True if a TOML value satisfies it.
    convert: returns the value of the field.
    """

    text: str
    accepts: Callable[[Any], bool]
    convert: Callable[[Any], Any] = lambda value: value

    def read(self, value: Any, path: Sequence[str], where: Where | DescriptionText) -> Any:
        """Return the value of the field at `path`. Raises CompileError if the TOML value is not of this kind."""
        place, name = place_of(where, *path), ".".join(path)
        if not self.accepts(value):
            raise CompileError(place, f"`{name}` must be {self.text}, got {value!r}")
        if _largest(value) > MOST:
            raise CompileError(place, f"`{name}` must be at most {MOST:g}, got {value!r}")
        return self.convert(value)


MOST = 10**12
"""Bound of all numbers of a description: 15 minutes at a gigahertz, a terabyte. Sums of times then stay exact."""


def integer(least: int, most: int | None = None) -> Kind:
    """Return the kind of integers from `least` to `most`; None for the bound of all numbers."""
    text = f"an integer >= {least}" if most is None else f"an integer from {least} to {most}"

    def accepts(value: Any) -> bool:
        return _is_integer(value) and value >= least and (most is None or value <= most)

    return Kind(text, accepts)


def real(least: float | None = None) -> Kind:
    """Return the kind of numbers that are at least `least` or, by default, positive."""
    text = "a number > 0" if least is None else f"a number >= {least:g}"

    def accepts(value: Any) -> bool:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        # TOML allows infinities and NaNs, which are not valid figures.
        return (value > 0 if least is None else value >= least) and abs(value) < float("inf")

    return Kind(text, accepts)


def flag() -> Kind:
    """Return the kind of truth values."""
    return Kind("true or false", lambda value: isinstance(value, bool))


def choice(*names: str) -> Kind:
    """Return the kind of one of these words."""
    return Kind(f"one of {', '.join(names)}", lambda value: value in names)


def integers(least: int) -> Kind:
    """Return the kind of lists of integers that are at least `least`; the field holds a tuple."""
    return Kind(
        f"a list of integers >= {least}",
        lambda value: _is_list(value, lambda item: _is_integer(item) and item >= least),
        tuple,
    )


def numbers(count: int) -> Kind:
    """Return the kind of lists of so many numbers of either sign; the field holds a tuple."""

    def accepts(value: Any) -> bool:
        return (
            _is_list(value, lambda item: _is_integer(item) or _is_finite(item))
            and len(value) == count
        )

    return Kind(f"a list of {count} numbers", accepts, tuple)


def words(*names: str) -> Kind:
    """Return the kind of lists of some of these words, each at most once; the field holds a tuple."""

    def accepts(value: Any) -> bool:
        known = isinstance(value, list) and all(item in names for item in value)
        return known and len(set(value)) == len(value)

    return Kind(f"a list of some of {', '.join(names)}, each once", accepts, tuple)


def arguments() -> Kind:
    """Return the kind of tables of arguments, whose names are words; the field holds `Arguments`."""

    def is_table(value: Any) -> bool:
        if not isinstance(value, Mapping):
            return False
        named = all(_NAME.fullmatch(name) for name in value)
        return named and all(is_item(item) or is_table(item) for item in value.values())

    def is_item(value: Any) -> bool:
        if isinstance(value, list):
            return all(map(is_item, value))
        return isinstance(value, str | int) or _is_finite(value)

    return Kind("a table of numbers, words, lists of them, and such tables", is_table, Arguments.of)


def edges() -> Kind:
    """Return the kind of lists of pairs of places, each a list of integers; the field holds tuples."""

    def is_place(value: Any) -> bool:
        return _is_list(value, _is_integer)

    return Kind(
        "a list of pairs of places, such as [[[0, 0], [0, 1]], [[0, 1], [0, 0]]]",
        lambda value: _is_list(value, lambda pair: _is_list(pair, is_place) and len(pair) == 2),
        lambda value: tuple((tuple(start), tuple(end)) for start, end in value),
    )


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and abs(value) < float("inf")


def _largest(value: Any) -> float:
    """Return the largest magnitude of the numbers in a value of TOML; 0 without numbers."""
    if isinstance(value, list | Mapping):
        items = value.values() if isinstance(value, Mapping) else value
        return max(map(_largest, items), default=0)
    return abs(value) if isinstance(value, int | float) else 0


def _is_list(value: Any, accepts: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(map(accepts, value))


@dataclass(frozen=True)
class Description:
    """Description of a field. absent: meaning of its absence, if it has no default."""

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


def read_section(
    section: type[Section], name: str, given: object, where: Where | DescriptionText
) -> Section:
    """Return a section of a description, given its TOML table.

    name: name of the section in messages. where: location for messages, usually the text of the file. Raises
    CompileError naming the invalid field.
    """
    if not isinstance(given, Mapping):
        raise CompileError(place_of(where, name), f"`{name}` must be a table")
    return section(**read_fields(section, (name,), given, where))


def read_fields(
    section: type[Any],
    path: Sequence[str],
    given: Mapping[str, Any],
    where: Where | DescriptionText,
) -> dict[str, Any]:
    """Return the values of the fields of a table at `path`. Raises CompileError naming the invalid field."""
    known = descriptions(section)
    if unknown := set(given) - set(known):
        field, table = min(unknown), ".".join(path)
        hint = did_you_mean(field, known, "``", f"{table}.")
        raise CompileError(place_of(where, *path, field), f"unknown field `{table}.{field}`{hint}")
    return {
        name: known[name].kind.read(value, (*path, name), where) for name, value in given.items()
    }


def fields_given(section: Any) -> dict[str, Any]:
    """Return the values of the fields of a section that are not their defaults, as TOML has them."""
    defaults = {field.name: field.default for field in dataclasses.fields(section)}
    given = {name: getattr(section, name) for name in descriptions(section)}
    return {name: as_toml(value) for name, value in given.items() if value != defaults[name]}


def as_toml(value: Any) -> Any:
    """Return tuples as lists, and tables as dictionaries, at every depth."""
    if isinstance(value, Table):
        return value.toml()
    return [as_toml(item) for item in value] if isinstance(value, tuple) else value


class Table:
    """A field that is a table of its own."""

    def toml(self) -> dict[str, Any]:
        """Return the table in a file, without fields that have their default values."""
        return fields_given(self)


@dataclass(frozen=True)
class Arguments(Table):
    """Arguments of a function, by name; lists are tuples, and tables are `Arguments`."""

    given: tuple[tuple[str, Any], ...] = ()

    @staticmethod
    def of(table: Mapping[str, Any]) -> Arguments:
        """Return the arguments that a TOML table holds."""

        def kept(value: Any) -> Any:
            if isinstance(value, list):
                return tuple(map(kept, value))
            return Arguments.of(value) if isinstance(value, Mapping) else value

        return Arguments(tuple((name, kept(value)) for name, value in table.items()))

    def toml(self) -> dict[str, Any]:
        return {name: as_toml(value) for name, value in self.given}
