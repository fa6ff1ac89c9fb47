"""Points of a sweep: values for fields of a hardware description, checked before any run."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from cmir.hardware.crossbar_models import ModelSettings, crossbar_models
from cmir.hardware.description import Hardware, current_name, with_field
from cmir.hardware.fields import descriptions, read_fields, read_section
from cmir.hardware.sections import SECTIONS
from cmir.support.diagnostics import CompileError, Where
from cmir.support.limits import count_text
from cmir.support.similar import did_you_mean

NONE = "none"
"""The value that removes a field from the description."""

MOST_POINTS = 100_000
"""The most points of a sweep, each of which compiles a network."""

MODEL = "crossbar.model"
"""The table of the model of crossbars, whose fields change nothing but results."""

ADC_BITS = "adc_bits"
"""The field of `crossbar` that changes nothing but results either: the time of a conversion is `adc_cycles`."""

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?::(\d+))?")
_WORD = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True)
class Axis:
    """A field, `section.field` or `crossbar.model.field`, and its values; None removes the field."""

    field: str
    values: tuple[Any, ...]

    @property
    def of_results(self) -> bool:
        """True if the field changes results, but no cycle and no picojoule."""
        return f"{self.field}.".startswith(f"{MODEL}.") or self.field == f"crossbar.{ADC_BITS}"


@dataclass(frozen=True)
class SweepPoint:
    """A machine of the sweep. values: by field, in the order of the axes."""

    values: Mapping[str, Any]
    table: Mapping[str, Any]

    @property
    def cells(self) -> dict[str, str]:
        """The values in the form of table cells."""
        return {field: cell(value) for field, value in self.values.items()}

    def __str__(self) -> str:
        return " ".join(f"{field}={text}" for field, text in self.cells.items())


@dataclass(frozen=True)
class Grid:
    """All combinations of the values of some fields; the first field varies slowest."""

    base: Hardware
    axes: Sequence[Axis]

    def __len__(self) -> int:
        return prod(len(axis.values) for axis in self.axes)

    @property
    def of_results(self) -> str | None:
        """A field that is changed and changes results alone, or None."""
        return next((axis.field for axis in self.axes if axis.of_results), None)

    def points(self) -> Iterator[SweepPoint]:
        fields = [axis.field for axis in self.axes]
        for values in product(*(axis.values for axis in self.axes)):
            chosen = dict(zip(fields, values, strict=True))
            yield SweepPoint(chosen, _table(self.base, chosen))


def read_axes(settings: Sequence[str], base: Hardware, where: Where) -> list[Axis]:
    """Parse axes of the form `FIELD=VALUES`, and check each value against the field.

    base: the machine whose fields are changed. where: subject of the CompileError for text that is no axis, which names
    the field.
    """
    with _located(where):
        given: list[tuple[str, list[Any]]] = []
        for setting in settings:
            field, equals, text = setting.partition("=")
            if not equals or not field.partition(".")[2]:
                raise ValueError(f"--set needs section.field=VALUES, got '{setting}'")
            given.append((field, _values(field, text)))
    return make_axes(given, base, where)


def make_axes(
    given: Sequence[tuple[str, Sequence[Any]]], base: Hardware, where: Where
) -> list[Axis]:
    """Return the axes of fields with these values. base, where, raises: see `read_axes`."""
    axes: list[Axis] = []
    models = _models(dict(given), base)
    with _located(where):
        for name, values in given:
            axis = _axis(name, values, models, where)
            if axis.field in {other.field for other in axes}:
                raise ValueError(f"`{axis.field}` is set twice")
            axes.append(axis)
            _check_count(prod(len(axis.values) for axis in axes), "the fields have {} combinations")
        _check_converted([axis.field for axis in axes], models)
    return axes


@contextmanager
def _located(where: Where) -> Generator[None]:
    """Raise ValueErrors inside the `with` block as CompileErrors."""
    try:
        yield
    except ValueError as error:
        raise CompileError(where, str(error)) from None


def _models(given: Mapping[str, Sequence[Any]], base: Hardware) -> list[type[ModelSettings]]:
    """Return the models of crossbars of a sweep: those of the axis of names, or that of the machine."""
    names = given.get(f"{MODEL}.name", ())
    found = [settings for name, settings in crossbar_models().items() if name in names]
    return found or [type(base.crossbar.model)]


def _axis(
    field: str, values: Sequence[Any], models: Sequence[type[ModelSettings]], where: Where
) -> Axis:
    section, _, name = field.partition(".")
    section = current_name(section, where)
    field = f"{section}.{name}"
    if section not in SECTIONS:
        hint = did_you_mean(section, SECTIONS, "``")
        raise ValueError(f"unknown field `{field}`: there is no table `{section}`{hint}")
    table, _, of_model = field.rpartition(".")
    for value in values:
        if table == MODEL:
            _check_model_value(of_model, value, models, where)
        elif value is not None:
            read_section(SECTIONS[section], section, {name: value}, where)
        else:
            _check_name(section, name)
    if not values:
        raise ValueError(f"`{field}` has no values")
    counts = Counter(map(cell, values))
    if twice := [c for c, count in counts.items() if count > 1]:
        raise ValueError(f"`{field}` has the value {twice[0]} twice")
    return Axis(field, tuple(values))


def _check_converted(fields: Sequence[str], models: Sequence[type[ModelSettings]]) -> None:
    """Refuse bits of the ADC if no model of the sweep computes with them."""
    field = f"crossbar.{ADC_BITS}"
    computing = any(
        settings.computed_bits is None or ADC_BITS in settings.computed_bits for settings in models
    )
    if field in fields and not computing:
        names = " and ".join(f"`{settings.name}`" for settings in models)
        hint = f"choose a model with converters, `{MODEL}.name=quantised`"
        raise ValueError(f"`{field}` changes nothing with the model {names}: {hint}")


def _check_name(section: str, name: str) -> None:
    if name not in (known := {*vars(SECTIONS[section]())}):
        hint = did_you_mean(name, known, "``", f"{section}.")
        raise ValueError(f"unknown field `{section}.{name}`{hint}")


def _check_model_value(
    name: str, value: Any, models: Sequence[type[ModelSettings]], where: Where
) -> None:
    """Refuse a field that no model of the sweep has, and a value that a model with the field does not take."""
    section, table = MODEL.split(".")
    if name == "name":
        read_section(SECTIONS[section], section, {table: {name: value}}, where)
        return
    having = [settings for settings in models if name in descriptions(settings)]
    if not having:
        known = {field for settings in models for field in descriptions(settings)}
        hint = did_you_mean(name, known, "``", f"{MODEL}.")
        if name in descriptions(SECTIONS[section]):
            hint = f"; did you mean `{section}.{name}`?"
        names = ", ".join(f"`{settings.name}`" for settings in models)
        raise ValueError(f"unknown field `{MODEL}.{name}` of the model {names}{hint}")
    for settings in having if value is not None else ():
        read_fields(settings, (section, table), {name: value}, where)


def _values(field: str, text: str) -> list[Any]:
    values: list[Any] = []
    for item in _items(text):
        values += _range(field, item) if _RANGE.fullmatch(item) else [_value(field, item)]
    return values


def _items(text: str) -> list[str]:
    """Split at commas outside brackets."""
    items, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if character == "," and depth == 0:
            items.append("")
        else:
            items[-1] += character
    return [item.strip() for item in items]


def _range(field: str, item: str) -> list[int]:
    """Parse `A..B` or `A..B:STEP`, which includes B if a step reaches it."""
    match = _RANGE.fullmatch(item)
    assert match is not None
    first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if step < 1 or last < first:
        raise ValueError(f"`{field}`: the range {item} has no values")
    values = range(first, last + 1, step)
    _check_count((last - first) // step + 1, f"`{field}`: the range {item} has {{}} values")
    return list(values)


def _check_count(count: int, text: str) -> None:
    """Refuse more points than a sweep can have. text: the subject, with a place for the count."""
    if count > MOST_POINTS:
        raise ValueError(
            f"{text.format(count_text(count))}; a sweep has {MOST_POINTS} points at most"
        )


def _value(field: str, item: str) -> Any:
    """Parse a TOML value; a word needs no quotes."""
    if item == NONE:
        return None
    try:
        return tomllib.loads(f"value = {item}")["value"]
    except tomllib.TOMLDecodeError:
        if _WORD.fullmatch(item):
            return item
    raise ValueError(
        f"`{field}`: '{item}' is no value: numbers, words, [lists], A..B:STEP or {NONE}"
    )


def _table(base: Hardware, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a machine with some fields changed."""
    table = base.table()
    for field, value in values.items():
        section, *path = field.split(".")
        table[section] = with_field(table.get(section, {}), path, value)
    return table


def cell(value: Any) -> str:
    """Return a value in the form of a table cell."""
    if value is None:
        return NONE
    return value if isinstance(value, str) else json.dumps(value)
