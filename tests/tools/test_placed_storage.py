"""Buffers that fit the places of cores: hops take time, and throughput-preserving buffers grow."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import onnx
import pytest
from networks import Builder
from timing.measured_interval import measured_interval

from cmir.analysis.capacity import sram_bytes
from cmir.analysis.sizing import Sizing
from cmir.compilation.choices import Storage
from cmir.compilation.model import lower, lower_to_polyhedral, read_model
from cmir.hardware.description import Hardware
from cmir.support.diagnostics import collect_diagnostics
from cmir.timing.network import TimedNetwork
from cmir.timing.recurrence import Recurrence
from cmir.tools.cm_run import main

MACHINE = """
[core]
fixed_interval = 1
fixed_latency = 1
credit_latency = 1
[interconnect]
topology = "{topology}"
shape = [{shape}]
hop_cycles = {hops}
"""


def residual(folder: Path, channels: int = 1) -> Path:
    net = Builder(channels, 7, 5)
    a = net.conv("x", channels, pads=1)
    path = folder / "residual.onnx"
    b = net.conv(net.conv(a, channels, pads=1), channels, pads=1)
    onnx.save(net.model(net.add(b, a)), path)
    return path


def compiled(folder: Path, storage: Storage, machine: str) -> tuple[TimedNetwork, list[str]]:
    """The machine with the network, and the remarks."""
    description = folder / "machine.toml"
    description.write_text(machine)
    hardware = Hardware.load(str(description))
    with collect_diagnostics() as remarks:
        network = lower(read_model(residual(folder)), None, storage, hardware)
    return TimedNetwork(network, hardware), [remark.message for remark in remarks]


@pytest.mark.parametrize("hops", [3, 40])
@pytest.mark.parametrize(("topology", "shape"), [("mesh", "3, 3"), ("ring", "5"), ("mesh", "1, 9")])
def test_no_throughput_is_lost(tmp_path: Path, topology: str, shape: str, hops: int) -> None:
    """Rings give the interval of the busiest core, wherever the cores are."""
    text = MACHINE.format(topology=topology, shape=shape, hops=hops)
    timed, _ = compiled(tmp_path, "lossless", text)
    assert measured_interval(timed.time(24)) == 35


def test_what_grows(tmp_path: Path) -> None:
    text = MACHINE.format(topology="mesh", shape="3, 3", hops=9)
    timed, remarks = compiled(tmp_path, "lossless", text)
    (grown,) = [text for text in remarks if "with the hops" in text]
    assert grown == (
        "with the hops between cores, buffers of 612 bytes give an interval of 41 cycles; with 652 bytes it is 35; "
        "no smaller sizes keep this interval; larger: @conv0 at @conv3"
    )
    assert sum(sram_bytes(timed.network, timed.hardware).values()) == 652
    places = {tuple(place) for place in timed.network.positions.values()}
    assert len(places) == 3 and places != {(0,), (1,), (2,)}


@pytest.mark.parametrize(
    "chips", ["", "chips = [1, 2]\nchip_hops = 3\nchip_link_bytes_per_cycle = 2\n"]
)
def test_times_are_those_of_the_engine(tmp_path: Path, chips: str) -> None:
    """Sizes are found for the times at which cores of the machine start, on one chip and on two."""
    description = tmp_path / "machine.toml"
    text = MACHINE.format(topology="mesh", shape="1, 2" if chips else "2, 2", hops=5)
    if chips:  # what a core sends to another chip takes it twice as long
        text = text.replace("fixed_interval = 1\nfixed_latency = 1\n", "")
    description.write_text(text + chips)
    model = read_model(residual(tmp_path))
    hardware = Hardware.load(str(description))
    network = lower(model, None, "lossless", hardware)
    timed = TimedNetwork(network, hardware)
    (pipeline,) = lower_to_polyhedral(read_model(residual(tmp_path)), "a test")
    sizing = Sizing(pipeline, hardware).placed(timed.network.positions)
    assert sizing.interval == (70 if chips else 35)
    buffers = {
        (buffer.array.root_reference.data, name): buffer.result.type.get_shape()[1]
        for name, program in network.op.programs.items()
        for buffer in program.buffers
        if buffer.storage is not None
    }
    expected = Recurrence(sizing.actors(buffers), 6).run()
    for core, right in zip(timed.time(6).cores, expected.cores, strict=True):
        assert core.start.tolist() == right.start.tolist()
    assert measured_interval(timed.time(24)) == sizing.interval


def test_no_hops_no_growth(tmp_path: Path) -> None:
    """Where hops take no time, and where buffers need not preserve throughput, nothing is compiled twice."""
    cases: list[tuple[Storage, int]] = [("lossless", 0), ("live", 9)]
    for storage, hops in cases:
        text = MACHINE.format(topology="mesh", shape="3, 3", hops=hops)
        _, remarks = compiled(tmp_path, storage, text)
        assert not any("with the hops" in text for text in remarks)


LIMITED = """
[crossbar]
rows = 9
columns = 4
[core]
crossbars = 1
count = 9
sram_bytes = 2048
fixed_interval = 1
[system]
input_elements_per_cycle = 2
[interconnect]
topology = "mesh"
shape = [3, 3]
hop_cycles = 9
"""


@pytest.mark.parametrize("more", [[], ["--replicate"]])
def test_curve_of_the_network_that_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    """The curve ends with the bytes and the interval of a run: inputs streamed, matrices split, cores placed."""
    machine, curve, figures = (tmp_path / name for name in ("m.toml", "c.csv", "f.json"))
    machine.write_text(LIMITED)
    command = [str(residual(tmp_path, 2)), "--hardware", str(machine), *more]
    assert main([*command, "--buffer-curve", "--output-curve", str(curve)]) == 0
    assert main([*command, "--timing-only", "-n", "24", "--json", str(figures)]) == 0
    last = [*csv.DictReader(curve.open())][-1]
    run = json.loads(figures.read_text())
    assert "x_sent at" in ",".join(last)
    assert float(last["steady_interval"]) == run["interval_cycles"]
    assert int(last["sram_bytes"]) == run["sram_bytes"]
    assert last["fits"] == "1"


def test_sizes_of_the_curve_that_do_not_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = tmp_path / "m.toml"
    machine.write_text(LIMITED.replace("sram_bytes = 2048", "sram_bytes = 215"))
    assert main([str(residual(tmp_path, 2)), "--hardware", str(machine), "--buffer-curve"]) == 0
    assert "(a core has less SRAM)" in capsys.readouterr().out.splitlines()[-1]
