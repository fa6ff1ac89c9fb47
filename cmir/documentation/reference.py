"""
Reference pages, in Markdown, made from dialects, passes and tools as they are installed.

    python -m cmir.documentation.reference morphology > morphology.md

prints the page of a dialect; without an argument, all pages are written into the folder `reference`.
"""

from __future__ import annotations

import inspect
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints
from unittest.mock import patch

from xdsl.dialects.builtin import ArrayOfConstraint
from xdsl.ir import Attribute, Operation, ParametrizedAttribute
from xdsl.irdl import (
    AnyAttr,
    AnyOf,
    AttrConstraint,
    BaseAttr,
    EqAttrConstraint,
    MessageConstraint,
    OptionalDef,
    ParamAttrConstraint,
    RangeLengthConstraint,
    RangeOf,
    VarConstraint,
    VariadicDef,
)
from xdsl.passes import ModulePass

from cmir.extensions import installed_universe
from cmir.passes.pipelines import installed_pipelines
from cmir.support.diagnostics import CompileError
from cmir.tools.listing import describe
from cmir.universe import DIALECTS, PASSES

TOOLS = ("cm-translate", "cm-opt", "cm-run", "cm-sweep")
NOTE = "Generated from the code by `python -m cmir.documentation.reference`."


def pages() -> dict[str, str]:
    """Return the pages of cmir's own dialects, passes and tools, by the names of their files."""
    result = {f"{name}.md": dialect_page(name) for name in DIALECTS}
    result["passes.md"] = passes_page(PASSES)
    result["tools.md"] = tools_page()
    return result


def own_docstring(documented: type[Any]) -> str:
    """Return the docstring of a class itself. Raises CompileError if it is inherited, or made by @dataclass."""
    text = documented.__dict__.get("__doc__") or ""
    if not text or text.startswith(f"{documented.__name__}("):
        raise CompileError(
            inspect.getsourcefile(documented), f"{documented.__name__} has no docstring"
        )
    return inspect.cleandoc(text)


def dialect_page(name: str) -> str:
    """Return the operations and attributes of a dialect. Raises CompileError if one of them has no docstring."""
    universe = installed_universe()
    if name not in universe.all_dialects:
        raise CompileError(None, f"there is no dialect '{name}'")
    dialect = universe.all_dialects[name]()
    module = sys.modules[next(iter(dialect.operations)).__module__]
    package = sys.modules.get(f"cmir.dialects.{name}", module)
    parts = [f"# Dialect `{name}`", inspect.cleandoc(package.__doc__ or ""), NOTE]
    for attribute in dialect.attributes:
        parts += [f"## `#{attribute.name}`", own_docstring(attribute), *_parameters(attribute)]
    for op in dialect.operations:
        parts += [f"## `{op.name}`", own_docstring(op), *_definition(op)]
    return "\n\n".join(parts) + "\n"


def passes_page(names: Sequence[str]) -> str:
    """Passes with their options, and the named pipelines."""
    known = installed_universe().all_passes
    parts = ["# Passes", NOTE, "`cm-opt -p 'pass-a,pass-b{option=1 flag},pipeline'` runs passes."]
    for name in names:
        pass_type = known[name]()
        parts += [f"## `{name}`", own_docstring(pass_type), *_options(pass_type)]
    parts.append("## Named pipelines")
    rows = [
        (f"`{p.name}`", p.summary, "`" + p.passes.replace(",", "`, `") + "`")
        for p in installed_pipelines().values()
    ]
    parts.append(_table(("Name", "What it does", "Passes"), rows))
    return "\n\n".join(parts) + "\n"


def tools_page() -> str:
    """Return the page of the tools, with their help texts."""
    parts = ["# Tools", NOTE]
    for tool in TOOLS:
        parts += [f"## `{tool}`", f"```text\n{help_of(tool)}```"]
    return "\n\n".join(parts) + "\n"


def help_of(tool: str) -> str:
    """Return the output of `--help` of a tool."""
    module = __import__(f"cmir.tools.{tool.replace('-', '_')}", fromlist=["main"])
    output = io.StringIO()
    with redirect_stdout(output), patch.dict(os.environ, COLUMNS="100"), suppress(SystemExit):
        module.main(["--help"])
    return output.getvalue()


def _definition(op: type[Operation]) -> Iterator[str]:
    """Tables of what an operation consists of, and its traits."""
    definition = op.get_irdl_definition()  # pyright: ignore[reportAttributeAccessIssue]
    groups: list[tuple[str, Sequence[tuple[str, Any]]]] = [
        ("Operand", definition.operands),
        ("Property", list(definition.properties.items())),
        ("Attribute", list(definition.attributes.items())),
        ("Result", definition.results),
    ]
    for title, members in groups:
        if members:
            rows = [(f"`{name}`", _describe_member(member)) for name, member in members]
            yield _table((title, "Is"), rows)
    if definition.regions:
        names = (f"`{name}`{_how_many(region)}" for name, region in definition.regions)
        yield f"Regions: {', '.join(names)}."
    traits = sorted(type(trait).__name__ for trait in definition.traits.traits)
    if traits:
        yield f"Traits: {', '.join(f'`{trait}`' for trait in traits)}."


def _parameters(attribute: type[Attribute]) -> Iterator[str]:
    if issubclass(attribute, ParametrizedAttribute):
        definition = attribute.get_irdl_definition()
        rows = [(f"`{name}`", constraint_text(c.constr)) for name, c in definition.parameters]
        yield _table(("Parameter", "Is"), rows)


def _options(pass_type: type[ModulePass]) -> Iterator[str]:
    types = get_type_hints(pass_type)
    options = [f"- `{describe(f, types[f.name])}`" for f in fields(pass_type) if f.init]
    if options:
        yield "Options:"
        yield "\n".join(options)


def _describe_member(member: Any) -> str:
    return constraint_text(member.constr) + _how_many(member)


def _how_many(member: Any) -> str:
    if isinstance(member, OptionalDef):
        return ", optional"
    return ", any number" if isinstance(member, VariadicDef) else ""


def constraint_text(constraint: Any) -> str:
    """In words, what a constraint of xDSL's allows."""
    match constraint:
        case AnyAttr():
            return "anything"
        case RangeLengthConstraint(constraint=inner):
            return constraint_text(inner)
        case (
            RangeOf(constr=inner)
            | MessageConstraint(constr=inner)
            | VarConstraint(constraint=inner)
        ):
            return constraint_text(inner)
        case ArrayOfConstraint(elem_range_constraint=inner):
            return f"list of {constraint_text(inner)}"
        case AnyOf(attr_constrs=alternatives):
            return " or ".join(map(constraint_text, alternatives))
        case EqAttrConstraint(attr=attribute):
            return f"`{attribute}`"
        case BaseAttr(attr=kind):
            return f"`{kind.name}`"
        case ParamAttrConstraint(base_attr=kind, param_constrs=parameters):
            exact = [str(p.attr) for p in parameters if isinstance(p, EqAttrConstraint)]
            return f"`{kind.name}`" + (f" of `{', '.join(exact)}`" if exact else "")
        case AttrConstraint():
            bases = constraint.get_bases()
            if bases is None:
                return "anything"
            return " or ".join(sorted(f"`{base.name}`" for base in bases))
        case _:
            return f"`{constraint}`"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join(c.replace('|', chr(92) + '|') for c in row)} |" for row in lines
    )


def main(arguments: Sequence[str]) -> int:
    """Print the pages of dialects, or write all pages."""
    for name in arguments:
        sys.stdout.write(dialect_page(name))
    if not arguments:
        write(pages(), Path("reference"))
    return 0


def write(texts: Mapping[str, str], folder: Path) -> None:
    """Write pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    from cmir.tools.common import run_tool

    sys.exit(run_tool("reference", lambda: main(sys.argv[1:])))
