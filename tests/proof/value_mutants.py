"""Faults in the values of a network: each makes a program load, store, multiply or compute something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import islpy as isl
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    StringAttr,
    f16,
)
from xdsl.ir import Operation, SSAValue

from cmir.dialects.cmcore import CrossbarOp, IterationOp, LoadOp, NetworkOp, ProgramOp, StoreOp
from cmir.dialects.polyhedral import MapAttr
from cmir.dialects.vectors import CompareOp, ConvertOp, ReduceOp, SelectOp


@dataclass(frozen=True)
class ValueMutant:
    """A fault at an operation, the one of this number in the order of the text."""

    kind: str
    at: int
    change: Callable[[Operation], None]

    def of(self, network: NetworkOp) -> NetworkOp:
        """A copy of the network that has the fault."""
        copy = network.clone()
        self.change(list(copy.walk())[self.at])
        return copy

    def program(self, network: NetworkOp) -> Operation:
        """The program that has the fault: nothing else has changed."""
        op: Operation | None = list(network.walk())[self.at]
        while op is not None and not isinstance(op, ProgramOp):
            op = op.parent_op()
        assert op is not None
        return op


def value_mutants(network: NetworkOp) -> Iterator[ValueMutant]:
    """All faults of the kinds below, one at a time."""
    for at, op in enumerate(network.walk()):
        if not isinstance(op, CrossbarOp) and not isinstance(op.parent_op(), IterationOp):
            continue
        for kind, change in _changes(op):
            yield ValueMutant(kind, at, change)


# A table of operations.
def _changes(op: Operation) -> Iterator[tuple[str, Callable[[Operation], None]]]:  # noqa: C901
    match op:
        case LoadOp():
            yield from _of_accesses("load", op, [a.relation for a in op.maps], _set_maps)
            if isinstance(op.pad, FloatAttr) and _has_padding(op):
                yield "pad value", _other_pad
        case StoreOp():
            yield from _of_accesses("store", op, [op.map.relation], _set_map)
        case CrossbarOp():
            yield from _of_matrix(op)
        case arith.ConstantOp():
            if isinstance(op.value, DenseIntOrFPElementsAttr):
                yield "constant", _other_constant
        case arith.SubfOp() | arith.DivfOp() | arith.SubiOp():
            yield "operands swapped", _swap
        case arith.MaximumfOp():
            yield "minimum for maximum", _computes(arith.MinimumfOp)
        case arith.MinimumfOp():
            yield "maximum for minimum", _computes(arith.MaximumfOp)
        case arith.AddfOp():
            yield "difference for sum", _computes(arith.SubfOp)
        case ReduceOp():
            yield "another reduction", _other_reduction
        case CompareOp():
            yield "another relation", _computes_relation(_OPPOSITES)
            if op.relation.data in _WITH_EQUAL_ONES:
                yield "relation of equal ones", _computes_relation(_WITH_EQUAL_ONES)
        case SelectOp():
            yield "choices swapped", _swap_choices
        case math.RoundEvenOp():
            yield "rounding", _bypass
        case math.ExpOp():
            yield "another function", _computes(math.TanhOp)
        case ConvertOp() if op.result.type.element_type == f16:
            yield "rounding to f16", _without_rounding
        case _:
            pass


def _of_accesses(
    what: str,
    op: Operation,
    relations: list[isl.Map],
    put: Callable[[Operation, int, isl.Map], None],
) -> Iterator[tuple[str, Callable[[Operation], None]]]:
    for number, relation in enumerate(relations):
        for name, other in (
            ("reversed", _reversed_lanes(relation)),
            ("shifted", _shifted(relation)),
            ("dropped", _without_a_lane(relation)),
        ):
            if other is not None and not other.is_equal(relation):
                yield f"{what} {name}", lambda op, n=number, r=other: put(op, n, r)


def _of_matrix(op: CrossbarOp) -> Iterator[tuple[str, Callable[[Operation], None]]]:
    relation = op.cells.relation
    shape = op.result.type.get_shape()
    names = [f"x{d}" for d in range(len(shape))]
    swaps = {"matrix reversed": [*names[:-1], f"{shape[-1] - 1} - {names[-1]}"]}
    if shape[-1] == shape[-2]:
        swaps["matrix transposed"] = [*names[:-2], names[-1], names[-2]]
    for kind, cells in swaps.items():
        space = relation.get_tuple_name(isl.dim_type.in_) or ""
        text = f"{{ {space}[{', '.join(names)}] -> {space}[{', '.join(cells)}] }}"
        moved = isl.Map.read_from_str(relation.get_ctx(), text).apply_range(relation)
        if not moved.is_equal(relation):

            def change(op: Operation, moved: isl.Map = moved) -> None:
                assert isinstance(op, CrossbarOp)
                op.cells = MapAttr.of(moved)

            yield kind, change


def _reversed_lanes(relation: isl.Map) -> isl.Map | None:
    """Lanes along the last dimension that has some in reverse order."""
    lanes = relation.domain().unwrap().range()
    low, high = _bounds(lanes)
    for d in reversed(range(len(low))):
        if low[d] < high[d]:
            text = [f"l{k}" for k in range(len(low))]
            moved = [f"{low[d] + high[d]} - l{k}" if k == d else f"l{k}" for k in range(len(low))]
            return _on_lanes(relation, f"[{', '.join(text)}] -> [{', '.join(moved)}]")
    return None


def _on_lanes(relation: isl.Map, text: str) -> isl.Map:
    """The relation with other lanes in the place of each."""
    name = relation.domain().unwrap().get_tuple_name(isl.dim_type.out) or ""
    iterations = relation.domain().unwrap().domain()
    source, target = text.split(" -> ")
    lanes = isl.Map.read_from_str(relation.get_ctx(), f"{{ {name}{source} -> {name}{target} }}")
    return (
        isl.Map.identity(iterations.get_space().map_from_set()).product(lanes).apply_range(relation)
    )


def _shifted(relation: isl.Map) -> isl.Map | None:
    """Locations one element earlier along the last dimension where that leaves some."""
    rank = relation.dim(isl.dim_type.out)
    name = relation.get_tuple_name(isl.dim_type.out) or ""
    names = [f"l{d}" for d in range(rank)]
    within = relation.range()
    for d in reversed(range(rank)):
        moved = [f"l{k} - 1" if k == d else f"l{k}" for k in range(rank)]
        text = f"{{ {name}[{', '.join(names)}] -> {name}[{', '.join(moved)}] }}"
        shift = isl.Map.read_from_str(relation.get_ctx(), text)
        other = relation.apply_range(shift).intersect_range(within)
        if not other.is_empty():
            return other.coalesce()
    return None


def _without_a_lane(relation: isl.Map) -> isl.Map | None:
    """Without the last lane, if there are several."""
    last = relation.domain().unwrap().range().lexmax()
    iterations = relation.domain().unwrap().domain()
    gone = isl.Map.from_domain_and_range(iterations, last).wrap()
    other = relation.subtract_domain(gone)
    return None if other.is_empty() else other


def _bounds(points: isl.Set) -> tuple[list[int], list[int]]:
    rank = points.dim(isl.dim_type.set)
    return (
        [points.dim_min_val(d).to_python() for d in range(rank)],
        [points.dim_max_val(d).to_python() for d in range(rank)],
    )


def _has_padding(op: LoadOp) -> bool:
    """True if some lane of some iteration has no location."""
    found = [access.relation.domain() for access in op.maps]
    total = found[0]
    for other in found[1:]:
        total = total.union(other)
    lanes, iterations = total.unwrap().range(), total.unwrap().domain()
    box = isl.Map.from_domain_and_range(iterations, lanes).wrap()
    return not box.is_subset(total)


def _set_maps(op: Operation, number: int, relation: isl.Map) -> None:
    assert isinstance(op, LoadOp)
    op.maps = ArrayAttr(
        MapAttr.of(relation) if n == number else access for n, access in enumerate(op.maps)
    )


def _set_map(op: Operation, number: int, relation: isl.Map) -> None:
    assert isinstance(op, StoreOp)
    op.map = MapAttr.of(relation)


def _other_pad(op: Operation) -> None:
    assert isinstance(op, LoadOp) and isinstance(op.pad, FloatAttr)
    op.pad = FloatAttr(1.0 if op.pad.value.data == 0 else 0.0, op.pad.type)


def _other_constant(op: Operation) -> None:
    assert isinstance(op, arith.ConstantOp) and isinstance(op.value, DenseIntOrFPElementsAttr)
    numbers = list(op.value.get_values())
    other = [n + 1 for n in numbers]  # pyright: ignore[reportOperatorIssue]
    op.value = DenseIntOrFPElementsAttr.from_list(op.value.type, other)  # pyright: ignore


def _other_reduction(op: Operation) -> None:
    assert isinstance(op, ReduceOp)
    other = {"add": "maximumf", "maximumf": "minimumf", "minimumf": "maximumf"}
    op.kind = StringAttr(other.get(op.kind.data, "add"))


_OPPOSITES = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "ne", "ne": "eq"}

_WITH_EQUAL_ONES = {"lt": "le", "gt": "ge", "le": "lt", "ge": "gt"}


def _computes_relation(others: dict[str, str]) -> Callable[[Operation], None]:
    """The relation that the table has for the one that is computed."""

    def change(op: Operation) -> None:
        assert isinstance(op, CompareOp)
        op.relation = StringAttr(others[op.relation.data])

    return change


def _swap(op: Operation) -> None:
    a, b = op.operands
    op.operands[0], op.operands[1] = b, a


def _swap_choices(op: Operation) -> None:
    _, a, b = op.operands
    op.operands[1], op.operands[2] = b, a


def _computes(kind: Callable[..., Operation]) -> Callable[[Operation], None]:
    """Another operation of the same operands."""

    def change(op: Operation) -> None:
        new, block = kind(*op.operands), op.parent
        assert block is not None
        block.insert_op_before(new, op)
        op.results[0].replace_all_uses_with(new.results[0])
        op.detach()
        op.erase()

    return change


def _without_rounding(op: Operation) -> None:
    """Widen what is widened next from the numbers before they were rounded."""
    for use in list(op.results[0].uses):
        if isinstance(use.operation, ConvertOp):
            use.operation.results[0].replace_all_uses_with(op.operands[0])


def _bypass(op: Operation) -> None:
    """Use the operand in the place of the result."""
    operand: SSAValue = op.operands[0]
    op.results[0].replace_all_uses_with(operand)
    op.detach()
    op.erase()
