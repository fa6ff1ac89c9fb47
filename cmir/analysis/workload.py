"""The iterations, elements and bytes that running a network takes, estimated before any work on them starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from math import prod

from xdsl.dialects.builtin import ModuleOp, TensorType, VectorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation

from cmir.dialects.cmcore import NetworkOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.nn.interface import IterationOp, PointwiseOp
from cmir.dialects.nn.operation import NNOp
from cmir.dialects.nn.stage import ScanOp
from cmir.dialects.polyhedral import ArrayOp, PipelineOp, symbol
from cmir.isl.budget import limited
from cmir.isl.points import box_points
from cmir.support.diagnostics import Where
from cmir.support.limits import check_memory, count_text

ELEMENT_FACTOR = 3
"""An element of a tensor takes as many times its size: buffers, results, and the copies of chunks."""

ITERATION_BYTES = 224
"""The bytes of an iteration, for compiling, proving and timing: its coordinates and order, and when it starts."""

NEIGHBOUR_BYTES = 64
"""The bytes of an iteration for each program that its program writes to or reads from: what it needs and waits for."""


INFERENCE_BYTES = 256
"""The bytes of each further inference: when it begins and ends. Starts of iterations are kept until they repeat."""

ARRAY_BYTES = 512
"""The bytes of an input or output of an inference besides its elements."""


@dataclass(frozen=True)
class Demand:
    """A part of a workload. text: what it is, in a clause. count: of iterations or elements; size: their bytes."""

    where: Where
    text: str
    count: int
    size: int
    iterated: bool = False
    """True if `count` is of iterations."""


@dataclass(frozen=True)
class Workload:
    """The work of one inference. demands: of stages and arrays."""

    demands: tuple[Demand, ...]

    @property
    def size(self) -> int:
        """The bytes that compiling and running one inference takes, about."""
        return sum(demand.size for demand in self.demands)

    def check(self) -> None:
        """Refuse a network that takes more memory than there is, naming what takes most. Raises CompileError."""
        if self.demands:
            worst = max(self.demands, key=lambda demand: demand.size)
            check_memory(worst.where, worst.text, self.size)


def check_inferences(network: NetworkOp, count: int, inputs: bool, outputs: bool) -> None:
    """Refuse a stream of inferences that takes more memory than there is. Raises CompileError.

    inputs, outputs: True if those of all inferences are in memory at once.
    """
    kept = [*(network.inputs if inputs else ()), *(network.outputs if outputs else ())]
    arrays = (network.arrays[symbol(ref)] for ref in kept)
    sizes = (prod(a.shape) * dtype_of(a.type).itemsize for a in arrays)
    each = INFERENCE_BYTES + sum(ELEMENT_FACTOR * size + ARRAY_BYTES for size in sizes)
    check_memory(network, f"there are {count_text(count)} inferences", count * each)


def check_workload(module: ModuleOp) -> None:
    """Refuse a module whose networks, at any level, take more memory than there is. Raises CompileError."""
    with limited(module):
        for op in module.body.block.ops:
            workload_of(op).check()


def check_iterations(op: Operation) -> None:
    """Refuse a network with more iterations than arrays of numbers for each have room. Raises CompileError."""
    iterated = (demand for demand in workload_of(op).demands if demand.iterated)
    Workload(tuple(iterated)).check()


def workload_of(op: Operation) -> Workload:
    """Return the work of a network at any level; none for other operations."""
    match op:
        case FuncOp():
            demands = _of_function(op)
        case PipelineOp():
            demands = _of_pipeline(op)
        case NetworkOp():
            demands = _of_network(op)
        case _:
            demands = iter(())
    return Workload(tuple(demands))


def _of_function(function: FuncOp) -> Iterator[Demand]:
    first = function.body.blocks.first
    for argument in first.args if first is not None else ():
        yield from _elements(argument, f"%{argument.name_hint or 'arg'}", argument.type)
    for op in function.walk():
        if isinstance(op, IterationOp):
            yield _iterations(op, op.name, _iterations_of(op) * _steps_around(op))
        if isinstance(op, NNOp | ScanOp):
            for result in op.results:
                yield from _elements(op, f"the result of {op.name}", result.type)


def _steps_around(op: Operation) -> int:
    """Return how often the scans around an operator run it."""
    around = op.parent_op()
    if around is None:
        return 1
    return (around.steps if isinstance(around, ScanOp) else 1) * _steps_around(around)


def _iterations_of(op: IterationOp) -> int:
    """Return the iterations of an operator. A point-wise one has those of the stage that it joins, at least these."""
    if isinstance(op, PointwiseOp):
        return prod(op.result_shape) // max(op.result_shape, default=1)
    return prod(op.iterations().values())


def _of_pipeline(pipeline: PipelineOp) -> Iterator[Demand]:
    for name, stage in pipeline.stages.items():
        yield _iterations(stage, f"@{name}", box_points(stage.domain.points))
        yield from _vectors(stage, f"@{name}")
    yield from _arrays(pipeline.arrays.values())


def _of_network(network: NetworkOp) -> Iterator[Demand]:
    stored = {n: {symbol(o.array) for o in p.stores()} for n, p in network.programs.items()}
    loaded = {n: {symbol(o.array) for o in p.buffers} for n, p in network.programs.items()}
    writers, readers = Counter(chain(*stored.values())), Counter(chain(*loaded.values()))
    for name, program in network.programs.items():
        domains = (store.map.relation.domain().unwrap().domain() for store in program.stores())
        count = max(map(box_points, domains), default=0)
        neighbours = sum(writers[array] for array in loaded[name])
        neighbours += sum(readers[array] for array in stored[name])
        yield _iterations(program, f"@{name}", count, neighbours)
        yield from _vectors(program, f"@{name}")
    yield from _arrays(network.arrays.values())


def _arrays(arrays: Iterable[ArrayOp]) -> Iterator[Demand]:
    for array in arrays:
        yield from _elements(array, f"@{array.sym_name.data}", array.type)


def _iterations(where: Where, name: str, count: int, neighbours: int = 0) -> Demand:
    text = f"the domain of {name} has {count_text(count)} iterations"
    each = ITERATION_BYTES + NEIGHBOUR_BYTES * neighbours
    return Demand(where, text, count, each * count, iterated=True)


def _vectors(where: Operation, name: str) -> Iterator[Demand]:
    """Yield the vectors that one iteration computes."""
    for op in where.walk():
        for type_ in op.result_types:
            if isinstance(type_, VectorType):
                count = prod(type_.get_shape())
                text = f"an iteration of {name} has a vector of {count_text(count)} elements"
                yield Demand(op, text, count, ELEMENT_FACTOR * dtype_of(type_).itemsize * count)


def _elements(where: Where, name: str, type_: Attribute) -> Iterator[Demand]:
    if isinstance(type_, TensorType) and type_.has_static_shape():
        count = prod(type_.get_shape())
        size = ELEMENT_FACTOR * dtype_of(type_).itemsize * count
        yield Demand(where, f"{name} has {count_text(count)} elements", count, size)
