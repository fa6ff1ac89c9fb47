"""Tables of other packages, which are imported when a user asks for one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from cmir.support.diagnostics import CompileError
from cmir.support.extras import missing_package


def table_package(name: str) -> Any:
    """Return pandas or polars. Raises CompileError that says what to install."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        raise CompileError(None, f"{missing_package(missing)}: pip install {missing}") from None
