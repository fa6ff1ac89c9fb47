"""Computation of what control logic costs, beside valid bits and counts for the same buffers.

Each kind of control unit, each kind of delay line and each bank of words is synthesized once. The chip is the sum over
instances: `@chip` only wires them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add

from xdsl.dialects import hw

from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.rtl.chip import ControlLogic
from cmir.rtl.control_cost import BufferCost, ControlCost, LineCost, Size, UnitCost
from cmir.rtl.cost import UnitBits
from cmir.rtl.delays import DelayLine
from cmir.rtl.synthesis import NOTHING, Netlist, synthesize
from cmir.rtl.units import ControlUnit
from cmir.rtl.word_circuits import word_circuits
from cmir.rtl.word_states import WordStates, word_states
from cmir.timing.network import TimedNetwork

Show = Callable[[str], None]
"""Gets what is being done."""


def control_cost(timed: TimedNetwork, gates: bool, show: Show = lambda text: None) -> ControlCost:
    """Return the cost of the control logic of a network. gates: synthesize circuits, to count gates and LUTs.

    Raises CompileError if control has no circuit, and if gates are asked for and Yosys is not installed.
    """
    return _Costing(ControlLogic.of(timed), [*word_states(timed.network)], gates, show).cost()


@dataclass(frozen=True)
class _Costing:
    """The computation of costs. words: of all buffers. gates, show: see `control_cost`."""

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
