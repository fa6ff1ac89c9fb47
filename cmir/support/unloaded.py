"""Installed packages that could not be loaded: errors about unknown names say that one of them may define the name."""

from __future__ import annotations

from cmir.support.diagnostics import CompileError, Diagnostic

_unloaded: dict[str, CompileError] = {}


def note_unloaded(error: CompileError) -> None:
    """Remember that a package cannot be used. error: names the package as its location, and the reason."""
    _unloaded[str(error)] = error


def forget_unloaded() -> None:
    """Forget all packages, before they are loaded again."""
    _unloaded.clear()


def unloaded_hint() -> str:
    """Return what an error about an unknown name adds about packages that cannot be loaded, or an empty text."""
    errors = _unloaded.values()
    return "".join(f"; {error.location} cannot be loaded: {error.message}" for error in errors)


def unloaded_warnings() -> list[Diagnostic]:
    """Return a warning for each package that cannot be loaded, for lists of names."""
    return [Diagnostic("warning", error.location, error.message) for error in _unloaded.values()]
