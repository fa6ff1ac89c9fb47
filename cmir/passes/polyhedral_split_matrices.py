"""polyhedral-split-matrices: split matrices that exceed the crossbars of a core."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil, prod

import islpy as isl
from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects import vector
from xdsl.dialects.builtin import ArrayAttr, TensorType, VectorType
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import InsertPoint
from xdsl.transforms.dead_code_elimination import region_dce

from cmir.cost.firing import Matrix
from cmir.cost.tiling import Tiling
from cmir.dialects.polyhedral import (
    ArrayOp,
    MapAttr,
    MatrixOp,
    PipelineOp,
    ReadOp,
    SetAttr,
    StageOp,
    WriteOp,
)
from cmir.dialects.vectors import MxvOp, ReduceOp
from cmir.hardware.description import Crossbar
from cmir.isl import dim_names, read_map
from cmir.passes.base import PipelinePass, symbol_names
from cmir.passes.hardware import HardwarePass
from cmir.passes.rewriting import index_block, renamed_access, stage_named
from cmir.passes.spreading import (
    DimensionPart,
    LaneMixingError,
    crossbar_product,
    crossbar_products,
    part_size,
    parts_with,
    spread_stage,
)
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError, emit_remark
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralSplitMatricesPass(HardwarePass, PipelinePass):
    """Split stages over cores: by outputs, by inputs of their matrices, or by both.

    By outputs, each core computes some of the rows of y = M·x: several cores write one array, without additional
    arithmetic. By inputs, each core computes partial sums from some of the columns, and an additional stage sums them
    and runs the rest of the body. A block-diagonal matrix is split into runs of blocks. A split stage still has one
    body.

    The pass splits every matrix that takes more crossbars than a core has, over as few cores as suffice.

    hardware: the machine, by default the one that the pipeline carries. Instead of a machine, rows and columns give the
    inputs and outputs of a crossbar, and crossbars the number of crossbars of a core. With `stage`, the pass splits
    only that stage, into `outputs` × `inputs` parts; a stage without a matrix can be split only by outputs.
    """

    name = "polyhedral-split-matrices"

    rows: int | None = None
    """Inputs of a crossbar, instead of a machine."""
    columns: int | None = None
    """Outputs of a crossbar, instead of a machine."""
    crossbars: int = 1
    """Crossbars of a core, instead of a machine."""
    stage: str | None = None
    """Only stage to split."""
    outputs: int = 1
    """Number of parts by outputs, with `stage`."""
    inputs: int = 1
    """Number of parts by inputs, with `stage`."""

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        pipeline.drop_dependences()
        for stage, split in list(self._splits(pipeline)):
            _apply(stage, split)
            tally("stages split")
            tally("parts", split.cores)

    def _splits(self, pipeline: PipelineOp) -> Iterator[tuple[StageOp, Split]]:
        if self.stage is not None:
            stage = stage_named(pipeline, self.stage)
            yield stage, Split.by_hand(stage, self.outputs, self.inputs)
            return
        crossbar, crossbars = self._crossbars(pipeline)
        if crossbars is None:
            return
        for stage in pipeline.stages.values():
            _separate_products(stage, crossbar, crossbars)
        for stage in pipeline.stages.values():
            if (product := crossbar_product(stage)) is not None:
                split = Split.fewest(stage, product, crossbar, crossbars)
                if split.cores > 1:
                    yield stage, split

    def _crossbars(self, pipeline: PipelineOp) -> tuple[Crossbar, int | None]:
        """Return the crossbar size, and the number of crossbars of a core; None if that is unlimited."""
        if self.hardware is None and self.rows is not None and self.columns is not None:
            return Crossbar(rows=self.rows, columns=self.columns), self.crossbars
        by_hand = self.hardware is None and (self.rows is not None or self.columns is not None)
        hardware = None if by_hand else self.described_hardware(pipeline)
        if hardware is None:
            raise CompileError(
                pipeline,
                "give the `hardware`, the `rows` and `columns` of a crossbar, or a `stage`",
            )
        return hardware.crossbar, hardware.core.crossbars


@dataclass(frozen=True)
class Split:
    """The numbers of parts of a split matrix, and the sizes of the parts.

    inputs: runs of the outermost dimension of the vector that is multiplied. outputs: runs of rows; of a block-diagonal
    matrix, runs of blocks. Rows whose products have several dimensions, such as gates and units, are divided along the
    last one: a part has some units of each gate.
    """

    outputs: int
    output_size: int
    inputs: int
    input_size: int

    @property
    def cores(self) -> int:
        return self.outputs * self.inputs

    @staticmethod
    def by_hand(stage: StageOp, outputs: int, inputs: int = 1) -> Split:
        product, name, of_outputs = crossbar_product(stage), stage.sym_name.data, outputs_of(stage)
        of_inputs = 1
        if product is not None:
            sizes = _Sizes.of(product)
            of_inputs = sizes.lanes[0] if sizes.blocks == 1 else 1
        if of_inputs == 1 and inputs > 1:
            why = "has no matrix" if product is None else "has a block-diagonal matrix"
            raise CompileError(stage, f"@{name} {why}: split it by outputs only")
        for what, count, extent in (
            ("outputs", outputs, of_outputs),
            ("inputs", inputs, of_inputs),
        ):
            if not 1 <= count <= extent or ceil(extent / ceil(extent / count)) != count:
                raise CompileError(
                    stage,
                    f"the {extent} {what} of @{name} do not divide into {count_of(count, 'part')} of one size",
                )
        return Split(outputs, part_size(outputs, of_outputs), inputs, part_size(inputs, of_inputs))

    @staticmethod
    def fewest(
        stage: StageOp, product: tuple[MatrixOp, MxvOp], crossbar: Crossbar, crossbars: int
    ) -> Split:
        """Return the split with the fewest cores, then the fewest partial sums, for this many crossbars per core."""
        sizes = _Sizes.of(product)
        lanes, inner = sizes.lanes, prod(sizes.lanes[1:])

        def fits(matrix: Matrix) -> bool:
            return Tiling.of(matrix, crossbar).crossbars <= crossbars

        if sizes.blocks > 1:
            columns = prod(lanes) // sizes.blocks
            fitting = (
                size
                for size in _sizes_of_parts(sizes.blocks)
                if fits(Matrix(sizes.rows, columns, size))
            )
            size = next(fitting, None)
            if size is None:
                raise _too_large(
                    stage,
                    f"a block of {count_of(columns, 'input')} and {count_of(sizes.rows, 'output')}",
                    crossbars,
                )
            return Split(ceil(sizes.blocks / size), size, 1, lanes[0])
        best: tuple[tuple[int, int], Split] | None = None
        for output_size in _sizes_of_parts(sizes.outputs):
            rows = sizes.groups * output_size
            widths = _sizes_of_parts(lanes[0])  # crossbars increase with the width of a part
            at = bisect_left(widths, True, key=lambda size: fits(Matrix(rows, size * inner)))
            if at == len(widths):
                continue
            split = Split(
                ceil(sizes.outputs / output_size),
                output_size,
                ceil(lanes[0] / widths[at]),
                widths[at],
            )
            key = split.cores + (split.inputs > 1), split.inputs
            if best is None or key < best[0]:
                best = key, split
        if best is None:
            what = "an output" if sizes.groups == 1 else f"a unit of {sizes.groups} outputs"
            raise _too_large(
                stage, f"{what} with the {count_of(inner, 'input')} of a channel", crossbars
            )
        return best[1]


def _too_large(stage: StageOp, what: str, crossbars: int) -> CompileError:
    have = "the one crossbar" if crossbars == 1 else f"the {crossbars} crossbars"
    return CompileError(
        stage, f"{what} of the matrix of @{stage.sym_name.data} does not fit {have} of a core"
    )


def outputs_of(stage: StageOp) -> int:
    """Return the number of outputs that can be divided: rows or blocks of the matrix, or outermost written lanes.

    Those of a stage with several matrices cannot.
    """
    if len(crossbar_products(stage)) > 1:
        return 1
    if (product := crossbar_product(stage)) is not None:
        return _Sizes.of(product).outputs
    write, *others = stage.writes()
    assert isinstance(write.value.type, VectorType)
    return 1 if others else (*write.value.type.get_shape(), 1)[0]


@dataclass(frozen=True)
class _Sizes:
    """The sizes of a product.

    blocks: of a block-diagonal matrix, else 1. rows: of one block. groups: of rows that are divided together. lanes:
    the shape of the vector.
    """

    blocks: int
    rows: int
    groups: int
    lanes: tuple[int, ...]

    @classmethod
    def of(cls, product: tuple[MatrixOp, MxvOp]) -> _Sizes:
        matrix, mxv = product
        *blocks, rows, _ = matrix.result.type.get_shape()
        assert isinstance(mxv.vector.type, VectorType)
        groups = 1 if blocks else prod(mxv.result.type.get_shape()[:-1])
        return cls(prod(blocks), rows, groups, mxv.vector.type.get_shape())

    @property
    def outputs(self) -> int:
        """The number of outputs that can be divided."""
        return self.blocks if self.blocks > 1 else self.rows // self.groups


def _sizes_of_parts(extent: int) -> list[int]:
    """Return the possible sizes of parts of an extent, one for each number of parts."""
    return sorted({ceil(extent / count) for count in range(1, extent + 1)}, reverse=True)


def _apply(stage: StageOp, split: Split) -> None:
    product, name = crossbar_product(stage), stage.sym_name.data
    what = f"@{name}"
    if product is not None:
        shape = "×".join(map(str, product[0].result.type.get_shape()))
        what = f"the {shape} matrix of @{name}"
        if split.inputs > 1:
            stage = _move_product(stage, product, split.inputs)
            product = crossbar_product(stage)
            assert product is not None
            _split_inputs(stage, product, split)
    if split.outputs > 1:
        split_outputs(stage, split)
    how = [f"{split.outputs} by outputs"] if split.outputs > 1 else []
    how += [f"{split.inputs} by inputs, added up by @{name}"] if split.inputs > 1 else []
    emit_remark(stage, f"{what} is split into {' and '.join(how)}")


def _separate_products(stage: StageOp, crossbar: Crossbar, crossbars: int) -> None:
    """Give each product but the last a separate stage, if all together take more crossbars than a core has."""
    products = crossbar_products(stage)
    matrices = [Matrix.of(matrix.result) for matrix, _ in products]
    needed = sum(Tiling.of(matrix, crossbar).crossbars for matrix in matrices)
    if len(products) < 2 or needed <= crossbars:
        return
    for product in products[:-1]:
        _move_product(stage, product, 1)
    emit_remark(
        stage,
        f"each of the {len(products)} matrices of @{stage.sym_name.data} gets a stage: together they take"
        f" {count_of(needed, 'crossbar')}",
    )


def split_outputs(stage: StageOp, split: Split) -> None:
    """Spread a stage over cores that each compute some of its outputs, in place."""
    if (product := crossbar_product(stage)) is None:
        (write,) = stage.writes()
        _spread(stage, "o", split.outputs, {write.value: DimensionPart(0, split.output_size)}, ())
        return
    matrix, mxv = product
    _give_own_vector(stage, mxv)
    sizes, size = _Sizes.of(product), split.output_size
    seeds: dict[SSAValue, DimensionPart]
    if sizes.blocks > 1:
        if sizes.lanes[0] % sizes.blocks:
            raise CompileError(
                stage, f"blocks of the matrix of @{stage.sym_name.data} share an input channel"
            )
        seeds = {
            matrix.result: DimensionPart(0, size),
            mxv.vector: DimensionPart(0, size * (sizes.lanes[0] // sizes.blocks)),
            mxv.result: DimensionPart(0, size * sizes.rows),
        }
    else:
        units = len(mxv.result.type.get_shape()) - 1
        seeds = {
            matrix.result: DimensionPart(0, size, sizes.groups),
            mxv.result: DimensionPart(units, size),
        }
    _spread(stage, "o", split.outputs, seeds, product)


def _give_own_vector(stage: StageOp, mxv: MxvOp) -> None:
    """Compute the vector of a product apart from other values: each core needs all of it, but parts of the others."""
    needed = _needed_by(mxv.vector.owner)
    uses = (use for op in needed for result in op.results for use in result.uses)
    if all(use.operation is mxv or use.operation in needed for use in uses):
        return
    mapping: dict[SSAValue, SSAValue] = {}
    for op in stage.body.block.ops:
        if op in needed:
            stage.body.block.insert_op_before(op.clone(mapping), mxv)
    mxv.operands[1] = mapping[mxv.vector]


def _needed_by(owner: Operation | Block) -> set[Operation]:
    """Return an operation and those that it depends on."""
    needed: set[Operation] = set()
    work = [owner]
    while work:
        op = work.pop()
        if isinstance(op, Operation) and op not in needed:
            needed.add(op)
            work += [operand.owner for operand in op.operands]
    return needed


def _split_inputs(stage: StageOp, product: tuple[MatrixOp, MxvOp], split: Split) -> None:
    matrix, mxv = product
    inner = prod(_Sizes.of(product).lanes[1:])
    seeds: dict[SSAValue, DimensionPart] = {
        matrix.result: DimensionPart(1, split.input_size * inner),
        mxv.vector: DimensionPart(0, split.input_size),
    }
    _spread(stage, "q", split.inputs, seeds, product)
    # Each part writes its own partial sums.
    (write,) = stage.writes()
    array = write.map.relation
    core = array.domain().unwrap().get_dim_name(isl.dim_type.in_, stage.core_dims - 1)
    position = array.find_dim_by_name(isl.dim_type.in_, core or "")
    write.map = MapAttr.of(array.equate(isl.dim_type.in_, position, isl.dim_type.out, 0))


def _spread(
    stage: StageOp,
    name: str,
    count: int,
    seeds: dict[SSAValue, DimensionPart],
    fixed: Iterable[Operation],
) -> None:
    try:
        parts = parts_with(seeds, fixed)
    except LaneMixingError as error:
        raise CompileError(
            error.op, f"stage @{stage.sym_name.data} cannot be split into parts: {error}"
        ) from None
    spread_stage(stage, name, "", count, parts)


def _move_product(stage: StageOp, product: tuple[MatrixOp, MxvOp], count: int) -> StageOp:
    """Move the product to a separate stage, and let `stage` sum its `count` partial results, if there are several."""
    _, mxv = product
    pipeline = stage.parent_op()
    assert isinstance(pipeline, PipelineOp)
    names = symbol_names(pipeline)
    kind = "partial" if count > 1 else "product"
    stage_name = names.take(f"{stage.sym_name.data}_{kind}")
    name = names.take(f"{stage_name}_sums" if count > 1 else f"{stage_name}_out")
    domain = stage.domain.points
    rank = domain.dim(isl.dim_type.set)
    dims = dim_names(domain)
    low = [domain.dim_min_val(d).to_python() for d in range(rank)]
    high = [domain.dim_max_val(d).to_python() for d in range(rank)]
    shape = mxv.result.type.get_shape()
    lanes = [f"row{d}" for d in range(len(shape))] if len(shape) > 1 else ["row"]
    element = mxv.result.type.element_type
    sizes = [b - a + 1 for a, b in zip(low, high, strict=True)]
    array = ArrayOp(name, TensorType(element, [count, *shape, *sizes]))
    array.location = stage.location
    pipeline.body.block.insert_op_before(array, next(iter(pipeline.stages.values())))
    at = ", ".join(["part", *lanes, *(f"{d} - {a}" for d, a in zip(dims, low, strict=True))])
    bounds = zip(("part", *lanes), (count, *shape), strict=True)
    within_array = " and ".join(f"0 <= {lane} < {size}" for lane, size in bounds)

    def partial(of: str, *lanes: str) -> MapAttr:
        relation = read_map(
            f"{{ [{of}[{', '.join(dims)}] -> lane[{', '.join(lanes)}]] -> {name}[{at}] :"
            f" {within_array} }}"
        )
        iterations = domain.set_tuple_name(of)
        every = relation.domain().unwrap().range()
        within = isl.Map.from_domain_and_range(iterations, every).wrap()
        return MapAttr.of(relation.intersect_domain(within).coalesce())

    multiplying = _product_stage(stage, mxv, stage_name, name, partial(stage_name, *lanes))
    multiplying.location = stage.location
    pipeline.body.block.insert_op_before(multiplying, stage)
    builder = Builder(InsertPoint.before(mxv))
    sums = VectorType(element, [count, *shape])
    parts = partial(stage.sym_name.data, "part", *lanes)
    read = builder.insert(ReadOp([(name, parts)], sums))
    # The only part is the sum.
    one = vector.ExtractOp(read.result, [0], VectorType(element, shape))
    total = builder.insert(ReduceOp("add", read.result, [0]) if count > 1 else one)
    for op in (read, total):
        op.location = mxv.location
    total.result.name_hint = mxv.result.name_hint
    mxv.result.replace_all_uses_with(total.result)
    region_dce(stage.body)
    return multiplying


def _product_stage(stage: StageOp, mxv: MxvOp, name: str, array: str, write: MapAttr) -> StageOp:
    """Return a stage with the iterations of `stage` that computes only the product, and writes it to an array."""
    needed = _needed_by(mxv)
    old = stage.body.block
    block = index_block([argument.name_hint for argument in old.args])
    mapping: dict[SSAValue, SSAValue] = dict(zip(old.args, block.args, strict=True))
    domain = stage.domain.points
    renamed = isl.Map.identity(domain.get_space().map_from_set())
    renamed = renamed.set_tuple_name(isl.dim_type.out, name)
    for op in old.ops:
        if op in needed:
            clone = op.clone(mapping)
            if isinstance(clone, ReadOp):
                clone.maps = ArrayAttr(renamed_access(m, renamed) for m in clone.maps)
            block.add_op(clone)
    result = mapping[mxv.result]
    stored = WriteOp(result, array, write)
    stored.location = mxv.location
    block.add_op(stored)
    schedule = stage.schedule
    if schedule is not None:
        schedule = MapAttr.of(schedule.relation.apply_domain(renamed))
    return StageOp(
        SetAttr.of(domain.set_tuple_name(name)),
        Region(block),
        schedule,
        core_dims=stage.core_dims,
    )
