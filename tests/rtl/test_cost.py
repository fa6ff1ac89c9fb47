"""The cost of control logic: flip-flops against Yosys, sizes of known circuits, and what does not grow."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from networks import Builder, compile_network
from proof.networks_to_prove import NETWORKS, RINGS, lower
from rtl.programs import needs_yosys, timed_on, verilog_of

from cmir.dialects.cmcore import NetworkOp
from cmir.rtl.chip import ControlLogic
from cmir.rtl.circuit import Circuit, drive
from cmir.rtl.costing import control_cost
from cmir.rtl.synthesis import Netlist, synthesize
from cmir.rtl.word_circuits import bank
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"

STREAMS = "polyhedral-stream-inputs,polyhedral-stream-outputs"


def flip_flops(folder: Path, verilog: str, top: str) -> int:
    """The bits of all registers of a module and of the instances in it, as Yosys reads them, before it optimizes."""
    (folder / "circuit.sv").write_text(verilog)
    commands = f"read_verilog -sv circuit.sv; hierarchy -top {top}; proc; flatten; simplemap; stat"
    done = subprocess.run(
        ["yosys", "-p", commands], cwd=folder, capture_output=True, text=True, check=True
    )
    return sum(map(int, re.findall(r"^ +\$_\w*DFF\w* +(\d+)$", done.stdout, re.M)))


def assert_bits(timed: TimedNetwork, folder: Path) -> None:
    """Static state bits of the chip, and of each kind of unit and delay line, are those of the exported Verilog."""
    cost = control_cost(timed, gates=False)
    logic = ControlLogic.of(timed)
    verilog = verilog_of(logic)
    assert cost.chip.state_bits == flip_flops(folder, verilog, "chip")
    assert sum(unit.count for unit in cost.units) == len(logic.units)
    for unit, module in zip(cost.units, logic.kinds.values(), strict=True):
        assert unit.size.state_bits == flip_flops(folder, verilog, module), module
    for each in cost.lines:
        assert each.size.state_bits == flip_flops(folder, verilog, each.line.name)


@needs_yosys
@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_flip_flops_of_networks(make: Callable[[], NetworkOp], tmp_path: Path) -> None:
    assert_bits(timed_on(make(), "puma"), tmp_path)


@needs_yosys
@pytest.mark.parametrize("passes", ["", f"{STREAMS},{RINGS}"], ids=["full", "streams"])
def test_flip_flops_of_digits(passes: str, tmp_path: Path) -> None:
    assert_bits(compile_network(DIGITS, passes=passes).timed, tmp_path)


@needs_yosys
def test_flip_flops_of_ways(tmp_path: Path) -> None:
    """Units with two bounds of their pace, and delay lines of many counters."""
    net = Builder(3, 5, 5)
    c = net.conv(net.relu(net.conv("x", 4, pads=1)), 4, pads=1)
    network = lower(net, c, passes=f"polyhedral-add-ways{{stage=conv2 ways=3}},{RINGS}")
    for hardware in "puma", "pimcomp-evaluator":
        assert_bits(timed_on(network, hardware), tmp_path)


@needs_yosys
def test_sizes_of_known_circuits() -> None:
    """Counted by hand."""
    circuit = Circuit("gates", {"a": 1, "b": 1, "c": 1})
    a, b, c = (circuit.inputs[name] for name in "abc")
    module = circuit.module({"out": circuit.any_of([circuit.all_of([a, b]), c])})
    assert synthesize([module]) == Netlist(flip_flops=0, gates=2, luts=1)
    for width in 1, 4:
        plain = Circuit("plain", {"data": width})
        held = plain.register("held", width, 0)
        drive(held, plain.inputs["data"])
        # An FPGA's flip-flop has a reset. Here, each bit takes a gate for it, and perhaps an inverter.
        found = synthesize([plain.module({"out": held})])
        assert (found.flip_flops, found.luts) == (width, 0)
        assert width <= found.gates <= 2 * width


@needs_yosys
def test_sizes_are_the_same_each_time() -> None:
    assert synthesize([bank(3, 2)]) == synthesize([bank(3, 2)])


@needs_yosys
def test_the_chip_is_the_sum_over_instances() -> None:
    net = Builder(2, 6)
    c = net.conv(net.conv(net.conv("x", 2, pads=1), 2, pads=1), 2, pads=1)
    cost = control_cost(timed_on(lower(net, c, passes=RINGS), "puma"), gates=True)
    figures = cost.figures()
    parts = [*figures["units"], *figures["delay_lines"]]
    for name in "state_bits", "flip_flops", "gates", "luts":
        assert figures[name] == sum(part["count"] * part[name] for part in parts) > 0
        buffers = figures["per_word"]["buffers"]
        assert figures["per_word"][name] == sum(buffer[name] for buffer in buffers) > 0
        counters = [buffer["token_counters"][name] for buffer in buffers]
        assert figures["token_counters"][name] == sum(counters) > 0
    assert figures["token_counters"]["state_bits"] == sum(
        unit["count"] * sum(unit["counter_bits"]) for unit in figures["units"]
    )


def test_without_yosys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    timed = timed_on(NETWORKS[0]())
    figures = control_cost(timed, gates=False).figures()
    assert figures["state_bits"] > 0 and figures["gates"] is figures["luts"] is None
    with pytest.raises(CompileError, match="gates are counted with Yosys, which is missing"):
        control_cost(timed, gates=True)


def test_a_failure_of_yosys_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    yosys = tmp_path / "yosys"
    yosys.write_text("#!/bin/sh\necho first >&2\necho ERROR: out of luck >&2\nexit 1\n")
    yosys.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(CompileError, match=r"yosys failed: ERROR: out of luck$"):
        control_cost(timed_on(NETWORKS[0]()), gates=True)


def two_convolutions(size: int, channels: int) -> TimedNetwork:
    net = Builder(3, size, size)
    c = net.conv(net.conv("x", channels, pads=1), channels, pads=1)
    return timed_on(lower(net, c, passes="polyhedral-assign-storage{rows=4}"))


def test_units_at_224_by_224_are_small() -> None:
    cost = control_cost(two_convolutions(224, 1), gates=False)
    assert [unit.count for unit in cost.units] == [1, 1]
    for unit in cost.units:
        assert unit.bits.walk == 16  # two coordinates of 8 bits
        assert unit.size.state_bits <= 30


def test_automata_do_not_grow_with_channels() -> None:
    one, many = (ControlLogic.of(two_convolutions(6, channels)) for channels in (1, 16))
    assert verilog_of(one) == verilog_of(many)
    of_one, of_many = (control_cost(two_convolutions(6, n), False).figures() for n in (1, 16))
    assert of_one == of_many


def test_text_does_not_grow_with_iterations() -> None:
    """Except by digits of constants: images of 128 × 128 have 64 times the iterations of those of 16 × 16."""
    small, large = (verilog_of(ControlLogic.of(two_convolutions(n, 1))) for n in (16, 128))
    assert large.count("\n") <= small.count("\n")
    assert len(large) < 1.05 * len(small)
