"""Pipelines as text: what is printed parses back, whatever is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.utils.exceptions import ParseError

from cmir.extensions import installed_universe
from cmir.pipelines.pass_options import type_in_words
from cmir.pipelines.text import parse_pass_pipeline, parse_passes, pipeline_text
from cmir.tools.pass_flags import split_pass_flags


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


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (int, "an integer"),
        (float | None, "a number"),
        (tuple[int, ...] | None, "integers separated by commas"),
        (Literal["a", "b"], "one of a, b"),
        (Literal["a", "b"] | tuple[str, ...], "one of a, b or texts separated by commas"),
        (str | dict[str, int] | None, "text"),
        (bool, "true or false"),
    ],
)
def test_types_in_words(wanted: Any, words: str) -> None:
    assert type_in_words(wanted) == words


PASS_NAMES = {"probe", "a-pass"}
OWN_OPTIONS = {"--time-passes", "--print-ir-after", "--verify-diagnostics", "--crash-reproducer"}


@pytest.mark.parametrize(
    ("argument", "text"),
    [
        ("--probe", "probe{}"),
        ("-probe", "probe{}"),
        ("--probe=count=3 flag", "probe{count=3 flag}"),
        ("--probe={count=3}", "probe{count=3}"),
        ("--probe{count=3}", "probe{count=3}"),
        ("--probe=text='{ a }'", "probe{text='{ a }'}"),
        ("--a-pass", "a-pass{}"),
    ],
)
def test_pass_flags(argument: str, text: str) -> None:
    flags, others = split_pass_flags(["in.mlir", argument, "-o", "x"], PASS_NAMES, OWN_OPTIONS)
    assert [flag.text for flag in flags] == [text]
    assert argument.startswith(flags[0].flag)
    assert others == ["in.mlir", "-o", "x"]


@pytest.mark.parametrize(
    ("argument", "own"),
    [
        ("probe", "probe"),
        ("--probes", "--probes"),
        ("--mlir-timing", "--time-passes"),
        ("--mlir-print-ir-after=cse", "--print-ir-after=cse"),
        ("--mlir-nonsense", "--mlir-nonsense"),
        ("--mlir-pass-pipeline-crash-reproducer=a", "--crash-reproducer=a"),
        ("--verify-diagnostics", "--verify-diagnostics=all"),
        ("--verify-diagnostics=only-expected", "--verify-diagnostics=only-expected"),
    ],
)
def test_other_flags(argument: str, own: str) -> None:
    assert split_pass_flags([argument], PASS_NAMES, OWN_OPTIONS) == ([], [own])


def test_flags_end_at_two_dashes() -> None:
    flags, others = split_pass_flags(["--probe", "--", "--probe"], PASS_NAMES, OWN_OPTIONS)
    assert len(flags) == 1 and others == ["--", "--probe"]


@pytest.mark.parametrize(("quoted", "value"), [("'a\\'b'", "a'b"), ('"a\\\\n"', "a\\n")])
def test_backslashes(quoted: str, value: str) -> None:
    assert parse_passes(f"probe{{text={quoted}}}", "-p", KNOWN) == [ProbePass(value)]


def test_unknown_escapes() -> None:
    """A path of Windows does not lose its backslashes silently."""
    with pytest.raises(ParseError) as error:
        parse_passes(r"probe{text='C:\dir'}", "-p", KNOWN)
    assert error.value.msg == r"unknown escape '\d'; in quotes, a backslash is written '\\'"
    assert (error.value.span.start, error.value.span.end) == (14, 16)
