"""The description of a machine in the IR."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.printer import Printer

from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import PipelineOp
from cmir.hardware.attribute import Carrier, hardware_of, set_hardware
from cmir.hardware.description import Hardware, presets
from cmir.hardware.sections import Energy, Interconnect, System
from cmir.support.diagnostics import CompileError, collect_diagnostics
from cmir.support.parsing import parse_module

CARRIERS = (PipelineOp, NetworkOp)


def parsed(text: str) -> Carrier:
    module = parse_module(text, make_context(), "network.mlir")
    (carrier,) = module.body.block.ops
    assert isinstance(carrier, PipelineOp | NetworkOp)
    return carrier


def through_text(hardware: Hardware, kind: type[Carrier] = NetworkOp) -> Hardware | None:
    carrier = kind("main", [], [])
    set_hardware(carrier, hardware)
    stream = StringIO()
    Printer(stream).print_op(carrier)
    return hardware_of(parsed(stream.getvalue()))


@pytest.mark.parametrize("kind", CARRIERS)
@pytest.mark.parametrize("name", presets())
def test_presets_survive(name: str, kind: type[Carrier]) -> None:
    assert through_text(Hardware.load(name), kind) == Hardware.load(name)


def test_a_model_of_crossbars_survives() -> None:
    hardware = Hardware.load(
        '[crossbar.model]\nname = "pcm"\nat = 60\nread_noise = [0.01, 1, 0.5]\n'
    )
    assert through_text(hardware) == hardware


places = st.lists(st.integers(0, 5), min_size=2, max_size=2).map(tuple)
edges = st.lists(st.tuples(places, places), min_size=1, max_size=4).map(tuple)
names = st.text(st.characters(codec="utf-8"))
figures = st.none() | st.floats(0, 1e12, exclude_min=True) | st.integers(0, 10**9)


@given(names, names, edges, figures, st.floats(1, 1e12))
def test_anything_survives(
    name: str,
    summary: str,
    links: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...],
    figure: float | None,
    clock: float,
) -> None:
    hardware = Hardware(
        name,
        summary,
        interconnect=Interconnect(topology="edges", edges=links),
        energy=Energy(sram_byte=figure),
        system=System(clock_hz=clock),
    )
    assert through_text(hardware) == hardware
    assert Hardware.load(hardware.toml()) == hardware


@pytest.mark.parametrize("kind", CARRIERS)
def test_nothing_said(kind: type[Carrier]) -> None:
    assert hardware_of(parsed(f"{kind.name} @main () -> () {{}}")) is None


@pytest.mark.parametrize("kind", CARRIERS)
@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("1 : i64", "`cmir.hardware` must be a dictionary, got 1 : i64"),
        ("{core = {count = 0 : i64}}", "`core.count` must be an integer >= 1, got 0"),
        ("{cores = {}}", "unknown field `cores`; did you mean `core`?"),
        (
            "{core = {count = @a}}",
            "`cmir.hardware` must hold dictionaries, lists, strings, numbers and truth values, got @a",
        ),
    ],
)
def test_refusals(attribute: str, message: str, kind: type[Carrier]) -> None:
    carrier = parsed(f"{kind.name} @main () -> () attributes {{cmir.hardware = {attribute}}} {{}}")
    with pytest.raises(CompileError) as refusal:
        hardware_of(carrier)
    assert str(refusal.value) == f"network.mlir:1:1: error: {message}"


def test_former_name_of_a_table() -> None:
    """IR of earlier versions, which call the interconnect `network`, is read with a remark."""
    text = "cmcore.network @main () -> () attributes {cmir.hardware = {network = {hop_cycles = 3 : i64}}} {}"
    with collect_diagnostics() as told:
        hardware = hardware_of(parsed(text))
    assert hardware is not None
    assert hardware == Hardware("", interconnect=Interconnect(hop_cycles=3))
    assert through_text(hardware) == hardware
    assert [str(diagnostic) for diagnostic in told] == [
        "network.mlir:1:1: remark: table `network` is called `interconnect` now; the former name is still read"
    ]


def test_tables_are_those_of_a_description() -> None:
    """A description is what its tables describe."""
    for name in presets():
        hardware = Hardware.load(name)
        assert Hardware.of(hardware.table(), None) == hardware
