"""Monitors of control units as SystemVerilog: each start must find the elements that it reads.

The monitor wires units like the chip, but through channels with any delays: a message arrives whenever a free input
says so, in order. Each unit also has a free input that holds it back. So the model runs through all executions on all
machines. Each slot of a buffer has a tag, the inference and the location of the element that has arrived there last.
When a unit starts an iteration, the monitor compares the tags of all slots that the iteration reads. It knows the
iterations, accesses and storage maps, but nothing of what iterations wait for.

Inferences are counted modulo a number K. The monitor also checks that a message is never so far ahead of or behind
its reader that inferences K apart could be confused: see `Monitor.inferences`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from xdsl.dialects.builtin import ModuleOp

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.rtl.bounds import unsigned_width
from cmir.rtl.chip import ControlLogic
from cmir.rtl.elements import Channel, Elements, Read, Slot
from cmir.rtl.modules import FIRE, HOLD, event_port
from cmir.rtl.units import Automaton, PlacedUnit
from cmir.rtl.verilog import export_verilog
from cmir.rtl.waits import UnitWait

TOP = "monitor"
"""Name of the monitor's module."""


@dataclass(frozen=True)
class Wire:
    """A wire for the events of a wait, or of several that wait for the same messages.

    name: of its signals. most: the most events under way that the monitor has room for. channel: the messages that
    come with the events; None for credits.
    """

    name: str
    source: CoreName
    most: int
    channel: Channel | None


@dataclass(frozen=True, eq=False)
class Monitor:
    """The monitor of the control units of a network, for paces and delays of all machines."""

    logic: ControlLogic
    elements: Elements

    @cached_property
    def units(self) -> ControlLogic:
        """The units without pace: the input that holds a unit back allows every pace."""
        return ControlLogic(
            {
                name: replace(placed, unit=replace(placed.unit, pace=Pace(1)))
                for name, placed in self.logic.units.items()
            }
        )

    @cached_property
    def names(self) -> Mapping[CoreName, str]:
        return self.units.names

    def count(self, unit: CoreName) -> int:
        """Return the iterations of a unit in an inference."""
        return len(self.elements.iterations[unit])

    @cached_property
    def waits(self) -> list[tuple[CoreName, int, UnitWait, Automaton]]:
        """All waits: the unit, the number among its waits, and the automaton."""
        return [
            (name, number, wait, automaton)
            for name, placed in self.logic.units.items()
            for number, (wait, automaton) in enumerate(
                zip(placed.waits, placed.unit.automata, strict=True)
            )
        ]

    @cached_property
    def wires(self) -> dict[object, Wire]:
        """The wires, by channel or by (unit, number of the wait)."""
        found: dict[object, Wire] = {}
        for unit, number, wait, automaton in self.waits:
            channel = None
            if wait.kind is DependenceKind.RAW:
                channel = Channel(wait.source, unit, wait.array)
            key = channel or (unit, number)
            most = automaton.high - automaton.low + 1
            if key not in found or found[key].most < most:
                found[key] = Wire(f"{len(found)}", wait.source, most, channel)
        for channel in self.elements.sent:
            # Nothing bounds messages that nobody waits for, so the monitor soon runs out of room for them.
            found.setdefault(channel, Wire(f"{len(found)}", channel.source, 1, channel))
        return found

    def wire(self, unit: CoreName, number: int, wait: UnitWait) -> Wire:
        """Return the wire of a wait."""
        channel = Channel(wait.source, unit, wait.array)
        return self.wires[channel if wait.kind is DependenceKind.RAW else (unit, number)]

    @cached_property
    def window(self) -> tuple[int, int]:
        """(low, high): by how many inferences the next message of a channel may be ahead of its reader."""
        low, high = 0, 0
        for _, _, wait, automaton in self.waits:
            if wait.kind is DependenceKind.RAW:
                low = min(low, (int(wait.needs.min()) + 1 + automaton.low) // wait.period)
                high = max(high, (int(wait.needs.max()) + 1 + automaton.high) // wait.period)
        return low, high

    @cached_property
    def inferences(self) -> int:
        """The number K: inferences are counted modulo K.

        A tag is confused with a wanted one only if their inferences differ by K or more. Let the next message of the
        channel be x inferences ahead of the reader, low ≤ x ≤ high. A slot that messages arrive in gets one in each
        period of P inferences, so its tag is of one of the inferences x − P, …, x, counted from the reader's. The
        wanted one is of inference 0, or at most `most_back` before it. K is larger than all of these differences, and
        large enough to tell the ends of the window apart.
        """
        low, high = self.window
        back, period = self.elements.most_back, self.elements.period
        least = max(high + back, period - low, high - low + 1, *self._leads) + 1
        return -(-least // period) * period

    @property
    def _leads(self) -> Iterator[int]:
        """Yield bounds of the inferences that units are apart, for lemmas: they make no statement weaker."""
        for unit, number, wait, automaton in self.waits:
            most = self.wire(unit, number, wait).most
            low = (int(wait.needs.min()) + 1 + automaton.low) // wait.period
            high = (int(wait.needs.max()) + 1 + automaton.high + most) // wait.period
            yield max(high - low + 1, -(-most // wait.period) + 1)

    @cached_property
    def position_bits(self) -> int:
        """The bits of a number of an iteration."""
        return unsigned_width(max(map(len, self.elements.iterations.values())) - 1)

    @cached_property
    def inference_bits(self) -> int:
        return unsigned_width(self.inferences - 1)

    @cached_property
    def tag_bits(self) -> int:
        rows = (row for rows in self.elements.sent.values() for row in rows)
        locations = (x for row in rows for at in row for x in at.values())
        return self.inference_bits + unsigned_width(max(locations, default=0))

    def tag(self, inference: int, location: int) -> str:
        """Return the tag of an element as a constant."""
        number = location * (1 << self.inference_bits) + inference % self.inferences
        return f"{self.tag_bits}'d{number}"

    def at(self, inference: int, position: int) -> str:
        """Return a position in the stream as a constant."""
        number = inference % self.inferences << self.position_bits | position
        return f"{self.inference_bits + self.position_bits}'d{number}"

    def positions(self, unit: CoreName) -> Iterator[tuple[int, int]]:
        """Yield each position (inference, iteration) of a unit."""
        for n in range(self.inferences):
            for i in range(self.count(unit)):
                yield n, i

    @cached_property
    def tags(self) -> dict[Slot, str]:
        """The signals of the tags of slots."""
        return {slot: f"tag{number}" for number, slot in enumerate(self.elements.slots)}

    def past(self, slot: Slot) -> str:
        """Return the tag of a slot at reset.

        It is that of the last element which would have arrived there in the inferences before the first. For arrays
        with initial values, this is what the slot holds. Other arrays are never read from an inference before the
        first, so such a tag is as good as none.
        """
        for n in range(-1, -1 - self.elements.period, -1):
            for rows in self.elements.sent.values():
                for at in reversed(rows[n % self.elements.period]):
                    if slot in at:
                        return self.tag(n, at[slot])
        raise AssertionError(slot)

    def text(self, lemmas: Sequence[str] = ()) -> str:
        """Return the monitor and the units as SystemVerilog.

        Output `early` has a bit for each unit, which is 1 when the unit starts an iteration that does not find what it
        reads. For an induction, there are two more. `astray` is 1 where a unit has other coordinates than its
        iteration, or a message has no room or leaves the window; `lemma` is 1 where a lemma does not hold.

        lemmas: lines that define the output `lemma`; none for a monitor that only watches.
        """
        modules = ModuleOp(list(self.units.modules()))
        units, wires = len(self.names), len(self.wires)
        checked = ", output logic astray, output logic lemma" if lemmas else ""
        lines = [
            f"module {TOP} (",
            f"  input logic clk, input logic [{units - 1}:0] {HOLD}, input logic [{wires - 1}:0] deliver,",
            f"  output logic [{units - 1}:0] early{checked}",
            ");",
            "  logic live = 0;",
            "  always_ff @(posedge clk) live <= 1;",
        ]
        for number, (name, placed) in enumerate(self.units.units.items()):
            lines += self._unit(number, name, placed)
        for number, wire in enumerate(self.wires.values()):
            lines += self._wire(number, wire)
        for slot in self.tags:
            lines += self._tag(slot)
        if lemmas:
            checks = [f"astray_{name}" for name in self.names.values()]
            checks += [f"astray{wire.name}" for wire in self.wires.values()]
            lines += [f"  assign astray = live & ({' | '.join(checks)});", *lemmas]
        lines += ["endmodule", ""]
        return export_verilog(modules) + "\n" + "\n".join(lines)

    def _unit(self, number: int, name: CoreName, placed: PlacedUnit) -> Iterator[str]:
        short = self.names[name]
        registers = placed.unit.coordinates
        yield f"  logic fire_{short};"
        ports = [".clk(clk)", ".rst(!live)", f".{HOLD}({HOLD}[{number}])", f".{FIRE}(fire_{short})"]
        for register in registers:
            yield f"  logic [{register.width - 1}:0] {register.name}_{short};"
            ports.append(f".{register.name}({register.name}_{short})")
        for k, wait in enumerate(placed.waits):
            ports.append(f".{event_port(k)}(comes{self.wire(name, k, wait).name})")
        yield f"  {self.units.kinds[placed.unit]} {short} ({', '.join(ports)});"
        yield from self._position(short, f"fire_{short}", self.count(name))
        yield f"  logic astray_{short};"
        least = placed.least
        wrong = []
        for i, point in enumerate(self.elements.iterations[name]):
            assert all(
                x == low
                for d, (x, low) in enumerate(zip(point, least, strict=True))
                if d not in [r.coordinate for r in registers]
            )
            differ = [
                f"{r.name}_{short} != {point[r.coordinate] - least[r.coordinate]}"
                for r in registers
                if r.coordinate is not None
            ]
            wrong.append(
                (f"{self.position_bits}'d{i}", " | ".join(f"({d})" for d in differ) or "1'b0")
            )
        yield from case(f"astray_{short}", f"i_{short}", wrong, "1'b1")
        yield f"  logic unlike_{short};"
        reads = [
            (self.at(n, i), " | ".join(self._missing(n, read) for read in at))
            for n, i in self.positions(name)
            if (at := self.elements.read[name][n % self.elements.period][i])
        ]
        yield from case(f"unlike_{short}", f"{{n_{short}, i_{short}}}", reads, "1'b0")
        yield f"  assign early[{number}] = live & fire_{short} & unlike_{short};"

    def _position(self, name: str, event: str, count: int) -> Iterator[str]:
        """Yield registers of the inference and the number of the next iteration, which each event moves on."""
        yield f"  (* keep *) logic [{self.inference_bits - 1}:0] n_{name};"
        yield f"  (* keep *) logic [{self.position_bits - 1}:0] i_{name};"
        yield "  always_ff @(posedge clk)"
        yield f"    if (!live) begin n_{name} <= 0; i_{name} <= 0; end"
        yield f"    else if ({event}) begin"
        yield f"      i_{name} <= i_{name} == {count - 1} ? 0 : i_{name} + 1;"
        yield f"      if (i_{name} == {count - 1}) n_{name} <= n_{name} == {self.inferences - 1} ? 0 : n_{name} + 1;"
        yield "    end"

    def _missing(self, inference: int, read: Read) -> str:
        """Return the condition that an element is not in its slot."""
        if read.slot not in self.tags:
            return "1'b1"
        return f"({self.tags[read.slot]} != {self.tag(inference - read.back, read.location)})"

    def _wire(self, number: int, wire: Wire) -> Iterator[str]:
        """Yield the events under way, and the position of the next message that arrives."""
        w, bits = wire.name, unsigned_width(wire.most)
        yield f"  logic [{bits - 1}:0] flying{w};"
        yield f"  logic sent{w}, comes{w}, astray{w};"
        yield f"  assign sent{w} = fire_{self.names[wire.source]};"
        yield f"  assign comes{w} = live & deliver[{number}] & (flying{w} != 0 | sent{w});"
        yield "  always_ff @(posedge clk)"
        yield f"    if (!live) flying{w} <= 0; else flying{w} <= flying{w} + sent{w} - comes{w};"
        full = f"(flying{w} >= {wire.most} & sent{w} & !comes{w})"
        if wire.channel is None:
            yield f"  assign astray{w} = {full};"
            return
        yield from self._position(w, f"comes{w}", self.count(wire.source))
        reader = f"n_{self.names[wire.channel.target]}"
        yield f"  logic [{self.inference_bits - 1}:0] ahead{w};"
        yield f"  assign ahead{w} = n_{w} >= {reader} ? n_{w} - {reader} : n_{w} + {self.inferences} - {reader};"
        low, high = self.window
        yield f"  assign astray{w} = {full} | (ahead{w} > {high} & ahead{w} < {self.inferences + low});"

    def _tag(self, slot: Slot) -> Iterator[str]:
        tag = self.tags[slot]
        yield f"  logic [{self.tag_bits - 1}:0] {tag};"
        yield "  always_ff @(posedge clk)"
        yield f"    if (!live) {tag} <= {self.past(slot)};"
        yield "    else begin"
        for channel, rows in self.elements.sent.items():
            arriving = [
                (self.at(n, j), self.tag(n, at[slot]))
                for n, j in self.positions(channel.source)
                if slot in (at := rows[n % self.elements.period][j])
            ]
            if arriving:
                w = self.wires[channel].name
                yield f"      if (comes{w}) case ({{n_{w}, i_{w}}})"
                yield from (f"        {key}: {tag} <= {value};" for key, value in arriving)
                yield "        default: ;"
                yield "      endcase"
        yield "    end"


def case(signal: str, key: str, cases: Iterable[tuple[object, str]], default: str) -> Iterator[str]:
    """Yield a table: what a signal is for each value of a key."""
    yield f"  always_comb case ({key})"
    yield from (f"    {at}: {signal} = {value};" for at, value in cases)
    yield f"    default: {signal} = {default};"
    yield "  endcase"
