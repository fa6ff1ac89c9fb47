"""Check that each installed dependency has the oldest version that `pyproject.toml` allows (`make test-minimum`)."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement
from packaging.version import Version


def oldest(requirement: Requirement) -> Version:
    """Return the lower bound of a requirement. Raises ValueError if it has none."""
    bounds = [s for s in requirement.specifier if s.operator in (">=", "==", "~=")]
    if not bounds:
        raise ValueError(f"'{requirement}' has no lower bound")
    return max(Version(bound.version.removesuffix(".*")) for bound in bounds)


def differences() -> list[str]:
    """Return a line for each installed dependency of cmir, of its extras too, that is not at its lower bound."""
    lines = []
    for requirement in map(Requirement, requires("cmir") or []):
        if requirement.name == "cmir":  # an extra that contains others
            continue
        try:
            installed = Version(version(requirement.name))
        except PackageNotFoundError:
            continue
        if installed != oldest(requirement):
            lines.append(
                f"{requirement.name} {installed} is not the lower bound of '{requirement}'"
            )
    return lines


if __name__ == "__main__":
    found = differences()
    print("\n".join(found or ["all dependencies are at their lower bounds"]))
    sys.exit(bool(found))
