"""Symbolic proof of control logic, for networks with too many points to enumerate.

Loops and automata are read back as relations (`cmir.isl.read_back`), and ISL decides for all inferences from reset at
once. Unlike the enumeration, this proof shares code with the compiler: needs and prefix maxima come from
`cmir.isl.dependences`, which checks each maximum that ISL returns, and `cmir.timing` decides deadlock. Elements that
several cores store into one slot are rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import islpy as isl
from xdsl.ir import Operation, SSAValue

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
from cmir.dialects.polyhedral import ArrayOp, sample, symbol
from cmir.elaboration.network import ElaboratedNetwork
from cmir.isl.control import AutomatonSteps, judge
from cmir.isl.cores import (
    as_neighbour,
    at_some_core,
    core_parameters,
    core_set,
    on_core,
    some_core,
    with_parameters,
)
from cmir.isl.dependence_kind import DependenceKind
from cmir.isl.dependences import (
    full_storage,
    iterations,
    raw_needs,
    raw_needs_across,
    stream,
    war_needs,
)
from cmir.isl.inferences import across, in_any_inference, in_own_inference, inferences_back
from cmir.isl.read_back import NonAffineError, read_visits
from cmir.isl.text import read_map, read_set
from cmir.proof.control.automata import automaton_operations
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError
from cmir.timing.control import DeadlockError
from cmir.timing.network import unit_actors
from cmir.timing.steady import time_stream

Coordinates = Sequence[tuple[int, ...]]


def prove_symbolically(network: NetworkOp, cores: Mapping[str, Coordinates]) -> None:
    """Raise CompileError with a counterexample unless the control logic is correct. cores: by program."""
    _Prover(network, cores).prove()


class _ProgramRelations:
    """A program as relations. Iteration tuples are anonymous.

    cores: the cores that run it, as values of p0, p1, …, the parameters of relations that hold for one core. order:
    `{ [iteration] -> [time] }` on each core. reads, writes: by array, `{ [iteration] -> array[location] }`, for all
    cores together. stream_reads: reads with the inference, `{ [iteration] -> array[m, location] }`.
    """

    def __init__(self, op: ProgramOp, arrays: dict[str, ArrayOp], cores: isl.Set):
        self.op, self.name, self.cores = op, op.sym_name.data, cores
        rank = len(op.iteration.body.block.args)
        fires = _read(op.loop_nest, FireOp, lambda fire: fire.operands, rank, cores)
        if not (idle := cores.subtract(fires.params())).is_empty():
            raise CompileError(op.loop_nest, f"@{self.name}{_core(idle)} fires no iteration")
        if not fires.is_injective():
            twice = at_some_core(fires.reverse().subtract_domain(_once(fires)).domain())
            raise CompileError(op.loop_nest, f"@{self.name} fires iteration {_text(twice)} twice")
        self.order = fires.reverse()
        own = on_core(isl.Map.from_domain(self.order.domain()), op.core_dims).domain()
        if not (others := self.order.domain().subtract(own)).is_empty():
            raise CompileError(
                op.loop_nest,
                f"@{self.name} fires iteration {_text(at_some_core(others))} on a core that has "
                "other coordinates",
            )
        self.iterations = self.order.domain().project_out_all_params()
        self.reads: dict[str, isl.Map] = {}
        self.stream_reads: dict[str, isl.Map] = {}
        self.writes: dict[str, isl.Map] = {}
        self.buffers = {symbol(buffer.array): buffer for buffer in op.buffers}
        for item in op.iteration.body.block.ops:
            if isinstance(item, LoadOp):
                for buffer, access in item.buffers_and_maps():
                    assert isinstance(buffer.owner, BufferOp)
                    array = symbol(buffer.owner.array)
                    relation = access.relation
                    if item.across is None:
                        relation = in_own_inference(relation)
                    stream_read = self._access(relation, arrays[array], item)
                    known = self.stream_reads.get(array, stream_read)
                    self.stream_reads[array] = known.union(stream_read)
                    self.reads[array] = in_any_inference(self.stream_reads[array])
            elif isinstance(item, StoreOp):
                array = symbol(item.array)
                write = self._access(in_own_inference(item.map.relation), arrays[array], item)
                write = in_any_inference(write)
                known = self.writes.get(array, isl.Map.empty(write.get_space()))
                if not (again := known.range().intersect(write.range())).is_empty():
                    raise CompileError(item, f"@{self.name} stores {sample(again)} more than once")
                self.writes[array] = known.union(write)

    def _access(self, relation: isl.Map, array: ArrayOp, op: Operation) -> isl.Map:
        """Return the accesses of the fired iterations. Raises CompileError for an access outside the array.

        relation: locations begin with the inference.
        """
        access = iterations(relation).reset_tuple_id(isl.dim_type.in_)
        access = access.intersect_domain(self.iterations)
        outside = in_any_inference(access).subtract_range(array.locations)
        if not outside.is_empty():
            iteration, element = _pair(outside)
            raise CompileError(
                op,
                f"iteration {_text(iteration)} of @{self.name} accesses {sample(element)}, "
                f"outside {array.type}",
            )
        return access

    def on_core(self, access: isl.Map) -> isl.Map:
        """Return the accesses of one core's iterations; its coordinates are parameters."""
        return on_core(access, self.op.core_dims)


@dataclass(frozen=True)
class _Demand:
    """The needs of a program for events of a neighbour, due to one array.

    needs: D, in times. elements: `{ [n, iteration] -> array[n', location] }`, the elements that the program reads or
    overwrites. theirs: likewise for the neighbour, the elements that it stores or reads. unsafe: the fault, for
    messages.
    """

    array: str
    needs: isl.Map
    elements: isl.Map
    theirs: isl.Map
    unsafe: str


class _Prover:
    """Proof of one network."""

    def __init__(self, network: NetworkOp, cores: Mapping[str, Coordinates]):
        self.network, self.arrays = network, network.arrays
        self.inputs = {symbol(ref) for ref in network.inputs}
        self.programs = {
            name: _ProgramRelations(op, self.arrays, core_set(cores[name]))
            for name, op in network.programs.items()
        }

    def prove(self) -> None:
        """Raise CompileError with a counterexample if the control logic is incorrect."""
        for name, array in self.arrays.items():
            readers = [p for p in self.programs.values() if name in p.reads]
            writers = [p for p in self.programs.values() if name in p.writes]
            given = name in self.inputs or array.source is not None
            if not given:
                self._check_written(array, writers, readers)
            for reader in readers:
                self._check_kept(array, reader)
                if given and inferences_back(reader.stream_reads[name]):
                    raise CompileError(
                        reader.buffers[name],
                        f"control logic cannot be proved: @{reader.name} reads input @{name} across inferences, "
                        "and has too many points to enumerate",
                    )
                if reader.buffers[name].storage is None:
                    continue  # a slot for each element of an inference
                if given:
                    _check_given(name, reader, array.source is not None)
                else:
                    _check_sharing(name, writers, reader)
        for program in self.programs.values():
            self._check_automata(program)
        actors = unit_actors(ElaboratedNetwork(self.network))
        waits = [d for actor in actors.values() for d in actor.dependences]
        try:
            time_stream(actors, max((len(d.first) for d in waits), default=0) + 2)
        except DeadlockError as deadlock:
            raise CompileError(self.network, deadlock.message) from None

    def _check_written(
        self, array: ArrayOp, writers: list[_ProgramRelations], readers: list[_ProgramRelations]
    ) -> None:
        """Check that each element is stored at most once, and that elements that are read or are outputs are stored."""
        name = array.sym_name.data
        written = isl.Set.empty(array.locations.get_space())
        for writer in writers:
            write = writer.writes[name]
            if not write.is_injective():
                again = write.reverse().subtract_domain(_once(write))
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
                    f"iteration {_text(iteration)} of @{reader.name} reads {sample(element)}, "
                    "which no program stores",
                )
        if (
            name in map(symbol, self.network.outputs)
            and not (missing := array.locations.subtract(written)).is_empty()
        ):
            raise CompileError(
                self.network, f"output element {sample(missing)} is stored by no program"
            )

    def _check_kept(self, array: ArrayOp, reader: _ProgramRelations) -> None:
        """Raise CompileError if an element that is read has no slot. The verifier has checked that slots exist."""
        name = array.sym_name.data
        buffer = reader.buffers[name]
        storage = _storage(buffer, array).intersect_params(reader.cores)
        lost = stream(reader.on_core(reader.reads[name])).range().subtract(storage.domain())
        if not lost.is_empty():
            raise CompileError(
                buffer,
                f"the buffer of @{name} at @{reader.name}{_core(lost)} has no slot for "
                f"{_element(at_some_core(lost), name)}, which is read there",
            )

    def _check_automata(self, program: _ProgramRelations) -> None:
        """Check the snoops of a program against its reads, and its credits against the elements that it overwrites."""
        automata = automaton_operations(program.op)
        for name, read in program.stream_reads.items():
            for writer in self.programs.values():
                if (write := writer.writes.get(name)) is None:
                    continue
                theirs = as_neighbour(writer.order)
                orders = theirs, program.order
                if inferences_back(read):
                    needs = raw_needs_across(write, read, *orders)
                else:
                    needs = stream(raw_needs(write, program.reads[name], *orders))
                demand = _Demand(
                    name,
                    needs,
                    across(read),
                    stream(write),
                    "may read {element} before iteration {event} has stored it",
                )
                event = theirs.reverse().apply_range(write).reverse()
                ops = automata.pop((DependenceKind.RAW, name, writer.name), [])
                _check_pair(program, writer, demand, ops, event)
        for name, write in program.writes.items():
            for reader in self.programs.values():
                if (read := reader.stream_reads.get(name)) is None:
                    continue
                theirs = as_neighbour(reader.order)
                storage = as_neighbour(_storage(reader.buffers[name], self.arrays[name]))
                orders = program.order, theirs
                needs = war_needs(write, read, storage, *orders)
                if program is reader:
                    own = war_needs(write, read, storage, *orders, itself=True)
                    same = _same_core(program)
                    needs = needs.intersect_params(same.complement())
                    needs = needs.union(own.intersect_params(same)).coalesce()
                both = _both(program, reader)
                _check_past(needs.intersect_params(both), name, reader)
                demand = _Demand(
                    name,
                    needs,
                    stream(write).apply_range(storage.apply_range(storage.reverse())),
                    across(read),
                    "may overwrite {element} before iteration {event} has read it",
                )
                ops = automata.pop((DependenceKind.WAR, name, reader.name), [])
                _check_pair(program, reader, demand, ops, theirs)
        for (_, name, other), (op, *_) in automata.items():
            raise CompileError(
                op, f"{op.name} of @{name} from @{other}: @{program.name} needs nothing of it"
            )


def _same_core(program: _ProgramRelations) -> isl.Set:
    """Return the pairs of cores of a program that are one core twice."""
    dims = program.op.core_dims
    own, theirs = core_parameters(dims), core_parameters(dims, "q")
    equal = " and ".join(f"{p} = {q}" for p, q in zip(own, theirs, strict=True))
    return read_set(f"[{', '.join([*own, *theirs])}] -> {{ : {equal} }}")


def _check_past(needs: isl.Map, name: str, reader: _ProgramRelations) -> None:
    """Raise CompileError if an element may be overwritten only after a read of an inference after that of the write."""
    dims = (needs.dim(isl.dim_type.in_), needs.dim(isl.dim_type.out))
    waiting, event = (
        ", ".join([n, *(f"{n}{d}" for d in range(1, count))])
        for n, count in zip("nm", dims, strict=True)
    )
    if not needs.intersect(read_map(f"{{ [{waiting}] -> [{event}] : m > n }}")).is_empty():
        raise CompileError(
            reader.buffers[name],
            f"the buffer of @{name} at @{reader.name} has one slot for an element and a later one, and a later "
            "inference than the second's reads the first: the buffer must hold more inferences",
        )


def _check_given(name: str, reader: _ProgramRelations, parameter: bool) -> None:
    """Raise CompileError if an element that exists from the start shares its slot, or a parameter's element moves."""
    buffer = reader.buffers[name]
    assert buffer.storage is not None
    storage = buffer.storage.relation
    read = stream(reader.on_core(reader.reads[name])).range()
    shares = storage.intersect_domain(read).apply_range(storage.reverse())
    same = isl.Map.identity(isl.Space.map_from_set(read.get_space()))
    same = same.project_out(isl.dim_type.in_, 0, 1).project_out(isl.dim_type.out, 0, 1)
    same = same.insert_dims(isl.dim_type.in_, 0, 1).insert_dims(isl.dim_type.out, 0, 1)
    name_ = read.get_tuple_name()
    same = same.set_tuple_name(isl.dim_type.in_, name_).set_tuple_name(isl.dim_type.out, name_)
    if not (clash := shares.subtract(same)).is_empty():
        raise CompileError(
            buffer,
            f"the buffer of @{name} at @{reader.name} has one slot for {_two(clash)} (inference first); "
            f"what is read of {'a parameter' if parameter else 'an input'} needs a slot of its own",
        )
    if parameter and not (moved := same.intersect_domain(read).subtract(shares)).is_empty():
        raise CompileError(
            buffer,
            f"the buffer of @{name} at @{reader.name} has {_element(at_some_core(moved.domain()), name)} "
            "in another slot in another inference: a parameter stays",
        )


def _check_sharing(
    name: str, writers: Iterable[_ProgramRelations], reader: _ProgramRelations
) -> None:
    """Check that elements that share a slot are stored by one core, one after the other, or are never read."""
    buffer = reader.buffers[name]
    assert buffer.storage is not None
    storage = buffer.storage.relation
    shares = storage.apply_range(storage.reverse())
    shares = shares.intersect_domain(stream(reader.on_core(reader.reads[name])).range())
    shares = shares.subtract(isl.Map.identity(shares.get_space()))
    written = {writer.name: stream(writer.writes[name]) for writer in writers}
    for one in writers:
        write = written[one.name]
        clash = write.reverse().apply_range(write).intersect(shares)
        if not clash.is_empty():
            raise CompileError(
                buffer,
                f"the buffer of @{name} at @{reader.name} has one slot for {_two(clash)} "
                f"(inference first), which @{one.name} stores at once",
            )
        for other, also in written.items():
            clash = shares.intersect_domain(write.range()).intersect_range(also.range())
            if other == one.name:  # its cores are not ordered, either
                writing_core = _to_core(write, one.op.core_dims)
                clash = clash.subtract(writing_core.apply_range(writing_core.reverse()))
            if not clash.is_empty():
                who = f"@{one.name} and @{other}"
                who = f"two cores of @{one.name}" if other == one.name else who
                raise CompileError(
                    buffer,
                    f"the buffer of @{name} at @{reader.name} has one slot for {_two(clash)} "
                    f"(inference first), which {who} store, in no order",
                )


def _check_pair(
    program: _ProgramRelations,
    other: _ProgramRelations,
    demand: _Demand,
    ops: Sequence[SnoopOp | CreditOp],
    event_times: isl.Map,
) -> None:
    """Raise CompileError unless the automata that follow one neighbour are safe, tight and live.

    event_times: relation from the events that the automata wait `at` to their times in the neighbour.
    """
    where = ops[0] if ops else program.op
    automata = [_automaton(op, program, other, event_times) for op in ops]
    times = program.order.range().intersect_params(_both(program, other))
    verdict = judge(automata, demand.needs, times)
    if not (dead := verdict.dead).is_empty():
        n, mine = _iteration(at_some_core(dead), program.order, dead)
        text = f"never released by @{other.name} on account of @{demand.array}"
        raise CompileError(
            where, f"not live: iteration {_text(mine)} of @{program.name} is {text}{_when(n)}"
        )
    for what, violated in (("safe", verdict.unsafe), ("tight", verdict.late)):
        if violated.is_empty():
            continue
        fault = at_some_core(violated)
        time = fault.domain().lexmin()
        event = fault.intersect_domain(time).range().lexmin()
        n, mine = _iteration(time, program.order, violated)
        m, theirs = _iteration(event, as_neighbour(other.order), violated)
        name = f"{_text(theirs)} of @{other.name}{_inferences(m - n)}"
        problem = f"waits for iteration {name} and needs nothing of it in @{demand.array}"
        if what == "safe":
            element = at_some_core(_in_inference(mine, n).apply(demand.elements))
            element = element.intersect(_in_inference(theirs, m).apply(demand.theirs))
            problem = demand.unsafe.format(element=_element(element, demand.array), event=name)
        raise CompileError(
            where, f"not {what}: iteration {_text(mine)} of @{program.name} {problem}{_when(n)}"
        )


def _iteration(times: isl.Set, order: isl.Map, where: isl.Set | isl.Map) -> tuple[int, isl.Set]:
    """Return (inference, iteration) at the first of some times.

    order: on each core; the core is one that `where` allows.
    """
    time = times.lexmin()
    n = time.sample_point().get_coordinate_val(isl.dim_type.set, 0).to_python()
    on_cores = order
    for name, value in some_core(where).items():
        if (d := on_cores.find_dim_by_name(isl.dim_type.param, name)) >= 0:
            on_cores = on_cores.fix_val(isl.dim_type.param, d, isl.Val(value))
    found = time.project_out(isl.dim_type.set, 0, 1).apply(on_cores.reverse())
    return n, found.project_out_all_params()


def _automaton(
    op: SnoopOp | CreditOp,
    program: _ProgramRelations,
    other: _ProgramRelations,
    event_times: isl.Map,
) -> AutomatonSteps:
    at = event_times.dim(isl.dim_type.in_)
    rank = program.iterations.dim(isl.dim_type.set)

    def values(release: Operation) -> Sequence[SSAValue | int]:
        assert isinstance(release, ReleaseOp)
        ahead = 0 if release.ahead is None else release.ahead
        waits = [1, *release.at] if release.awaits else [0, *[0] * at]
        return [*waits, ahead, *release.upto]

    steps = _read(op, ReleaseOp, values, 2 + at + rank, _both(program, other))
    waiting = steps.fix_val(isl.dim_type.out, 0, isl.Val(1))
    awaited = waiting.project_out(isl.dim_type.out, 1 + at, steps.dim(isl.dim_type.out) - 1 - at)
    awaited = awaited.project_out(isl.dim_type.out, 0, 1)
    known = event_times.reset_tuple_id(isl.dim_type.in_)
    if not (never := awaited.range().subtract(known.domain())).is_empty():
        raise CompileError(
            op,
            f"{op.name} waits for {_text(at_some_core(never))}, which @{other.name} never brings about",
        )
    limits = steps.project_out(isl.dim_type.out, 0, 1 + at)
    ahead = limits.project_out(isl.dim_type.out, 1, rank)
    upto = limits.project_out(isl.dim_type.out, 0, 1)
    if not (unknown := upto.range().subtract(program.order.domain())).is_empty():
        raise CompileError(
            op,
            f"{op.name} releases {_text(at_some_core(unknown))}, which is no iteration of @{program.name}",
        )
    return AutomatonSteps(
        awaited.apply_range(known), ahead.flat_range_product(upto.apply_range(program.order))
    )


def _read(
    op: Operation,
    kind: type[Operation],
    values: Callable[[Operation], Sequence[SSAValue | int]],
    count: int,
    cores: isl.Set,
) -> isl.Map:
    try:
        return read_visits(op.regions[0], kind, values, count, cores)
    except NonAffineError as error:
        raise CompileError(error.op, f"control logic cannot be proved: {error}") from None


def _both(program: _ProgramRelations, other: _ProgramRelations) -> isl.Set:
    """Return the pairs of cores of a program and of a neighbour; their coordinates are parameters, in this order."""
    both = program.cores.intersect(as_neighbour(other.cores))
    names = core_parameters(program.op.core_dims) + core_parameters(other.op.core_dims, "q")
    return with_parameters(both, names)


def _to_core(write: isl.Map, core_dims: int) -> isl.Map:
    """Return `{ b[n, location] -> [core] }` for a stream of writes `{ [n, core, iteration] -> b[n, location] }`."""
    written = write.reverse()
    rank = written.dim(isl.dim_type.out)
    written = written.project_out(isl.dim_type.out, 1 + core_dims, rank - 1 - core_dims)
    return written.project_out(isl.dim_type.out, 0, 1)


def _core(where: isl.Set) -> str:
    """Return a core of a set as text, `[2]`; empty if there is only one core."""
    core = some_core(where)
    return f"[{', '.join(map(str, core.values()))}]" if core else ""


def _inferences(ahead: int) -> str:
    """Return the inference of an event, counted from that of the iteration: `, 2 inferences earlier,`."""
    if not ahead:
        return ""
    many = count_of(abs(ahead), "inference")
    return f", {many} {'earlier' if ahead < 0 else 'later'},"


def _when(inference: int) -> str:
    return f" (in inference {inference})" * (inference != 0)


def _in_inference(points: isl.Set, n: int) -> isl.Set:
    """Return `{ [point] }` as `{ [n, point] }`."""
    return points.insert_dims(isl.dim_type.set, 0, 1).fix_val(isl.dim_type.set, 0, isl.Val(n))


def _element(elements: isl.Set, array: str) -> str:
    """Return one of the elements `array[n, location]` as text, without its inference; the array if there is none."""
    return f"@{array}" if elements.is_empty() else f"{array}{_point(elements)[1:]}"


def _storage(buffer: BufferOp, array: ArrayOp) -> isl.Map:
    return buffer.storage.relation if buffer.storage else full_storage(array.locations)


def _once(relation: isl.Map) -> isl.Set:
    """Return the points of the range that are the image of exactly one point of the domain."""
    back = relation.reverse()
    several = back.lexmin().subtract(back.lexmax()).domain()
    return back.domain().subtract(several)


def _pair(relation: isl.Map) -> tuple[isl.Set, isl.Set]:
    """Return the first point of the domain, and the first point of its image."""
    first = relation.domain().lexmin()
    return first, relation.intersect_domain(first).range().lexmin()


def _two(pairs: isl.Map) -> str:
    """Return the two elements of one of the pairs, as `b[0, 8] and b[1, 0]`; pairs may be without a first one."""
    pair = isl.Map.from_basic_map(at_some_core(pairs).sample())
    return f"{sample(pair.domain())} and {sample(pair.range())}"


def _text(points: isl.Set) -> str:
    """Return one of the points as text, `(0, 8)`."""
    return f"({', '.join(map(str, _point(points)))})"


def _point(points: isl.Set) -> list[int]:
    """Return one of the points."""
    point = points.sample_point()
    return [
        point.get_coordinate_val(isl.dim_type.set, d).to_python()
        for d in range(points.dim(isl.dim_type.set))
    ]
