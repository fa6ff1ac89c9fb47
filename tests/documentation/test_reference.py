"""Reference pages say all there is to say, and every thing in them has a docstring of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from xdsl.dialects.builtin import IntegerAttr, StringAttr, SymbolRefAttr, TensorType, f32, i64
from xdsl.ir import Operation
from xdsl.irdl import AnyAttr, AnyOf, BaseAttr, EqAttrConstraint

import cmir
from cmir.documentation import reference
from cmir.extensions import installed_universe
from cmir.pipelines.pass_options import options_of
from cmir.support.diagnostics import CompileError
from cmir.universe import DIALECTS, PASSES

OPERATIONS = [
    op for name in DIALECTS for op in installed_universe().all_dialects[name]().operations
]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return reference.pages()


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
def test_operations(op: type[Operation], pages: dict[str, str]) -> None:
    dialect = op.name.partition(".")[0]
    page = pages[f"{dialect}.md"]
    (section,) = re.findall(rf"^## `{re.escape(op.name)}`\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    definition = op.get_irdl_definition()  # pyright: ignore[reportAttributeAccessIssue]
    names = [name for name, _ in (*definition.operands, *definition.results, *definition.regions)]
    for name in (*names, *definition.properties, *definition.attributes):
        assert f"`{name}`" in section


def test_passes_and_tools(pages: dict[str, str]) -> None:
    assert re.findall(r"^## `(.+)`$", pages["passes.md"], re.M) == [*PASSES]
    assert "| `fuse` | true or false | `true` | Let point-wise" in pages["passes.md"]
    assert "| `nn-to-cmcore` | Compile a network" in pages["passes.md"]
    for tool in reference.TOOLS:
        assert f"usage: {tool} " in pages["tools.md"]


def test_python_interface(pages: dict[str, str]) -> None:
    """The page has every name of `import cmir`, with signatures as they are written."""
    page = pages["python.md"]
    assert set(re.findall(r"^## `cmir\.(.+)`$", page, re.M)) == {
        name
        for name in dir(cmir)
        if name in cmir._NAMES  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    }
    assert "    storage: Storage | None = None,\n" in page
    assert "net.ir(level: Level = 'cmcore') -> str" in page
    assert "cmir.Hardware.load(name_or_path: str) -> Hardware" in page
    assert "- `chunk`: the most iterations" in page


@pytest.mark.parametrize("name", PASSES)
def test_options_have_descriptions(name: str) -> None:
    for option in options_of(installed_universe().all_passes[name]()):
        assert option.description.endswith("."), option.name
        assert "[" not in option.heading and "|" not in option.heading


def test_no_constraint_is_shown_as_code(pages: dict[str, str]) -> None:
    """Unknown kinds of constraints would be shown by their Python representation."""
    assert not re.findall(r"\w+(?:Constraint|Attr)\(", "".join(pages.values()))


@pytest.mark.parametrize(
    ("constraint", "text"),
    [
        (AnyAttr(), "anything"),
        (BaseAttr(TensorType), "`tensor`"),
        (EqAttrConstraint(f32), "`f32`"),
        (AnyOf((BaseAttr(StringAttr), BaseAttr(SymbolRefAttr))), "`string` or `symbol_ref`"),
        (IntegerAttr.constr(EqAttrConstraint(i64)), "`integer` of `i64`"),
    ],
)
def test_constraints_in_words(constraint: object, text: str) -> None:
    assert reference.constraint_text(constraint) == text


def test_docstrings_must_be_their_own() -> None:
    class Documented:
        """Documented."""

    class Silent(Documented):
        pass

    @dataclass
    class Data:
        x: int

    assert reference.own_docstring(Documented) == "Documented."
    for silent in (Silent, Data):
        with pytest.raises(CompileError, match=f"{silent.__name__} has no docstring"):
            reference.own_docstring(silent)


def test_unknown_dialect() -> None:
    with pytest.raises(CompileError, match="there is no dialect 'nonsense'"):
        reference.dialect_page("nonsense")
