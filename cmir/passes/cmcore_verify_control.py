"""cmcore-verify-control: a proof that the generated control logic is right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from cmir.accelerator.engine import Machine
from cmir.accelerator.hardware import Hardware
from cmir.accelerator.recurrence import DeadlockError
from cmir.diagnostics import CompileError
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
from cmir.dialects.polyhedral import ArrayOp, box, sample, symbol
from cmir.isl.control import Automaton, Verdict, judge
from cmir.isl.dependences import full_storage, iterations, raw_needs, stream, war_needs
from cmir.isl.read_back import NotAffineError, read_visits


@dataclass(frozen=True)
class CmcoreVerifyControlPass(ModulePass):
    """Prove that programs fire, wait and give way as their loads and stores demand, for endless streams.

    Loop nests and automata are read back from the IR as relations and compared with the access relations of loads and
    stores. Proved are: safe, no iteration runs before its data has arrived or overwrites data still to be read; tight,
    none waits for more than that; live, each is released, and the network does not deadlock; in-bounds, every access
    is inside its buffer; and that each element is stored once. Changes nothing; refuses with a counterexample of
    concrete iterations and locations.
    """

    name = "cmcore-verify-control"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for network in op.body.block.ops:
            if isinstance(network, NetworkOp):
                _Prover(network).prove()


class _Program:
    """A program as relations. Names of iteration tuples are dropped: iterations are plain points.

    order: `{ [iteration] -> [time] }`; reads, writes: by array, `{ [iteration] -> array[location] }`.
    """

    def __init__(self, op: ProgramOp, arrays: dict[str, ArrayOp]):
        self.op, self.name = op, op.sym_name.data
        rank = len(op.iteration.body.block.args)
        fires = _read(op.loop_nest, FireOp, lambda fire: fire.operands, rank)
        if fires.is_empty():
            raise CompileError(op.loop_nest, f"@{self.name} fires no iteration")
        if not fires.is_injective():
            twice = _coordinates(fires.reverse().subtract_domain(_once(fires)).domain())
            raise CompileError(op.loop_nest, f"@{self.name} fires iteration {twice} twice")
        self.order = fires.reverse()
        self.iterations = self.order.domain()
        self.times = self.order.range()
        self.reads: dict[str, isl.Map] = {}
        self.writes: dict[str, isl.Map] = {}
        self.buffers = {symbol(buffer.array): buffer for buffer in op.buffers}
        for item in op.iteration.body.block.ops:
            if isinstance(item, LoadOp):
                for buffer, access in item.buffers_and_maps():
                    assert isinstance(buffer.owner, BufferOp)
                    array = symbol(buffer.owner.array)
                    self._add(self.reads, array, access.relation, arrays[array], item)
            elif isinstance(item, StoreOp):
                array = symbol(item.array)
                self._add(self.writes, array, item.map.relation, arrays[array], item)

    def _add(
        self,
        accesses: dict[str, isl.Map],
        name: str,
        relation: isl.Map,
        array: ArrayOp,
        op: Operation,
    ) -> None:
        """Note what the iterations that are fired access, and check that it exists."""
        access = iterations(relation).reset_tuple_id(isl.dim_type.in_)
        access = access.intersect_domain(self.iterations)
        outside = access.subtract_range(array.locations)
        if not outside.is_empty():
            iteration, element = _pair(outside)
            raise CompileError(
                op,
                f"iteration {_coordinates(iteration)} of @{self.name} accesses "
                f"{sample(element)}, outside {array.type}",
            )
        accesses[name] = accesses[name].union(access) if name in accesses else access

    def iteration_at(self, times: isl.Set) -> str:
        """One of the iterations that run at these times, for a message."""
        return _coordinates(times.apply(self.order.reverse()))


@dataclass(frozen=True)
class _Demand:
    """What a program needs of a neighbour on account of an array.

    needs: D, in times. elements: `{ [n, iteration] -> array[n', location] }`, those that the program reads or
    overwrites; theirs: likewise for the neighbour, those that it stores or reads. unsafe: what goes wrong with them.
    """

    array: str
    needs: isl.Map
    elements: isl.Map
    theirs: isl.Map
    unsafe: str


class _Prover:
    """Proves one network."""

    def __init__(self, network: NetworkOp):
        self.network = network
        self.arrays = network.arrays
        self.inputs = {symbol(ref) for ref in network.inputs}
        self.programs = {name: _Program(op, self.arrays) for name, op in network.programs.items()}

    def prove(self) -> None:
        """Raises CompileError with a counterexample."""
        readers: dict[str, list[_Program]] = defaultdict(list)
        writers: dict[str, list[_Program]] = defaultdict(list)
        for program in self.programs.values():
            for array in program.reads:
                readers[array].append(program)
            for array in program.writes:
                writers[array].append(program)
        for name, array in self.arrays.items():
            if name not in self.inputs and array.source is None:
                self._check_written(array, writers[name], readers[name])
            for reader in readers[name]:
                self._check_slots(array, reader)
                self._check_sharing(array, writers[name], reader)
        for program in self.programs.values():
            self._check_automata(program, readers, writers)
        try:
            Machine(self.network, Hardware.load("ideal")).time(_INFERENCES_TO_LIVE)
        except DeadlockError as deadlock:
            raise CompileError(self.network, deadlock.message) from None

    def _check_written(
        self, array: ArrayOp, writers: list[_Program], readers: list[_Program]
    ) -> None:
        """Each element is stored once, and each one that is read or given out is stored."""
        name = array.sym_name.data
        written = isl.Set.empty(array.locations.get_space())
        for writer in writers:
            write = writer.writes[name]
            if not write.is_injective():
                again = write.reverse().subtract_domain(_once(write.reverse().reverse()))
                raise CompileError(
                    writer.op, f"@{writer.name} stores {sample(again.domain())} more than once"
                )
            if not (both := written.intersect(write.range())).is_empty():
                raise CompileError(
                    writer.op, f"@{writer.name} stores {sample(both)}, which another program stores"
                )
            written = written.union(write.range())
        for reader in readers:
            missing = reader.reads[name].subtract_range(written)
            if not missing.is_empty():
                iteration, element = _pair(missing)
                raise CompileError(
                    reader.op,
                    f"iteration {_coordinates(iteration)} of @{reader.name} reads "
                    f"{sample(element)}, which no program stores",
                )
        if name in {symbol(ref) for ref in self.network.outputs}:
            if not (missing := array.locations.subtract(written)).is_empty():
                raise CompileError(
                    self.network, f"output element {sample(missing)} is stored by no program"
                )

    def _check_slots(self, array: ArrayOp, reader: _Program) -> None:
        """What is kept in a buffer has a slot in it."""
        name = array.sym_name.data
        buffer = reader.buffers[name]
        assert isinstance(buffer.result.type, MemRefType)
        storage = _storage(buffer, array)
        slots = storage.intersect_domain(_elements(array)).range()
        outside = slots.subtract(box(buffer.result.type.get_shape()).set_tuple_id(_id(slots)))
        if not outside.is_empty():
            raise CompileError(
                buffer, f"the buffer of @{name} at @{reader.name} has no {sample(outside)}"
            )

    def _check_sharing(self, array: ArrayOp, writers: list[_Program], reader: _Program) -> None:
        """Elements that have one slot are stored one after the other, by one program.

        Those of which the reader reads neither may be stored in any way.
        """
        name = array.sym_name.data
        buffer = reader.buffers[name]
        if buffer.storage is None:
            return  # it has a slot for each element of an inference
        storage = buffer.storage.relation
        shares = storage.apply_range(storage.reverse())
        shares = shares.intersect_domain(stream(reader.reads[name]).range())
        shares = shares.subtract(isl.Map.identity(shares.get_space()))
        written = [stream(writer.writes[name]) for writer in writers]
        for one, write in zip(writers, written, strict=True):
            clash = write.reverse().apply_range(write).intersect(shares)
            if not clash.is_empty():
                raise CompileError(
                    buffer,
                    f"the buffer of @{name} at @{reader.name} has one slot for {_two(clash)} "
                    f"(inference first), which @{one.name} stores at once",
                )
            for other, also in zip(writers, written, strict=True):
                clash = shares.intersect_domain(write.range()).intersect_range(also.range())
                if other is not one and not clash.is_empty():
                    raise CompileError(
                        buffer,
                        f"the buffer of @{name} at @{reader.name} has one slot for {_two(clash)} "
                        f"(inference first), which @{one.name} and @{other.name} store, in no order",
                    )

    def _check_automata(
        self,
        program: _Program,
        readers: dict[str, list[_Program]],
        writers: dict[str, list[_Program]],
    ) -> None:
        """The snoops of a program against what it reads, its credits against what it overwrites."""
        snoops: dict[tuple[str, str], list[SnoopOp]] = defaultdict(list)
        for snoop in program.op.snoops:
            assert isinstance(snoop.buffer.owner, BufferOp)
            snoops[symbol(snoop.buffer.owner.array), symbol(snoop.source)].append(snoop)
        credits: dict[tuple[str, str], list[CreditOp]] = defaultdict(list)
        for credit in program.op.credits:
            credits[symbol(credit.array), symbol(credit.source)].append(credit)
        for name, read in program.reads.items():
            for writer in writers[name]:
                write = writer.writes[name]
                demand = _Demand(
                    name,
                    stream(raw_needs(write, read, writer.order, program.order)),
                    stream(read),
                    stream(write),
                    "may read {element} before iteration {event} has stored it",
                )
                event = writer.order.reverse().apply_range(write).reverse()
                self._judge(program, writer, demand, snoops.pop((name, writer.name), []), event)
        for name, write in program.writes.items():
            for reader in readers[name]:
                read, storage = (
                    reader.reads[name],
                    _storage(reader.buffers[name], self.arrays[name]),
                )
                demand = _Demand(
                    name,
                    war_needs(write, read, storage, program.order, reader.order),
                    stream(write).apply_range(storage.apply_range(storage.reverse())),
                    stream(read),
                    "may overwrite {element} before iteration {event} has read it",
                )
                automata = credits.pop((name, reader.name), [])
                self._judge(program, reader, demand, automata, reader.order)
        for (name, source), extra in (*snoops.items(), *credits.items()):
            raise CompileError(
                extra[0],
                f"{extra[0].name} of @{name} from @{source}: @{program.name} needs nothing of it",
            )

    def _judge(
        self,
        program: _Program,
        other: _Program,
        demand: _Demand,
        ops: Sequence[SnoopOp | CreditOp],
        event_times: isl.Map,
    ) -> None:
        """Raise CompileError unless the automata on one neighbour are safe, tight and live.

        event_times: what the automata wait for `at` -> its time in the neighbour.
        """
        automata = [self._automaton(op, program, other, event_times) for op in ops]
        verdict = judge(automata, demand.needs, program.times)
        _report(verdict, ops[0] if ops else program.op, program, other, demand)

    def _automaton(
        self, op: SnoopOp | CreditOp, program: _Program, other: _Program, event_times: isl.Map
    ) -> Automaton:
        at = event_times.dim(isl.dim_type.in_)
        rank = program.iterations.dim(isl.dim_type.set)

        def values(release: Operation) -> Sequence[SSAValue | int]:
            assert isinstance(release, ReleaseOp)
            ahead = 0 if release.ahead is None else release.ahead
            waits = [1, *release.at] if release.awaits else [0, *[0] * at]
            return [*waits, ahead, *release.upto]

        steps = _read(op, ReleaseOp, values, 2 + at + rank)
        waiting = steps.fix_val(isl.dim_type.out, 0, isl.Val(1))
        awaited = waiting.project_out(
            isl.dim_type.out, 1 + at, steps.dim(isl.dim_type.out) - 1 - at
        )
        awaited = awaited.project_out(isl.dim_type.out, 0, 1)
        known = event_times.reset_tuple_id(isl.dim_type.in_)
        if not (never := awaited.range().subtract(known.domain())).is_empty():
            raise CompileError(
                op,
                f"{op.name} waits for {_coordinates(never)}, which @{other.name} never brings about",
            )
        limits = steps.project_out(isl.dim_type.out, 0, 1 + at)
        ahead = limits.project_out(isl.dim_type.out, 1, rank)
        upto = limits.project_out(isl.dim_type.out, 0, 1)
        if not (unknown := upto.range().subtract(program.iterations)).is_empty():
            raise CompileError(
                op,
                f"{op.name} releases {_coordinates(unknown)}, which is no iteration of @{program.name}",
            )
        return Automaton(
            awaited.apply_range(known), ahead.flat_range_product(upto.apply_range(program.order))
        )


_INFERENCES_TO_LIVE = 2


def _report(
    verdict: Verdict, where: Operation, program: _Program, other: _Program, demand: _Demand
) -> None:
    """Raise CompileError with a counterexample, if there is one."""
    if not verdict.dead.is_empty():
        raise CompileError(
            where,
            f"not live: iteration {program.iteration_at(verdict.dead)} of @{program.name} is never "
            f"released by @{other.name} on account of @{demand.array}",
        )
    for what, violated in (("safe", verdict.unsafe), ("tight", verdict.late)):
        if violated.is_empty():
            continue
        # The first iteration is one for whose own accesses it matters.
        time = violated.domain().lexmin()
        event = violated.intersect_domain(time).range().lexmin()
        mine = time.apply(program.order.reverse())
        inference = event.sample_point().get_coordinate_val(isl.dim_type.set, 0).to_python()
        theirs = event.project_out(isl.dim_type.set, 0, 1).apply(other.order.reverse())
        name = f"{_coordinates(theirs)} of @{other.name}"
        name += (
            f", {abs(inference)} inference{'s' * (abs(inference) > 1)} "
            f"{'earlier' if inference < 0 else 'later'}," * (inference != 0)
        )
        if what == "safe":
            n = verdict.inference
            element = _in_inference(mine, n).apply(demand.elements)
            element = element.intersect(_in_inference(theirs, n + inference).apply(demand.theirs))
            problem = demand.unsafe.format(element=_element(element, demand.array), event=name)
        else:
            problem = f"waits for iteration {name} and needs nothing of it in @{demand.array}"
        raise CompileError(
            where,
            f"not {what}: iteration {_coordinates(mine)} of @{program.name} {problem}"
            + f" (in inference {verdict.inference})" * (verdict.inference != 0),
        )


def _in_inference(points: isl.Set, n: int) -> isl.Set:
    """`{ [point] }` as `{ [n, point] }`."""
    return points.insert_dims(isl.dim_type.set, 0, 1).fix_val(isl.dim_type.set, 0, isl.Val(n))


def _element(elements: isl.Set, array: str) -> str:
    """One of the elements `array[n, location]`, without its inference; the array if there are none."""
    if elements.is_empty():
        return f"@{array}"
    return f"{array}{list(_point(elements)[1:])}"


def _read(
    op: Operation,
    kind: type[Operation],
    values: Callable[[Operation], Sequence[SSAValue | int]],
    count: int,
) -> isl.Map:
    try:
        return read_visits(op.regions[0], kind, values, count)
    except NotAffineError as error:
        raise CompileError(error.op, f"control logic cannot be proved: {error}") from None


def _storage(buffer: BufferOp, array: ArrayOp) -> isl.Map:
    return buffer.storage.relation if buffer.storage else full_storage(array.locations)


def _elements(array: ArrayOp) -> isl.Set:
    """The elements of all inferences: `{ b[n, location] }`."""
    elements = array.locations.insert_dims(isl.dim_type.set, 0, 1)
    return elements.set_tuple_name(array.sym_name.data)


def _id(slots: isl.Set) -> isl.Id:
    return slots.get_tuple_id()


def _once(relation: isl.Map) -> isl.Set:
    """The points of the range that stem from one point of the domain only."""
    back = relation.reverse()
    several = back.lexmin().subtract(back.lexmax()).domain()
    return back.domain().subtract(several)


def _pair(relation: isl.Map) -> tuple[isl.Set, isl.Set]:
    """The first point of the domain, and the first that it is related to."""
    first = relation.domain().lexmin()
    return first, relation.intersect_domain(first).range().lexmin()


def _two(pairs: isl.Map) -> str:
    """The two elements of one of the pairs, as `b[0, 8] and b[1, 0]`; pairs may be without a first one."""
    pair = isl.Map.from_basic_map(pairs.sample())
    return f"{sample(pair.domain())} and {sample(pair.range())}"


def _coordinates(points: isl.Set) -> str:
    """One of the points, as `(0, 8)`."""
    return f"({', '.join(map(str, _point(points)))})"


def _point(points: isl.Set) -> list[int]:
    """One of the points."""
    point = points.sample_point()
    return [
        point.get_coordinate_val(isl.dim_type.set, d).to_python()
        for d in range(points.dim(isl.dim_type.set))
    ]
