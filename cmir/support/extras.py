"""Packages that cmir needs for some tasks only, and the extras that install them."""

from __future__ import annotations

import re


def missing_package(module: str) -> str:
    """Return the message that the package of a module is not installed, with the extra of cmir that installs it."""
    package = module.partition(".")[0]
    extra = _extra_of(package)
    hint = "" if extra is None else f": pip install 'cmir[{extra}]'"
    return f"the package '{package}' is not installed{hint}"


def _extra_of(package: str) -> str | None:
    """Return the first extra that requires the package, or None. That of developers is the last resort."""
    # Imported here, because only messages need it, and tools must start quickly.
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires("cmir") or ()
    except PackageNotFoundError:  # it runs from its sources
        return None
    found: list[str] = []
    for requirement in requirements:
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"extra == ['\"]([\w.-]+)['\"]", requirement)
        if name is not None and extra is not None and name[0].lower() == package.lower():
            found.append(extra[1])
    return min(found, key=lambda extra: extra == "dev", default=None)
