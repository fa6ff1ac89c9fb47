"""Reference evaluation of pipelines at the polyhedral level with NumPy.

Stages run as a whole, one after the other, directly from their domains and access relations. Schedules, dependences,
loops, automata and buffers are not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from math import prod

import islpy as isl
import numpy as np
from xdsl.ir import SSAValue

from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import (
    ArrayOp,
    MatrixOp,
    PipelineOp,
    ReadOp,
    StageOp,
    WriteOp,
    symbol,
)
from cmir.isl.evaluate import compile_function
from cmir.isl.points import points_of
from cmir.semantics.access import CompiledAccess
from cmir.semantics.body import evaluate_operation
from cmir.semantics.weights import parameter_elements, program_cells
from cmir.support.blocks import LANES_AT_ONCE, blocks
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import ravel

Arrays = dict[str, np.ndarray]
"""Arrays with a leading axis of inferences: those before the current one that can be read, and the current one."""


def evaluate_pipeline(
    pipeline: PipelineOp,
    inputs: Sequence[np.ndarray],
    parameters: Mapping[str, np.ndarray] | None = None,
) -> list[np.ndarray]:
    """Return the outputs for one sample, the first of a stream. Raises CompileError like `evaluate_stream`."""
    return next(evaluate_stream(pipeline, [inputs], parameters))


def evaluate_stream(
    pipeline: PipelineOp,
    stream: Iterable[Sequence[np.ndarray]],
    parameters: Mapping[str, np.ndarray] | None = None,
    first: Sequence[int] | None = None,
) -> Iterator[list[np.ndarray]]:
    """Yield the outputs of each inference of a stream.

    stream: the inputs of each inference. first: for each inference, the number of the first inference of its sequence;
    by default, the stream is one sequence. Before the first, arrays have their initial values. Raises CompileError if
    the pipeline cannot be evaluated.
    """
    stages = _in_order_of_data(pipeline)
    declared = pipeline.arrays
    constants = {
        name: parameter_elements(array, parameters)[None]
        for name, array in declared.items()
        if array.source is not None
    }
    initial = {
        name: constants[symbol(array.initial)][0]
        for name, array in declared.items()
        if array.initial is not None
    }
    arrays: Arrays = {}
    for number, inputs in enumerate(stream):
        begins = number == (0 if first is None else first[number])
        given = dict(zip((symbol(ref) for ref in pipeline.inputs), inputs, strict=True))
        current: Arrays = dict(constants)
        for name, array in declared.items():
            if array.source is None:
                now = _begun(array, given.get(name))[None]
                before = initial.get(name, now[:0]) if begins else arrays[name][1:]
                current[name] = np.concatenate((before, now))
        arrays = current
        for stage in stages:
            _run(stage, arrays)
        yield [arrays[symbol(ref)][-1].copy() for ref in pipeline.outputs]


def _begun(array: ArrayOp, given: np.ndarray | None) -> np.ndarray:
    """Return an array as an inference finds it: an input, or zeros. Raises CompileError."""
    if given is None:
        return np.zeros(array.shape, dtype_of(array.type))
    if given.shape != array.shape:
        raise CompileError(
            array,
            f"input '{array.sym_name.data}' has shape {list(given.shape)}, "
            f"expected {list(array.shape)}",
        )
    return given.astype(dtype_of(array.type))


def _in_order_of_data(pipeline: PipelineOp) -> list[StageOp]:
    """Return the stages in topological order, with the writers of an array before its readers in the same inference."""
    stages = list(pipeline.stages.values())
    writers: dict[str, list[StageOp]] = {}
    for stage in stages:
        for write in stage.writes():
            writers.setdefault(symbol(write.array), []).append(stage)
    needed = {
        stage: [
            writer
            for name, read in stage.stream_reads().items()
            if _reads_own_inference(read)
            for writer in writers.get(name, [])
            if writer is not stage
        ]
        for stage in stages
    }
    try:
        return list(TopologicalSorter(needed).static_order())
    except CycleError as error:
        cycle = " -> ".join(f"@{stage.sym_name.data}" for stage in reversed(error.args[1]))
        raise CompileError(
            pipeline, f"stages read each other's arrays, so none can run as a whole: {cycle}"
        ) from None


def _reads_own_inference(read: isl.Map) -> bool:
    """Return True if an access `{ … -> b[m, location] }` has m = 0 for a lane."""
    return not read.fix_val(isl.dim_type.out, 0, isl.Val(0)).is_empty()


def _run(stage: StageOp, arrays: Arrays) -> None:
    """Run all iterations of a stage."""
    written = {symbol(write.array) for write in stage.writes()}
    reads_itself = any(
        name in written and _reads_own_inference(read)
        for name, read in stage.stream_reads().items()
    )
    points = _in_time(stage) if reads_itself else points_of(stage.domain.points)
    lanes = max((prod(op.vector_type().get_shape()) for op in stage.accesses()), default=1)
    accesses = {
        op: [
            (name, CompiledAccess.compile(access, points, op.vector_type().get_shape()))
            for name, access in op.arrays_and_maps()
        ]
        for op in stage.accesses()
    }
    most = 1 if reads_itself else LANES_AT_ONCE
    for core, first, last in _runs_of_cores(points[:, : stage.core_dims]):
        matrices = {
            op: program_cells(op, arrays[symbol(op.array)][-1], core)
            for op in stage.body.block.ops
            if isinstance(op, MatrixOp)
        }
        for start, stop in blocks(first, last, lanes, most):
            values: dict[SSAValue, np.ndarray] = dict(
                zip(stage.body.block.args, points[start:stop].T, strict=True)
            )
            for op in stage.body.block.ops:
                match op:
                    case ReadOp():
                        values[op.result] = _read(op, accesses[op], arrays, start, stop)
                    case MatrixOp():
                        values[op.result] = matrices[op]
                    case WriteOp():
                        ((name, access),) = accesses[op]
                        _write(values[op.value], access, arrays[name][-1], start, stop)
                    case _:
                        values[op.results[0]] = evaluate_operation(
                            op, *(values[v] for v in op.operands)
                        )


def _in_time(stage: StageOp) -> np.ndarray:
    """Return the iterations of a stage in execution order."""
    times = points_of(stage.order.range())
    to_iteration = stage.order.reverse().reset_tuple_id(isl.dim_type.out)
    columns, _ = compile_function(to_iteration, stage.order.range())([*times.T])
    return np.stack([np.broadcast_to(column, len(times)) for column in columns], axis=1)


def _runs_of_cores(cores: np.ndarray) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Yield each core with its run of iterations; cores: the core of each iteration, in order."""
    starts = [0, *(np.flatnonzero((cores[1:] != cores[:-1]).any(axis=1)) + 1).tolist(), len(cores)]
    for first, last in pairwise(starts):
        yield tuple(cores[first].tolist()), first, last


def _read(
    op: ReadOp, sources: list[tuple[str, CompiledAccess]], arrays: Arrays, start: int, stop: int
) -> np.ndarray:
    """Return the lanes of iterations start ≤ i < stop, shape (iterations, *lanes)."""
    type = op.vector_type()
    result = np.full((stop - start, *type.get_shape()), op.pad.value.data, dtype_of(type))
    for name, access in sources:
        location, defined = access.locations(start, stop)
        if op.across is None:
            location = [np.asarray(0), *location]
        inference, *location = location
        location = [inference + len(arrays[name]) - 1, *location]
        if defined is None:
            result[...] = arrays[name][tuple(location)]
        else:
            inside = tuple(np.where(defined, coordinate, 0) for coordinate in location)
            result = np.where(defined, arrays[name][inside], result)
    return result


def _write(
    value: np.ndarray, access: CompiledAccess, array: np.ndarray, start: int, stop: int
) -> None:
    """Write the lanes of iterations start ≤ i < stop into an array."""
    location, defined = access.locations(start, stop)
    shape = (stop - start, *access.lanes)
    value = np.broadcast_to(value, shape)
    index = np.broadcast_to(ravel(location, array.shape), shape)
    kept = ... if defined is None else np.broadcast_to(defined, shape)
    array.reshape(-1)[index[kept]] = value[kept]  # works for rank 0, too
