"""Control logic judged by enumeration: what `cmcore-verify-control` must say, found without any mathematics.

Loops are executed statement by statement; access and storage relations are enumerated into Python dictionaries; an
automaton is followed step by step from reset through a few inferences. It shares no code with `cmir.proof` or the
simulator.

Pairs of neighbours are judged one by one, whatever the rest of the network does: an automaton is wrong if some pace of
its neighbour, and of the messages between the two, lets it go wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product

import islpy as isl
from enumeration import Point, pairs
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IntegerAttr, MemRefType
from xdsl.ir import Block, Operation, Region, SSAValue

from cmir.dialects.cmcore import (
    BufferOp,
    CreditOp,
    FireOp,
    LoadOp,
    NetworkOp,
    ProgramOp,
    ReleaseOp,
    SnoopOp,
    StoreOp,
)
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import MapAttr, symbol
from cmir.isl.cores import at_core

INFERENCES = 8
"""Inferences from reset that are judged. Rings and automata of the tests repeat before that."""

ALWAYS = -1
"""The time of an event that is not waited for. The first event of the stream has time 0."""


class Wrong(Exception):
    """Why the control logic is wrong, in words."""


def execute(
    region: Region, kind: type[Operation], arguments: Point = ()
) -> Iterator[tuple[Operation, dict[SSAValue, int]]]:
    """Run a loop nest; what it visits of one class of operations, with the values there."""
    yield from _run(region.block, kind, dict(zip(region.block.args, arguments, strict=True)))


def _run(
    block: Block, kind: type[Operation], values: dict[SSAValue, int]
) -> Iterator[tuple[Operation, dict[SSAValue, int]]]:
    for op in block.ops:
        if isinstance(op, kind):
            yield op, values
        elif isinstance(op, scf.ForOp):
            if values[op.step] < 1:
                raise Wrong("a loop makes no step")
            for i in range(values[op.lb], values[op.ub], values[op.step]):
                values[op.body.block.args[0]] = i
                yield from _run(op.body.block, kind, values)
        elif isinstance(op, scf.IfOp):
            region = op.true_region if values[op.cond] else op.false_region
            if region.blocks:
                yield from _run(region.block, kind, values)
        elif isinstance(op, arith.ConstantOp):
            assert isinstance(op.value, IntegerAttr)
            values[op.result] = op.value.value.data
        elif op.results:
            operands = [values[operand] for operand in op.operands]
            values[op.results[0]] = _COMPUTE[op.name](op, *operands)


def _divide(_: Operation, a: int, b: int) -> int:
    if b == 0:
        raise Wrong("division by zero")
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _compare(op: Operation, a: int, b: int) -> int:
    assert isinstance(op, arith.CmpiOp)
    return [a == b, a != b, a < b, a <= b, a > b, a >= b][op.predicate.value.data]


_COMPUTE: dict[str, Callable[..., int]] = {
    "arith.addi": lambda _, a, b: a + b,
    "arith.subi": lambda _, a, b: a - b,
    "arith.muli": lambda _, a, b: a * b,
    "arith.floordivsi": lambda _, a, b: a // b,
    "arith.divsi": _divide,
    "arith.remsi": lambda op, a, b: a - b * _divide(op, a, b),
    "arith.minsi": lambda _, a, b: min(a, b),
    "arith.maxsi": lambda _, a, b: max(a, b),
    "arith.andi": lambda _, a, b: a & b,
    "arith.ori": lambda _, a, b: a | b,
    "arith.select": lambda _, c, a, b: a if c else b,
    "arith.cmpi": _compare,
}


@cache
def _accesses(access: MapAttr) -> dict[Point, list[Point]]:
    """Location by location what each iteration accesses."""
    found: dict[Point, list[Point]] = defaultdict(list)
    for iteration, location in pairs(access.relation.domain_factor_domain()):
        found[iteration].append(location)
    return found


@cache
def _slots(storage: MapAttr, shape: tuple[int, ...], core: Point, held: int) -> dict[Point, Point]:
    """The slots of a core for the elements of an array, `(n, *location)`, in the inferences that are judged.

    held: inferences before the first in which the array has values.
    """
    bounds = [(-held, INFERENCES), *((0, size) for size in shape)]
    names = [f"x{d}" for d in range(len(bounds))]
    inside = " and ".join(
        f"{low} <= {x} < {high}" for x, (low, high) in zip(names, bounds, strict=True)
    )
    elements = isl.Set(f"{{ [{', '.join(names)}] : {inside} }}")
    relation = at_core(storage.relation, core).reset_tuple_id(isl.dim_type.in_)
    return dict(pairs(relation.intersect_domain(elements)))


class Core:
    """A program on one core, by enumeration.

    iterations: in the order in which they fire. position: of each in that order. reads, writes: by array, the
    locations that each iteration accesses, in that order; reads with the inference, relative to the iteration's own.
    """

    def __init__(self, op: ProgramOp, coordinates: Point):
        self.op, self.program, self.coordinates = op, op.sym_name.data, coordinates
        self.name = CoreName(self.program, coordinates)
        self.iterations: list[Point] = [
            tuple(values[x] for x in fire.operands)
            for fire, values in execute(op.loop_nest.body, FireOp, coordinates)
        ]
        self.position = {iteration: i for i, iteration in enumerate(self.iterations)}
        self.count = len(self.iterations)
        self.buffers = {symbol(buffer.array): buffer for buffer in op.buffers}
        self.reads: dict[str, list[list[tuple[int, Point]]]] = {
            array: [[] for _ in self.iterations] for array in self.buffers
        }
        self.writes: dict[str, list[list[Point]]] = {}
        for item in op.iteration.body.block.ops:
            if isinstance(item, LoadOp):
                for buffer, access in item.buffers_and_maps():
                    assert isinstance(buffer.owner, BufferOp)
                    into = self.reads[symbol(buffer.owner.array)]
                    for read, found in zip(into, self._accessed(access), strict=True):
                        read += [(x[0], x[1:]) if item.across else (0, x) for x in found]
            elif isinstance(item, StoreOp):
                into = self.writes.setdefault(symbol(item.array), [[] for _ in self.iterations])
                for written, found in zip(into, self._accessed(item.map), strict=True):
                    written += found

    def _accessed(self, access: MapAttr) -> list[list[Point]]:
        accessed = _accesses(access)
        return [accessed.get(iteration, []) for iteration in self.iterations]

    def writer_of(self, array: str) -> dict[Point, int]:
        """The position of the iteration that stores each element."""
        stores = enumerate(self.writes.get(array, []))
        return {location: i for i, locations in stores for location in locations}

    def reads_of(self, array: str) -> dict[Point, list[int]]:
        """The iterations that read each element of inference 0; those of inference n have n · count added."""
        found: dict[Point, list[int]] = defaultdict(list)
        for i, read in enumerate(self.reads[array]):
            for m, location in read:
                found[location].append(i - m * self.count)
        return found


@dataclass(frozen=True)
class Pair:
    """What a core waits for on account of a neighbour, iteration by iteration from reset.

    Times are those of the neighbour's stream: position + inference · count; ALWAYS if nothing is waited for. Both lists
    have a list for each inference.

    needed: D', the last event that an iteration or one before it needs. allowed: the event that it waits for; None if
    nothing ever releases it.
    """

    core: Core
    neighbour: Core
    array: str
    kind: str
    needed: list[list[int]]
    allowed: list[list[int | None]]

    @property
    def wrong(self) -> bool:
        return self.needed != self.allowed


@dataclass(frozen=True)
class Occupant:
    """An element in a slot: its writer, and iterations of streams: when it is written, and when it is read."""

    writer: Core
    written: int
    reads: list[int]

    @property
    def first_read(self) -> int:
        return min(self.reads, default=ALWAYS)

    @property
    def last_read(self) -> int:
        return max(self.reads, default=ALWAYS)


def _turns(network: NetworkOp) -> dict[CoreName, int]:
    """The cores of a network, all copies that run iterations in turn as one, and how many copies there are of each."""
    runs: dict[CoreName, list[tuple[int, int]]] = defaultdict(list)
    for op in network.cores:
        for instance in op.instances:
            runs[instance.core_name.undivided].append(instance.turn or (0, 1))
    for name, turns in runs.items():
        if any(count > 1 for count in Counter(turns).values()):
            raise Wrong(f"two cores run {name}")
        if sorted(turns) != [(turn, len(turns)) for turn in range(len(turns))]:
            raise Wrong(f"the turns of {name} are not one of each")
    counts = {name: len(turns) for name, turns in runs.items()}
    if len({(name.program, count) for name, count in counts.items()}) > len(
        {name.program for name in counts}
    ):
        raise Wrong("cores of one program have different numbers of turns")
    return counts


class Enumeration:
    """A network by enumeration. Raises Wrong for what is no control logic of it at all.

    Copies that run the iterations of a core in turn are one core here: its control is right if that of the core is.
    turns: how many copies each has.
    """

    def __init__(self, network: NetworkOp):
        self.network = network
        self.arrays = network.arrays
        self.computed = [
            name
            for name, array in self.arrays.items()
            if array.source is None and name not in {symbol(i) for i in network.inputs}
        ]
        programs = network.programs
        self.turns = _turns(network)
        for name, op in programs.items():
            arrays = [symbol(buffer.array) for buffer in op.buffers]
            if len(set(arrays)) < len(arrays):
                raise Wrong(f"{name} has two buffers of one array")
            if op.gcu is None and not any(name == core.program for core in self.turns):
                raise Wrong(f"no core runs {name}")
        cores = [Core(programs[name.program], name.coordinates) for name in self.turns]
        cores += [Core(op, ()) for op in programs.values() if op.gcu is not None]
        self.cores = {core.name: core for core in cores}

    def check(self) -> None:
        """Raise Wrong if anything is."""
        for core in self.cores.values():
            if len(core.position) != core.count:
                raise Wrong(f"{core.name} fires an iteration twice")
            if not core.count:
                raise Wrong(f"{core.name} fires nothing")
            dims = len(core.coordinates)
            if any(iteration[:dims] != core.coordinates for iteration in core.iterations):
                raise Wrong(f"{core.name} fires an iteration of another core")
            if core.count < self.turns.get(core.name, 1):
                raise Wrong(f"{core.name} has fewer iterations than turns")
        for name in self.computed:
            self._check_stores(name)
        for core in self.cores.values():
            for array in core.buffers:
                self._check_slots(core, array)
        for pair in self.pairs():
            if pair.wrong:
                raise Wrong(f"{pair.kind} of {pair.core.name} from {pair.neighbour.name}")
        if stuck := self.stuck():
            raise Wrong(f"deadlock of {', '.join(map(str, stuck))}")

    def stores(self, array: str) -> Counter[Point]:
        """How often each element is stored in one inference."""
        return Counter(
            location
            for core in self.cores.values()
            for locations in core.writes.get(array, [])
            for location in locations
        )

    def _check_stores(self, array: str) -> None:
        stores = self.stores(array)
        if any(count > 1 for count in stores.values()):
            raise Wrong(f"an element of {array} is stored twice")
        for core in self.cores.values():
            for read in core.reads.get(array, []):
                if any(location not in stores for _, location in read):
                    raise Wrong(f"{core.name} reads an element of {array} that is not stored")
        if array in {symbol(o) for o in self.network.outputs}:
            size = 1
            for extent in self.arrays[array].shape:
                size *= extent
            if len(stores) != size:
                raise Wrong(f"elements of output {array} are missing")

    def slots(self, core: Core, array: str) -> Callable[[int, Point], Point | None]:
        """Where a core keeps an element of an inference; None where it does not."""
        storage = core.buffers[array].storage
        if storage is None:
            return lambda _, location: location
        slots = self._stored_slots(core, array, storage)
        return lambda n, location: slots.get((n, *location))

    def _stored_slots(self, core: Core, array: str, storage: MapAttr) -> dict[Point, Point]:
        op = self.arrays[array]
        return _slots(storage, op.shape, core.coordinates, op.initial_inferences())

    def _check_slots(self, core: Core, array: str) -> None:
        """Slots are in the buffer, and no two elements that have one are written at once or by two writers."""
        buffer = core.buffers[array]
        assert isinstance(buffer.result.type, MemRefType)
        shape = buffer.result.type.get_shape()
        if buffer.storage is None:
            if shape != self.arrays[array].shape:
                raise Wrong(f"the buffer of {array} at {core.name} is not of its shape")
        else:
            kept = self._stored_slots(core, array, buffer.storage)
            for slot in kept.values():
                if not all(0 <= s < size for s, size in zip(slot, shape, strict=True)):
                    raise Wrong(f"slot {slot} is outside the buffer of {array} at {core.name}")
        slot_of, read = self.slots(core, array), core.reads_of(array)
        if any(slot_of(0, location) is None for location in read):
            raise Wrong(f"{core.name} reads an element of {array} that it does not keep")
        if array not in self.computed:
            self._check_given(core, array, slot_of, read)
            return
        for occupants in self._occupants(core, array).values():
            self._check_occupants(occupants, array, core)

    def _check_given(
        self,
        core: Core,
        array: str,
        slot_of: Callable[[int, Point], Point | None],
        read: dict[Point, list[int]],
    ) -> None:
        """What is there from the start never shares a slot with something else, if it is read.

        It may share it with itself in later inferences, once it is not read any more.
        """
        held: dict[Point, set[Point]] = defaultdict(set)
        for location in product(*map(range, self.arrays[array].shape)):
            slots = [slot_of(n, location) for n in range(INFERENCES)]
            for slot in slots:
                if slot is not None:
                    held[slot].add(location)
            if self.arrays[array].source is not None and location in read and len(set(slots)) > 1:
                raise Wrong(f"{location} of parameter {array} moves at {core.name}")
        for location, reads in read.items():
            later = range(1, max(reads) // core.count + 1)
            for n in range(INFERENCES):
                slot = slot_of(n, location)
                if any(n + k < INFERENCES and slot_of(n + k, location) == slot for k in later):
                    raise Wrong(f"{location} of {array} is overwritten at {core.name}")
        if any(
            len(locations) > 1 and not locations.isdisjoint(read) for locations in held.values()
        ):
            raise Wrong(f"elements of {array} share a slot at {core.name} from the start")

    def _occupants(self, reader: Core, array: str) -> dict[Point, list[Occupant]]:
        """What comes into each slot of a reader's buffer, in order."""
        slot_of, read = self.slots(reader, array), reader.reads_of(array)
        held = self.arrays[array].initial_inferences()
        found: dict[Point, list[Occupant]] = defaultdict(list)
        for writer in self.cores.values():
            for n in range(-held, INFERENCES):
                for i, locations in enumerate(writer.writes.get(array, [])):
                    for location in locations:
                        if (slot := slot_of(n, location)) is not None:
                            reads = [x + n * reader.count for x in read.get(location, [])]
                            occupant = Occupant(writer, i + n * writer.count, reads)
                            found[slot].append(occupant)
        for slot, occupants in found.items():
            if len({o.writer.name for o in occupants}) > 1:
                found[slot] = sorted(occupants, key=lambda o: o.last_read)
            else:
                found[slot] = sorted(occupants, key=lambda o: o.written)
        return found

    def _check_occupants(self, occupants: list[Occupant], array: str, reader: Core) -> None:
        """They come into the slot one after the other."""
        several = len({o.writer.name for o in occupants}) > 1
        if all(o.last_read == ALWAYS for o in occupants):
            return
        if several and self.turns.get(reader.name, 1) > 1:
            raise Wrong(f"what a copy of {reader.name} reads does not order what comes into others")
        if several and any(o.last_read == ALWAYS for o in occupants):
            raise Wrong(f"two programs write into one slot for {array} at {reader.name}")
        if several and self.arrays[array].initial is not None:
            raise Wrong(f"initial values of {array} come into one slot in no order")
        for one, two in pairwise(occupants):
            if one.reads and one.last_read // reader.count > two.written // two.writer.count:
                raise Wrong(f"a store of {array} waits for {reader.name} in a later inference")
            read = max(one.last_read, two.last_read) > ALWAYS
            if one.writer is two.writer and one.written == two.written and read:
                raise Wrong(f"elements of {array} are written at once into one slot")
            if several and two.first_read <= one.last_read:
                raise Wrong(f"two programs write into one slot for {array} at {reader.name}")

    def pairs(self) -> Iterator[Pair]:
        """Every two neighbours, in both directions."""
        for core in self.cores.values():
            snoops: dict[tuple[str, str], list[SnoopOp]] = defaultdict(list)
            for snoop in core.op.snoops:
                assert isinstance(snoop.buffer.owner, BufferOp)
                snoops[symbol(snoop.buffer.owner.array), symbol(snoop.source)].append(snoop)
            credits: dict[tuple[str, str], list[CreditOp]] = defaultdict(list)
            for credit in core.op.credits:
                credits[symbol(credit.array), symbol(credit.source)].append(credit)
            for array in self.computed:
                for other in self.cores.values():
                    if array in core.reads and array in other.writes:
                        needed = self._needed_data(core, other, array)
                        events = other.writer_of(array)
                        allowed = self._allowed(core, other, snoops[array, other.program], events)
                        yield Pair(core, other, array, "snoop", needed, allowed)
                    if array in core.writes and array in other.reads:
                        needed = self._needed_room(core, other, array)
                        events = other.position
                        allowed = self._allowed(core, other, credits[array, other.program], events)
                        yield Pair(core, other, array, "credit", needed, allowed)

    def _needed_data(self, core: Core, writer: Core, array: str) -> list[list[int]]:
        written = writer.writer_of(array)
        return _prefix_maxima(
            [
                max(
                    (written[x] + (n + m) * writer.count for m, x in read if x in written),
                    default=ALWAYS,
                )
                for read in core.reads[array]
            ]
            for n in range(INFERENCES)
        )

    def _needed_room(self, core: Core, reader: Core, array: str) -> list[list[int]]:
        needs = [[ALWAYS] * core.count for _ in range(INFERENCES)]
        for occupants in self._occupants(reader, array).values():
            latest: list[int] = []  # of all reads of older occupants, the last two
            for two in occupants:
                if two.writer is core and two.written >= 0:
                    n, i = divmod(two.written, core.count)
                    # An iteration reads before it writes.
                    others = [x for x in latest if core is not reader or x != two.written]
                    needs[n][i] = max([needs[n][i], *others])
                latest = sorted({*latest, *two.reads})[-2:]
        return _prefix_maxima(needs)

    def _allowed(
        self,
        core: Core,
        other: Core,
        automata: list[SnoopOp] | list[CreditOp],
        events: dict[Point, int],
    ) -> list[list[int | None]]:
        """The event that each iteration waits for; None where nothing releases it."""
        result: list[list[int | None]] = [[ALWAYS] * core.count for _ in range(INFERENCES)]
        for automaton in automata:
            steps: list[tuple[int, int]] = []
            both = core.coordinates + other.coordinates
            for release, values in execute(automaton.body, ReleaseOp, both):
                assert isinstance(release, ReleaseOp)
                at = tuple(values[x] for x in release.at)
                upto = tuple(values[x] for x in release.upto)
                if release.awaits and at not in events:
                    raise Wrong(f"{automaton.name} waits for {at}")
                if upto not in core.position:
                    raise Wrong(f"{automaton.name} releases {upto}")
                ahead = values[release.ahead] if release.ahead is not None else 0
                event = events[at] if release.awaits else ALWAYS
                steps.append((event, core.position[upto] + ahead * core.count))
            for now, row in zip(result, _follow(steps, core.count, other.count), strict=True):
                for i, event in enumerate(row):
                    so_far = now[i]
                    now[i] = None if event is None or so_far is None else max(event, so_far)
        return result

    def stuck(self, inferences: int = INFERENCES) -> list[CoreName]:
        """The cores that do not get through a stream of inferences that starts with empty buffers."""
        waits: dict[CoreName, list[Pair]] = defaultdict(list)
        for pair in self.pairs():
            waits[pair.core.name].append(pair)
        done = dict.fromkeys(self.cores, 0)

        def may_go_on(core: Core) -> bool:
            n, i = divmod(done[core.name], core.count)
            if n == inferences:
                return False
            for pair in waits[core.name]:
                event = pair.allowed[n][i]
                if event is None or event >= done[pair.neighbour.name]:
                    return False
            return True

        moved = True
        while moved:
            moved = False
            for core in self.cores.values():
                while may_go_on(core):
                    done[core.name] += 1
                    moved = True
        return [c.name for c in self.cores.values() if done[c.name] < inferences * c.count]


def _prefix_maxima(needs: Iterable[list[int]]) -> list[list[int]]:
    """What is needed up to each iteration, inference by inference, from what each needs."""
    latest, result = ALWAYS, []
    for inference in needs:
        row = []
        for event in inference:
            latest = max(latest, event)
            row.append(latest)
        result.append(row)
    return result


def _follow(steps: list[tuple[int, int]], count: int, events: int) -> list[list[int | None]]:
    """The event that has happened when each iteration is first allowed, by a control unit that starts from reset.

    steps: (event, limit) in one inference, in order. count, events: iterations and events in one inference.
    """
    total = INFERENCES * count
    allowed: list[int | None] = [None] * total
    happened, limit = ALWAYS, -1
    for n in range(2 * INFERENCES):
        for event, upto in steps:
            if event > ALWAYS:
                happened = max(happened, event + n * events)
            reached = upto + n * count
            for i in range(limit + 1, min(reached + 1, total)):
                allowed[i] = happened
            limit = max(limit, reached)
    return [allowed[n * count : (n + 1) * count] for n in range(INFERENCES)]
