"""Mappings that are published, and the compiler's for the same networks and crossbars."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import published
import pytest
from published import Mapped, compiled, interval, mapped, total
from published_chips import REPRODUCTIONS, Reproduction, print_reproductions
from zoo import build


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
    """Each convolution has a core that takes 4000 cycles for each of its windows; none is faster than the interval."""
    model = build("chain:2,3,5")
    cycles, run = published.on_chip(model)
    layers = compiled(model)
    assert all(cycles[layer.node] % 4000 == 0 for layer in layers)
    assert max(cycles[layer.node] for layer in layers) <= run.interval
    assert sum(layer.crossbars for layer in layers) <= run.figures["crossbars"]
