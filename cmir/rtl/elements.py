"""Elements in the slots of buffers: what each start of a control unit sends, and what it reads.

The reference machine's code enumerates them from the relations of a network. Nothing here looks at automata or at what
iterations wait for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import lcm

from cmir.dialects.core_name import CoreName
from cmir.elaboration.network import ElaboratedNetwork
from cmir.reference import ProgramFault
from cmir.reference.accesses import Lanes, Point
from cmir.reference.program import Elaboration, ReferenceBuffer, ReferenceCopy
from cmir.support.diagnostics import CompileError

Slot = tuple[CoreName, int, int]
"""A slot of a unit's buffer: the unit, and the numbers of the buffer and of the slot."""


@dataclass(frozen=True, order=True)
class Channel:
    """The messages with elements of an array from one unit to the buffers of another, in the order of the starts."""

    source: CoreName
    target: CoreName
    array: str


@dataclass(frozen=True)
class Read:
    """An element that an iteration reads: a location of an array, `back` inferences before that of the iteration."""

    slot: Slot
    array: str
    location: int
    back: int


@dataclass(frozen=True, eq=False)
class Elements:
    """The elements that units send and read.

    iterations: of each unit, in order. period: inferences after which the slots of all elements repeat.
    sent: by channel, for each inference of a period and each iteration of the source, the location that each slot gets.
    read: by unit, for each inference of a period and each iteration.
    """

    iterations: Mapping[CoreName, Sequence[Point]]
    period: int
    sent: Mapping[Channel, Sequence[Sequence[Mapping[Slot, int]]]]
    read: Mapping[CoreName, Sequence[Sequence[Sequence[Read]]]]

    @staticmethod
    def of(network: ElaboratedNetwork) -> Elements:
        """Enumerate the elements of a network. Raises CompileError if it is incorrect for all delays."""
        period = _period(network)
        try:
            return _Enumeration(Elaboration(network.op, period), period).elements()
        except ProgramFault as fault:
            raise CompileError(fault.op or network.op, str(fault)) from fault

    @property
    def most_back(self) -> int:
        """The most inferences that an iteration reads back."""
        reads = (r for rows in self.read.values() for row in rows for at in row for r in at)
        return max((read.back for read in reads), default=0)

    @property
    def slots(self) -> list[Slot]:
        """The slots that elements arrive in."""
        return sorted({s for rows in self.sent.values() for row in rows for at in row for s in at})

    def merged(self) -> Elements:
        """Keep one of all slots that get and give their elements in the same iterations, such as those of channels."""
        writers: dict[tuple[Slot, int, int], int] = {}
        seen: dict[Slot, list[object]] = defaultdict(list)
        for channel, rows in sorted(self.sent.items()):
            for n, row in enumerate(rows):
                for j, at in enumerate(row):
                    for slot, location in at.items():
                        writers[slot, n, location] = j
                        seen[slot].append((channel, n, j))
        for unit, rows in sorted(self.read.items()):
            for n, row in enumerate(rows):
                for i, at in enumerate(row):
                    for r in at:
                        writer = writers.get((r.slot, (n - r.back) % self.period, r.location))
                        seen[r.slot].append((unit, n, i, r.back, writer))
        alike: dict[tuple[object, ...], Slot] = {}
        for slot in sorted(seen):
            alike.setdefault((*slot[:2], *seen[slot]), slot)
        return self._only(set(alike.values()))

    def _only(self, kept: set[Slot]) -> Elements:
        sent = {
            channel: [[{s: x for s, x in at.items() if s in kept} for at in row] for row in rows]
            for channel, rows in self.sent.items()
        }
        read = {
            unit: [[[r for r in at if r.slot in kept] for at in row] for row in rows]
            for unit, rows in self.read.items()
        }
        return Elements(self.iterations, self.period, sent, read)


def _period(network: ElaboratedNetwork) -> int:
    """Return the inferences after which all storage maps repeat."""
    period = 1
    for core in network.cores.values():
        for buffer in core.buffers.values():
            if buffer.storage is not None:
                cycle = buffer.storage.cycle(len(core.coordinates))
                if cycle is None:
                    raise CompileError(
                        core.program.op, f"slots of `{buffer.array}` do not repeat with inferences"
                    )
                period = lcm(period, cycle)
    return period


class _Enumeration:
    """The enumeration of all cores of a network."""

    def __init__(self, program: Elaboration, period: int):
        self.program, self.period = program, period

    def elements(self) -> Elements:
        copies = self.program.copies
        return Elements(
            {name_of(c): [c.core.iterations[i] for i in _own(c)] for c in copies},
            self.period,
            {
                Channel(name_of(source), name_of(target), array): sent
                for source in copies
                for target in copies
                for array in sorted({b.array.name for b in target.core.buffers.values()})
                if (sent := self._sent(source, target, array)) is not None
            },
            {name_of(c): [list(self._read(c, n)) for n in range(self.period)] for c in copies},
        )

    def _sent(
        self, source: ReferenceCopy, target: ReferenceCopy, array: str
    ) -> list[list[dict[Slot, int]]] | None:
        """Return what a unit sends to another; None if it stores nothing of the array."""
        stores = [s.lanes for s in source.core.stores.values() if s.array.name == array]
        if not stores:
            return None
        return [
            [self._arriving(target, array, n, _at(stores, i)) for i in _own(source)]
            for n in range(self.period)
        ]

    def _arriving(
        self, target: ReferenceCopy, array: str, inference: int, locations: Iterable[int]
    ) -> dict[Slot, int]:
        found: dict[Slot, int] = {}
        for location in locations:
            for number, buffer in enumerate(target.core.buffers.values()):
                if buffer.array.name == array:
                    at = self._slot(buffer, inference, location)
                    slot = name_of(target), number, at
                    if at >= 0 and found.setdefault(slot, location) != location:
                        raise ProgramFault(f"one iteration stores twice in slot {at} of @{array}")
        return found

    def _slot(self, buffer: ReferenceBuffer, inference: int, location: int) -> int:
        return int(buffer.slots[buffer.array.held + inference % self.period, location])

    def _read(self, copy: ReferenceCopy, inference: int) -> Iterator[list[Read]]:
        numbers = {id(b): number for number, b in enumerate(copy.core.buffers.values())}
        sources = [source for load in copy.core.loads.values() for source in load.sources]
        for i in _own(copy):
            found: dict[Read, None] = {}
            for buffer, lanes in sources:
                if buffer.array.given:
                    continue
                for location, relative in _where(lanes, i):
                    slot = self._slot(buffer, inference + relative, location)
                    place = name_of(copy), numbers[id(buffer)], slot
                    found[Read(place, buffer.array.name, location, -relative)] = None
            yield list(found)


def name_of(copy: ReferenceCopy) -> CoreName:
    """Return the name of a core of the reference machine."""
    turn = copy.turn if copy.turns > 1 else None
    return CoreName(copy.core.program.sym_name.data, copy.core.coordinates, turn)


def _own(copy: ReferenceCopy) -> range:
    return range(copy.turn, len(copy.core.iterations), copy.turns)


def _at(lanes: Sequence[Lanes], i: int) -> Iterator[int]:
    """Yield the locations that iteration i stores."""
    for each in lanes:
        yield from each.locations[each.starts[i] : each.starts[i + 1]].tolist()


def _where(lanes: Lanes, i: int) -> Iterator[tuple[int, int]]:
    """Yield the locations that iteration i loads, with their inferences relative to its own."""
    run = slice(lanes.starts[i], lanes.starts[i + 1])
    yield from zip(lanes.locations[run].tolist(), lanes.inferences[run].tolist(), strict=True)
