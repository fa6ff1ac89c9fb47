"""Delay lines give back every event after their cycles, at any pace that they are made for."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from rtl.programs import needs_icarus, run_icarus
from xdsl.dialects.builtin import ModuleOp

from cmir.cost.pace import Pace
from cmir.rtl.delays import DelayLine
from cmir.rtl.verilog import export_verilog

LENGTH = 400

CASES = [
    (cycles, pace)
    for cycles in (1, 2, 3, 7, 8, 30)
    for pace in (Pace(1), Pace(2), Pace(5), Pace(40), Pace(1, 3, 20), Pace(2, 4, 11))
]


def events(pace: Pace, rng: random.Random) -> list[int]:
    """Cycles of events, as soon after each other as the pace allows or a little later."""
    found: list[int] = []
    while not found or found[-1] < LENGTH - 60:
        number = len(found)
        earliest = [found[number - back] + cycles for back, cycles in pace.bounds if number >= back]
        found.append(max(earliest, default=0) + rng.choice([0, 0, 0, 1, 5]))
    return found[:-1]


def bench(lines: Sequence[DelayLine], pattern: Sequence[Sequence[int]]) -> str:
    text = ["module tb;", "  logic clk = 0, rst = 1; always #5 clk = !clk; integer cycle = 0;"]
    text.append("  initial begin repeat (2) @(negedge clk); rst = 0; end")
    for number, (line, cycles) in enumerate(zip(lines, pattern, strict=True)):
        bits = sum(1 << cycle for cycle in cycles)
        text.append(f"  logic [{LENGTH - 1}:0] in{number} = {LENGTH}'h{bits:x}; wire out{number};")
        text.append(f"  wire at{number} = !rst & in{number}[0];")
        text.append(
            f"  {line.name} d{number} (.clk(clk), .rst(rst), .arrival(at{number}), .later(out{number}));"
        )
        text.append(f"  always @(posedge clk) if (!rst) begin in{number} <= in{number} >> 1;")
        text.append(f'    if (out{number}) $display("{number} %0d", cycle); end')
    text.append(
        f"  always @(posedge clk) if (!rst) begin cycle <= cycle + 1; if (cycle == {LENGTH}) $finish; end"
    )
    return "\n".join([*text, "endmodule"])


@needs_icarus
def test_events_come_out_when_they_should(tmp_path: Path) -> None:
    rng = random.Random(0)
    lines = [
        line
        for cycles, pace in CASES
        for line in (DelayLine.of(cycles, pace), DelayLine(cycles, 0))
    ]
    pattern = [events(pace, rng) for _, pace in CASES for _ in range(2)]
    modules = {line.name: line for line in lines}
    chip = export_verilog(ModuleOp([line.module() for line in modules.values()]))
    files = [("delays.sv", chip), ("tb.sv", bench(lines, pattern))]
    found: list[list[int]] = [[] for _ in lines]
    for printed in run_icarus(tmp_path, files, "tb").splitlines():
        number, cycle = map(int, printed.split())
        found[number].append(cycle)
    for line, cycles, seen in zip(lines, pattern, found, strict=True):
        assert seen == [cycle + line.cycles for cycle in cycles], line.name


@pytest.mark.parametrize(
    ("cycles", "pace", "counters", "bits"),
    [(5, Pace(1), 0, 5), (2047, Pace(2048), 1, 11), (2047, Pace(1024), 2, 23), (3, Pace(2), 0, 3)],
)
def test_the_smaller_line_is_taken(cycles: int, pace: Pace, counters: int, bits: int) -> None:
    line = DelayLine.of(cycles, pace)
    assert (line.counters, line.bits) == (counters, bits)
