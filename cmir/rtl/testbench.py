"""A bench that compares the starts of a chip's control units with those of the timing recurrence.

The bench holds no unit, and stops when all of them have run a number of inferences. Each start is compared: the cycle,
counted from the end of the last reset, and the coordinates. Expected starts are in a file of their own, one hexadecimal
number a line, unit by unit: the cycle in the upper 32 bits, and the coordinates below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import add

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.rtl.chip import CHIP, ControlLogic
from cmir.rtl.modules import FIRE, HOLD
from cmir.support.diagnostics import CompileError
from cmir.timing.network import TimedNetwork
from cmir.timing.report import RunReport

TOP = f"{CHIP}_tb"
"""Name of the bench's module."""

CYCLE_BITS = 32


@dataclass(frozen=True, eq=False)
class Bench:
    """A bench for some inferences. starts_file: the file of expected starts, as the bench is to open it."""

    logic: ControlLogic
    timed: TimedNetwork
    report: RunReport
    starts_file: str

    @staticmethod
    def of(logic: ControlLogic, timed: TimedNetwork, inferences: int, starts_file: str) -> Bench:
        """Return the bench for a number of inferences. Raises CompileError if its cycles do not fit 32 bits."""
        report = timed.time(inferences)
        if report.cycles >= 1 << (CYCLE_BITS - 1):
            raise CompileError(
                None,
                f"{inferences} inferences take {report.cycles} cycles, more than the 2^{CYCLE_BITS - 1} of a bench",
            )
        return Bench(logic, timed, report, starts_file)

    @cached_property
    def names(self) -> list[CoreName]:
        """The units, by number."""
        return [core.name for core in self.report.cores]

    @cached_property
    def starts(self) -> dict[CoreName, np.ndarray]:
        """The cycle of each start of each unit, in order."""
        return {core.name: core.start.reshape(-1) for core in self.report.cores}

    @cached_property
    def count(self) -> int:
        """Number of starts that the bench compares."""
        return sum(map(len, self.starts.values()))

    @cached_property
    def last(self) -> int:
        """The cycle of the last start."""
        return int(max(start.max() for start in self.starts.values()))

    @cached_property
    def widths(self) -> dict[CoreName, dict[str, int]]:
        """The bits of each coordinate of each unit that changes, by the name of its register."""
        return {
            name: {register.name: register.width for register in placed.unit.coordinates}
            for name, placed in self.logic.units.items()
        }

    @cached_property
    def coordinate_bits(self) -> int:
        """The most bits of the coordinates of a unit, 1 at least."""
        return max(1, *(sum(widths.values()) for widths in self.widths.values()))

    def starts_text(self) -> str:
        """Return the content of the file of expected starts."""
        digits = -(-(CYCLE_BITS + self.coordinate_bits) // 4)
        lines = [
            f"{cycle << self.coordinate_bits | coordinates:0{digits}x}"
            for name in self.names
            for cycle, coordinates in zip(
                self.starts[name].tolist(), self._coordinates(name), strict=True
            )
        ]
        return "\n".join(lines) + "\n"

    def _coordinates(self, name: CoreName) -> list[int]:
        """Return the coordinates of each start of a unit as one number, the first coordinate in the lowest bits."""
        placed, core = self.logic.units[name], self.timed.network.single_cores[name]
        points = (core.points - np.array(placed.least)).tolist()
        packed, shift = [0] * len(points), 0
        for register in placed.unit.coordinates:
            assert register.coordinate is not None
            own = (point[register.coordinate] << shift for point in points)
            packed, shift = list(map(add, packed, own)), shift + register.width
        return packed * self.report.inferences

    def text(self) -> str:
        """Return the bench as SystemVerilog."""
        width, units = self.coordinate_bits, len(self.names)
        bases = np.cumsum([0, *(len(self.starts[name]) for name in self.names)])
        return _BENCH.format(
            top=TOP,
            chip=CHIP,
            top_bit=CYCLE_BITS + width - 1,
            low=width,
            high_coordinate=width - 1,
            last_word=self.count - 1,
            last_unit=units - 1,
            units=units,
            file=self.starts_file,
            last_cycle=self.last + 1,
            wires="\n".join(self._wires()),
            ports=",\n".join(self._ports()),
            first="\n".join(f"    first[{k}] = {base};" for k, base in enumerate(bases)),
            checks="\n".join(self._checks()),
        )

    def _wires(self) -> Iterator[str]:
        for name in self.names:
            yield f"  logic {FIRE}_{self.logic.names[name]};"
            for register, bits in self.widths[name].items():
                size = f"[{bits - 1}:0] " if bits > 1 else ""
                yield f"  logic {size}{register}_{self.logic.names[name]};"

    def _ports(self) -> Iterator[str]:
        yield "    .clk(clk), .rst(rst)"
        for name in self.names:
            short = self.logic.names[name]
            outputs = [f"{FIRE}_{short}", *(f"{r}_{short}" for r in self.widths[name])]
            yield ", ".join([f"    .{HOLD}_{short}(1'b0)", *(f".{o}({o})" for o in outputs)])

    def _checks(self) -> Iterator[str]:
        for number, name in enumerate(self.names):
            short, widths = self.logic.names[name], self.widths[name]
            parts = [f"{register}_{short}" for register in reversed(widths)]
            if missing := self.coordinate_bits - sum(widths.values()):
                parts.insert(0, f"{missing}'d0")
            yield f"      if ({FIRE}_{short}) check({number}, {{{', '.join(parts)}}});"


_BENCH = """\
`timescale 1ns / 1ps
module {top};
  logic clk = 0, rst = 1;
  always #5 clk = !clk;
  initial begin
    repeat (2) @(negedge clk);
    rst = 0;
  end

{wires}
  {chip} dut (
{ports}
  );

  logic [{top_bit}:0] expected [0:{last_word}];
  integer first [0:{units}];
  integer seen [0:{last_unit}];
  integer cycle = 0, wrong = 0, right = 0;
  initial begin
    $readmemh("{file}", expected);
{first}
  end

  task automatic check(input integer unit, input logic [{high_coordinate}:0] coordinates);
    if (seen[unit] < first[unit + 1] - first[unit]) begin
      logic [{top_bit}:0] word;
      word = expected[first[unit] + seen[unit]];
      if (word == {{cycle, coordinates}}) right = right + 1;
      else begin
        if (wrong < 10)
          $display("WRONG %0d %0d %0d %0d %0d %0d", unit, seen[unit], cycle, word[{top_bit}:{low}],
                   coordinates, word[{high_coordinate}:0]);
        wrong = wrong + 1;
      end
      seen[unit] = seen[unit] + 1;
    end
  endtask

  always @(posedge clk) begin
    if (rst) begin
      cycle = 0;
      wrong = 0;
      right = 0;
      for (integer unit = 0; unit <= {last_unit}; unit = unit + 1) seen[unit] = 0;
    end else begin
{checks}
      if (cycle == {last_cycle}) begin
        for (integer unit = 0; unit <= {last_unit}; unit = unit + 1)
          if (seen[unit] < first[unit + 1] - first[unit])
            $display("MISSING %0d %0d", unit, seen[unit]);
        if (right == {last_word} + 1) $display("PASS %0d", right);
        else $display("FAIL %0d", right);
        $finish;
      end
      cycle = cycle + 1;
    end
  end
endmodule
"""
