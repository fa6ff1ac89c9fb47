"""The cost of control logic, beside that of valid bits and counts for the same buffers.

Each kind of control unit, each delay line and each bank of words is synthesized once. The chip is the sum over
instances: `@chip` only wires them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import Any

from xdsl.dialects import hw

from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.rtl.chip import ControlLogic
from cmir.rtl.cost import UnitBits
from cmir.rtl.delays import DelayLine
from cmir.rtl.synthesis import NOTHING, Netlist, synthesize
from cmir.rtl.units import ControlUnit
from cmir.rtl.word_circuits import word_circuits
from cmir.rtl.word_states import WordStates, word_states
from cmir.timing.network import TimedNetwork

Show = Callable[[str], None]


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

    @staticmethod
    def of(timed: TimedNetwork, gates: bool, show: Show = lambda text: None) -> ControlCost:
        """Return the cost of the control logic of a network.

        gates: synthesize circuits, to count gates and LUTs. show: gets what is being done.
        Raises CompileError if control has no circuit, and if gates are asked for and Yosys is not installed.
        """
        return _Costing(ControlLogic.of(timed), [*word_states(timed.network)], gates, show).cost()

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
        from cmir.rtl.cost_table import cost_table

        return cost_table(self)


def _buffer_figures(buffer: BufferCost) -> dict[str, Any]:
    return {
        "core": str(buffer.states.core),
        "array": buffer.states.array,
        "words": buffer.states.words,
        "reads": buffer.states.reads,
        **buffer.words.figures(),
        "token_counters": buffer.counters.figures(),
    }


@dataclass(frozen=True)
class _Costing:
    """The computation of costs. words: of all buffers. gates, show: see `ControlCost.of`."""

    logic: ControlLogic
    words: Sequence[WordStates]
    gates: bool
    show: Show

    def cost(self) -> ControlCost:
        counts = Counter(placed.unit for placed in self.logic.units.values())
        lines = Counter(line for _, line in self.logic.delay_lines)
        first = {placed.unit: placed.name for placed in [*self.logic.units.values()][::-1]}
        units: list[UnitCost] = []
        for unit, count in counts.items():
            bits = UnitBits.of(unit)
            units.append(UnitCost(str(first[unit]), count, bits, self._size(bits.total, unit)))
        return ControlCost(
            units,
            [LineCost(line, count, self._size(line.bits, line)) for line, count in lines.items()],
            [*self._buffers()],
            self.gates,
        )

    def _size(self, state_bits: int, *circuits: Hashable) -> Size:
        """Return the size of circuits that have so many flip-flops in all."""
        if not self.gates:
            return Size(state_bits, None)
        return Size(state_bits, reduce(add, (self._netlists[c] for c in circuits), NOTHING))

    def _buffers(self) -> Iterator[BufferCost]:
        for states in self.words:
            if guards := self._guards[states.core, states.array]:
                words = [
                    m for count, module in word_circuits(states) for m in count * [_name(module)]
                ]
                bits = sum(unit.automata[number].width for unit, number in guards)
                yield BufferCost(states, self._size(states.bits, *words), self._size(bits, *guards))

    @cached_property
    def _guards(self) -> Mapping[tuple[CoreName, str], Sequence[tuple[ControlUnit, int]]]:
        """The automata that guard the buffer of a core for an array: kinds of units, and numbers of automata there."""
        found: dict[tuple[CoreName, str], list[tuple[ControlUnit, int]]] = defaultdict(list)
        for placed in self.logic.units.values():
            for number, wait in enumerate(placed.waits):
                reader = placed.name if wait.kind is DependenceKind.RAW else wait.source
                found[reader, wait.array].append((placed.unit, number))
        return found

    @cached_property
    def _netlists(self) -> dict[Hashable, Netlist]:
        circuits = dict(self._circuits())
        found: dict[Hashable, Netlist] = {}
        for number, (key, modules) in enumerate(circuits.items(), 1):
            self.show(f"synthesizing circuit {number} of {len(circuits)}")
            found[key] = synthesize(modules)
        return found

    def _circuits(self) -> Iterator[tuple[Hashable, Sequence[hw.HWModuleOp]]]:
        """Yield each circuit to synthesize: what it is found by, and its modules, of which the last is the circuit."""
        for unit in self.logic.kinds:
            parts = [*self.logic.parts(unit)]
            lines = dict.fromkeys(part for part in parts if isinstance(part, DelayLine))
            modules = [part for part in parts if not isinstance(part, DelayLine)]
            yield unit, [*(line.module() for line in lines), *modules]
            for number in range(len(unit.automata)):
                yield (unit, number), [modules[number]]
        for _, line in self.logic.delay_lines:
            yield line, [line.module()]
        for states in self.words:
            for _, module in word_circuits(states):
                yield _name(module), [module]


def _name(module: hw.HWModuleOp) -> str:
    return module.sym_name.data
