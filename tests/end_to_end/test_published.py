"""Mappings that are published, and the compiler's for the same networks and crossbars."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import published
import pytest
from published import Mapped, compiled, interval, mapped, total
from published_chips import REPRODUCTIONS, Reproduction, print_reproductions
from published_runs import copies_of_slowest, overlapping_layers
from zoo import build

from cmir.hardware.description import Hardware


def test_the_table_is_consistent() -> None:
    mappings = published.published()
    assert {name: total(mapping) for name, mapping in mappings.items()} == {
        "resnet18": 5335,
        "googlenet": 5149,
        "squeezenet": 5674,
    }
    for mapping in mappings.values():
        for layer in mapping:
            assert layer.windows_of_a_copy == ceil(layer.windows / layer.copies)
        assert total(mapping) <= published.CHIP


@pytest.mark.parametrize("name", ["resnet18", "squeezenet"])
def test_layers_are_those_published_and_mappings_no_worse(name: str) -> None:
    theirs = published.published()[name]
    ours = mapped(compiled(build(name)), total(theirs))
    for our, their in zip(ours, theirs, strict=True):
        for sizes in ("outputs", "inputs", "windows", "crossbars"):
            assert getattr(our, sizes) == getattr(their, sizes)
    assert interval(ours) <= interval(theirs)
    assert total(ours) <= total(theirs)
    # Nothing faster fits, and nothing that is as fast takes fewer.
    needed = {n: _crossbars_for(theirs, n) for n in (interval(ours) - 1, interval(ours))}
    assert needed[interval(ours) - 1] > total(theirs)
    assert needed[interval(ours)] == total(ours)


def _crossbars_for(layers: list[Mapped], windows: int) -> int:
    """The crossbars with which no copy has more windows."""
    return sum(layer.crossbars * ceil(layer.windows / windows) for layer in layers)


def test_what_differs_from_the_published_layers_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert not published.compare("chain:2,3,5", published.published()["squeezenet"])
    assert "its matrices are not those of the published mapping" in capsys.readouterr().err


@pytest.mark.parametrize(
    "item",
    [pytest.param(item, marks=[pytest.mark.slow] if item.slow else []) for item in REPRODUCTIONS],
    ids=lambda item: item.what,
)
def test_published_figures_are_met_or_explained(item: Reproduction) -> None:
    """An explanation is given where it is needed, and nowhere else. Each figure names its source."""
    assert item.where
    assert item.holds(item.ours()) == (not item.because)


def test_reproductions_are_printed_with_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    sheets = [item for item in REPRODUCTIONS if item.what.startswith("PUMA")]
    assert print_reproductions(sheets, slow=False)
    assert capsys.readouterr().out.splitlines()[2:4] == [
        "PUMA: latency of a product                                         2304       2304 ns",
        "      ASPLOS 2019, section 7.4.3",
    ]
    assert not print_reproductions([replace(sheets[0], published=1000)], slow=False)


def test_cycles_of_a_copy_are_those_of_the_evaluator() -> None:
    """33 windows of 4000 ns each in the first layer of ResNet-18."""
    first = published.published()["resnet18"][0]
    assert first.cycles == 33 * 4000


def test_cycles_on_the_chip_are_those_of_compiled_stages() -> None:
    """Products take 4000 cycles on crossbars that are there, and no layer takes longer than the interval."""
    model = build("chain:2,3,5")
    cycles, run = published.on_chip(model)
    layers = compiled(model)
    assert cycles.keys() >= {layer.node for layer in layers}
    for layer in layers:
        work = 4000 * layer.iterations * layer.crossbars
        assert work <= run.figures["crossbars"] * cycles[layer.node]
        assert cycles[layer.node] < run.interval + 1
    assert sum(layer.crossbars for layer in layers) <= run.figures["crossbars"]


def test_layers_overlap_as_far_as_windows_allow() -> None:
    """The second of two 3×3 convolutions on 5×5 starts after seven windows of the first, and then never waits."""
    assert overlapping_layers("chain:2,3,5", 0) == pytest.approx(50 / (7 + 25), rel=1e-3)


@pytest.mark.parametrize("more", range(12))
def test_the_slowest_layer_gets_copies(more: int) -> None:
    """No layer but the first slowest one could take a crossbar more; the last copy went to what was slowest then."""
    layers = compiled(build("resnet20:16,8"))
    machine = Hardware.load("ideal").replace(crossbar__rows=64, crossbar__columns=64)
    copies = copies_of_slowest(layers, machine, more)
    each = [ceil(layer.matrix.inputs / 64) * ceil(layer.matrix.outputs / 64) for layer in layers]
    taken = sum(n * (k - 1) for n, k in zip(each, copies, strict=True))
    windows = [ceil(layer.iterations / k) for layer, k in zip(layers, copies, strict=True)]
    assert taken <= more < taken + each[windows.index(max(windows))]
    for layer, k in zip(layers, copies, strict=True):
        assert k == 1 or ceil(layer.iterations / (k - 1)) >= max(windows)
