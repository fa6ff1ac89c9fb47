"""Sizes of buffers: the smallest that are deadlock-free or throughput-preserving, and what they take."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from networks import Builder, Compiled, compile_network
from proof.rings import with_rings
from simulator.naive import Deadlock, simulate
from timing.measured_interval import measured_interval
from tolerance import assert_close
from zoo import build

from cmir.analysis.capacity import sram_bytes
from cmir.analysis.curve import buffer_curve
from cmir.analysis.size_cover import Sizes
from cmir.analysis.size_search import SizeSearch
from cmir.analysis.sizing import Sizing
from cmir.dialects.core_name import CoreName
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import CompileError
from cmir.timing.recurrence import Recurrence


def chain(passes: str = "") -> Compiled:
    net = Builder(1, 16, 16)
    return compile_network(net.model(net.conv(net.conv("x", 1, pads=1), 1, pads=1)), passes=passes)


def test_two_rows_deadlock() -> None:
    with pytest.raises(CompileError) as refusal:
        chain("polyhedral-assign-storage{rows=2}")
    assert refusal.value.message == (
        "2 rows are too few: deadlock: "
        "@conv1 waits for room in the buffer of @conv0 at @conv2, "
        "@conv2 waits for data in its buffer of @conv0 from @conv1"
    )


@pytest.mark.parametrize("storage", ["rows=3", "rows=100", "sizes=full", "sizes=lossless"])
def test_three_rows_run_at_full_speed(storage: str) -> None:
    model = chain(f"polyhedral-assign-storage{{{storage}}}")
    assert model.simulator.run(model.samples(3)).cycles == 786


def residual(net: Builder) -> str:
    a = net.conv("x", 1, pads=1)
    return net.add(net.conv(net.conv(a, 1, pads=1), 1, pads=1), a)


def strided(net: Builder) -> str:
    return net.conv(net.conv(net.conv("x", 1, pads=1), 1, 3, 2, 1), 1, pads=1)


def pooled(net: Builder) -> str:
    a = net.conv("x", 1, pads=1)
    return net.add(net.pool(a, "Max", 3, 1, 1), net.conv(net.relu(net.conv(a, 1, 5, pads=2)), 1, 1))


def dense(net: Builder) -> str:
    a = net.conv("x", 2, pads=1)
    return net.gemm(net.flatten(net.conv(a, 1, 3, 2)), 3)


def wide(net: Builder) -> str:
    return net.conv(net.conv("x", 1, 1), 1, [3, 1], [2, 1], [2, 0, 0, 0])


Network = Callable[[Builder], str]


@cache
def sizing_of(network: Network) -> tuple[Compiled, Sizing]:
    net = Builder(1, 7, 5)
    model = compile_network(net.model(network(net)))
    return model, Sizing(model.pipeline, Hardware.load("ideal"))


def interval(sizing: Sizing, sizes: Sizes, inferences: int = 12) -> float:
    report = Recurrence(sizing.actors(sizes), inferences).run()
    return measured_interval(report)


def lives(model: Compiled, sizes: Sizes) -> bool:
    """By the naive simulator."""
    try:
        simulate(with_rings(model.pipeline, sizes), 2)
    except Deadlock:
        return False
    return True


networks = pytest.mark.parametrize(
    "network", [residual, strided, pooled, dense, wide], ids=lambda network: network.__name__
)


@networks
def test_live_sizes_are_minimal(network: Network) -> None:
    model, sizing = sizing_of(network)
    sizes = SizeSearch(sizing).live().sizes
    assert lives(model, sizes)
    for key, rows in sizes.items():
        if rows > 1:
            assert not lives(model, {**sizes, key: rows - 1}), key


@pytest.mark.parametrize("network", [residual, strided, dense], ids=lambda n: n.__name__)
def test_live_sizes_by_enumeration(network: Network) -> None:
    """All sizes up to a little more: none with which the network lives is smaller in an edge and larger in none."""
    _, sizing = sizing_of(network)
    sizes = SizeSearch(sizing).live().sizes
    vectors = itertools.product(*(range(1, rows + 1) for rows in sizes.values()))
    alive = [v for v in vectors if _recurrence_lives(sizing, dict(zip(sizes, v, strict=True)))]
    assert alive == [tuple(sizes.values())]


def _recurrence_lives(sizing: Sizing, sizes: Sizes) -> bool:
    try:
        sizing.check_live(sizes)
    except CompileError:
        return False
    return True


@networks
def test_lossless_sizes_are_minimal(network: Network) -> None:
    model, sizing = sizing_of(network)
    sizes = SizeSearch(sizing).lossless().sizes
    best = interval(sizing, {})
    assert best == sizing.interval
    assert interval(sizing, sizes) == best
    for key, rows in sizes.items():
        smaller = {**sizes, key: rows - 1}
        if rows > 1 and lives(model, smaller):
            assert interval(sizing, smaller) > best, key


@networks
def test_curve(network: Network) -> None:
    """More memory, shorter interval; the ends are what `live` and `lossless` give, and cycles are what they say."""
    model, sizing = sizing_of(network)
    points = buffer_curve(sizing)
    assert points[0].sizes == SizeSearch(sizing).live().sizes or len(points) == 1
    assert points[-1].interval == sizing.interval
    for less, more in itertools.pairwise(points):
        assert less.sram_bytes < more.sram_bytes and less.interval > more.interval
    for point in points:
        ends = np.max(
            [s[:, -1] for s in simulate(with_rings(model.pipeline, point.sizes), 8).values()],
            axis=0,
        )
        assert (ends[-1] - ends[3]) / 4 == point.interval


def test_reader_of_everything() -> None:
    """A fully connected layer keeps what it reads in one piece."""
    _, sizing = sizing_of(dense)
    (key,) = [key for key in sizing.buffers if key[1] == "gemm1"]
    assert SizeSearch(sizing).live().sizes[key] == sizing.buffers[key].rows.count


def test_resnet20() -> None:
    model = build("resnet20")
    whole = compile_network(model)
    rings = compile_network(model, passes="polyhedral-assign-storage{sizes=lossless}")
    samples = whole.samples(2)
    one, other = whole.simulator.run(samples), rings.simulator.run(samples)
    for values, right in zip(other.outputs, one.outputs, strict=True):
        for name, value in values.items():
            # BLAS adds up in another order where chunks are of other sizes.
            assert_close(value, right[name])
    assert measured_interval(whole.timed.time(8)) == measured_interval(rings.timed.time(8)) == 1024
    before, after = (
        sum(sram_bytes(m.timed.network, m.timed.hardware).values()) for m in (whole, rings)
    )
    print(f"SRAM bytes: {before} before, {after} after")
    assert before > 4 * after


@networks
def test_sizes_that_fit(network: Network, tmp_path: Path) -> None:
    """With less SRAM the interval is longer, and no sizes of the curve that fit have a shorter one by a hundredth."""
    model, sizing = sizing_of(network)
    points = buffer_curve(sizing)
    low, high = (max(sizing.sram_bytes(p.sizes).values()) for p in (points[0], points[-1]))
    for room in range(low, high, 8):
        small = tmp_path / "small.toml"
        small.write_text(
            "[core]\nfixed_interval = 1\nfixed_latency = 1\ncredit_latency = 1\n"
            f"sram_bytes = {room}\n[interconnect]\nhop_cycles = 0\n"
        )
        limited = Sizing(model.pipeline, Hardware.load(str(small)))
        found, fitting = SizeSearch(limited).fitting()
        sizes = fitting.sizes
        assert max(limited.sram_bytes(sizes).values()) <= room
        assert interval(sizing, sizes) <= found
        for point in points:
            if max(sizing.sram_bytes(point.sizes).values()) <= room:
                assert found <= point.interval + max(2, sizing.interval / 100)


def test_too_small_sram(tmp_path: Path) -> None:
    small = tmp_path / "small.toml"
    small.write_text(
        "[core]\nfixed_interval = 1\nfixed_latency = 1\ncredit_latency = 1\nsram_bytes = 900\n"
        "[interconnect]\nhop_cycles = 0\n"
    )
    net = Builder(1, 8, 16)
    last = net.conv(net.conv("x", 2, pads=1), 1, pads=1)
    with pytest.raises(CompileError) as refusal:
        compile_network(net.model(last), hardware=str(small))
    assert re.fullmatch(
        r"the buffers of @conv2 take 1028 bytes, 128 more than the 900 bytes of SRAM of a core of "
        r"'.*small.toml' \(the buffer of @conv0 1024\); .*--storage lossless",
        refusal.value.message,
    )
    passes = f'polyhedral-assign-storage{{hardware="{small}"}}'
    model = compile_network(net.model(last), passes=passes, hardware=str(small))
    assert (
        sram_bytes(model.timed.network, model.timed.hardware)[CoreName("conv2")]
        == 3 * 2 * 16 * 4 + 4
    )
