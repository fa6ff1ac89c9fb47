"""Pipelines as text: what is printed parses back, whatever is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.utils.exceptions import ParseError

from cmir.extensions import installed_universe
from cmir.tools.pass_pipeline import parse_pass_pipeline, parse_passes, pipeline_text


@dataclass(frozen=True)
class ProbePass(ModulePass):
    """A pass with options of every kind."""

    name: ClassVar[str] = "probe"

    text: str = "none"
    texts: tuple[str, ...] = ("a", "b")
    one_of: Literal["live", "full"] = "live"
    optional: str | None = "given"
    flag: bool = False
    count: int | None = 3
    rate: float = 0.5
    sizes: tuple[int, ...] | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Do nothing."""


KNOWN = {"probe": lambda: ProbePass}

texts = st.text(max_size=8) | st.sampled_from(
    ["", "true", "8", "1e5", "nan", 'a"b', "\\n", "{,} '"]
)
probes = st.builds(
    ProbePass,
    text=texts,
    texts=st.lists(texts, min_size=1, max_size=3).map(tuple),
    one_of=st.sampled_from(["live", "full"]),
    optional=st.none() | texts,
    flag=st.booleans(),
    count=st.none() | st.integers(),
    rate=st.floats(allow_nan=False),
    sizes=st.none() | st.lists(st.integers(), min_size=1, max_size=3).map(tuple),
)


@given(st.lists(probes, max_size=3))
def test_what_is_printed_parses_back(passes: list[ProbePass]) -> None:
    text = pipeline_text(passes)
    assert parse_pass_pipeline(text, "-p", KNOWN) == passes
    assert "\n" not in text


@given(st.text(st.characters(codec="ascii", exclude_characters="\r\f\v"), max_size=8))
def test_xdsl_reads_it_too(text: str) -> None:
    """Its own parser knows escapes for fewer characters, and has no wrapping."""
    printed = pipeline_text([ProbePass(text)]).removeprefix("builtin.module(").removesuffix(")")
    assert PassPipeline.parse_spec(dict(KNOWN), printed).passes == (ProbePass(text),)


def test_keys_are_spelled_as_in_the_list_of_passes() -> None:
    assert pipeline_text([ProbePass(one_of="full"), ProbePass()]) == (
        "builtin.module(probe{one-of=full},probe)"
    )


def test_mlir_opt_is_a_pass_with_options() -> None:
    known = installed_universe().all_passes
    passes = parse_passes("mlir-opt[canonicalize,cse]", "-p", known)
    assert parse_pass_pipeline(pipeline_text(passes), "-p", known) == passes


@pytest.mark.parametrize(("quoted", "value"), [("'a\\'b'", "a'b"), ('"a\\\\n"', "a\\n")])
def test_backslashes(quoted: str, value: str) -> None:
    assert parse_passes(f"probe{{text={quoted}}}", "-p", KNOWN) == [ProbePass(value)]


def test_unknown_escapes() -> None:
    """A path of Windows does not lose its backslashes silently."""
    with pytest.raises(ParseError) as error:
        parse_passes(r"probe{text='C:\dir'}", "-p", KNOWN)
    assert error.value.msg == r"unknown escape '\d'; in quotes, a backslash is written '\\'"
    assert (error.value.span.start, error.value.span.end) == (14, 16)
