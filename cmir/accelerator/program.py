"""A cmcore program, prepared for execution: its loops evaluated, its relations compiled.

Everything about a program that does not depend on data or time is worked out here once, as arrays over the
iterations of one inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import prod

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, MemRefType, VectorType
from xdsl.ir import Operation, SSAValue

from cmir.accelerator.body import can_evaluate
from cmir.accelerator.elements import dtype_of
from cmir.accelerator.nest import Frame, PointIndex, Visit, execution_order, in_order, visits
from cmir.diagnostics import CompileError
from cmir.dialects.cmcore import (
    BufferOp,
    CreditOp,
    CrossbarOp,
    FireOp,
    LoadOp,
    ProgramOp,
    ReleaseOp,
    SnoopOp,
    StoreOp,
)
from cmir.dialects.polyhedral import ArrayOp, MapAttr, symbol
from cmir.isl import read_set
from cmir.isl.evaluate import Function, compile_function

NEVER = np.iinfo(np.int64).max // 4
"""The event that a dependence waits for where no event releases the iteration."""

ALWAYS = -NEVER
"""Where it waits for none."""


@dataclass(frozen=True)
class Access:
    """Where the lanes of a vector lie in an array, for any run of iterations.

    lanes: the sizes of a box of the vector's lanes, of which `corner` is the first. `locations` gives coordinates as
    arrays of shape (iterations, *lanes), each with length 1 along the axes that it does not depend on.
    """

    function: Function
    points: np.ndarray
    lanes: tuple[int, ...]
    corner: tuple[int, ...]

    @staticmethod
    def compile(
        relation: MapAttr,
        points: np.ndarray,
        lanes: tuple[int, ...],
        corner: tuple[int, ...] | None = None,
    ) -> Access:
        """points: the program's iterations in order, shape (iterations, coordinates)."""
        corner = corner or (0,) * len(lanes)
        flat = relation.relation.flatten_domain().reset_tuple_id(isl.dim_type.in_)
        bounds = [
            *zip(points.min(axis=0).tolist(), points.max(axis=0).tolist(), strict=True),
            *((first, first + size - 1) for first, size in zip(corner, lanes, strict=True)),
        ]
        names = ", ".join(f"x{i}" for i in range(len(bounds)))
        within = " and ".join(f"{low} <= x{i} <= {high}" for i, (low, high) in enumerate(bounds))
        box = read_set(f"{{ [{names}] : {within or '1 = 1'} }}")
        return Access(compile_function(flat, box), points, lanes, corner)

    @property
    def box(self) -> tuple[slice, ...]:
        """The lanes, as an index of the vector."""
        return tuple(slice(c, c + n) for c, n in zip(self.corner, self.lanes, strict=True))

    def locations(self, start: int, stop: int) -> tuple[list[np.ndarray], np.ndarray | None]:
        """(coordinates, where they are defined or None for everywhere) of iterations start ≤ i < stop."""
        rank = len(self.lanes)
        iteration = [column.reshape(-1, *(1,) * rank) for column in self.points[start:stop].T]
        lane = [
            np.arange(lanes.start, lanes.stop).reshape(
                1, *(-1 if d == axis else 1 for d in range(rank))
            )
            for axis, lanes in enumerate(self.box)
        ]
        return self.function([*iteration, *lane])


@dataclass(frozen=True)
class Buffer:
    """SRAM slots of a buffer, flat, followed by one cell for each pad value that loads read from it."""

    array: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    storage: Function | None
    location_rank: int

    @staticmethod
    def of(op: BufferOp, array: ArrayOp) -> Buffer:
        type = op.result.type
        assert isinstance(type, MemRefType)
        storage = None
        if op.storage is not None:
            relation = op.storage.relation.reset_tuple_id(isl.dim_type.in_)
            space = relation.domain().get_space()
            storage = compile_function(relation, isl.Set.universe(space))
        return Buffer(symbol(op.array), type.get_shape(), dtype_of(type), storage, len(array.shape))

    @property
    def slots(self) -> int:
        return prod(self.shape)

    def slot(self, inference: int, location: list[np.ndarray]) -> list[np.ndarray]:
        """The slots of elements of an inference."""
        if self.storage is None:
            return location
        slots, _ = self.storage([np.asarray(inference), *location])
        return slots


def ravel(coordinates: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Row-major index, adding up broadcastable parts so that small ones are combined first."""
    parts: list[np.ndarray] = []
    stride = 1
    for coordinate, size in zip(reversed(coordinates), reversed(shape), strict=True):
        parts.append(coordinate * stride)
        stride *= size
    index: np.ndarray = np.zeros((), np.int64)
    for part in sorted(parts, key=lambda p: p.size):
        index = index + part
    return index


@dataclass(frozen=True)
class Load:
    """A load: for each source, the buffer and where its lanes lie.

    apart: whether no two sources have lanes in the same box.
    """

    op: LoadOp
    sources: tuple[tuple[SSAValue, Access], ...]
    lanes: tuple[int, ...]
    pad: float
    apart: bool

    @staticmethod
    def of(op: LoadOp, points: np.ndarray) -> Load:
        type = op.result.type
        assert isinstance(type, VectorType)
        lanes = type.get_shape()
        sources = tuple(
            (b, Access.compile(m, points, *_lanes_with_location(m)))
            for b, m in op.buffers_and_maps()
        )
        accesses = [access for _, access in sources]
        apart = not any(_overlap(a.box, b.box) for a, b in combinations(accesses, 2))
        assert isinstance(op.pad, FloatAttr | IntegerAttr)
        return Load(op, sources, lanes, op.pad.value.data, apart)


def _lanes_with_location(relation: MapAttr) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The smallest box of all lanes that have a location in some iteration: its sizes and its first lane."""
    lanes = relation.relation.domain().unwrap().range()
    rank = lanes.dim(isl.dim_type.set)
    if lanes.is_empty():
        return (0,) * rank, (0,) * rank
    first = [lanes.dim_min_val(d).to_python() for d in range(rank)]
    last = [lanes.dim_max_val(d).to_python() for d in range(rank)]
    return tuple(b - a + 1 for a, b in zip(first, last, strict=True)), tuple(first)


def _overlap(one: tuple[slice, ...], other: tuple[slice, ...]) -> bool:
    """Whether two boxes have a lane in common."""
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))


@dataclass(frozen=True)
class Store:
    """A store: the array and where the lanes go."""

    op: StoreOp
    array: str
    access: Access
    lanes: tuple[int, ...]

    @staticmethod
    def of(op: StoreOp, points: np.ndarray) -> Store:
        type = op.value.type
        assert isinstance(type, VectorType)
        lanes = type.get_shape()
        return Store(op, symbol(op.array), Access.compile(op.map, points, lanes), lanes)


@dataclass(frozen=True)
class Automaton:
    """A snoop or credit, evaluated: what the iterations wait for, on account of one neighbour.

    needs: for iteration i of an inference, the iteration of `source` that must have run, counted from the
    start of the same inference there (so negative for earlier inferences); never decreasing.
    """

    kind: str
    source: str
    array: str
    needs: np.ndarray


class Program:
    """One program's iterations, accesses and body; automata follow once all programs are prepared."""

    def __init__(self, op: ProgramOp, arrays: dict[str, ArrayOp]):
        self.op = op
        self.name = op.sym_name.data
        self.arrays = arrays
        fired = visits(op.loop_nest.body, FireOp)
        self.points = in_order(fired, lambda fire: fire.operands)
        if not len(self.points):
            raise CompileError(op, f"program @{self.name} fires no iteration")
        self.buffers = {
            buffer.result: Buffer.of(buffer, arrays[symbol(buffer.array)]) for buffer in op.buffers
        }
        self.crossbars = [o for o in op.body.block.ops if isinstance(o, CrossbarOp)]
        self.body = list(op.iteration.body.block.ops)
        self.loads: dict[Operation, Load] = {}
        self.stores: dict[Operation, Store] = {}
        for item in self.body:
            if isinstance(item, LoadOp):
                self.loads[item] = Load.of(item, self.points)
            elif isinstance(item, StoreOp):
                self.stores[item] = Store.of(item, self.points)
            elif not can_evaluate(item):
                raise CompileError(
                    item, f"{item.name} cannot be executed in the body of an iteration"
                )
        self.automata: list[Automaton] = []

    @property
    def iterations(self) -> int:
        """Iterations of one inference."""
        return len(self.points)

    @property
    def sram_bytes(self) -> int:
        """Bytes of all buffers."""
        return sum(b.slots * b.dtype.itemsize for b in self.buffers.values())

    @cached_property
    def index(self) -> PointIndex:
        return PointIndex.of(self.points)

    def writer_of(self, array: str) -> np.ndarray:
        """For each element of `array`, flat, the iteration that stores it, or −1."""
        shape = self.arrays[array].shape
        writer = np.full(prod(shape), -1, np.int64)
        for store in self.stores.values():
            if store.array == array:
                location, defined = store.access.locations(0, self.iterations)
                target = np.broadcast_to(
                    ravel(location, shape), (self.iterations, *store.lanes)
                ).reshape(self.iterations, -1)
                iteration = np.broadcast_to(np.arange(self.iterations)[:, None], target.shape)
                if defined is not None:
                    kept = np.broadcast_to(defined, (self.iterations, *store.lanes))
                    kept = kept.reshape(target.shape)
                    target, iteration = target[kept], iteration[kept]
                writer[target] = iteration
        return writer

    def connect(self, programs: dict[str, Program]) -> None:
        """Evaluate the automata, which refer to the iterations of other programs."""
        for op in (*self.op.snoops, *self.op.credits):
            source = programs[symbol(op.source)]
            if isinstance(op, SnoopOp):
                buffer = op.buffer.owner
                assert isinstance(buffer, BufferOp)
                array = symbol(buffer.array)
            else:
                array = symbol(op.array)
            needs = self._needs(op, array, source)
            kind = "raw" if isinstance(op, SnoopOp) else "war"
            self.automata.append(Automaton(kind, source.name, array, needs))

    def _needs(self, op: SnoopOp | CreditOp, array: str, source: Program) -> np.ndarray:
        found = visits(op.body, ReleaseOp)
        awaits = np.concatenate([_at_each(frame, _release(o).awaits) for o, frame, _ in found])
        awaits = awaits[execution_order(found)]
        events = np.full(len(awaits), ALWAYS)
        awaiting = [v for v in found if _release(v[0]).awaits]
        at = in_order(awaiting, lambda r: _release(r).at)
        events[awaits] = self._events(op, array, source, at)
        limits = self._limits(op, found)
        # The automaton over the inferences whose steps can be the first to release an iteration of inference 0, from
        # one before them, and until everything in it is released. Its steps come one after the other: each one waits
        # for the events of all before it, and what they allowed stays allowed.
        n, m = self.iterations, source.iterations
        ahead = int(np.max(limits // n)) if len(limits) else 0
        inferences = np.arange(-ahead - 1, -ahead + 2)[:, None]
        waits = np.where(events == ALWAYS, ALWAYS, events + inferences * m).reshape(-1)
        waits = np.append(np.maximum.accumulate(waits), NEVER)
        reached = np.maximum.accumulate((limits + inferences * n).reshape(-1))
        return waits[np.searchsorted(reached, np.arange(n), side="left")]

    def _events(
        self, op: SnoopOp | CreditOp, array: str, source: Program, at: np.ndarray
    ) -> np.ndarray:
        """The iterations of `source` that make the awaited events happen."""
        if not len(at):
            return np.zeros(0, np.int64)
        if isinstance(op, CreditOp):
            if at.shape[1] != source.points.shape[1]:
                raise CompileError(
                    op, f"{op.name} waits for points that are not iterations of @{source.name}"
                )
            events = source.index.find(at)
        else:
            shape = self.arrays[array].shape
            inside = at.shape[1] == len(shape) and np.all((at >= 0) & (at < np.array(shape)))
            if not inside:
                raise CompileError(op, f"{op.name} waits for a location outside @{array}")
            events = source.writer_of(array)[ravel(list(at.T), shape)]
        if (events < 0).any():
            wrong = tuple(at[np.argmin(events)].tolist())
            raise CompileError(
                op, f"{op.name} waits for {wrong}, which @{source.name} never brings about"
            )
        return events

    def _limits(self, op: SnoopOp | CreditOp, found: list[Visit]) -> np.ndarray:
        """The last iterations allowed, counted from the start of the event's inference."""
        if not found:
            return np.zeros(0, np.int64)
        upto = in_order(found, lambda r: _release(r).upto)
        ahead = np.concatenate([_ahead(op, frame) for op, frame, _ in found])
        ahead = ahead[execution_order(found)]
        position = self.index.find(upto)
        if (position < 0).any():
            wrong = tuple(upto[np.argmin(position)].tolist())
            raise CompileError(
                op, f"{op.name} releases {wrong}, which is not an iteration of @{self.name}"
            )
        return position + ahead * self.iterations


def _release(op: Operation) -> ReleaseOp:
    assert isinstance(op, ReleaseOp)
    return op


def _at_each(frame: Frame, value: bool) -> np.ndarray:
    return np.full(frame.count, value)


def _ahead(op: Operation, frame: Frame) -> np.ndarray:
    """How many inferences ahead of its event a release reaches, at each visit."""
    ahead = _release(op).ahead
    return np.zeros(frame.count, np.int64) if ahead is None else frame.spread(ahead)
