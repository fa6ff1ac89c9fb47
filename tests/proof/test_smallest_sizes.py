"""Sizes that are called the smallest, against all sizes that take less; by longest paths, not by the search's means."""

from __future__ import annotations

import itertools
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import run_passes
from proof.drawn_pipelines import parse, pipeline_texts
from proof.rings import with_rings
from simulator.naive import simulate
from timing.longest_paths import longest_paths
from xdsl.dialects.builtin import ModuleOp

from cmir.analysis import size_search
from cmir.analysis.size_cover import Key, Sizes
from cmir.analysis.size_search import SizeSearch
from cmir.analysis.sizing import Sizing
from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.description import Hardware
from cmir.timing.network import TimedNetwork
from cmir.timing.recurrence import Recurrence

IDEAL = Hardware.load("ideal")

LONG = 10**6
"""An interval that is too short only for cycles that go back no inference: deadlocks."""

RECONVERGENT = """polyhedral.pipeline @main () -> (@out) {
  polyhedral.array @x : tensor<16xf32>
  polyhedral.array @b : tensor<4x2xf32>
  polyhedral.array @c : tensor<1xf32>
  polyhedral.array @out : tensor<4xf32>
  polyhedral.stage @A (%i) domain #polyhedral.set<"{ A[i] : 0 <= i < 16 }"> {
    %z = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %z, @x #polyhedral.map<"{ [A[i] -> lane[k = 0]] -> x[i] }"> : vector<1xf32>
  }
  polyhedral.stage @B (%i) domain #polyhedral.set<"{ B[i] : 0 <= i < 4 }"> {
    %r = polyhedral.read @x #polyhedral.map<"{ [B[i] -> lane[k]] -> x[4i + k] : 0 <= k < 4 }"> : vector<4xf32>
    %z = arith.constant dense<0.0> : vector<2xf32>
    polyhedral.write %z, @b #polyhedral.map<"{ [B[i] -> lane[k]] -> b[i, k] : 0 <= k < 2 }"> : vector<2xf32>
  }
  polyhedral.stage @C (%i) domain #polyhedral.set<"{ C[i] : i = 0 }"> {
    %r = polyhedral.read @x #polyhedral.map<"{ [C[i = 0] -> lane[k = 0]] -> x[15] }"> : vector<1xf32>
    %z = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %z, @c #polyhedral.map<"{ [C[i] -> lane[k = 0]] -> c[0] }"> : vector<1xf32>
  }
  polyhedral.stage @D (%i) domain #polyhedral.set<"{ D[i] : 0 <= i < 4 }"> {
    %r = polyhedral.read @b #polyhedral.map<"{ [D[i] -> lane[k]] -> b[i, k] : 0 <= k < 2 }"> : vector<2xf32>
    %s = polyhedral.read @c #polyhedral.map<"{ [D[i] -> lane[k = 0]] -> c[0] }"> : vector<1xf32>
    %z = arith.constant dense<0.0> : vector<1xf32>
    polyhedral.write %z, @out #polyhedral.map<"{ [D[i] -> lane[k = 0]] -> out[i] }"> : vector<1xf32>
  }
}
"""


def cheaper(sizing: Sizing, sram_bytes: int, most: int = 100) -> list[dict[Key, int]]:
    """Sizes that take less, up to so many, the largest first; of very many, some drawn at random."""
    buffers = list(sizing.buffers.values())
    costs = [sizing.row_bytes[key] for key in sizing.buffers]
    left = sram_bytes - sum(sizing.sram_bytes({}).values()) - 1
    counts = [left // cost for cost in costs]
    if prod(counts) <= 10**5:
        grid = np.indices(counts).reshape(len(costs), -1).T + 1
    else:
        grid = np.random.default_rng(0).integers(1, np.array(counts) + 1, (10**5, len(costs)))
    total = grid @ costs
    grid = grid[total <= left]
    grid = grid[np.argsort(-(grid @ costs), kind="stable")]
    apart = (
        {b.key: int(n) for b, n in zip(buffers, rows, strict=True)}
        for rows in grid
        if all(b.can_have(int(n)) for b, n in zip(buffers, rows, strict=True))
    )
    return list(itertools.islice(apart, most))


def does(sizing: Sizing, sizes: Sizes, period: int) -> bool:
    """True if there is a periodic schedule of this interval."""
    return longest_paths(sizing.actors(sizes), period) is not None


@st.composite
def machines(draw: st.DrawFn) -> Hardware:
    """Machines on which iterations, results and credits take some cycles."""
    core = {"fixed_interval": draw(st.integers(1, 3)), "fixed_latency": draw(st.integers(1, 6))}
    core["credit_latency"] = draw(st.integers(1, 5))
    interconnect = {"hop_cycles": draw(st.integers(0, 3))}
    return Hardware.of({"name": "drawn", "core": core, "interconnect": interconnect}, None)


@settings(max_examples=30)
@given(pipeline_texts(), machines(), st.booleans(), st.integers(0, 4))
def test_no_sizes_take_less(text: str, hardware: Hardware, lossless: bool, more: int) -> None:
    sizing = Sizing(parse(text), hardware)
    search = SizeSearch(sizing)
    period = sizing.interval + more if lossless else LONG
    found = search.lossless(period) if lossless else search.live()
    assert found.smallest
    assert does(sizing, found.sizes, period)
    for sizes in cheaper(sizing, found.sram_bytes):
        assert not does(sizing, sizes, period), sizes


@settings(max_examples=30)
@given(st.data(), pipeline_texts(), machines(), st.integers(0, 4))
def test_what_cuts_list_is_in_the_way(
    data: st.DataObject, text: str, hardware: Hardware, more: int
) -> None:
    """With sizes that a cut lists, and without any bound on the other buffers, its cycle is there."""
    sizing = Sizing(parse(text), hardware)
    search = SizeSearch(sizing)
    search.live()
    search.lossless(sizing.interval + more)
    for cut in search.cuts[:20]:
        sizes = {
            key: data.draw(st.sampled_from(sorted(broken)[-5:]))
            for key, broken in cut.broken.items()
        }
        if all(sizing.buffers[key].can_have(size) for key, size in sizes.items()):
            assert not does(sizing, sizes, LONG if cut.below is None else cut.below - 1)


@settings(max_examples=15)
@given(pipeline_texts(), st.sampled_from(["live", "lossless"]))
def test_storage_is_proved_and_timed(text: str, sizes: str) -> None:
    """What is chosen is accepted by the proof, and cores start when the search has them start."""
    pipeline = parse(text)
    module = pipeline.parent_op()
    assert isinstance(module, ModuleOp)
    sizing = Sizing(pipeline, IDEAL)
    search = SizeSearch(sizing)
    found = search.live() if sizes == "live" else search.lossless()
    expected = Recurrence(sizing.actors(found.sizes), 4).run()
    naive = simulate(with_rings(pipeline, found.sizes), 4)
    for core in expected.cores:
        assert core.start.tolist() == naive[str(core.name)].tolist()
    passes = f"polyhedral-assign-storage{{sizes={sizes}}},polyhedral-to-cmcore"
    run_passes(module, passes, make_context())
    (network,) = module.body.block.ops
    assert isinstance(network, NetworkOp)
    for core in TimedNetwork.of(network, IDEAL).time(4).cores:
        assert core.start.tolist() == naive[str(core.name)].tolist()


def test_reconvergent_rates() -> None:
    search = SizeSearch(Sizing(parse(RECONVERGENT), IDEAL))
    assert (search.live().sram_bytes, search.live().bound) == (48, 48)
    assert (search.lossless().sram_bytes, search.lossless().bound) == (64, 64)


@pytest.mark.parametrize("lossless", [False, True])
def test_gap(monkeypatch: pytest.MonkeyPatch, lossless: bool) -> None:
    """With no time for more than the first sizes, the bound lies below the smallest, and is said to."""
    monkeypatch.setattr(size_search, "_WORK", -(10**9))
    search = SizeSearch(Sizing(parse(RECONVERGENT), IDEAL))
    found = search.lossless() if lossless else search.live()
    assert found.bound <= (64 if lossless else 48) <= found.sram_bytes
