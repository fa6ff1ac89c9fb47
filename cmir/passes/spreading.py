"""Spreading of a stage over cores: the rewriting shared by splitting and replication.

A stage S gets an additional coordinate c, the last of its core coordinates:

    domain    { S[c, i] : i in the old domain, and c such that … }
    accesses  { [S[c, i] -> lane'] -> location }, the old ones composed with { [S[c, i] -> lane'] -> [S[i] -> lane] }

Replication spreads the iterations: c is a function of i, and lanes are unchanged. Splitting spreads the work of each
iteration: every c has all iterations, and a part of the lanes, `lane = size·c + lane'`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import islpy as isl
from xdsl.dialects import arith, vector
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseIntOrFPElementsAttr,
    TensorType,
    VectorType,
)
from xdsl.ir import Attribute, Operation, OpResult, Region, SSAValue

from cmir.dialects.polyhedral import (
    MapAttr,
    MatrixOp,
    ReadOp,
    SetAttr,
    StageOp,
    WriteOp,
    box,
    spread_attr,
)
from cmir.dialects.vectors import MxvOp, ReduceOp
from cmir.isl import dim_names, read_map, read_set
from cmir.isl.cores import core_parameters
from cmir.passes.rewriting import index_block
from cmir.semantics.body import implementation_of
from cmir.support.diagnostics import CompileError
from cmir.support.naming import UniqueNames, suffixed


@dataclass(frozen=True)
class DimensionPart:
    """Dimension `dim` of a value's shape, of which each core has a run of `size`.

    groups: number of equal groups in the dimension, such as the rows of each gate of a recurrent matrix. Each core has
    a run of each of them.
    """

    dim: int
    size: int
    groups: int = 1


Parts = Mapping[SSAValue, DimensionPart]


def part_size(count: int, extent: int) -> int:
    """Return the size of `count` parts of an extent. The last part may be smaller, and no part is empty."""
    size = ceil(extent / count)
    assert ceil(extent / size) == count, "so many parts would leave some without anything"
    return size


def spread_stage(
    stage: StageOp, name: str, where: str, count: int, parts: Parts | None = None
) -> None:
    """Spread each core's part of a stage over `count` cores, in place.

    name: name of the new coordinate, if it is free. where: a constraint that relates the new coordinate, written
    `{core}`, to the coordinates of an iteration, such as `{core} = h mod 4`; may be empty. parts: the values of which
    each core has a part, along the new coordinate.
    """
    _Spreading(stage, name, where, count, parts or {}).apply()


class _Spreading:
    def __init__(self, stage: StageOp, name: str, where: str, count: int, parts: Parts):
        self.stage, self.parts = stage, parts
        domain = stage.domain.points
        old = dim_names(domain)
        name = UniqueNames(old).take(name)
        self.core, self.at = name, stage.core_dims
        self.old, self.new = old, [*old[: self.at], name, *old[self.at :]]
        self.tuple = stage.sym_name.data
        cut = f"{self.tuple}[{', '.join(self.new)}] -> {self.tuple}[{', '.join(old)}]"
        related = where.format(core=name)
        condition = f"0 <= {name} < {count}" + (f" and {related}" if related else "")
        self.to_old = read_map(f"{{ {cut} : {condition} }}").intersect_range(domain)

    def apply(self) -> None:
        stage = self.stage
        body = self._body()
        domain = self.to_old.domain()
        if (schedule := stage.schedule) is not None:
            cores = ", ".join(self.new[: self.at + 1])
            core = read_map(f"{{ {self.tuple}[{', '.join(self.new)}] -> [{cores}] }}")
            times = self.to_old.apply_range(schedule.relation)
            stage.schedule = MapAttr.of(core.flat_range_product(times).gist_domain(domain))
        stage.domain = SetAttr.of(domain.coalesce())
        stage.spread = spread_attr(self.at + 1)
        for old in (stage.loops, stage.body):
            if old is not None:
                stage.detach_region(old).erase()
        stage.add_region(body)

    def _body(self) -> Region:
        old = self.stage.body.block
        block = index_block(self.new)
        arguments = [a for d, a in enumerate(block.args) if d != self.at]
        mapping: dict[SSAValue, SSAValue] = dict(zip(old.args, arguments, strict=True))
        for op in old.ops:
            new = self._operation(op, [mapping[operand] for operand in op.operands])
            new.location = op.location
            block.add_op(new)
            for before, after in zip(op.results, new.results, strict=True):
                after.name_hint = before.name_hint
                mapping[before] = after
        return Region(block)

    def _operation(self, op: Operation, operands: Sequence[SSAValue]) -> Operation:
        properties = dict(op.properties)
        match op:
            case ReadOp():
                maps = (self._access(access, self.parts.get(op.result)) for access in op.maps)
                properties["maps"] = ArrayAttr(maps)
            case WriteOp():
                properties["map"] = self._access(op.map, self.parts.get(op.value))
            case MatrixOp() if (part := self.parts.get(op.result)) is not None:
                properties["cells"] = MapAttr.of(self._cells(op, part))
            case arith.ConstantOp() if op.result in self.parts:
                assert isinstance(op.value, DenseIntOrFPElementsAttr)
                properties["value"] = _splat(op.value, self._type(op.result))
            case _:
                pass
        return op.create(
            operands=operands,
            result_types=[self._type(result) for result in op.results],
            properties=properties,
            attributes=dict(op.attributes),
        )

    def _type(self, value: SSAValue) -> Attribute:
        if (part := self.parts.get(value)) is None:
            return value.type
        assert isinstance(value.type, VectorType | TensorType)
        shape = list(value.type.get_shape())
        shape[part.dim] = part.groups * part.size
        return type(value.type)(value.type.element_type, shape)

    def _access(self, access: MapAttr, part: DimensionPart | None) -> MapAttr:
        """Return the access by the new iterations, and by the new lanes if the value has parts."""
        relation = access.relation
        pair = relation.domain().unwrap()
        lane, rank = pair.get_tuple_name(isl.dim_type.out) or "", pair.dim(isl.dim_type.out)
        first = relation.dim(isl.dim_type.in_) - rank
        names = UniqueNames(self.new, suffixed("_"))
        lanes = [
            names.take(relation.get_dim_name(isl.dim_type.in_, first + d) or f"l{d}")
            for d in range(rank)
        ]
        old_lanes, bounds = list(lanes), "1 = 1"
        if part is not None:
            old_lanes[part.dim] = f"{part.size}*{self.core} + {lanes[part.dim]}"
            bounds = f"0 <= {lanes[part.dim]} < {part.size}"
        iteration = f"{self.tuple}[{', '.join(self.new)}]", f"{self.tuple}[{', '.join(self.old)}]"
        new = f"[{iteration[0]} -> {lane}[{', '.join(lanes)}]]"
        old = f"[{iteration[1]} -> {lane}[{', '.join(old_lanes)}]]"
        lanes_of = read_map(f"{{ {new} -> {old} : {bounds} }}")
        inside = read_set(f"{{ {lane}[{', '.join(lanes)}] }}")
        within = isl.Map.from_domain_and_range(self.to_old.domain(), inside).wrap()
        return MapAttr.of(lanes_of.intersect_domain(within).apply_range(relation).coalesce())

    def _cells(self, matrix: MatrixOp, part: DimensionPart) -> isl.Map:
        """Return `[p0] -> { cell[r, c] -> w[…] }` for the core's part of the matrix."""
        shape = matrix.result.type.get_shape()
        cells = matrix.cells.relation
        name = cells.get_tuple_name(isl.dim_type.in_) or ""
        dims = [
            cells.get_dim_name(isl.dim_type.in_, d) or f"{'brc'[-len(shape) :][d]}"
            for d in range(len(shape))
        ]
        (core,) = core_parameters(self.at + 1)[self.at :]
        # The core's row is row `within` of its run of a group.
        extent, row = shape[part.dim] // part.groups, dims[part.dim]
        within = f"({row} mod {part.size})" if part.groups > 1 else row
        first = f"{extent}*floor({row}/{part.size})" if part.groups > 1 else "0"
        old = list(dims)
        old[part.dim] = f"{first} + {part.size}*{core} + {within}"
        shift = read_map(
            f"[{core}] -> {{ {name}[{', '.join(dims)}] -> {name}[{', '.join(old)}] :"
            f" 0 <= {row} < {part.groups * part.size} and {part.size}*{core} + {within} < {extent} }}"
        )
        shift = shift.intersect_range(box(shape, name))
        number = self.to_old.domain().dim_max_val(self.at).to_python()
        shift = shift.intersect_params(read_set(f"[{core}] -> {{ : 0 <= {core} <= {number} }}"))
        return shift.apply_range(cells).coalesce()


def _splat(value: DenseIntOrFPElementsAttr, type: Attribute) -> DenseIntOrFPElementsAttr:
    assert isinstance(type, VectorType)
    number = next(iter(value.iter_values()))
    assert isinstance(number, int | float)
    return DenseIntOrFPElementsAttr.from_list(type, [number])


class LaneMixingError(Exception):
    """Error for a value that cannot be divided, because `op` computes it from all lanes, or all lanes from it."""

    def __init__(self, op: Operation, how: str = "mixes lanes"):
        super().__init__(f"{op.name} {how}")
        self.op = op


def parts_with(
    seeds: Mapping[SSAValue, DimensionPart], fixed: Iterable[Operation] = ()
) -> dict[SSAValue, DimensionPart]:
    """Propagate parts from some values to the values that they are computed from, and that are computed from them.

    fixed: operations whose operands and results have parts only as given by the seeds. Raises LaneMixingError.
    """
    parts, work, known = dict(seeds), list(seeds), set(fixed)

    def note(value: SSAValue, part: DimensionPart) -> None:
        if value not in parts:
            parts[value] = part
            work.append(value)
        elif parts[value] != part:
            raise LaneMixingError(_owner(value))

    while work:
        value = work.pop()
        part = parts[value]
        if isinstance(value, OpResult) and value.op not in known:
            for operand, of_operand in _operand_parts(value.op, part):
                note(operand, of_operand)
        for use in value.uses:
            if use.operation not in known:
                for result, of_result in _result_parts(use.operation, value, part):
                    note(result, of_result)
    return parts


def _owner(value: SSAValue) -> Operation:
    assert isinstance(value, OpResult)
    return value.op


def _operand_parts(op: Operation, part: DimensionPart) -> Iterable[tuple[SSAValue, DimensionPart]]:
    """Return the parts of operands that an operation needs for a part of its result."""
    match op:
        case ReadOp():
            return ()
        case arith.ConstantOp():
            if isinstance(op.value, DenseIntOrFPElementsAttr) and op.value.is_splat():
                return ()
            raise LaneMixingError(op, "has an element of its own in each lane")
        case vector.ExtractOp():
            return [(op.vector, replace(part, dim=part.dim + _depth(op)))]
        case vector.BroadcastOp():
            (source,), rank = op.operands, len(_shape(op.results[0]))
            shape = _shape(source)
            dim = part.dim - (rank - len(shape))
            kept = dim >= 0 and shape[dim] > 1
            return [(source, replace(part, dim=dim))] if kept else ()
        case ReduceOp():
            kept = [d for d in range(len(_shape(op.vector))) if d not in op.dims.get_values()]
            return [(op.vector, replace(part, dim=kept[part.dim]))]
        case _ if _is_elementwise(op):
            return [(operand, part) for operand in op.operands if _shape(operand)]
        case _:
            raise LaneMixingError(op)


def _result_parts(
    op: Operation, operand: SSAValue, part: DimensionPart
) -> Iterable[tuple[SSAValue, DimensionPart]]:
    """Return the parts of results that an operation computes from a part of an operand."""
    match op:
        case WriteOp():
            return ()
        case vector.BroadcastOp():
            (result,) = op.results
            added = len(_shape(result)) - len(_shape(operand))
            return [(result, replace(part, dim=part.dim + added))]
        case vector.ExtractOp() if part.dim >= _depth(op):
            return [(op.result, replace(part, dim=part.dim - _depth(op)))]
        case ReduceOp() if part.dim not in (reduced := op.dims.get_values()):
            before = sum(d < part.dim for d in reduced)
            return [(op.result, replace(part, dim=part.dim - before))]
        case _ if _is_elementwise(op):
            return [(result, part) for result in op.results]
        case _:
            raise LaneMixingError(op)


def _depth(op: vector.ExtractOp) -> int:
    """Return the number of dimensions in which an element or a part is extracted."""
    return len(op.static_position.get_values())


def _is_elementwise(op: Operation) -> bool:
    """Return True if lane i of the result depends only on lane i of vector operands."""
    implementation = implementation_of(op)
    if implementation is None or not implementation.elementwise:
        return False
    shapes = {_shape(value) for value in (*op.operands, *op.results)} - {()}
    return len(op.results) == 1 and len(shapes) == 1


def _shape(value: SSAValue) -> tuple[int, ...]:
    return tuple(value.type.get_shape()) if isinstance(value.type, VectorType) else ()


def crossbar_products(stage: StageOp) -> list[tuple[MatrixOp, MxvOp]]:
    """Return the crossbar products of a stage, in order. Raises CompileError if a matrix is computed."""
    products: list[tuple[MatrixOp, MxvOp]] = []
    for op in stage.body.block.ops:
        if isinstance(op, MxvOp):
            if not isinstance(op.matrix.owner, MatrixOp):
                raise CompileError(op, "the matrix of a product must be on crossbars")
            products.append((op.matrix.owner, op))
    return products


def crossbar_product(stage: StageOp) -> tuple[MatrixOp, MxvOp] | None:
    """Return the crossbar product of a stage; None if it has none. Raises CompileError if there are several."""
    products = crossbar_products(stage)
    if len(products) > 1:
        raise CompileError(
            stage, f"stage @{stage.sym_name.data} has several crossbar products: give each a stage"
        )
    return products[0] if products else None
