"""Sizes of buffers that are read off a schedule: they keep the interval."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
import pytest
from networks import Builder, run_passes

from cmir.analysis.scheduled_sizes import scheduled_sizes
from cmir.analysis.size_search import SizeSearch
from cmir.analysis.sizing import Sizing
from cmir.context import make_context
from cmir.dialects.polyhedral import PipelineOp
from cmir.frontends.onnx import import_onnx
from cmir.hardware.description import Hardware
from cmir.timing.periodic import PeriodicSearch


def residual() -> onnx.ModelProto:
    b = Builder(2, 9, 9)
    x = b.relu(b.conv("x", 3, 3, pads=1))
    y = b.conv(b.relu(b.conv(x, 3, 3, pads=1)), 3, 3, pads=1)
    return b.model(b.pool(b.relu(b.add(x, y))))


def sizing_of(division: str, hardware: Hardware) -> Sizing:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "model.onnx"
        onnx.save(residual(), path)
        imported = import_onnx(path)
    context = make_context()
    context.parameters = imported.parameters
    run_passes(imported.module, f"nn-to-polyhedral,polyhedral-stream-inputs{division}", context)
    (pipeline,) = imported.module.body.block.ops
    assert isinstance(pipeline, PipelineOp)
    return Sizing(pipeline, hardware)


CHIP = Hardware.load("ideal").replace(
    crossbar__phase_cycles=40, core__crossbars=9, core__vector_lanes=2, core__credit_latency=3
)


@pytest.mark.parametrize("slower", [1, 1.4])
@pytest.mark.parametrize(
    "division",
    ["", ",polyhedral-replicate{cores=9}", ",polyhedral-add-ways{stage=conv2 ways=3}"],
)
def test_sizes_keep_the_interval(division: str, slower: float) -> None:
    sizing = sizing_of(division, CHIP)
    interval = ceil(sizing.interval * slower)
    sizes = scheduled_sizes(sizing, interval)
    PeriodicSearch(sizing.actors(sizes), interval).run()
    smallest = SizeSearch(sizing).lossless(interval)
    assert smallest.bound <= sum(sizing.sram_bytes(sizes).values()) <= 2 * smallest.sram_bytes


def test_sizes_that_fit_are_preferred() -> None:
    sizing = sizing_of("", CHIP)
    sizes = scheduled_sizes(sizing, sizing.interval)
    most = max(sizing.sram_bytes(sizes).values())
    small = sizing_of("", CHIP.replace(core__sram_bytes=most - 1))
    least = max(small.sram_bytes(scheduled_sizes(small, small.interval)).values())
    assert least <= most
