"""Sizes of rings in a circle of cores through which several inferences pass at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from networks import run_passes
from timing.measured_interval import measured_interval

from cmir.analysis.sizing import Sizing
from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.polyhedral import PipelineOp
from cmir.hardware.attribute import set_hardware
from cmir.hardware.description import Hardware
from cmir.support.parsing import parse_module
from cmir.timing.network import TimedNetwork
from cmir.timing.steady import time_stream

PASSES = (
    "polyhedral-assign-storage{sizes=lossless},"
    "polyhedral-derive-dependences,polyhedral-generate-loops,convert-polyhedral-to-cmcore"
)

CIRCLE = """
polyhedral.pipeline @main (@x) -> (@h) {{
  polyhedral.array @x : tensor<5xf32>
  polyhedral.array @g : tensor<5xf32>
  polyhedral.array @h0 parameter dense<1.0> : tensor<{n}x5xf32>
  polyhedral.array @h : tensor<5xf32> initial @h0
  polyhedral.stage @a (%t) domain #polyhedral.set<"{{ a[t] : 0 <= t < 5 }}"> {{
    %x = polyhedral.read @x #polyhedral.map<"{{ [a[t] -> lane[0]] -> x[t] : 0 <= t < 5 }}"> : vector<1xf32>
    %p = polyhedral.read @h #polyhedral.map<"{{ [a[t] -> lane[0]] -> h[m = -{n}, 4 - t] : 0 <= t < 5 }}"> across : vector<1xf32>
    %s = arith.addf %x, %p : vector<1xf32>
    polyhedral.write %s, @g #polyhedral.map<"{{ [a[t] -> lane[0]] -> g[t] : 0 <= t < 5 }}"> : vector<1xf32>
  }}
  polyhedral.stage @b (%t) domain #polyhedral.set<"{{ b[t] : 0 <= t < 5 }}"> {{
    %x = polyhedral.read @g #polyhedral.map<"{{ [b[t] -> lane[0]] -> g[t] : 0 <= t < 5 }}"> : vector<1xf32>
    %s = arith.mulf %x, %x : vector<1xf32>
    polyhedral.write %s, @h #polyhedral.map<"{{ [b[t] -> lane[0]] -> h[t] : 0 <= t < 5 }}"> : vector<1xf32>
  }}
}}
"""  # noqa: E501


def machine(latency: int) -> Hardware:
    ideal = Hardware.load("ideal")
    return replace(ideal, core=replace(ideal.core, fixed_latency=latency))


@pytest.mark.parametrize("latency", [1, 4, 6, 7])
@pytest.mark.parametrize("back", [1, 2, 3])
def test_lossless_rings_keep_an_interval_that_is_no_whole_number(back: int, latency: int) -> None:
    """The circle takes 4 + 2·latency cycles for `back` inferences, each core five for each."""
    hardware = machine(latency)
    module = parse_module(CIRCLE.format(n=back), make_context())
    (pipeline,) = module.body.block.ops
    assert isinstance(pipeline, PipelineOp)
    sizing = Sizing(pipeline, hardware)
    expected = max(5, (4 + 2 * latency) / back)
    assert sizing.in_cycles(sizing.interval) == pytest.approx(expected, rel=1e-12)

    set_hardware(pipeline, hardware)
    unbounded = time_stream(sizing.actors({}), 60)
    assert measured_interval(unbounded) == pytest.approx(sizing.interval)
    run_passes(module, PASSES, make_context())
    (network,) = module.body.block.ops
    assert isinstance(network, NetworkOp)
    timed = TimedNetwork.of(network, hardware)
    assert measured_interval(timed.time(60)) == pytest.approx(expected, rel=1e-12)
