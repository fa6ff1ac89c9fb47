"""The place in code of another package at which an error was raised."""

from __future__ import annotations

import os
import re
import sys
from traceback import walk_tb


def outside_frame(error: BaseException) -> str | None:
    """Return `FILE:LINE in FUNCTION` of the innermost call outside cmir, the packages it builds on, and Python's own.

    None if there is none: then the fault is cmir's, or that of a package it builds on.
    """
    found, known = None, _known()
    for frame, line in walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "").partition(".")[0]
        if module not in sys.stdlib_module_names and module not in known:
            code = frame.f_code
            found = f"{_shown(code.co_filename)}:{line} in {code.co_qualname}"
    return found


def _shown(path: str) -> str:
    """Return a path relative to the current folder if the file is in it."""
    here = os.getcwd() + os.sep
    return path.removeprefix(here)


def _known() -> set[str]:
    """Return the names of the packages that cmir builds on."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires("cmir") or ()
    except PackageNotFoundError:  # it runs from its sources
        requirements = ("xdsl", "islpy", "numpy")
    names = (match[0] for text in requirements if (match := re.match(r"[\w.-]+", text)))
    return {"cmir", "__main__", *(name.lower().replace("-", "_") for name in names)}
