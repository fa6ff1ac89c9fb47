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

    [project.entry-points."cmir.crossbars"]
    morphology = "cmir_morphology.crossbars"             # a module that registers models of crossbars

Importers, operations of bodies, pipelines and models of crossbars are loaded on demand. Importers may replace those of
cmir, so one that cannot be loaded stops every import. Any other package that cannot be loaded lacks only its own names:
errors about unknown names say so (`unloaded_hint`), and everything else works.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NoReturn

from xdsl.ir import Dialect
from xdsl.passes import ModulePass
from xdsl.universe import Universe

from cmir.support.diagnostics import CompileError
from cmir.support.unloaded import note_unloaded

UNIVERSES = "xdsl.universe"
IMPORTERS = "cmir.onnx"
SEMANTICS = "cmir.semantics"
PIPELINES = "cmir.pipelines"
CROSSBARS = "cmir.crossbars"

_OWN = ("cmir", "xdsl")
"""Packages whose errors are no mistakes of an extension."""


def load(group: str) -> Iterator[tuple[EntryPoint, Any]]:
    """Yield each entry point of the group and the object that it names, sorted by name.

    Raises CompileError naming the broken package.
    """
    for point in _points(group):
        yield point, _load(point)


def load_usable(group: str) -> Iterator[tuple[EntryPoint, Any]]:
    """Like `load`, but pass over packages that cannot be loaded; `unloaded_hint` then names them."""
    for point in _points(group):
        try:
            loaded = _load(point)
        except CompileError as error:
            note_unloaded(error)
        else:
            yield point, loaded


def _points(group: str) -> list[EntryPoint]:
    return sorted(entry_points(group=group), key=lambda point: point.name)


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise broken(point, _cause(error)) from error


def _cause(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def package_of(point: EntryPoint) -> str:
    """Return the name of the package that has an entry point."""
    return point.dist.name if point.dist is not None else point.value


def broken(point: EntryPoint, reason: str) -> CompileError:
    """Return the error for an installed package that cannot be used."""
    where = f"entry point '{point.name}' of '{point.group}'"
    return CompileError(f"package {package_of(point)}", f"{where}: {reason}")


_KINDS = {
    "all_dialects": "dialect",
    "all_passes": "pass",
    "all_targets": "target",
    "all_frontends": "frontend",
}
"""What the fields of a Universe hold, by name."""

_Factory = Callable[[], Any]


@cache
def installed_universe() -> Universe:
    """Return all installed dialects, passes, targets and frontends, from xDSL, cmir and other packages.

    A package that cannot be loaded is passed over. A name that cannot be loaded, or that two packages define, raises
    CompileError when it is used.
    """
    merged = Universe()
    fields = [field for field in _KINDS if hasattr(merged, field)]
    packages: dict[tuple[str, str], list[str]] = defaultdict(list)
    for point, universe in load_usable(UNIVERSES):
        if (problem := _problem(universe, fields)) is not None:
            note_unloaded(broken(point, problem))
            continue
        package = package_of(point)  # reads the metadata of the package
        for field in fields:
            for name, factory in getattr(universe, field).items():
                packages[field, name].append(package)
                if package not in _OWN:
                    factory = _checked(point, _KINDS[field], name, factory)
                getattr(merged, field)[name] = factory
    for (field, name), those in packages.items():
        if len(those) > 1:
            getattr(merged, field)[name] = partial(_refuse, _KINDS[field], name, those)
    return merged


def _problem(universe: object, fields: Sequence[str]) -> str | None:
    """Return why an object cannot be a Universe, or None."""
    if not isinstance(universe, Universe):
        return f"expected a Universe, got {universe!r}"
    for field in fields:
        if not isinstance(names := getattr(universe, field), Mapping):
            return f"`{field}` must be a dictionary of functions by name, got {names!r}"
    return None


def _checked(point: EntryPoint, kind: str, name: str, factory: _Factory) -> _Factory:
    """Return a function that calls the one of a package, and raises CompileError naming the package if that fails."""

    def load() -> Any:
        try:
            loaded = factory()
        except (Exception, SystemExit) as error:
            raise broken(point, f"{kind} '{name}': {_cause(error)}") from error
        if kind == "dialect" and not isinstance(loaded, Dialect):
            raise broken(point, f"dialect '{name}': expected a Dialect, got {loaded!r}")
        if kind == "pass" and not (isinstance(loaded, type) and issubclass(loaded, ModulePass)):
            message = f"pass '{name}': expected a subclass of ModulePass, got {loaded!r}"
            raise broken(point, message)
        return loaded

    return load


def _refuse(kind: str, name: str, packages: Sequence[str]) -> NoReturn:
    message = f"several define the {kind} '{name}': {' and '.join(packages)}; uninstall one of them"
    raise CompileError("installed packages", message)
