"""Description of the hardware that a network runs on: a TOML file, or a preset that ships with cmir.

docs/hardware.md is generated from the descriptions of the fields of its sections.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from cmir.hardware.fields import as_toml, descriptions, fields_given, read_section
from cmir.hardware.places import DescriptionText, place_of
from cmir.hardware.sections import (
    FORMER_NAMES,
    SECTIONS,
    Area,
    CoreSection,
    Crossbar,
    Energy,
    Interconnect,
    System,
)
from cmir.support.diagnostics import CompileError, Where, emit_remark
from cmir.support.file_kinds import HARDWARE, refuse_other_kinds
from cmir.support.similar import did_you_mean


@dataclass(frozen=True)
class Hardware:
    """Description of the hardware. summary: its description in one line."""

    name: str
    summary: str = ""
    crossbar: Crossbar = field(default_factory=Crossbar)
    core: CoreSection = field(default_factory=CoreSection)
    interconnect: Interconnect = field(default_factory=Interconnect)
    system: System = field(default_factory=System)
    energy: Energy = field(default_factory=Energy)
    area: Area = field(default_factory=Area)

    @staticmethod
    def load(name_or_path: str) -> Hardware:
        """Load a preset by name, a TOML file by path, or the text of such a file if it has several lines.

        Raises CompileError naming the invalid field.
        """
        inline = "\n" in name_or_path and not _is_file(name_or_path)
        text, name = (name_or_path, "") if inline else (Hardware.text(name_or_path), name_or_path)
        where = name or None
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise CompileError(where, f"not valid TOML: {error}") from None
        printable = name.encode(errors="replace").decode()  # a path is not always valid UTF-8
        return Hardware.of({"name": printable, **table}, DescriptionText(where, text))

    @staticmethod
    def text(name_or_path: str) -> str:
        """Return the text of a preset, or of a file. Raises CompileError if there is neither."""
        if name_or_path in presets():
            return _presets().joinpath(f"{name_or_path}.toml").read_text(encoding="utf-8")
        refuse_other_kinds(name_or_path, "a description of a machine (TOML)", HARDWARE)
        if not _is_file(name_or_path):
            known = ", ".join(presets())
            what = f"hardware '{name_or_path}' is neither a preset ({known}) nor a file"
            raise CompileError(None, what + did_you_mean(name_or_path, presets()))
        return Path(name_or_path).read_text(encoding="utf-8")

    @staticmethod
    def of(table: Mapping[str, Any], where: Where | DescriptionText) -> Hardware:
        """Return the hardware described by the tables of a TOML file. Raises CompileError naming the invalid field.

        Tables may have the names of earlier versions; a remark gives the current name.
        """
        table = _with_current_names(table, where)
        if unknown := set(table) - {"name", "summary", *SECTIONS}:
            name = min(unknown)
            hint = did_you_mean(name, SECTIONS, "``") or _sections_with(name)
            raise CompileError(place_of(where, name), f"unknown field `{name}`{hint}")
        texts = {key: table.get(key, "") for key in ("name", "summary")}
        for key, text in texts.items():
            if not isinstance(text, str):
                raise CompileError(place_of(where, key), f"`{key}` must be a string, got {text!r}")
        sections = {
            name: read_section(section, name, table.get(name, {}), where)
            for name, section in SECTIONS.items()
        }
        hardware = Hardware(**texts, **sections)
        for problem in hardware.problems():
            raise CompileError(place_of(where), problem)
        return hardware

    def table(self) -> dict[str, Any]:
        """Return the tables of a TOML file for this hardware, without fields that have their default values."""
        tables: dict[str, Any] = {"name": self.name}
        if self.summary:
            tables["summary"] = self.summary
        for name in SECTIONS:
            if fields := fields_given(getattr(self, name)):
                tables[name] = fields
        return tables

    def toml(self) -> str:
        """Return the text of a TOML file for this hardware, without fields that have their default values."""
        return "\n".join(_lines(self.table(), ())) + "\n"

    def replace(self, **fields: Any) -> Hardware:
        """Return the hardware with other values of some fields, named `section__field`: `crossbar__rows=128`.

        `name` and `summary` are fields, too. A field of a table in a section is named `crossbar__model__seed`. None
        removes a field of a section, which then has its default. Raises CompileError naming the invalid field.
        """
        table = self.table()
        for key, value in fields.items():
            section, *path = key.split("__")
            if not path:
                table[section] = value
                continue
            if section not in SECTIONS:
                hint = did_you_mean(section, SECTIONS, "``")
                message = f"no section `{section}`: there are {', '.join(SECTIONS)}{hint}"
                raise CompileError(None, message)
            given = table.get(section, {})
            known = path[0] in descriptions(SECTIONS[section])
            table[section] = with_field(given, path, value) if known else {path[0]: value}
        return Hardware.of(table, None)

    def problems(self) -> Iterator[str]:
        """Yield messages about invalid combinations of fields."""
        for section in (self.crossbar, self.interconnect):
            if (problem := section.problem()) is not None:
                yield problem
        places, count = self.interconnect.places, self.core.count
        if places is not None and count is not None and places < count:
            yield f"`core.count` must be <= {places}, the places of `interconnect`, got {count}"

    def bytes_of(self, elements: int, bits: int) -> int:
        """Return the size of stored or sent elements in bytes. bits: size of their type in the IR."""
        return -(-elements * (self.system.element_bits or bits) // 8)


def _sections_with(name: str) -> str:
    """Return a hint at the tables that have a field of this name, for one that is in none."""
    fields = [f"{key}.{name}" for key, section in SECTIONS.items() if name in descriptions(section)]
    return f"; did you mean `{fields[0]}`?" if fields else ""


def _with_current_names(table: Mapping[str, Any], where: Where | DescriptionText) -> dict[str, Any]:
    """Rename tables that have a former name. Raises CompileError if a table is given under both of its names."""
    current: dict[str, Any] = {}
    for name, value in table.items():
        place = place_of(where, name)
        if (name := current_name(name, place)) in current:
            raise CompileError(place, f"table `{name}` is given twice, under a former name, too")
        current[name] = value
    return current


def current_name(table: str, where: Where) -> str:
    """Return the current name of a table, with a remark to the user if the name is a former one."""
    if (name := FORMER_NAMES.get(table)) is None:
        return table
    emit_remark(where, f"table `{table}` is called `{name}` now; the former name is still read")
    return name


def _is_file(path: str) -> bool:
    """Return True if a file has this path; False also for text that is too long to be a path."""
    try:
        return Path(path).is_file()
    except OSError:
        return False


def presets() -> list[str]:
    """Return the names of the descriptions that ship with cmir."""
    files = (entry.name for entry in _presets().iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def _presets() -> Traversable:
    return resources.files("cmir.hardware") / "presets"


def with_field(table: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a table with another value of the field at `path`; None removes the field, if it is given."""
    name, *inner = path
    fields = {key: given for key, given in table.items() if key != name}
    if inner:
        fields[name] = with_field(table.get(name, {}), inner, value)
    elif value is not None:
        fields[name] = as_toml(value)
    return fields


def _lines(table: Mapping[str, Any], path: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table, the fields before the tables in it."""
    inner = {name: value for name, value in table.items() if isinstance(value, dict)}
    for name, value in table.items():
        if name not in inner:
            yield f"{name} = {_toml(value)}"
    for name, value in inner.items():
        yield from ("", f"[{'.'.join((*path, name))}]", *_lines(value, (*path, name)))


def _toml(value: Any) -> str:
    """Format a value as JSON, whose syntax TOML shares except for surrogate pairs and the character DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
