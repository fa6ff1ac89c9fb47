"""Control logic judged by enumeration: what `cmcore-verify-control` must say, found without any mathematics.

Loops are executed statement by statement; access and storage relations are enumerated into Python dictionaries; an
automaton is followed step by step through a few inferences. Nothing of `cmir.isl.control`, `cmir.isl.read_back` or the
engine is used.

Pairs of neighbours are judged one by one, whatever the rest of the network does: an automaton is wrong if some pace of
its neighbour, and of the messages between the two, lets it go wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import islpy as isl
from enumeration import Point, pairs
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IntegerAttr, MemRefType
from xdsl.ir import Block, Operation, Region, SSAValue

from cmir.accelerator.program import core_name
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
from cmir.dialects.polyhedral import MapAttr, symbol
from cmir.isl.cores import at_core

WINDOW = 4
"""Inferences before and after the one that is judged. Rings and automata of the tests reach less far."""

ALWAYS = -(10**9)
"""The time of an event that is not waited for."""


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
def _slots(storage: MapAttr, shape: tuple[int, ...], core: Point) -> dict[Point, Point]:
    """The slots of a core for the elements of an array, `(n, *location)`, in the inferences of the window."""
    bounds = [(-WINDOW, WINDOW + 1), *((0, size) for size in shape)]
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
    locations that each iteration accesses, in that order.
    """

    def __init__(self, op: ProgramOp, coordinates: Point):
        self.op, self.program, self.coordinates = op, op.sym_name.data, coordinates
        self.name = core_name(self.program, coordinates)
        self.iterations: list[Point] = [
            tuple(values[x] for x in fire.operands)
            for fire, values in execute(op.loop_nest.body, FireOp, coordinates)
        ]
        self.position = {iteration: i for i, iteration in enumerate(self.iterations)}
        self.count = len(self.iterations)
        self.buffers = {symbol(buffer.array): buffer for buffer in op.buffers}
        self.reads: dict[str, list[list[Point]]] = {
            array: [[] for _ in self.iterations] for array in self.buffers
        }
        self.writes: dict[str, list[list[Point]]] = {}
        for item in op.iteration.body.block.ops:
            if isinstance(item, LoadOp):
                for buffer, access in item.buffers_and_maps():
                    assert isinstance(buffer.owner, BufferOp)
                    self._add(self.reads, symbol(buffer.owner.array), access)
            elif isinstance(item, StoreOp):
                self._add(self.writes, symbol(item.array), item.map)

    def _add(self, into: dict[str, list[list[Point]]], array: str, access: MapAttr) -> None:
        accessed = _accesses(access)
        all_ = into.setdefault(array, [[] for _ in self.iterations])
        for locations, iteration in zip(all_, self.iterations, strict=True):
            locations.extend(accessed.get(iteration, []))

    def writer_of(self, array: str) -> dict[Point, int]:
        """The position of the iteration that stores each element."""
        stores = enumerate(self.writes.get(array, []))
        return {location: i for i, locations in stores for location in locations}

    def last_reads(self, array: str) -> dict[Point, int]:
        """The position of the last iteration that reads each element."""
        return {
            location: i for i, locations in enumerate(self.reads[array]) for location in locations
        }


@dataclass(frozen=True)
class Pair:
    """What a core waits for on account of a neighbour, iteration by iteration of inference 0.

    Times are those of the neighbour's stream: position + inference · count; ALWAYS if nothing is waited for.

    needed: D', the last event that an iteration or one before it needs. allowed: the event that it waits for; None if
    nothing ever releases it.
    """

    core: Core
    neighbour: Core
    array: str
    kind: str
    needed: list[int]
    allowed: list[int | None]
    later: Sequence[list[int]] = ()
    """`needed` in inferences 1, 2, …, counted from each: the same, or no automaton can be right."""

    @property
    def wrong(self) -> bool:
        return any(needed != self.allowed for needed in (self.needed, *self.later))


class Enumeration:
    """A network by enumeration. Raises Wrong for what is no control logic of it at all."""

    def __init__(self, network: NetworkOp):
        self.network = network
        self.arrays = network.arrays
        self.computed = [
            name
            for name, array in self.arrays.items()
            if array.source is None and name not in {symbol(i) for i in network.inputs}
        ]
        programs = network.programs
        cores = [Core(programs[symbol(op.program)], op.core) for op in network.cores]
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
        for name in self.computed:
            self._check_stores(name)
        for core in self.cores.values():
            for array in core.buffers:
                self._check_slots(core, array)
        for pair in self.pairs():
            if pair.wrong:
                raise Wrong(f"{pair.kind} of {pair.core.name} from {pair.neighbour.name}")
        if stuck := self.stuck():
            raise Wrong(f"deadlock of {', '.join(stuck)}")

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
            for locations in core.reads.get(array, []):
                if any(location not in stores for location in locations):
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
        slots = _slots(storage, self.arrays[array].shape, core.coordinates)
        return lambda n, location: slots.get((n, *location))

    def _check_slots(self, core: Core, array: str) -> None:
        """Slots are in the buffer, and no two elements that have one are written at once or by two writers."""
        buffer = core.buffers[array]
        assert isinstance(buffer.result.type, MemRefType)
        shape = buffer.result.type.get_shape()
        if buffer.storage is None:
            if shape != self.arrays[array].shape:
                raise Wrong(f"the buffer of {array} at {core.name} is not of its shape")
        else:
            kept = _slots(buffer.storage, self.arrays[array].shape, core.coordinates)
            for slot in kept.values():
                if not all(0 <= s < size for s, size in zip(slot, shape, strict=True)):
                    raise Wrong(f"slot {slot} is outside the buffer of {array} at {core.name}")
        slot_of, read = self.slots(core, array), core.last_reads(array)
        if any(slot_of(0, location) is None for location in read):
            raise Wrong(f"{core.name} reads an element of {array} that it does not keep")
        if array not in self.computed:
            return
        written_by: dict[Point, set[str]] = defaultdict(set)
        for writer in self.cores.values():
            for n in range(-WINDOW, WINDOW + 1):
                for locations in writer.writes.get(array, []):
                    at_once = defaultdict(list)
                    for location in locations:
                        if (slot := slot_of(n, location)) is not None:
                            at_once[slot].append(location)
                            written_by[slot].add(writer.name)
                    for same in at_once.values():
                        if len(same) > 1 and any(location in read for location in same):
                            raise Wrong(f"{same} are written at once into one slot")
        if any(len(names) > 1 for names in written_by.values()):
            raise Wrong(f"two programs write into one slot for {array} at {core.name}")

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
                        needed, *later = self._needed_room(core, other, array)
                        events = other.position
                        allowed = self._allowed(core, other, credits[array, other.program], events)
                        yield Pair(core, other, array, "credit", needed, allowed, later)

    def _needed_data(self, core: Core, writer: Core, array: str) -> list[int]:
        written = writer.writer_of(array)
        last = [
            max((written[x] for x in locations if x in written), default=ALWAYS)
            for locations in core.reads[array]
        ]
        return _prefix_maxima(last, writer.count)

    def _needed_room(self, core: Core, reader: Core, array: str) -> list[list[int]]:
        """For inferences 0, 1, …"""
        slot_of, last_read = self.slots(reader, array), reader.last_reads(array)
        # When what has been in each slot up to now is read for the last time.
        busy: dict[Point, int] = {}
        latest = ALWAYS
        needed: list[list[int]] = []
        for n in range(-WINDOW, WINDOW + 1):
            needs: list[int] = []
            for locations in core.writes[array]:
                kept = [(x, slot) for x in locations if (slot := slot_of(n, x)) is not None]
                slots = [slot for _, slot in kept]
                latest = max([latest, *(busy.get(slot, ALWAYS) for slot in slots)])
                needs.append(latest - n * reader.count if latest > ALWAYS else ALWAYS)
                for location, slot in kept:
                    if location in last_read:
                        until = last_read[location] + n * reader.count
                        busy[slot] = max(busy.get(slot, ALWAYS), until)
            if n >= 0:
                needed.append(needs)
        return needed

    def _allowed(
        self,
        core: Core,
        other: Core,
        automata: list[SnoopOp] | list[CreditOp],
        events: dict[Point, int],
    ) -> list[int | None]:
        """The event that each iteration of inference 0 waits for; None where nothing releases it."""
        result: list[int | None] = [ALWAYS] * core.count
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
            for i, event in enumerate(_follow(steps, core.count, other.count)):
                now = result[i]
                result[i] = None if event is None or now is None else max(event, now)
        return result

    def stuck(self, inferences: int = WINDOW) -> list[str]:
        """The cores that do not get through a stream of inferences that starts with empty buffers."""
        waits: dict[str, list[Pair]] = defaultdict(list)
        for pair in self.pairs():
            waits[pair.core.name].append(pair)
        done = dict.fromkeys(self.cores, 0)

        def may_go_on(core: Core) -> bool:
            n, i = divmod(done[core.name], core.count)
            for pair in waits[core.name]:
                event = pair.allowed[i]
                if event is None or event + n * pair.neighbour.count >= done[pair.neighbour.name]:
                    return False
            return n < inferences

        moved = True
        while moved:
            moved = False
            for core in self.cores.values():
                while may_go_on(core):
                    done[core.name] += 1
                    moved = True
        return [c.name for c in self.cores.values() if done[c.name] < inferences * c.count]


def _prefix_maxima(last: list[int], count: int) -> list[int]:
    """What is needed up to each iteration of inference 0, from what each needs; `count` events an inference."""
    before = max(last)
    latest = before - count if before > ALWAYS else ALWAYS
    result = []
    for event in last:
        latest = max(latest, event)
        result.append(latest)
    return result


def _follow(steps: list[tuple[int, int]], count: int, events: int) -> list[int | None]:
    """The event that has happened when each iteration of inference 0 is first allowed.

    steps: (event, limit) in one inference, in order. count, events: iterations and events in one inference.
    """
    allowed: list[int | None] = [None] * count
    happened, limit = ALWAYS, ALWAYS
    for n in range(-WINDOW, WINDOW + 1):
        for event, upto in steps:
            if event > ALWAYS:
                happened = max(happened, event + n * events)
            reached = upto + n * count
            for i in range(max(limit + 1, 0), min(reached + 1, count)):
                allowed[i] = happened
            limit = max(limit, reached)
    return allowed
