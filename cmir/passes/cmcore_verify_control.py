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
        fires = _read(op.loop_nest, FireOp, lambda fire: fire.operands)
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
            raise CompileError(
                op,
                f"iteration {_coordinates(outside.domain())} of @{self.name} accesses "
                f"{sample(outside.range())}, outside {array.type}",
            )
        accesses[name] = accesses[name].union(access) if name in accesses else access

    def iteration_at(self, times: isl.Set) -> str:
        """One of the iterations that run at these times, for a message."""
        return _coordinates(times.apply(self.order.reverse()))


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
                raise CompileError(
                    reader.op,
                    f"iteration {_coordinates(missing.domain())} of @{reader.name} reads "
                    f"{sample(missing.range())}, which no program stores",
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
                needs = stream(raw_needs(writer.writes[name], read, writer.order, program.order))
                event = writer.order.reverse().apply_range(writer.writes[name]).reverse()
                automata = snoops.pop((name, writer.name), [])
                self._judge(program, writer, name, needs, automata, event, "waits for data of")
        for name, write in program.writes.items():
            array = self.arrays[name]
            for reader in readers[name]:
                storage = _storage(reader.buffers[name], array)
                needs = war_needs(write, reader.reads[name], storage, program.order, reader.order)
                automata = credits.pop((name, reader.name), [])
                self._judge(program, reader, name, needs, automata, reader.order, "gives room in")
        for (name, source), extra in (*snoops.items(), *credits.items()):
            raise CompileError(
                extra[0],
                f"{extra[0].name} of @{name} from @{source}: @{program.name} needs nothing of it",
            )

    def _judge(
        self,
        program: _Program,
        other: _Program,
        array: str,
        needs: isl.Map,
        ops: Sequence[SnoopOp | CreditOp],
        event_times: isl.Map,
        purpose: str,
    ) -> None:
        """Raise CompileError unless the automata on one neighbour are safe, tight and live.

        event_times: what the automata wait for `at` -> its time in the neighbour.
        """
        automata = [self._automaton(op, program, other, event_times) for op in ops]
        verdict = judge(automata, needs, program.times)
        where = ops[0] if ops else program.op
        _report(verdict, where, program, other, array)

    def _automaton(
        self, op: SnoopOp | CreditOp, program: _Program, other: _Program, event_times: isl.Map
    ) -> Automaton:
        releases = [r for r in op.body.walk() if isinstance(r, ReleaseOp)]
        at = max((len(r.at) for r in releases if r.awaits), default=0)

        def values(release: Operation) -> Sequence[SSAValue | int]:
            assert isinstance(release, ReleaseOp)
            ahead = 0 if release.ahead is None else release.ahead
            waits = [1, *release.at] if release.awaits else [0, *[0] * at]
            return [*waits, ahead, *release.upto]

        steps = _read(op, ReleaseOp, values)
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
        rank = limits.dim(isl.dim_type.out) - 1
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
    verdict: Verdict, where: Operation, program: _Program, other: _Program, array: str
) -> None:
    """Raise CompileError with a counterexample, if there is one."""
    if not verdict.dead.is_empty():
        raise CompileError(
            where,
            f"not live: iteration {program.iteration_at(verdict.dead)} of @{program.name} is never "
            f"released by @{other.name} on account of @{array}",
        )
    for what, violated, problem in (
        ("safe", verdict.unsafe, "may run before"),
        ("tight", verdict.late, "needlessly waits for"),
    ):
        if violated.is_empty():
            continue
        point = isl.Map.from_basic_map(violated.sample())
        event = point.range()
        inference = event.sample_point().get_coordinate_val(isl.dim_type.set, 0).to_python()
        time = event.project_out(isl.dim_type.set, 0, 1)
        when = {0: "the same inference"}.get(inference, f"the inference {inference:+d} from it")
        raise CompileError(
            where,
            f"not {what}: iteration {program.iteration_at(point.domain())} of @{program.name} "
            f"{problem} iteration {other.iteration_at(time)} of @{other.name}, in {when}, "
            f"on account of @{array}",
        )


def _read(
    op: Operation,
    kind: type[Operation],
    values: Callable[[Operation], Sequence[SSAValue | int]],
) -> isl.Map:
    try:
        return read_visits(op.regions[0], kind, values)
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


def _coordinates(points: isl.Set) -> str:
    """One of the points, as `(0, 8)`."""
    point = points.sample_point()
    values = [
        str(point.get_coordinate_val(isl.dim_type.set, d))
        for d in range(points.dim(isl.dim_type.set))
    ]
    return f"({', '.join(values)})"
