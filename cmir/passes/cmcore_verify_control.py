"""cmcore-verify-control: a proof that the generated control logic is right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from cmir.accelerator.automata import Automaton as EvaluatedAutomaton
from cmir.accelerator.engine import Machine
from cmir.accelerator.exhaustion import find_fault
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
from cmir.isl import read_set
from cmir.isl.control import Automaton, Verdict, counted_from, judge
from cmir.isl.cores import ANY_CORE, as_neighbour, at, at_some_core, core_set, on_core, some_core
from cmir.isl.dependences import full_storage, iterations, raw_needs, stream, war_needs
from cmir.isl.memo import unnamed
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

    cores: those that run it, as values of the coordinates p0, p1, …, the parameters of what concerns one of them.
    order: `{ [iteration] -> [time] }` on each core; reads, writes: by array, `{ [iteration] -> array[location] }`, on
    all cores together.
    """

    def __init__(self, op: ProgramOp, arrays: dict[str, ArrayOp], cores: isl.Set):
        self.op, self.name, self.cores = op, op.sym_name.data, cores
        rank = len(op.iteration.body.block.args)
        fires = _read(op.loop_nest, FireOp, lambda fire: fire.operands, rank, cores)
        if not (idle := cores.subtract(fires.params())).is_empty():
            raise CompileError(op.loop_nest, f"@{self.name}{_core(idle)} fires no iteration")
        if not fires.is_injective():
            twice = at_some_core(fires.reverse().subtract_domain(_once(fires)).domain())
            raise CompileError(
                op.loop_nest, f"@{self.name} fires iteration {_coordinates(twice)} twice"
            )
        self.order = fires.reverse()
        self.times = self.order.range()
        own = on_core(isl.Map.from_domain(self.order.domain()), op.core_dims).domain()
        if not (others := self.order.domain().subtract(own)).is_empty():
            other = at_some_core(others)
            raise CompileError(
                op.loop_nest,
                f"@{self.name} fires iteration {_coordinates(other)} on a core that has other coordinates",
            )
        self.iterations = self.order.domain().project_out_all_params()
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

    def on_core(self, access: isl.Map) -> isl.Map:
        """The accesses of each core's own iterations."""
        return on_core(access, self.op.core_dims)


@dataclass(frozen=True)
class _Demand:
    """What a program needs of a neighbour on account of an array.

    kind: `raw` or `war`. needs: D, in times. elements: `{ [n, iteration] -> array[n', location] }`, those that the
    program reads or overwrites; theirs: likewise for the neighbour, those that it stores or reads. unsafe: what goes
    wrong with them.
    """

    kind: str
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
        cores: dict[str, list[tuple[int, ...]]] = defaultdict(list)
        for core in network.cores:
            cores[symbol(core.program)].append(core.core)
        self.programs = {
            name: _Program(op, self.arrays, core_set(cores.get(name, [()])))
            for name, op in network.programs.items()
        }

    @cached_property
    def machine(self) -> Machine:
        return Machine(self.network, Hardware.load("ideal"))

    @cached_property
    def automata(self) -> dict[tuple[str, str, str, str], list[EvaluatedAutomaton]]:
        """The automata of programs, run; by program, neighbour, kind and array."""
        found: dict[tuple[str, str, str, str], list[EvaluatedAutomaton]] = defaultdict(list)
        for core, _, one in self.machine.waits:
            name = self.machine.cores[core].program.name
            found[name, one.source, one.kind, one.array].append(one)
        return found

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
            self.machine.time(_INFERENCES_TO_LIVE)
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
        """What is kept in a buffer has a slot in it, and what is read is kept."""
        name = array.sym_name.data
        buffer = reader.buffers[name]
        assert isinstance(buffer.result.type, MemRefType)
        storage = _storage(buffer, array).intersect_params(reader.cores)
        slots = storage.intersect_domain(_elements(array)).range()
        outside = slots.subtract(box(buffer.result.type.get_shape()).set_tuple_id(_id(slots)))
        if not outside.is_empty():
            outside = at_some_core(outside)
            raise CompileError(
                buffer, f"the buffer of @{name} at @{reader.name} has no {sample(outside)}"
            )
        lost = stream(reader.on_core(reader.reads[name])).range().subtract(storage.domain())
        if not lost.is_empty():
            element = at_some_core(lost)
            raise CompileError(
                buffer,
                f"the buffer of @{name} at @{reader.name}{_core(lost)} has no slot for "
                f"{_element(element, name)}, which is read there",
            )

    def _check_sharing(self, array: ArrayOp, writers: list[_Program], reader: _Program) -> None:
        """Elements that have one slot are stored one after the other, by one core.

        Those of which the reader reads neither may be stored in any way.
        """
        name = array.sym_name.data
        buffer = reader.buffers[name]
        if buffer.storage is None:
            return  # it has a slot for each element of an inference
        storage = buffer.storage.relation
        shares = storage.apply_range(storage.reverse())
        if reader.op.core_dims or any(writer.op.core_dims for writer in writers):
            self._check_repeats(buffer, shares)
        shares = shares.intersect_domain(stream(reader.on_core(reader.reads[name])).range())
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
                if other is one:  # its cores run in no order, either
                    writing_core = _to_core(write, one.op.core_dims)
                    clash = clash.subtract(writing_core.apply_range(writing_core.reverse()))
                if not clash.is_empty():
                    who = f"@{one.name} and @{other.name}"
                    who = f"two cores of @{one.name}" if other is one else who
                    raise CompileError(
                        buffer,
                        f"the buffer of @{name} at @{reader.name} has one slot for {_two(clash)} "
                        f"(inference first), which {who} store, in no order",
                    )

    def _check_repeats(self, buffer: BufferOp, shares: isl.Map) -> None:
        """Elements share slots in every inference as in the one before, so that one stands for all."""
        shares = unnamed(shares)
        if not shares.is_equal(counted_from(shares, 1)):
            raise CompileError(
                buffer,
                f"which elements of @{symbol(buffer.array)} share a slot is not the same in every inference: "
                "that cannot be proved for programs that several cores share",
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
                theirs = as_neighbour(writer.order)
                demand = _Demand(
                    "raw",
                    name,
                    stream(raw_needs(write, read, theirs, program.order)),
                    stream(read),
                    stream(write),
                    "may read {element} before iteration {event} has stored it",
                )
                event = theirs.reverse().apply_range(write).reverse()
                self._judge(program, writer, demand, snoops.pop((name, writer.name), []), event)
        for name, write in program.writes.items():
            for reader in readers[name]:
                read, theirs = reader.reads[name], as_neighbour(reader.order)
                storage = as_neighbour(_storage(reader.buffers[name], self.arrays[name]))
                demand = _Demand(
                    "war",
                    name,
                    war_needs(write, read, storage, program.order, theirs),
                    stream(write).apply_range(storage.apply_range(storage.reverse())),
                    stream(read),
                    "may overwrite {element} before iteration {event} has read it",
                )
                automata = credits.pop((name, reader.name), [])
                self._judge(program, reader, demand, automata, theirs)
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
        where = ops[0] if ops else program.op
        if program.op.core_dims or other.op.core_dims:
            self._judge_cores(program, other, demand, where)
            return
        automata = [self._automaton(op, program, other, event_times) for op in ops]
        verdict = judge(automata, demand.needs, program.times)
        _report(verdict, where, program, other, demand)

    def _judge_cores(
        self, program: _Program, other: _Program, demand: _Demand, where: Operation
    ) -> None:
        """The same for programs that several cores share, where there is an automaton for each pair of cores."""
        to_iteration = stream(as_neighbour(other.order).reverse())
        needs = demand.needs.fix_val(isl.dim_type.in_, 0, isl.Val(0))
        needs = needs.project_out(isl.dim_type.in_, 0, 1)
        needs = program.order.apply_range(needs).apply_range(to_iteration)
        found = find_fault(
            self.machine.programs[program.name],
            self.machine.programs[other.name],
            self.automata[program.name, other.name, demand.kind, demand.array],
            needs,
        )
        if found is None:
            return
        name = f"{_text(found.event)} of @{other.name}{_inferences(found.ahead)}"
        if found.kind == "dead":
            problem = f"is never released by @{other.name} on account of @{demand.array}"
        elif found.kind == "unsafe":
            core = {f"q{d}": c for d, c in enumerate(found.event[: other.op.core_dims])}
            element = _in_inference(_points(found.iteration), 0).apply(at(demand.elements, core))
            theirs = _in_inference(_points(found.event), found.ahead).apply(demand.theirs)
            element = _element(element.intersect(theirs), demand.array)
            problem = demand.unsafe.format(element=element, event=name)
        else:
            problem = f"waits for iteration {name} and needs nothing of it in @{demand.array}"
        what = {"dead": "live", "unsafe": "safe", "late": "tight"}[found.kind]
        raise CompileError(
            where, f"not {what}: iteration {_text(found.iteration)} of @{program.name} {problem}"
        )

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

        steps = _read(op, ReleaseOp, values, 2 + at + rank, ANY_CORE)
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
        if not (unknown := upto.range().subtract(program.order.domain())).is_empty():
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
        iteration = _coordinates(verdict.dead.apply(program.order.reverse()))
        raise CompileError(
            where,
            f"not live: iteration {iteration} of @{program.name} is never "
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
        name = f"{_coordinates(theirs)} of @{other.name}{_inferences(inference)}"
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


def _to_core(write: isl.Map, core_dims: int) -> isl.Map:
    """`{ b[n, location] -> [core] }` of a stream of writes `{ [n, core, iteration] -> b[n, location] }`."""
    written = write.reverse()
    rank = written.dim(isl.dim_type.out)
    written = written.project_out(isl.dim_type.out, 1 + core_dims, rank - 1 - core_dims)
    return written.project_out(isl.dim_type.out, 0, 1)


def _core(where: isl.Set) -> str:
    """Which core it is that something is the case on, as `[2]`; empty where there is but one."""
    core = some_core(where)
    return f"[{', '.join(map(str, core.values()))}]" if core else ""


def _points(point: Sequence[int]) -> isl.Set:
    """A point as a set."""
    return read_set(f"{{ [{', '.join(map(str, point))}] }}")


def _inferences(ahead: int) -> str:
    """Which inference an iteration is in, if not in the same one: `, 2 inferences earlier,`."""
    if not ahead:
        return ""
    many = f"{abs(ahead)} inference{'s' * (abs(ahead) > 1)}"
    return f", {many} {'earlier' if ahead < 0 else 'later'},"


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
    cores: isl.Set,
) -> isl.Map:
    try:
        return read_visits(op.regions[0], kind, values, count, cores)
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
    pair = isl.Map.from_basic_map(at_some_core(pairs).sample())
    return f"{sample(pair.domain())} and {sample(pair.range())}"


def _coordinates(points: isl.Set) -> str:
    """One of the points, as `(0, 8)`."""
    return _text(_point(points))


def _text(point: Sequence[int]) -> str:
    return f"({', '.join(map(str, point))})"


def _point(points: isl.Set) -> list[int]:
    """One of the points."""
    point = points.sample_point()
    return [
        point.get_coordinate_val(isl.dim_type.set, d).to_python()
        for d in range(points.dim(isl.dim_type.set))
    ]
