"""A cmcore program prepared for execution: its loops evaluated, its relations compiled.

Everything that does not depend on data or time is computed here once, for all cores that run the program, as arrays
over the iterations of one inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from math import prod
from typing import Any

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, MemRefType, VectorType
from xdsl.ir import Operation, SSAValue

from cmir.dialects.cmcore import (
    BufferOp,
    CrossbarOp,
    FireOp,
    LoadOp,
    ProgramOp,
    StoreOp,
)
from cmir.dialects.core_name import CoreName
from cmir.dialects.element_types import dtype_of
from cmir.dialects.polyhedral import ArrayOp, MapAttr, symbol
from cmir.isl.cores import with_core_as_input
from cmir.isl.evaluate import Function, compile_function
from cmir.isl.visits import PointIndex, in_order, iterators, run_of, visits
from cmir.semantics.access import CompiledAccess
from cmir.semantics.body import implementation_of
from cmir.support.diagnostics import CompileError


@dataclass(frozen=True)
class Buffer:
    """SRAM slots of a buffer, flattened, followed by one cell for each pad value that loads read from it.

    storage: (coordinates of the core, inference, location) -> slot.
    """

    array: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    storage: Function | None
    core: tuple[int, ...] = ()

    @staticmethod
    def of(op: BufferOp) -> Buffer:
        type = op.result.type
        assert isinstance(type, MemRefType)
        storage = None
        if op.storage is not None:
            program = op.parent_op()
            assert isinstance(program, ProgramOp)
            relation = with_core_as_input(op.storage.relation, program.core_dims)
            space = relation.domain().get_space()
            storage = compile_function(relation, isl.Set.universe(space))
        return Buffer(symbol(op.array), type.get_shape(), dtype_of(type), storage)

    def on(self, core: tuple[int, ...]) -> Buffer:
        """Return the buffer on one of the cores."""
        return replace(self, core=core) if self.storage is not None else self

    @property
    def slots(self) -> int:
        return prod(self.shape)

    def slot(
        self, inference: int | np.ndarray, location: list[np.ndarray]
    ) -> tuple[list[np.ndarray], np.ndarray | None]:
        """Return (slots of elements of inferences, mask of the elements that have one or None for all)."""
        if self.storage is None:
            return location, None
        return self.storage([*map(np.asarray, (*self.core, inference)), *location])


def pad_value(op: LoadOp) -> float:
    """Return the value of lanes without a location."""
    assert isinstance(op.pad, FloatAttr | IntegerAttr)
    return op.pad.value.data


@dataclass(frozen=True)
class Load:
    """A load: the buffer of each source, and the locations of its lanes.

    apart: the boxes of the lanes of different sources are disjoint. across: the first coordinate of a location is the
    inference, relative to the iteration's.
    """

    op: LoadOp
    sources: tuple[tuple[SSAValue, CompiledAccess], ...]
    lanes: tuple[int, ...]
    apart: bool
    across: bool

    def of_run(self, run: slice) -> Load:
        """Return the load for some of the iterations."""
        return replace(self, sources=tuple((b, access.of_run(run)) for b, access in self.sources))

    @staticmethod
    def of(op: LoadOp, points: np.ndarray) -> Load:
        type = op.result.type
        assert isinstance(type, VectorType)
        lanes = type.get_shape()
        sources = tuple(
            (b, CompiledAccess.compile(m, points, *_lanes_with_location(m)))
            for b, m in op.buffers_and_maps()
        )
        accesses = [access for _, access in sources]
        apart = not any(_overlap(a.box, b.box) for a, b in combinations(accesses, 2))
        return Load(op, sources, lanes, apart, op.across is not None)


def _lanes_with_location(relation: MapAttr) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the smallest box of lanes with a location in some iteration: its sizes and its first lane."""
    lanes = relation.relation.domain().unwrap().range()
    rank = lanes.dim(isl.dim_type.set)
    if lanes.is_empty():
        return (0,) * rank, (0,) * rank
    first = [lanes.dim_min_val(d).to_python() for d in range(rank)]
    last = [lanes.dim_max_val(d).to_python() for d in range(rank)]
    return tuple(b - a + 1 for a, b in zip(first, last, strict=True)), tuple(first)


def _overlap(one: tuple[slice, ...], other: tuple[slice, ...]) -> bool:
    """Return True if two boxes have a lane in common."""
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))


@dataclass(frozen=True)
class Store:
    """A store: the array, and the locations of the lanes."""

    op: StoreOp
    array: str
    access: CompiledAccess
    lanes: tuple[int, ...]

    def of_run(self, run: slice) -> Store:
        """Return the store for some of the iterations."""
        return replace(self, access=self.access.of_run(run))

    @staticmethod
    def of(op: StoreOp, points: np.ndarray) -> Store:
        type = op.value.type
        assert isinstance(type, VectorType)
        lanes = type.get_shape()
        return Store(op, symbol(op.array), CompiledAccess.compile(op.map, points, lanes), lanes)


_MOST_PLACES = 1 << 32
"""Limit of the number of points in the bounding box of a program's iterations."""


class Program:
    """Iterations of a program on all cores that run it, its accesses and its body.

    cores: coordinates of the cores, shape (cores, coordinates). points: iterations in execution order, core by core,
    shape (iterations, coordinates); those of core k are points[starts[k]:starts[k + 1]].
    """

    def __init__(self, op: ProgramOp, arrays: dict[str, ArrayOp], cores: np.ndarray):
        self.op = op
        self.name = op.sym_name.data
        self.arrays = arrays
        self.core_coordinates = cores
        fired = visits(op.loop_nest.body, FireOp, cores)
        self.points = in_order(fired, lambda fire: fire.operands)
        counts = np.bincount(run_of(fired) if fired else [], minlength=len(cores))
        self.starts = np.concatenate(([0], np.cumsum(counts)))
        self._check_fires(counts)
        self.crossbars = [o for o in op.body.block.ops if isinstance(o, CrossbarOp)]
        self.body = list(op.iteration.body.block.ops)
        for item in self.body:
            if not isinstance(item, LoadOp | StoreOp) and implementation_of(item) is None:
                raise CompileError(
                    item, f"{item.name} cannot be executed in the body of an iteration"
                )

    @cached_property
    def buffers(self) -> dict[SSAValue, Buffer]:
        return {buffer.result: Buffer.of(buffer) for buffer in self.op.buffers}

    @cached_property
    def loads(self) -> dict[Operation, Load]:
        return {op: Load.of(op, self.points) for op in self.body if isinstance(op, LoadOp)}

    @cached_property
    def stores(self) -> dict[Operation, Store]:
        return {op: Store.of(op, self.points) for op in self.body if isinstance(op, StoreOp)}

    def _check_fires(self, counts: np.ndarray) -> None:
        for core, count in zip(self.core_coordinates.tolist(), counts, strict=True):
            if not count:
                raise CompileError(self.op, f"program {self.title(core)} fires no iteration")
        whose = self.points[:, : self.core_coordinates.shape[1]]
        wrong = (whose != np.repeat(self.core_coordinates, counts, axis=0)).any(axis=1)
        if wrong.any():
            at = int(np.argmax(wrong))
            core = self.core_coordinates[self.core_of(at)].tolist()
            raise CompileError(
                self.op.loop_nest,
                f"program {self.title(core)} fires iteration {tuple(self.points[at].tolist())}, "
                f"which is another core's",
            )

    def title(self, core: Sequence[int]) -> str:
        """Return the name of a core for messages: `@conv1`, or `@conv1[2]` if several cores run the program."""
        return f"@{CoreName(self.name, tuple(core))}"

    def core_of(self, position: Any) -> Any:
        """Return the number of the core that runs an iteration, given by its position in `points`."""
        return np.searchsorted(self.starts, position, side="right") - 1

    @cached_property
    def index(self) -> PointIndex:
        sides = np.ptp(self.points.astype(np.float64), axis=0) + 1
        if np.prod(sides) > _MOST_PLACES:
            raise CompileError(
                self.op.loop_nest, f"the iterations of @{self.name} are too far apart to be run"
            )
        return PointIndex.of(self.points)

    @cached_property
    def iterators(self) -> np.ndarray:
        """Of each iteration, which `cmcore.fire` starts it and the iterators of the loops around that."""
        return iterators(visits(self.op.loop_nest.body, FireOp, self.core_coordinates))

    def writer_of(self, array: str) -> np.ndarray:
        """Return the position of the iteration that stores each element, −1 if none does; shape: that of the array."""
        shape = self.arrays[array].shape
        writer = np.full([1] * len(shape), -1)
        for store in self.stores.values():
            if store.array == array:
                last = store.access.last_use(shape, 0, len(self.points))
                writer = np.maximum(writer, last)
        return np.broadcast_to(writer, shape)


class Core:
    """A core, and the iterations of a program that it runs; with turns, every so many of them."""

    def __init__(self, program: Program, number: int, turn: int | None = None, turns: int = 1):
        self.program, self.number = program, number
        self.coordinates = tuple(program.core_coordinates[number].tolist())
        self.name = CoreName(program.name, self.coordinates, turn)
        first, last = int(program.starts[number]), int(program.starts[number + 1])
        self._run = slice(first + (turn or 0), last, turns)
        self.points = program.points[self._run]

    def on_turn(self, turn: int, turns: int) -> Core:
        """Return the copy with one of the turns."""
        return Core(self.program, self.number, turn, turns)

    @property
    def iterations(self) -> int:
        """Number of iterations in one inference."""
        return len(self.points)

    @cached_property
    def iterators(self) -> np.ndarray:
        """Like `Program.iterators`, of the iterations of this core."""
        return self.program.iterators[self._run]

    @cached_property
    def buffers(self) -> dict[SSAValue, Buffer]:
        return {v: b.on(self.coordinates) for v, b in self.program.buffers.items()}

    @cached_property
    def loads(self) -> dict[Operation, Load]:
        return {op: load.of_run(self._run) for op, load in self.program.loads.items()}

    @cached_property
    def stores(self) -> dict[Operation, Store]:
        return {op: store.of_run(self._run) for op, store in self.program.stores.items()}
