"""polyhedral-stream-tables: let the global control unit look up tables, and send what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

import islpy as isl
from xdsl.context import Context
from xdsl.dialects.builtin import TensorType, UnitAttr, VectorType
from xdsl.ir import Attribute, Operation, Region
from xdsl.rewriter import Rewriter

from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import (
    ArrayOp,
    MapAttr,
    PipelineOp,
    ReadOp,
    SetAttr,
    StageOp,
    WriteOp,
    symbol,
)
from cmir.dialects.vectors import PickOp
from cmir.hardware.description import Hardware
from cmir.isl import dim_names, read_map
from cmir.passes.base import PipelinePass, symbol_names
from cmir.passes.hardware import HardwarePass
from cmir.passes.rewriting import index_block, renamed_access
from cmir.support.diagnostics import CompileError
from cmir.support.statistics import tally


@dataclass(frozen=True)
class PolyhedralStreamTablesPass(HardwarePass, PipelinePass):
    """Let the global control unit look up tables by the indices in the network's inputs, and send what it finds.

    A table of parameters otherwise lives in the SRAM of the core that looks it up, and the indices are sent there. With
    this pass, it lives in the memory of the global control unit, which sends the picked elements instead of the
    indices. That takes more cycles on machines with a limited rate of inputs, and no SRAM. A stage that only looks up a
    table moves to the global control unit. Otherwise, a new stage there looks it up in the order of its iterations.

    `tables=large` concerns tables that are larger than the SRAM of a core, and takes the machine from `hardware` or the
    pipeline; `tables=all` concerns all tables. Run this pass before polyhedral-stream-inputs and before passes that
    spread stages over cores.
    """

    name = "polyhedral-stream-tables"

    tables: Literal["large", "all"] = "large"
    """Tables to look up: those that exceed the SRAM of a core, or all."""

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        hardware = self.described_hardware(pipeline)
        if self.tables == "large" and hardware is None:
            raise CompileError(
                pipeline,
                "give the `hardware`, or tables=all: the pipeline carries none, see polyhedral-set-hardware",
            )
        machine = None if self.tables == "all" else hardware
        found = [pick for stage in pipeline.stages.values() for pick in _picks(stage, pipeline)]
        found = [pick for pick in found if machine is None or pick.is_large(pipeline, machine)]
        tally("tables looked up", len(found))
        if found:
            pipeline.drop_dependences()
        for pick in found:
            if pick.is_alone(pipeline):
                pick.stage.gcu = UnitAttr()
            else:
                pick.move(pipeline)


@dataclass(frozen=True)
class _Pick:
    """An operation of a stage that picks from parameters by network inputs, with the reads of both."""

    stage: StageOp
    op: PickOp
    table: ReadOp
    indices: ReadOp

    def is_large(self, pipeline: PipelineOp, machine: Hardware) -> bool:
        """Return True if the table exceeds the SRAM of a core."""
        arrays = [pipeline.arrays[name] for name, _ in self.table.arrays_and_maps()]
        sizes = (machine.bytes_of(prod(a.shape), 8 * dtype_of(a.type).itemsize) for a in arrays)
        room = machine.core.sram_bytes
        return room is not None and sum(sizes) > room

    def is_alone(self, pipeline: PipelineOp) -> bool:
        """Return True if the stage does nothing but pick, for stages on cores."""
        others = {*self.stage.body.block.ops} - {self.op, self.table, self.indices}
        outputs = {symbol(ref) for ref in pipeline.outputs}
        return all(isinstance(op, WriteOp) and symbol(op.array) not in outputs for op in others)

    def move(self, pipeline: PipelineOp) -> None:
        """Let a new stage on the global control unit pick, and let the stage read what that sends."""
        names = symbol_names(pipeline)
        (table, _), *_ = self.table.arrays_and_maps()
        sent = ArrayOp(names.take(f"{table}_sent"), self._type())
        name = names.take(f"look_up_{table}")
        access = self._access(sent)
        to = isl.Map.identity(self.stage.domain.points.get_space().map_from_set())
        renaming = to.set_tuple_name(isl.dim_type.out, name)
        block = index_block([argument.name_hint for argument in self.stage.body.block.args])
        reads: list[Operation] = [self._renamed(r, renaming) for r in (self.table, self.indices)]
        picked = PickOp(*(read.results[0] for read in reads))
        write = WriteOp(picked.result, sent.sym_name.data, renamed_access(access, renaming))
        block.add_ops([*reads, picked, write])
        points = SetAttr.of(self.stage.domain.points.set_tuple_name(name))
        schedule = self.stage.schedule
        if schedule is not None:
            schedule = MapAttr.of(schedule.relation.set_tuple_name(isl.dim_type.in_, name))
        stage = StageOp(points, Region(block), schedule, gcu=True)
        for op in (sent, stage, *block.ops):
            op.location = self.op.location
        first = next(iter(pipeline.stages.values()))
        pipeline.body.block.insert_ops_before([sent, stage], first)
        self._read_from(sent, access)

    def _read_from(self, sent: ArrayOp, access: MapAttr) -> None:
        """Let the stage read an array instead of picking."""
        assert isinstance(self.op.result.type, VectorType)
        read = ReadOp([(sent.sym_name.data, access)], self.op.result.type)
        read.result.name_hint = self.op.result.name_hint
        read.location = self.op.location
        Rewriter.replace_op(self.op, read)
        for old in (self.table, self.indices):
            if not [*old.result.uses]:
                Rewriter.erase_op(old)

    def _type(self) -> TensorType[Attribute]:
        """Return the type of what is sent: the dimensions of the picked vector, then those of the iterations."""
        assert isinstance(self.op.result.type, VectorType)
        points = self.stage.domain.points
        sizes = [points.dim_max_val(d).to_python() + 1 for d in range(points.dim(isl.dim_type.set))]
        return TensorType(
            self.op.result.type.element_type, [*self.op.result.type.get_shape(), *sizes]
        )

    def _access(self, sent: ArrayOp) -> MapAttr:
        """Return the access of an iteration of the stage to what is sent."""
        assert isinstance(self.op.result.type, VectorType)
        points, shape = self.stage.domain.points, self.op.result.type.get_shape()
        iteration, lanes = dim_names(points), [f"l{d}" for d in range(len(shape))]
        inside = [f"0 <= {lane} < {size}" for lane, size in zip(lanes, shape, strict=True)]
        source = f"{self.stage.sym_name.data}[{', '.join(iteration)}]"
        target = f"{sent.sym_name.data}[{', '.join([*lanes, *iteration])}]"
        lane, where = f"lane[{', '.join(lanes)}]", " and ".join(["1 = 1", *inside])
        everywhere = read_map(f"{{ [{source} -> {lane}] -> {target} : {where} }}")
        lanes_of_iteration = isl.Map.from_domain_and_range(
            points, everywhere.domain().unwrap().range()
        )
        return MapAttr.of(everywhere.intersect_domain(lanes_of_iteration.wrap()))

    @staticmethod
    def _renamed(read: ReadOp, renaming: isl.Map) -> ReadOp:
        assert isinstance(read.result.type, VectorType)
        sources = [(n, renamed_access(access, renaming)) for n, access in read.arrays_and_maps()]
        return ReadOp(sources, read.result.type, read.pad)


def _picks(stage: StageOp, pipeline: PipelineOp) -> Iterator[_Pick]:
    """Yield the operations of a stage that pick from parameters by network inputs."""
    inputs = {symbol(ref) for ref in pipeline.inputs}
    whole = stage.gcu is None and not stage.core_dims
    for op in stage.body.block.ops if whole else ():
        if not isinstance(op, PickOp):
            continue
        if len(op.indices) > 1:
            continue
        table, indices = op.vector.owner, op.indices[0].owner
        if not isinstance(table, ReadOp) or not isinstance(indices, ReadOp):
            continue
        parameters = (pipeline.arrays[n].source for n, _ in table.arrays_and_maps())
        if None not in parameters and all(n in inputs for n, _ in indices.arrays_and_maps()):
            yield _Pick(stage, op, table, indices)
