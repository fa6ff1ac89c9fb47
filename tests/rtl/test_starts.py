"""Control units as circuits start each iteration when the timing recurrence does, with the same coordinates."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from networks import Builder, compile_network
from proof.networks_to_prove import NETWORKS, RINGS, lower
from proof.random_cases import draw_case
from rtl.programs import needs_icarus, needs_verilator, run_icarus, timed_on, verilog_of

import cmir
from cmir.context import make_context
from cmir.dialects.cmcore import NetworkOp
from cmir.hardware.description import Hardware
from cmir.passes.cmcore_share_cores import CmcoreShareCoresPass
from cmir.rtl.chip import ControlLogic
from cmir.rtl.simulation import simulate
from cmir.rtl.testbench import TOP, Bench
from cmir.rtl.trees import TreeTooLarge
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"

EXAMPLES = Path(__file__).parents[2] / "examples" / "custom"

STREAMS = "polyhedral-stream-inputs,polyhedral-stream-outputs"


def pair(size: int, channels: int = 1, passes: str = RINGS) -> NetworkOp:
    """Two convolutions one after the other."""
    net = Builder(channels, size, size)
    c = net.conv(net.conv("x", channels, pads=1), channels, pads=1)
    return lower(net, c, passes=passes)


def assert_starts(timed: TimedNetwork, inferences: int = 4) -> None:
    verdict = simulate(timed, inferences, "icarus")
    assert verdict, str(verdict)
    assert verdict.count == sum(
        inferences * core.iterations for core in timed.network.single_cores.values()
    )


@needs_icarus
@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_networks_of_every_kind(make: Callable[[], NetworkOp]) -> None:
    assert_starts(timed_on(make()))


@needs_icarus
@pytest.mark.parametrize(
    "passes", ["", RINGS, f"{STREAMS},{RINGS}"], ids=["full", "rings", "streams"]
)
def test_digits(passes: str) -> None:
    assert_starts(compile_network(DIGITS, passes=passes).timed)


@needs_icarus
@pytest.mark.parametrize(
    "change",
    ["interchange=1,0", "reverse=0,1", "tile=3,3", "tile=2,4", "stage=conv1 tile=3,3"],
)
def test_schedules(change: str) -> None:
    passes = f"polyhedral-schedule{{{change}}},{RINGS}"
    assert_starts(timed_on(pair(7, passes=passes)))


@needs_icarus
@pytest.mark.parametrize("by", ["columns", "rows", "bands", "runs", "turns"])
def test_copies(by: str) -> None:
    copies = (
        f"polyhedral-replicate{{stage=conv1 copies=3 by={by}}},"
        f"polyhedral-replicate{{stage=conv2 copies=2 by={by}}}"
    )
    assert_starts(timed_on(pair(7, passes=copies)))


@needs_icarus
def test_merged_stages() -> None:
    net = Builder(2, 6, 6)
    c = net.pool(net.relu(net.conv("x", 2, pads=1)), "Max", 2, 2)
    passes = f"polyhedral-merge-stages{{stages=conv1,max_pool1}},{RINGS}"
    assert_starts(timed_on(lower(net, c, passes=passes)))


@needs_icarus
@pytest.mark.parametrize("name", ["reverse", "diagonal_stencil", "transposing_reader"])
def test_examples(name: str) -> None:
    assert cmir.compile(EXAMPLES / f"{name}.mlir", progress=False).simulate_control(4, "icarus")


@needs_icarus
def test_paces_ways_and_delays() -> None:
    """A crossbar takes many cycles, of which several sets hide some; results and credits take many more."""
    net = Builder(3, 5, 5)
    a = net.conv("x", 4, pads=1)
    c = net.add(net.conv(net.relu(net.conv(a, 4, pads=1)), 4, pads=1), a)
    network = lower(net, c, passes=f"polyhedral-add-ways{{stage=conv2 ways=3}},{RINGS}")
    for hardware in "puma", "pimcomp-evaluator":
        assert_starts(timed_on(network, hardware))


@needs_icarus
@pytest.mark.parametrize("first", range(0, 24, 8))
def test_random_networks(first: int) -> None:
    for seed in range(first, first + 8):
        try:
            case = draw_case(random.Random(f"rtl {seed}"))
        except CompileError:
            continue
        verdict = simulate(timed_on(case.network), 4, "icarus")
        assert verdict, f"{seed} {case.passes}: {verdict}"


@needs_icarus
def test_reset_in_mid_stream(tmp_path: Path) -> None:
    timed = timed_on(pair(5), "puma")
    logic = ControlLogic.of(timed)
    bench = Bench.of(logic, timed, 4, "chip.starts")
    end = "    rst = 0;\n"
    assert bench.text().count(end) == 1
    for after in 1, bench.last // 3, bench.last - 5:
        pulse = (
            f"{end}    repeat ({after}) @(negedge clk);\n    rst = 1;\n    @(negedge clk);\n{end}"
        )
        files = [("chip.sv", verilog_of(logic)), ("tb.sv", bench.text().replace(end, pulse))]
        (tmp_path / "chip.starts").write_text(bench.starts_text())
        assert run_icarus(tmp_path, files, TOP).split() == ["PASS", str(bench.count)]


@needs_icarus
def test_a_bench_finds_what_is_wrong(tmp_path: Path) -> None:
    """Of a late start, of other coordinates, and of a unit that stops."""
    timed = timed_on(pair(4))
    logic = ControlLogic.of(timed)
    bench = Bench.of(logic, timed, 4, "chip.starts")
    words = bench.starts_text().split()

    def printed(text: str, starts: list[str]) -> list[str]:
        (tmp_path / "chip.starts").write_text("\n".join(starts))
        return run_icarus(tmp_path, [("chip.sv", verilog_of(logic)), ("tb.sv", text)], TOP).split()

    changed = [*words[:-1], f"{int(words[-1], 16) + 1:x}"]
    assert printed(bench.text(), changed)[-2:] == ["FAIL", str(bench.count - 1)]
    held = bench.text().replace(".hold_conv1(1'b0)", ".hold_conv1(cycle > 20)")
    assert "MISSING" in printed(held, words)


@needs_verilator
def test_verilator_agrees() -> None:
    assert simulate(timed_on(pair(4), "puma"), 4, "verilator")


@needs_verilator
@pytest.mark.parametrize("hardware", ["ideal", "puma", "pimcomp-evaluator"])
def test_no_lint(hardware: str, tmp_path: Path) -> None:
    net = Builder(3, 9, 9)
    a = net.conv("x", 4, 3, 2, 1)
    c = net.add(net.conv(net.pool(a, "Max", 3, 1, 1), 4, pads=1), a)
    logic = ControlLogic.of(timed_on(lower(net, c, passes=RINGS), hardware))
    (tmp_path / "chip.sv").write_text(verilog_of(logic))
    flags = ["--lint-only", "-Wall", "-Wno-DECLFILENAME", "--top-module", "chip", "chip.sv"]
    done = subprocess.run(["verilator", *flags], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@needs_icarus
def test_programs_that_share_cores() -> None:
    """Shares of a core's resources are times that are fixed when the network is compiled."""
    net = Builder(2, 5, 5)
    a = net.conv("x", 2, pads=1)
    c = net.add(net.conv(net.relu(net.conv(a, 2, pads=1)), 2, pads=1), a)
    network = lower(net, c, passes=RINGS)
    hardware = Hardware.load("pimcomp-evaluator")
    CmcoreShareCoresPass(hardware=hardware, cores=2).apply_to(make_context(), network)
    assert any(len(core.instances) > 1 for core in network.cores)
    assert_starts(timed_on(network, hardware))


@needs_icarus
def test_a_large_image_has_a_small_circuit() -> None:
    """Counters for rings of rows, and coordinates: no more than 30 flip-flops, and text that does not grow."""
    small, large = (ControlLogic.of(timed_on(pair(size))) for size in (112, 224))
    for placed in large.units.values():
        unit = placed.unit
        walk = sum(register.width for register in unit.registers)
        assert walk + sum(automaton.width for automaton in unit.automata) <= 30
    assert verilog_of(large).count("\n") == verilog_of(small).count("\n")


def test_automata_do_not_grow_with_channels() -> None:
    one, many = (ControlLogic.of(timed_on(pair(6, channels))) for channels in (1, 8))
    assert verilog_of(one) == verilog_of(many)


def test_large_trees_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise TreeTooLarge

    monkeypatch.setattr("cmir.rtl.walks.fit", refuse)
    with pytest.raises(CompileError, match="@conv1 needs a decision tree of more than 64 leaves"):
        ControlLogic.of(timed_on(pair(4)))
