"""Delay lines: an event comes out a fixed number of cycles after it went in.

A shift register has a flip-flop for each cycle. Where few events can be under way, a counter for each of them is
smaller: the next event loads the next counter, and a counter that ends is the event. The pace of the source bounds the
events under way: counter k is free again if events k apart are no closer than the delay.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import hw
from xdsl.ir import SSAValue

from cmir.cost.pace import Pace
from cmir.rtl.bounds import unsigned_width
from cmir.rtl.circuit import Circuit, drive

INPUT, OUTPUT = "arrival", "later"
"""Names of the ports."""


@dataclass(frozen=True)
class DelayLine:
    """A delay line of some cycles, at least 1. counters: their number; 0 for a shift register."""

    cycles: int
    counters: int

    @staticmethod
    def of(cycles: int, pace: Pace) -> DelayLine:
        """Return the smaller delay line for events at this pace, or slower."""
        counters = _under_way(cycles, pace)
        counted = DelayLine(cycles, counters)
        return counted if counted.bits < cycles else DelayLine(cycles, 0)

    @property
    def bits(self) -> int:
        """Flip-flops."""
        if not self.counters:
            return self.cycles
        turn = unsigned_width(self.counters - 1) if self.counters > 1 else 0
        return self.counters * unsigned_width(self.cycles) + turn

    @property
    def name(self) -> str:
        """Name of the module."""
        return f"delay_{self.cycles}" + (f"_of_{self.counters}" if self.counters else "")

    def module(self) -> hw.HWModuleOp:
        """Return the circuit."""
        circuit = Circuit(self.name, {INPUT: 1})
        later = self._counted(circuit) if self.counters else self._shifted(circuit)
        return circuit.module({OUTPUT: later})

    def _shifted(self, circuit: Circuit) -> SSAValue:
        line = circuit.register("line", self.cycles, 0)
        event = circuit.inputs[INPUT]
        if self.cycles == 1:
            drive(line, event)
        else:
            drive(line, circuit.concatenate(circuit.bits(line, 0, self.cycles - 1), event))
        return circuit.bits(line, self.cycles - 1, 1)

    def _counted(self, circuit: Circuit) -> SSAValue:
        event, width = circuit.inputs[INPUT], unsigned_width(self.cycles)
        turn = self._turn(circuit) if self.counters > 1 else None
        ends = []
        for number in range(self.counters):
            left = circuit.register(f"left{number}", width, 0)
            mine = event
            if turn is not None:
                mine = circuit.all_of([event, circuit.equal(turn, number)])
            over = circuit.equal(left, 0)
            less = circuit.subtract(left, circuit.constant(1, width))
            running = circuit.choose(over, circuit.constant(0, width), less)
            drive(left, circuit.choose(mine, circuit.constant(self.cycles, width), running))
            ends.append(circuit.equal(left, 1))
        return circuit.any_of(ends)

    def _turn(self, circuit: Circuit) -> SSAValue:
        """Return the number of the counter that the next event loads."""
        width = unsigned_width(self.counters - 1)
        turn = circuit.register("turn", width, 0)
        last = circuit.equal(turn, self.counters - 1)
        following = circuit.add(turn, circuit.constant(1, width))
        following = circuit.choose(last, circuit.constant(0, width), following)
        drive(turn, circuit.choose(circuit.inputs[INPUT], following, turn))
        return turn


def _under_way(cycles: int, pace: Pace) -> int:
    """Return the least number of events such that events so many apart are at least `cycles` apart."""
    low, high = 1, cycles
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if pace.lead(middle) >= cycles else (middle + 1, high)
    return low
