"""Lemmas of the induction: what registers of control units and of the monitor have to do with each other.

They make the monitor's property inductive. Each is proved along with it, so that a wrong lemma proves nothing.

    position    coordinates and helpers of a unit are those of the iteration at its position
    flying      events under way lie between the position of the source and that of the next message
    tokens      a token counter is the number of events that have come, less needs(i) + 1 for the next iteration i
    started     the last iteration that has started was allowed to: a token counter was not negative before
    tag         a slot holds the last element that has arrived there before the next message
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from xdsl.dialects import hw, seq

from cmir.dialects.core_name import CoreName
from cmir.rtl.elements import Slot
from cmir.rtl.monitor import Monitor, Wire, case
from cmir.rtl.units import Automaton
from cmir.rtl.verilog import names_in
from cmir.rtl.waits import UnitWait

_BITS = 24
"""Bits of the integers that lemmas compute with."""


def lemmas_of(monitor: Monitor) -> list[str]:
    """Return the definition of the output `lemma` of a monitor, which is 1 where a lemma does not hold."""
    lemmas = _Lemmas(monitor)
    lines = list(lemmas.lines())
    return [*lines, f"  assign lemma = live & !({' & '.join(lemmas.holds)});"]


class _Lemmas:
    """The lemmas of one monitor. holds: conditions."""

    def __init__(self, monitor: Monitor):
        self.monitor = monitor
        self.holds: list[str] = []
        self.modules = {module.sym_name.data: module for module in monitor.units.modules()}

    def lines(self) -> Iterator[str]:
        monitor = self.monitor
        for name in monitor.names:
            yield from self._position(name)
        for wire in monitor.wires.values():
            yield from self._flying(wire)
        for number, (unit, index, wait, automaton) in enumerate(monitor.waits):
            yield from self._tokens(number, unit, index, wait, automaton)
        for slot in monitor.tags:
            yield from self._tag(slot)

    def _hold(self, condition: str) -> None:
        self.holds.append(f"({condition})")

    def _position(self, name: CoreName) -> Iterator[str]:
        monitor = self.monitor
        short, placed = monitor.names[name], monitor.units.units[name]
        module = self.modules[monitor.units.kinds[placed.unit]]
        registers = _registers(module)
        for register, own in zip(placed.unit.registers, registers, strict=True):
            yield _probe(f"{short}.{own}", register.width)
        yield f"  logic at_{short};"
        cases = [
            (i, " & ".join(f"(\\{short}.{r} == {x})" for r, x in zip(registers, row)) or "1'b1")
            for i, row in enumerate(placed.rows.tolist())
        ]
        yield from case(f"at_{short}", f"i_{short}", cases, "0")
        self._hold(f"at_{short} & n_{short} < {monitor.inferences}")

    def _flying(self, wire: Wire) -> Iterator[str]:
        monitor, w = self.monitor, wire.name
        self._hold(f"flying{w} <= {wire.most}")
        if wire.channel is None:
            return
        source, count = monitor.names[wire.source], monitor.count(wire.source)
        yield from self._between(f"gap{w}", f"n_{source}", f"n_{w}", 0, count)
        self._hold(f"{_int(f'flying{w}')} == gap{w} + {_int(f'i_{source}')} - {_int(f'i_{w}')}")
        self._hold(f"i_{w} < {count} & n_{w} < {monitor.inferences}")

    def _between(self, name: str, one: str, other: str, low: int, count: int) -> Iterator[str]:
        """Yield the iterations in the inferences from `other` to `one`, which is not less than `low`."""
        inferences = self.monitor.inferences
        yield f"  logic [{_BITS - 1}:0] {name}_n; logic signed [{_BITS - 1}:0] {name};"
        yield f"  assign {name}_n = {one} >= {other} ? {one} - {other} : {one} + {inferences} - {other};"
        apart = [(x % inferences, _constant(x * count)) for x in range(low, low + inferences)]
        yield from case(name, f"{name}_n", apart, "0")

    def _tokens(
        self, number: int, unit: CoreName, index: int, wait: UnitWait, automaton: Automaton
    ) -> Iterator[str]:
        monitor = self.monitor
        wire, short = monitor.wire(unit, index, wait), monitor.names[unit]
        tokens = self._probed(unit, index)
        yield _probe(tokens, automaton.width)
        low = (int(wait.needs.min()) + 1 + automaton.low) // wait.period
        come = f"come{number}"
        if wire.channel is None:
            source = monitor.names[wire.source]
            yield from self._between(come, f"n_{source}", f"n_{short}", low, wait.period)
            events = f"{come} + {_int(f'i_{source}')} - {_int(f'flying{wire.name}')}"
        else:
            yield from self._between(come, f"n_{wire.name}", f"n_{short}", low, wait.period)
            events = f"{come} + {_int(f'i_{wire.name}')}"
        yield f"  logic signed [{_BITS - 1}:0] needs{number}, taken{number}, tokens{number};"
        yield f"  assign tokens{number} = $signed(\\{tokens} );"
        needs = enumerate(map(_constant, (wait.needs + 1).tolist()))
        yield from case(f"needs{number}", f"i_{short}", list(needs), "0")
        taken = enumerate(map(_constant, np.roll(wait.consumed, 1).tolist()))
        yield from case(f"taken{number}", f"i_{short}", list(taken), "0")
        self._hold(f"tokens{number} == {events} - needs{number}")
        self._hold(f"tokens{number} + taken{number} >= 0")

    def _probed(self, unit: CoreName, index: int) -> str:
        """Return the path of a token counter."""
        units = self.monitor.units
        module = self.modules[units.kinds[units.units[unit].unit]]
        instance = [op for op in module.body.block.ops if isinstance(op, hw.InstanceOp)][index]
        (register,) = _registers(self.modules[instance.module_name.string_value()])
        return f"{self.monitor.names[unit]}.{instance.instance_name.data}.{register}"

    def _tag(self, slot: Slot) -> Iterator[str]:
        monitor = self.monitor
        channels = [
            c
            for c, rows in monitor.elements.sent.items()
            if any(slot in at for r in rows for at in r)
        ]
        if len(channels) > 1:
            return
        (channel,) = channels
        tag, w = monitor.tags[slot], monitor.wires[channel].name
        last, cases = monitor.past(slot), []
        for n, j in monitor.positions(channel.source):
            cases.append((monitor.at(n, j), last))
            if slot in (at := monitor.elements.sent[channel][n % monitor.elements.period][j]):
                last = monitor.tag(n, at[slot])
        yield f"  logic holds_{tag};"
        cases = [(key, f"{tag} == {value}") for key, value in cases]
        yield from case(f"holds_{tag}", f"{{n_{w}, i_{w}}}", cases, "0")
        self._hold(f"holds_{tag}")


def _registers(module: hw.HWModuleOp) -> list[str]:
    """Return the names of the registers of a module in its text."""
    names = names_in(module)
    return [names[op.data] for op in module.body.block.ops if isinstance(op, seq.CompRegOp)]


def _probe(path: str, width: int) -> str:
    """Return the declaration of a signal inside an instance, which Yosys connects."""
    return f"  (* hierconn *) wire [{width - 1}:0] \\{path} ;"


def _int(signal: str) -> str:
    return f"$signed({{1'b0, {signal}}})"


def _constant(value: int) -> str:
    return f"{'-' if value < 0 else ''}{_BITS}'sd{abs(value)}"
