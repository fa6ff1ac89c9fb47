"""The control logic of a chip: a control unit for each core, wired through delays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from xdsl.dialects import hw
from xdsl.ir import SSAValue

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.rtl.checks import check_unit
from cmir.rtl.circuit import Circuit, connect
from cmir.rtl.delays import INPUT, OUTPUT, DelayLine
from cmir.rtl.modules import FIRE, HOLD, event_port, unit_modules
from cmir.rtl.units import ControlUnit, PlacedUnit, unit_of
from cmir.rtl.waits import UnitWait, unit_waits
from cmir.support.naming import UniqueNames, suffixed
from cmir.timing.network import TimedNetwork

CHIP = "chip"
"""Name of the module that holds all control units."""


@dataclass(frozen=True, eq=False)
class ControlLogic:
    """The control units of a network on a chip. units: by core; copies that run iterations in turn have one each."""

    units: Mapping[CoreName, PlacedUnit]

    @staticmethod
    def of(timed: TimedNetwork) -> ControlLogic:
        """Return the control logic of a network with costs and delays.

        Raises CompileError if a unit has no circuit of bounded size.
        """
        waits = unit_waits(timed)
        units: dict[CoreName, PlacedUnit] = {}
        for name, core in timed.network.single_cores.items():
            units[name] = unit_of(core, waits, timed.costs[name].pace)
            check_unit(units[name], core)
        return ControlLogic(units)

    @cached_property
    def names(self) -> dict[CoreName, str]:
        """What each core is called in ports of the chip."""
        unique = UniqueNames(form=_AGAIN)
        return {name: unique.take(_name_of(name)) for name in self.units}

    @cached_property
    def kinds(self) -> dict[ControlUnit, str]:
        """The module of each kind of control unit, named after the first core that has it."""
        found: dict[ControlUnit, str] = {}
        for name, placed in self.units.items():
            found.setdefault(placed.unit, f"{self.names[name]}_control")
        return found

    def delay_line(self, wait: UnitWait) -> DelayLine | None:
        """Return the delay line between two units. The register of the token counter is the last cycle of a delay."""
        pace: Pace = self.units[wait.source].unit.pace
        return DelayLine.of(wait.delay - 1, pace) if wait.delay > 1 else None

    @cached_property
    def delay_lines(self) -> list[tuple[CoreName, DelayLine]]:
        """The delay lines between units: those that delay starts of one unit by as many cycles are one."""
        found: dict[tuple[CoreName, DelayLine], None] = {}
        for placed in self.units.values():
            for wait in placed.waits:
                if (line := self.delay_line(wait)) is not None:
                    found[wait.source, line] = None
        return list(found)

    def modules(self) -> Iterator[hw.HWModuleOp]:
        """Yield the modules: control units, each before those that use it, and last the chip."""
        parts = [part for unit in self.kinds for part in self.parts(unit)]
        units = [part for part in parts if isinstance(part, hw.HWModuleOp)]
        lines = [line for _, line in self.delay_lines]
        lines += [part for part in parts if isinstance(part, DelayLine)]
        yield from (line.module() for line in dict.fromkeys(lines))
        yield from units
        yield self._chip()

    def parts(self, unit: ControlUnit) -> Iterator[hw.HWModuleOp | DelayLine]:
        """Yield the modules of a kind of control unit: its automata in order, delay lines of its pace, and the unit."""
        first = next(placed for placed in self.units.values() if placed.unit == unit)
        return unit_modules(self.kinds[unit], unit, _labels(first))

    def ports(self, placed: PlacedUnit) -> dict[str, str]:
        """Return the name of the chip's output for each coordinate of a core that changes."""
        short = self.names[placed.name]
        return {r.name: f"{r.name}_{short}" for r in placed.unit.coordinates}

    def _chip(self) -> hw.HWModuleOp:
        holds = {name: f"{HOLD}_{self.names[name]}" for name in self.units}
        circuit = Circuit(CHIP, dict.fromkeys(holds.values(), 1))
        outputs: dict[CoreName, dict[str, SSAValue]] = {}
        for name, placed in self.units.items():
            events = [event_port(number) for number in range(len(placed.waits))]
            hold = circuit.inputs[holds[name]]
            inputs = {HOLD: hold, **dict.fromkeys(events, hold)}  # events are connected below
            widths = {FIRE: 1, **{r.name: r.width for r in placed.unit.coordinates}}
            module = self.kinds[placed.unit]
            outputs[name] = circuit.instance(self.names[name], module, inputs, widths)
        self._connect(circuit, outputs)
        named: dict[str, SSAValue] = {}
        for name, placed in self.units.items():
            named[f"{FIRE}_{self.names[name]}"] = outputs[name][FIRE]
            for register, port in self.ports(placed).items():
                named[port] = outputs[name][register]
        return circuit.module(named, public=True)

    def _connect(
        self, circuit: Circuit, outputs: Mapping[CoreName, Mapping[str, SSAValue]]
    ) -> None:
        """Connect the starts of each unit, later by their delay, to those that wait for it."""
        delayed: dict[tuple[CoreName, DelayLine], SSAValue] = {}
        for source, line in self.delay_lines:
            label = f"{self.names[source]}_{line.name}"
            event = {INPUT: outputs[source][FIRE]}
            delayed[source, line] = circuit.instance(label, line.name, event, {OUTPUT: 1})[OUTPUT]
        for name, placed in self.units.items():
            for number, wait in enumerate(placed.waits):
                line = self.delay_line(wait)
                event = outputs[wait.source][FIRE] if line is None else delayed[wait.source, line]
                connect(outputs[name].values(), event_port(number), event)


def _labels(placed: PlacedUnit) -> list[str]:
    """Return the names of the automata of a unit: what they do, for which array, and with whom if there are several."""
    unique = UniqueNames(form=_AGAIN)
    verbs = {DependenceKind.RAW: "snoop", DependenceKind.WAR: "credit"}
    return [unique.take(f"{verbs[wait.kind]}_{identifier(wait.array)}") for wait in placed.waits]


_AGAIN = suffixed("_n")
"""How names that would be the same differ. xDSL takes an underscore and digits at the end of a name for its own."""


def _name_of(core: CoreName) -> str:
    """Return what a core is called: its program, its coordinates p and its turn."""
    parts = [identifier(core.program), *(f"p{c}".replace("-", "m") for c in core.coordinates)]
    return "_".join([*parts, *([] if core.turn is None else [f"turn{core.turn}"])])


def identifier(text: str) -> str:
    """Return a text as a name of a circuit: letters, digits, and underscores between them."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in text).split()
    return "_".join(words) or "unnamed"
