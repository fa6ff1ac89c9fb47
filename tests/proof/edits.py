"""Small changes to a program beside its control logic: loads, stores, relations, buffers, matrices, cores."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import islpy as isl
from proof.edits_of_turns import edits_of_turns
from proof.mutants import Change, Mutant, NoMutantError
from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    MemRefType,
    UnitAttr,
)
from xdsl.ir import Operation

from cmir.dialects.cmcore import (
    BufferOp,
    CoreOp,
    CrossbarOp,
    InstanceAttr,
    IterationOp,
    LoadOp,
    NetworkOp,
    ProgramOp,
    StoreOp,
)
from cmir.dialects.polyhedral import ArrayOp, MapAttr, symbol


def edits(network: NetworkOp) -> Iterator[Mutant]:
    """All such mutants of a network."""
    given = {symbol(ref) for ref in network.inputs}
    given |= {name for name, array in network.arrays.items() if array.source is not None}
    cores = network.cores
    yield from edits_of_turns(network)
    for at, op in enumerate(network.walk()):
        yield from _relations(at, op)
        match op:
            case LoadOp() | StoreOp():
                yield from _accesses(at, op)
            case BufferOp():
                yield from _buffers(at, op, symbol(op.array) in given)
            case CoreOp():
                yield from _cores(at, op, cores)
            case ProgramOp():
                mark = "unmark" if op.gcu is not None else "mark"
                yield Mutant(f"{mark} a program `gcu`", at, "", lambda ops, at=at: _gcu(ops[at]))
            case arith.SubfOp() | arith.DivfOp() | arith.MaximumfOp() | arith.AddfOp():
                yield Mutant("swap operands", at, op.name, lambda ops, at=at: _swap(ops[at]))
                yield Mutant("repeat an operand", at, op.name, lambda ops, at=at: _same(ops[at]))
            case _:
                pass


# Relations.

_NUMBER = re.compile(r"(?<![A-Za-z_0-9])\d+")

_KINDS: dict[type[Operation], str] = {
    LoadOp: "load",
    StoreOp: "store",
    BufferOp: "storage",
    CrossbarOp: "cells",
}

_PROPERTIES: dict[type[Operation], str] = {
    StoreOp: "map",
    BufferOp: "storage",
    CrossbarOp: "cells",
}


def _relations(at: int, op: Operation) -> Iterator[Mutant]:
    """Each number in a relation, one more and one less; each coordinate of its range shifted or reversed."""
    what = _KINDS.get(type(op))
    if what is None:
        return
    for place, text in enumerate(_texts(op)):
        for number in range(len(_NUMBER.findall(text))):
            for by in (1, -1):
                yield Mutant(
                    f"change a number of a {what} relation",
                    at,
                    f"relation {place}, number {number} by {by:+}",
                    _relation_change(at, place, lambda t, n=number, by=by: _nudge(t, n, by)),
                )
        for axis in range(isl.Map(text).dim(isl.dim_type.out)):
            for by in (1, -1):
                yield Mutant(
                    f"shift a {what} relation",
                    at,
                    f"relation {place}, axis {axis} by {by:+}",
                    _relation_change(at, place, lambda t, a=axis, by=by: _moved(t, a, by)),
                )
        for axis in range(isl.Map(text).dim(isl.dim_type.in_)):
            yield Mutant(
                f"reverse a {what} relation",
                at,
                f"relation {place}, axis {axis}",
                _relation_change(at, place, lambda t, a=axis: _reversed(t, a)),
            )


def _relation_change(at: int, place: int, edit: Callable[[str], isl.Map]) -> Change:
    def change(ops: list[Operation]) -> None:
        op = ops[at]
        try:
            new = MapAttr.of(edit(_texts(op)[place]))
        except (isl.Error, ValueError) as error:
            raise NoMutantError from error
        if isinstance(op, LoadOp):
            maps = [*op.maps.data]
            maps[place] = new
            op.properties["maps"] = type(op.maps)(maps)
        else:
            op.properties[_PROPERTIES[type(op)]] = new

    return change


def _texts(op: Operation) -> list[str]:
    match op:
        case LoadOp():
            return [access.data for access in op.maps]
        case StoreOp():
            return [op.map.data]
        case BufferOp():
            return [] if op.storage is None else [op.storage.data]
        case CrossbarOp():
            return [op.cells.data]
        case _:
            return []


def _nudge(text: str, number: int, by: int) -> isl.Map:
    match = [*_NUMBER.finditer(text)][number]
    new = int(match[0]) + by
    return isl.Map(f"{text[: match.start()]}{new if new >= 0 else f'({new})'}{text[match.end() :]}")


def _moved(text: str, axis: int, by: int) -> isl.Map:
    """The range shifted along an axis, within what it was."""
    relation = isl.Map(text)
    size = relation.dim(isl.dim_type.out)
    names = [f"x{d}" for d in range(size)]
    moved = [f"{x} + {by}" if d == axis else x for d, x in enumerate(names)]
    shift = isl.Map(f"{{ [{', '.join(names)}] -> [{', '.join(moved)}] }}")
    name = relation.get_tuple_name(isl.dim_type.out)
    for kind in (isl.dim_type.in_, isl.dim_type.out):
        shift = shift.set_tuple_name(kind, name)
    return relation.apply_range(shift).intersect_range(relation.range())


def _reversed(text: str, axis: int) -> isl.Map:
    """The domain run through backwards along an axis."""
    relation = isl.Map(text)
    flat = relation.domain()
    flat = flat.unwrap().flatten().wrap() if flat.is_wrapping() else flat
    bounds = flat.project_out_all_params()
    low, high = bounds.dim_min_val(axis), bounds.dim_max_val(axis)
    if not (low.is_int() and high.is_int()):
        raise NoMutantError
    space = relation.domain().get_space()
    back = isl.Map.from_multi_aff(_mirror(space, axis, low.add(high)))
    return back.apply_range(relation)


def _mirror(space: isl.Space, axis: int, total: isl.Val) -> isl.MultiAff:
    mirror = isl.MultiAff.identity(space.map_from_set())
    aff = mirror.get_aff(axis).neg().add_constant_val(total)
    return mirror.set_aff(axis, aff)


# Loads and stores.


def _accesses(at: int, op: LoadOp | StoreOp) -> Iterator[Mutant]:
    name = "load" if isinstance(op, LoadOp) else "store"
    yield Mutant(f"repeat a {name}", at, "", lambda ops: _repeat(ops[at]))
    yield Mutant(f"drop a {name}", at, "", lambda ops: _drop(ops[at]))
    block = op.parent
    assert block is not None
    for k, other in enumerate(o for o in block.ops if isinstance(o, LoadOp)):
        value = op.result if isinstance(op, LoadOp) else op.value
        if other is not op and other.result.type == value.type:
            detail = f"of load {k}"
            yield Mutant(f"{name} another value", at, detail, lambda ops, k=k: _other(ops[at], k))


def _repeat(op: Operation) -> None:
    block = op.parent
    assert block is not None
    block.insert_op_after(op.clone(), op)


def _drop(op: Operation) -> None:
    """Drop an operation; zeros take the place of what a load reads."""
    if isinstance(op, LoadOp):
        type: Any = op.result.type
        zeros = arith.ConstantOp(DenseIntOrFPElementsAttr.from_list(type, [0]))
        block = op.parent
        assert block is not None
        block.insert_op_before(zeros, op)
        op.result.replace_all_uses_with(zeros.result)
    op.detach()
    op.erase()


def _other(op: Operation, k: int) -> None:
    """Use, or store, what the k-th load of the iteration reads."""
    iteration = op.parent_op()
    assert isinstance(iteration, IterationOp)
    loads = [o for o in iteration.body.block.ops if isinstance(o, LoadOp)]
    if isinstance(op, LoadOp):
        later = loads[k] if loads.index(op) > k else None
        if later is None:
            raise NoMutantError
        op.result.replace_all_uses_with(later.result)
    elif isinstance(op, StoreOp):
        op.operands[0] = loads[k].result


def _swap(op: Operation) -> None:
    op.operands[0], op.operands[1] = op.operands[1], op.operands[0]


def _same(op: Operation) -> None:
    op.operands[1] = op.operands[0]


# Buffers.


def _buffers(at: int, op: BufferOp, given: bool) -> Iterator[Mutant]:
    yield Mutant("add a second buffer", at, "", lambda ops: _second(ops[at], None))
    for read in (False, True):
        detail = "of one slot, which is read" if read else "of one slot"
        yield Mutant("add a second buffer", at, detail, lambda ops, r=read: _second(ops[at], r))
    if op.storage is not None:
        yield Mutant("drop the storage", at, "", lambda ops: _store_in(ops[at], "full"))
    kinds = ["one slot", "reversed", "folded"] if given else ["one slot", "reversed"]
    kind = "keep what is given otherwise" if given else "keep an array otherwise"
    for how in kinds:
        yield Mutant(kind, at, how, lambda ops, how=how: _store_in(ops[at], how))


def _second(op: Operation, read: bool | None) -> None:
    """read: of the new buffer, of one slot; None for one like the old."""
    assert isinstance(op, BufferOp)
    block = op.parent
    assert block is not None
    if read is None:
        block.insert_op_after(op.clone(), op)
        return
    other = _with_storage(op, "one slot")
    block.insert_op_after(other, op)
    if read:
        for use in [use for use in op.result.uses if isinstance(use.operation, LoadOp)]:
            use.operation.operands[use.index] = other.result


def _store_in(op: Operation, how: str) -> None:
    assert isinstance(op, BufferOp)
    new = _with_storage(op, how)
    block = op.parent
    assert block is not None
    block.insert_op_before(new, op)
    op.result.replace_all_uses_with(new.result)
    op.detach()
    op.erase()


def _with_storage(op: BufferOp, how: str) -> BufferOp:
    """A buffer of the array with one slot, or one for each element, in reverse order or folded along an axis."""
    name, network = symbol(op.array), op.parent_op()
    while not isinstance(network, NetworkOp):
        assert network is not None
        network = network.parent_op()
    array = next(
        o for o in network.body.block.ops if isinstance(o, ArrayOp) and o.sym_name.data == name
    )
    shape, dims = [*array.shape], [f"d{d}" for d in range(len(array.shape))]
    slots = [*dims]
    longest = max(range(len(shape)), key=lambda d: shape[d], default=0)
    if how == "one slot":
        slots, shape = ["0" for _ in dims], [1 for _ in shape]
    elif how == "reversed":
        slots = [f"{size - 1} - {x}" for x, size in zip(dims, shape, strict=True)]
    elif how == "folded" and shape and shape[longest] > 1:
        shape[longest] -= 1
        slots[longest] = f"{dims[longest]} mod {shape[longest]}"
    text = f"{{ {name}[{', '.join(['n', *dims])}] -> slot[{', '.join(slots)}] }}"
    type = MemRefType(array.type.element_type, shape)
    return BufferOp(name, type, None if how == "full" else MapAttr.of(text))


# Cores and programs.


def _cores(at: int, op: CoreOp, cores: list[CoreOp]) -> Iterator[Mutant]:
    yield Mutant("delete a core", at, "", lambda ops: _drop(ops[at]))
    yield Mutant("double a core", at, "", lambda ops: _double(ops[at]))
    yield Mutant("move a core", at, "", lambda ops: _place(ops[at], 100))
    for index in range(len(op.instances[0].core_name.coordinates)):
        for by in (1, -1):
            yield Mutant(
                "change a core's coordinates",
                at,
                f"coordinate {index} by {by:+}",
                lambda ops, i=index, by=by: _recoordinate(ops[at], i, by),
            )
    for k, other in enumerate(cores):
        if other is not op:
            yield Mutant("exchange cores", at, f"with {k}", lambda ops, k=k: _exchange(ops, at, k))
            yield Mutant(
                "run another program", at, f"of core {k}", lambda ops, k=k: _run_as(ops, at, k)
            )


def _double(op: Operation) -> None:
    assert isinstance(op, CoreOp)
    position = [x + 50 for x in op.position.get_values()]
    new = CoreOp(f"{op.sym_name.data}_again", op.instances, position, op.table_size)
    block = op.parent
    assert block is not None
    block.insert_op_after(new, op)


def _replace(op: CoreOp, instances: Sequence[InstanceAttr], position: Sequence[int]) -> None:
    block = op.parent
    assert block is not None
    block.insert_op_after(CoreOp(op.sym_name.data, instances, position, op.table_size), op)
    op.detach()
    op.erase()


def _place(op: Operation, by: int) -> None:
    assert isinstance(op, CoreOp)
    position = [x + by for x in op.position.get_values()]
    _replace(op, op.instances, position)


def _recoordinate(op: Operation, index: int, by: int) -> None:
    assert isinstance(op, CoreOp)
    instance, *others = op.instances
    name = instance.core_name
    core = [x + by if d == index else x for d, x in enumerate(name.coordinates)]
    new = InstanceAttr.of(name.program, core, instance.shares, instance.turn)
    _replace(op, [new, *others], op.place)


def _run_as(ops: list[Operation], at: int, k: int) -> None:
    op = ops[at]
    assert isinstance(op, CoreOp)
    other = [o for o in ops if isinstance(o, CoreOp)][k]
    _replace(op, other.instances, op.place)


def _exchange(ops: list[Operation], at: int, k: int) -> None:
    """Let two cores run each other's programs."""
    one, other = ops[at], [o for o in ops if isinstance(o, CoreOp)][k]
    assert isinstance(one, CoreOp)
    first, second = ((o.instances, o.place) for o in (one, other))
    _replace(one, second[0], first[1])
    _replace(other, first[0], second[1])


def _gcu(op: Operation) -> None:
    assert isinstance(op, ProgramOp)
    if op.properties.pop("gcu", None) is None:
        op.properties["gcu"] = UnitAttr()
