"""Extensions of the toolkit by other packages.

A package declares its extensions as entry points in its metadata:

    [project.entry-points."xdsl.universe"]
    morphology = "cmir_morphology.universe:UNIVERSE"     # dialects, passes, targets (see xdsl.universe)

    [project.entry-points."cmir.onnx"]
    morphology = "cmir_morphology.importers"             # a module that registers importers when it is loaded

    [project.entry-points."cmir.semantics"]
    morphology = "cmir_morphology.operations"            # a module that registers what operations of bodies compute

    [project.entry-points."cmir.pipelines"]
    morphology = "cmir_morphology.pipelines:PIPELINES"   # a list of Pipeline

Importers, operations of bodies and pipelines are loaded on demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from xdsl.universe import Universe

from cmir.support.diagnostics import CompileError

UNIVERSES = "xdsl.universe"
IMPORTERS = "cmir.onnx"
SEMANTICS = "cmir.semantics"
PIPELINES = "cmir.pipelines"


def load(group: str) -> Iterator[tuple[EntryPoint, Any]]:
    """Yield each entry point of the group and the object that it names, sorted by name.

    Raises CompileError naming the broken package.
    """
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            yield point, point.load()
        except Exception as error:
            raise broken(point, f"{type(error).__name__}: {error}") from error


def broken(point: EntryPoint, reason: str) -> CompileError:
    """Return the error for an installed package that cannot be used."""
    package = point.dist.name if point.dist is not None else point.value
    return CompileError(
        f"package {package}", f"entry point '{point.name}' of '{point.group}': {reason}"
    )


@cache
def installed_universe() -> Universe:
    """Return all installed dialects, passes and targets, from xDSL, cmir and other packages.

    Raises CompileError if a package cannot be loaded, or if two packages define the same name.
    """
    try:
        return Universe.get_multiverse()
    except Exception as error:
        for point, universe in load(UNIVERSES):
            if not isinstance(universe, Universe):
                raise broken(point, f"expected a Universe, got {universe!r}") from error
        raise CompileError("installed packages", str(error)) from error
