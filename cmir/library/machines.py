"""Hardware as users name it: a preset, a file, a table, or an object."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError

HardwareLike: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | Hardware"
"""The name of a preset, the path of a TOML file, the tables of such a file, or a Hardware."""


def hardware_from(given: HardwareLike) -> Hardware:
    """Return the hardware that is described. Raises CompileError naming the invalid field."""
    match given:
        case Hardware():
            return given
        case Mapping():
            return Hardware.of({"name": "custom", **given}, None)
        case str() | os.PathLike():
            return Hardware.load(os.fspath(given))
        case _:
            raise CompileError(
                None,
                "`hardware` must be the name of a preset, a path, tables or a cmir.Hardware, got"
                f" {type(given).__name__}",
            )
