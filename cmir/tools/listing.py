"""Output of `cm-opt --list-passes` and `--list-pipelines`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_type_hints

from xdsl.passes import ModulePass
from xdsl.utils.hints import type_repr

from cmir.passes.pipelines import installed_pipelines
from cmir.tools.pass_pipeline import PassFactory, is_required
from cmir.universe import CMIR_UNIVERSE


def list_passes(known: Mapping[str, PassFactory]) -> None:
    """Print our passes, then those of xDSL and of whatever else is installed."""
    ours = [name for name in known if name in CMIR_UNIVERSE.all_passes]
    others = [name for name in known if name not in CMIR_UNIVERSE.all_passes]
    for title, names in (("Passes of cmir:", ours), ("Other passes:", others)):
        print(title)
        for name in names:
            try:
                pass_type = known[name]()
            except ModuleNotFoundError as error:
                if (error.name or "").startswith("cmir"):
                    raise
                print(f"  {name:<44} (needs the package '{error.name}')")
                continue
            print(f"  {name:<44} {pass_summary(pass_type)}".rstrip())
            types = get_type_hints(pass_type)
            for field in fields(pass_type):
                if field.init:
                    print(f"      {describe(field, types[field.name])}")


def list_pipelines() -> None:
    """Print the named pipelines and what is in them."""
    for pipeline in installed_pipelines().values():
        print(f"{pipeline.name:<24} {pipeline.summary}")
        print(f"    = {pipeline.passes}")


def pass_summary(pass_type: type[ModulePass]) -> str:
    """Return the first line of the pass's own docstring."""
    own = pass_type.__doc__ or ""
    if own.startswith(f"{pass_type.__name__}("):  # made by @dataclass
        return ""
    return inspect.cleandoc(own).partition("\n")[0]


def describe(field: Field[Any], type: Any) -> str:
    """Return an option of a pass: its name, its type, and its default or that it is required."""
    key = f"{field.name.replace('_', '-')}: {type_repr(type)}"
    if is_required(field):
        return f"{key} (required)"
    default = field.default
    if default is MISSING:
        default = None if field.default_factory is MISSING else field.default_factory()
    match default:
        case None:
            return key
        case bool():
            text = str(default).lower()
        case tuple():
            text = ",".join(map(str, default))
        case _:
            text = str(default)
    return f"{key} = {text}"
