"""Reference evaluation of pipelines at the polyhedral level with NumPy.

Stages run as a whole, one after the other, directly from their domains and access relations. Stages that read their own
results or those of each other run iteration by iteration. Dependences, loops, automata and buffers are not used, and
schedules only where a stage reads what it writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
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
from cmir.support.graphs import reachable
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
    groups = [_Group(stages) for stages in _in_order_of_data(pipeline)]
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
        for group in groups:
            group.run(arrays)
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


def _in_order_of_data(pipeline: PipelineOp) -> Iterator[list[StageOp]]:
    """Yield the stages in topological order, the writers of an array before its readers.

    Stages that read each other's arrays come together.
    """
    stages = list(pipeline.stages.values())
    writers: dict[str, list[StageOp]] = {}
    for stage in stages:
        for name in _written(stage):
            writers.setdefault(name, []).append(stage)
    needed = {
        stage: {writer for name in _own_reads(stage) for writer in writers.get(name, [])}
        for stage in stages
    }
    before = {stage: reachable(stage, needed) for stage in stages}
    together = {
        stage: [s for s in stages if s is stage or (s in before[stage] and stage in before[s])]
        for stage in stages
    }
    firsts = [stage for stage in stages if together[stage][0] is stage]
    order = {
        first: {together[s][0] for member in together[first] for s in needed[member]} - {first}
        for first in firsts
    }
    for first in TopologicalSorter(order).static_order():
        yield together[first]


def _written(*stages: StageOp) -> set[str]:
    return {symbol(write.array) for stage in stages for write in stage.writes()}


def _own_reads(stage: StageOp) -> set[str]:
    """Return the arrays of which a stage reads elements of its own inference."""
    return {name for name, read in stage.stream_reads().items() if _reads_own_inference(read)}


def _reads_own_inference(read: isl.Map) -> bool:
    """Return True if an access `{ … -> b[m, location] }` has m = 0 for a lane."""
    return not read.fix_val(isl.dim_type.out, 0, isl.Val(0)).is_empty()


class _Group:
    """A stage, or several that read each other's arrays. own: the arrays that they read and write."""

    def __init__(self, stages: Sequence[StageOp]):
        written = _written(*stages)
        self.own = {name for stage in stages for name in _own_reads(stage) & written}
        points = _in_time if self.own else lambda stage: points_of(stage.domain.points)
        self.stages = [_Running(stage, points(stage)) for stage in stages]

    def run(self, arrays: Arrays) -> None:
        """Run all iterations of an inference. Raises CompileError if iterations wait for each other."""
        for stage in self.stages:
            stage.arrays = arrays
        if self.own:
            _run_together(self.stages, self.own)
        else:
            self.stages[0].run_all()


class _Running:
    """The iterations of a stage, core by core.

    points: the iterations, in the order in which they run. arrays: those of the current inference.
    """

    def __init__(self, stage: StageOp, points: np.ndarray):
        self.stage, self.points = stage, points
        self.arrays: Arrays = {}
        self.accesses = {
            op: [
                (name, CompiledAccess.compile(access, self.points, op.vector_type().get_shape()))
                for name, access in op.arrays_and_maps()
            ]
            for op in stage.accesses()
        }
        self.cores = list(_runs_of_cores(self.points[:, : stage.core_dims]))
        self._matrices: dict[tuple[int, ...], dict[MatrixOp, np.ndarray]] = {}

    def run_all(self) -> None:
        """Run all iterations."""
        lanes = max((prod(op.vector_type().get_shape()) for op in self.accesses), default=1)
        for core, first, last in self.cores:
            for start, stop in blocks(first, last, lanes, LANES_AT_ONCE):
                self.run(core, start, stop)

    def run(self, core: tuple[int, ...], start: int, stop: int) -> None:
        """Run iterations start ≤ i < stop of a core."""
        block, matrices = self.stage.body.block, self._programmed(core)
        values: dict[SSAValue, np.ndarray] = dict(
            zip(block.args, self.points[start:stop].T, strict=True)
        )
        for op in block.ops:
            match op:
                case ReadOp():
                    values[op.result] = _read(op, self.accesses[op], self.arrays, start, stop)
                case MatrixOp():
                    values[op.result] = matrices[op]
                case WriteOp():
                    ((name, access),) = self.accesses[op]
                    array = self.arrays[name][-1, ...]  # a view, of rank 0 too
                    _write(values[op.value], access, array, start, stop)
                case _:
                    values[op.results[0]] = evaluate_operation(
                        op, *(values[v] for v in op.operands)
                    )

    def _programmed(self, core: tuple[int, ...]) -> dict[MatrixOp, np.ndarray]:
        if core not in self._matrices:
            self._matrices[core] = {
                op: program_cells(op, self.arrays[symbol(op.array)][-1], core)
                for op in self.stage.body.block.ops
                if isinstance(op, MatrixOp)
            }
        return self._matrices[core]

    def elements(self, kind: type[ReadOp | WriteOp], i: int) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the elements of its inference that an iteration reads or writes: the array, and row-major indices."""
        for op, accesses in self.accesses.items():
            for name, access in accesses if isinstance(op, kind) else ():
                location, defined = access.locations(i, i + 1)
                if isinstance(op, ReadOp) and op.across is not None:
                    back, *location = location
                    defined = (back == 0) & (True if defined is None else defined)
                shape = (1, *access.lanes)
                index = np.broadcast_to(ravel(location, self.arrays[name].shape[1:]), shape)
                yield name, index if defined is None else index[np.broadcast_to(defined, shape)]


def _run_together(stages: Sequence[_Running], own: set[str]) -> None:
    """Run stages that read arrays of their own, or of each other: each iteration once the elements are there.

    own: these arrays. Raises CompileError if iterations wait for each other.
    """
    there = {name: np.zeros(stages[0].arrays[name][-1].size, np.bool_) for name in own}

    def is_ready(one: _Running, i: int) -> bool:
        read = one.elements(ReadOp, i)
        return all(there[name][elements].all() for name, elements in read if name in own)

    waiting = {(one, core): (first, last) for one in stages for core, first, last in one.cores}
    while waiting:
        progress = False
        for (one, core), (first, last) in list(waiting.items()):
            while first < last and is_ready(one, first):
                one.run(core, first, first + 1)
                for name, elements in one.elements(WriteOp, first):
                    if name in own:
                        there[name][elements] = True
                first, progress = first + 1, True
            waiting[one, core] = first, last
            if first == last:
                del waiting[one, core]
        if not progress:
            names = dict.fromkeys(f"@{one.stage.sym_name.data}" for one, _ in waiting)
            raise CompileError(
                next(iter(waiting))[0].stage,
                f"iterations wait for elements that none of them has written: {', '.join(names)}",
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
