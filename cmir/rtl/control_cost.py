"""The cost of control logic, as figures and as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import Any

from cmir.rtl.cost import UnitBits
from cmir.rtl.delays import DelayLine
from cmir.rtl.synthesis import NOTHING, Netlist
from cmir.rtl.word_states import WordStates
from cmir.support.counts import count_of


@dataclass(frozen=True)
class Size:
    """Size of a circuit, or of several. state_bits: flip-flops, by its form. netlist: None if Yosys is not there."""

    state_bits: int
    netlist: Netlist | None

    def __add__(self, other: Size) -> Size:
        netlists = [size.netlist for size in (self, other) if size.netlist is not None]
        netlist = netlists[0] + netlists[1] if len(netlists) == 2 else None
        return Size(self.state_bits + other.state_bits, netlist)

    def times(self, count: int) -> Size:
        """Return the size of some circuits alike."""
        netlist = None if self.netlist is None else count * self.netlist
        return Size(count * self.state_bits, netlist)

    def __str__(self) -> str:
        """Return the sizes that are known: `12 flip-flops, 77 gates, 30 LUTs`."""
        parts = [count_of(self.state_bits, "flip-flop")]
        if self.netlist is not None:
            parts += [count_of(self.netlist.gates, "gate"), count_of(self.netlist.luts, "LUT")]
        return ", ".join(parts)

    def figures(self) -> dict[str, int | None]:
        """Return the figures by name; None for those of synthesis if Yosys is not there."""
        names = ("flip_flops", "gates", "luts")
        found = {name: getattr(self.netlist, name, None) for name in names}
        return {"state_bits": self.state_bits, **found}


@dataclass(frozen=True)
class UnitCost:
    """A kind of control unit. name: the first core that has it. count: number of units. size: that of one."""

    name: str
    count: int
    bits: UnitBits
    size: Size


@dataclass(frozen=True)
class LineCost:
    """A kind of delay line between units. size: that of one of `count`."""

    line: DelayLine
    count: int
    size: Size


@dataclass(frozen=True)
class BufferCost:
    """A buffer: what valid bits and counts take (`words`), and the token counters that guard it (`counters`)."""

    states: WordStates
    words: Size
    counters: Size


@dataclass(frozen=True)
class ControlCost:
    """The cost of the control logic of a chip. See `Network.control_cost`."""

    units: Sequence[UnitCost]
    lines: Sequence[LineCost]
    buffers: Sequence[BufferCost]
    synthesized: bool

    def _sum(self, sizes: Iterable[Size]) -> Size:
        return reduce(add, sizes, Size(0, NOTHING if self.synthesized else None))

    @cached_property
    def in_units(self) -> Size:
        """All control units."""
        return self._sum(unit.size.times(unit.count) for unit in self.units)

    @cached_property
    def in_lines(self) -> Size:
        """All delay lines between units."""
        return self._sum(line.size.times(line.count) for line in self.lines)

    @cached_property
    def chip(self) -> Size:
        """All control logic: units, and the delay lines between them."""
        return self.in_units + self.in_lines

    @cached_property
    def in_words(self) -> Size:
        """Valid bits and counts of the words of all buffers that automata guard."""
        return self._sum(buffer.words for buffer in self.buffers)

    @cached_property
    def in_counters(self) -> Size:
        """The token counters that guard these buffers, a part of the units."""
        return self._sum(buffer.counters for buffer in self.buffers)

    def figures(self) -> dict[str, Any]:
        """Return all figures, for JSON: those of one unit and one line of each kind, and of the chip."""
        return {
            **self.chip.figures(),
            "units": [
                {
                    "name": unit.name,
                    "count": unit.count,
                    "walk_bits": unit.bits.walk,
                    "counter_bits": list(unit.bits.counters),
                    "pace_bits": unit.bits.pace,
                    **unit.size.figures(),
                }
                for unit in self.units
            ],
            "delay_lines": [
                {"cycles": each.line.cycles, "count": each.count, **each.size.figures()}
                for each in self.lines
            ],
            "token_counters": self.in_counters.figures(),
            "per_word": {
                **self.in_words.figures(),
                "buffers": [_buffer_figures(buffer) for buffer in self.buffers],
            },
        }

    def __str__(self) -> str:
        """Return a table."""
        units = sum(unit.count for unit in self.units)
        lines = sum(each.count for each in self.lines)
        delays = f", of which {self.in_lines} in {count_of(lines, 'delay line')}" if lines else ""
        return "\n".join(
            [
                f"control logic of {count_of(units, 'unit')}: {self.chip}{delays}",
                *self._rows(),
                f"token counters that guard {count_of(len(self.buffers), 'buffer')}: {self.in_counters}; "
                f"valid bits and counts of their words: {self.in_words}",
            ]
        )

    def _rows(self) -> Iterator[str]:
        """Yield a line for each kind of control unit, below a head."""
        head = ["control unit", "units", "walk", "counters", "pace", "flip-flops"]
        head += ["gates", "LUTs"] if self.synthesized else []
        rows = [head]
        for unit in self.units:
            bits, netlist = unit.bits, unit.size.netlist
            numbers = [unit.count, bits.walk, sum(bits.counters), bits.pace, bits.total]
            numbers += [] if netlist is None else [netlist.gates, netlist.luts]
            rows.append([unit.name, *map(str, numbers)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for name, *cells in rows:
            yield "  ".join(
                [f"{name:<{widths[0]}}", *map(str.rjust, cells, widths[1:])],
            )


def _buffer_figures(buffer: BufferCost) -> dict[str, Any]:
    return {
        "core": str(buffer.states.core),
        "array": buffer.states.array,
        "words": buffer.states.words,
        "reads": buffer.states.reads,
        **buffer.words.figures(),
        "token_counters": buffer.counters.figures(),
    }
