"""convert-polyhedral-to-cmcore: convert each stage into a program for its own cores."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.rewriter import Rewriter

from cmir.dialects.cmcore import (
    BufferOp,
    CoreOp,
    CreditOp,
    CrossbarOp,
    InstanceAttr,
    IterationOp,
    LoadOp,
    LoopNestOp,
    NetworkOp,
    ProgramOp,
    SnoopOp,
    StoreOp,
)
from cmir.dialects.polyhedral import (
    ArrayOp,
    DependenceOp,
    MatrixOp,
    PipelineOp,
    ReadOp,
    StageOp,
    StorageOp,
    WriteOp,
    symbol,
)
from cmir.isl.cores import parameter_values
from cmir.isl.dependence_kind import DependenceKind
from cmir.passes.base import PipelinePass
from cmir.support.diagnostics import CompileError
from cmir.support.statistics import tally


@dataclass(frozen=True)
class ConvertPolyhedralToCmcorePass(PipelinePass):
    """Convert stages into programs with buffers, crossbars, snoops, credits and loops.

    A stage that is spread over cores becomes one program that all of these cores run. With turns, each of these cores
    becomes as many copies, which run the program's iterations in turn. A stage on the global control
    unit needs no core.

    Requires the loops and automata of polyhedral-generate-loops. The pass moves them into the programs and drops the
    release relations. Access relations remain, in loads and stores.
    """

    name = "convert-polyhedral-to-cmcore"

    def apply_to(self, ctx: Context, pipeline: PipelineOp) -> None:
        network = _network(pipeline)
        tally("programs", len(network.programs))
        tally("cores", len(network.cores))
        _replace(pipeline, network)


def _network(pipeline: PipelineOp) -> NetworkOp:
    arrays = pipeline.arrays
    dependences = pipeline.dependences
    block = Block()
    for array in arrays.values():
        array.detach()
        block.add_op(array)
    stages, storages = list(pipeline.stages.values()), pipeline.storages
    for stage in stages:
        into = [d for d in dependences if symbol(d.target) == stage.sym_name.data]
        block.add_op(_program(stage, arrays, into, storages))
    on_chip = [stage for stage in stages if stage.gcu is None]
    cores = (
        (stage, core, turn)
        for stage in on_chip
        for core in parameter_values(stage.cores()).tolist()
        for turn in range(stage.turns)
    )
    for index, (stage, coordinates, turn) in enumerate(cores):
        in_turn = (turn, stage.turns) if stage.turns > 1 else None
        instance = InstanceAttr.of(stage.sym_name.data, coordinates, turn=in_turn)
        core = CoreOp(f"core{index}", [instance], [index])
        core.location = stage.location
        block.add_op(core)
    network = NetworkOp(
        pipeline.sym_name.data,
        [symbol(i) for i in pipeline.inputs],
        [symbol(o) for o in pipeline.outputs],
        Region(block),
    )
    network.location = pipeline.location
    network.attributes.update(pipeline.attributes)
    return network


def _program(
    stage: StageOp,
    arrays: dict[str, ArrayOp],
    dependences: list[DependenceOp],
    storages: dict[tuple[str, str], StorageOp],
) -> ProgramOp:
    name = stage.sym_name.data
    if stage.loops is None or any(d.automaton is None for d in dependences):
        raise CompileError(
            stage, f"stage @{name} has no loops or automata: run polyhedral-generate-loops first"
        )
    block = Block()
    buffers: dict[str, SSAValue] = {}
    for read in stage.reads():
        for array, _ in read.arrays_and_maps():
            if array not in buffers:
                buffer = _buffer(arrays[array], storages.get((array, name)))
                buffer.result.name_hint = array
                buffers[array] = _append(block, buffer, read).results[0]
    crossbars: dict[SSAValue, SSAValue] = {}
    for matrix in [op for op in stage.body.block.ops if isinstance(op, MatrixOp)]:
        crossbar = CrossbarOp(symbol(matrix.array), matrix.cells, matrix.result.type, matrix.ways)
        crossbar.result.name_hint = matrix.result.name_hint
        crossbars[matrix.result] = _append(block, crossbar, matrix).results[0]
    for dependence in dependences:
        array, source = symbol(dependence.array), symbol(dependence.source)
        automaton = _take(dependence, dependence.automaton)
        if dependence.kind is DependenceKind.RAW:
            _append(block, SnoopOp(buffers[array], source, automaton), dependence)
        else:
            _append(block, CreditOp(array, source, automaton), dependence)
    _append(block, LoopNestOp(_take(stage, stage.loops)), stage)
    body = _take(stage, stage.body)
    for op in list(body.block.ops):
        _lower(op, buffers, crossbars)
    _append(block, IterationOp(body, stage.core_dims), stage)
    program = ProgramOp(name, Region(block), stage.gcu is not None)
    program.location = stage.location
    return program


def _buffer(array: ArrayOp, storage: StorageOp | None) -> BufferOp:
    if storage is not None:
        return BufferOp(array.sym_name.data, storage.type, storage.map)
    type = MemRefType(array.type.element_type, array.shape)
    return BufferOp(array.sym_name.data, type)


def _lower(
    op: Operation, buffers: dict[str, SSAValue], crossbars: dict[SSAValue, SSAValue]
) -> None:
    """Replace reads, writes and matrices by loads, stores and crossbars; keep the arithmetic."""
    match op:
        case ReadOp():
            sources = [(buffers[array], access) for array, access in op.arrays_and_maps()]
            _replace(op, LoadOp(sources, op.result.type, op.pad, op.across is not None))
        case WriteOp():
            _replace(op, StoreOp(op.value, symbol(op.array), op.map))
        case MatrixOp():
            Rewriter.replace_op(op, [], [crossbars[op.result]])
        case _:
            pass


def _replace(old: Operation, new: Operation) -> None:
    new.location = old.location
    Rewriter.replace_op(old, new)


def _append(block: Block, op: Operation, origin: Operation) -> Operation:
    op.location = origin.location
    block.add_op(op)
    return op


def _take(op: Operation, region: Region | None) -> Region:
    assert region is not None
    return op.detach_region(region)
