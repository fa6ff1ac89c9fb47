"""The description of the machine that a network runs on."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from cmir.diagnostics import CompileError

_FIELDS = {
    "core": ("initiation_interval", "latency", "credit_latency", "sram_bytes"),
    "network": ("hop_cycles",),
}

_OPTIONAL = ("sram_bytes",)


@dataclass(frozen=True)
class Hardware:
    """What the timing recurrence needs to know of a machine. All times are in cycles.

    initiation_interval: between the starts of two iterations of a core.
    latency: from the start of an iteration to the arrival of its result at a neighbour.
    credit_latency: from the start of an iteration to the arrival of its credit at a neighbour.
    hop_cycles: added for each hop between the cores.
    sram_bytes: of each core, for its buffers; None for as many as needed.
    """

    name: str
    initiation_interval: int
    latency: int
    credit_latency: int
    hop_cycles: int
    sram_bytes: int | None = None

    @staticmethod
    def load(name_or_path: str) -> Hardware:
        """A preset by name, or a TOML file by path. Raises CompileError naming the field at fault."""
        if name_or_path in presets():
            text = _presets().joinpath(f"{name_or_path}.toml").read_text()
        else:
            path = Path(name_or_path)
            if not path.is_file():
                known = ", ".join(presets())
                raise CompileError(
                    None,
                    f"hardware '{name_or_path}' is neither a preset ({known}) nor a file",
                )
            text = path.read_text()
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise CompileError(name_or_path, f"not valid TOML: {error}") from None
        return _validate(table, name_or_path)


def presets() -> list[str]:
    """The names of the descriptions that ship with cmir."""
    files = (entry.name for entry in _presets().iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def _presets():
    return resources.files("cmir.accelerator") / "presets"


def _validate(table: dict[str, object], where: str) -> Hardware:
    values: dict[str, int] = {}
    if unknown := set(table) - {"name", *_FIELDS}:
        raise CompileError(where, f"unknown field `{min(unknown)}`")
    for section, fields in _FIELDS.items():
        given = table.get(section, {})
        if not isinstance(given, dict):
            raise CompileError(where, f"`{section}` must be a table")
        if unknown := set(given) - set(fields):
            raise CompileError(where, f"unknown field `{section}.{min(unknown)}`")
        for field in fields:
            value = given.get(field)
            if value is None and field in _OPTIONAL:
                continue
            least = 0 if field == "hop_cycles" else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise CompileError(
                    where, f"`{section}.{field}` must be an integer >= {least}, got {value!r}"
                )
            values[field] = value
    return Hardware(name=str(table.get("name", where)), **values)
