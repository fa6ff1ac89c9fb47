"""Programs as arrays: their iterations on all cores, and the elements that these access."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import VectorType
from xdsl.ir import Operation, SSAValue

from cmir.dialects.cmcore import BufferOp, FireOp, LoadOp, ProgramOp, StoreOp
from cmir.dialects.polyhedral import MapAttr, symbol
from cmir.isl import read_map, read_set
from cmir.isl.evaluate import Function, compile_function
from cmir.isl.memo import kept_by_text, unnamed
from cmir.isl.visits import in_order, run_of, visits
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError


class PointBudgetError(Exception):
    """Error for more points than the proof may enumerate."""


@dataclass
class Budget:
    """Number of points that may be enumerated, and number of points enumerated so far."""

    limit: int
    spent: int = 0

    def spend(self, points: int) -> None:
        self.spent += points
        if self.spent > self.limit:
            raise PointBudgetError


class Stage:
    """A program with the cores that run it.

    cores: their coordinates, shape (cores, coordinates). points: the iterations, core by core, each core's in order,
    shape (iterations, coordinates). Those of core k are points[starts[k]:starts[k + 1]]; core_of: the core that runs
    each iteration. Iterations are identified by their index in `points`. turns: number of copies of each core that run
    its iterations in turn; control is that of the undivided core.
    """

    def __init__(
        self, op: ProgramOp, cores: Sequence[tuple[int, ...]], budget: Budget, turns: int = 1
    ):
        self.op, self.name, self.turns = op, op.sym_name.data, turns
        self.cores = np.array(sorted(cores), np.int64)
        fired = visits(op.loop_nest.body, FireOp, self.cores, budget.spend)
        self.points = in_order(fired, lambda fire: fire.operands)
        self.core_of = run_of(fired) if fired else np.zeros(0, np.int64)
        self.counts = np.bincount(self.core_of, minlength=len(self.cores))
        self.starts = np.concatenate(([0], np.cumsum(self.counts)))
        self._check()
        self.buffers = {symbol(buffer.array): buffer for buffer in op.buffers}
        self.loads: dict[str, list[StageAccess]] = {}
        self.stores: dict[str, list[StageAccess]] = {}
        for item in op.iteration.body.block.ops:
            if isinstance(item, LoadOp):
                for buffer, relation in item.buffers_and_maps():
                    assert isinstance(buffer.owner, BufferOp)
                    array = symbol(buffer.owner.array)
                    access = StageAccess(self, item, relation, item.result)
                    budget.spend(sum(access.lanes))
                    self.loads.setdefault(array, []).append(access)
            elif isinstance(item, StoreOp):
                access = StageAccess(self, item, item.map, item.value)
                budget.spend(sum(access.lanes))
                self.stores.setdefault(symbol(item.array), []).append(access)

    def _check(self) -> None:
        """Check that each core fires only its own iterations, each once, and enough for its turns.

        Raises CompileError.
        """
        where = self.op.loop_nest
        for core, count in zip(self.cores.tolist(), self.counts.tolist(), strict=True):
            if not count:
                raise CompileError(where, f"{self.title(core)} fires no iteration")
            if count < self.turns:
                raise CompileError(
                    where,
                    f"{self.title(core)} fires {count_of(count, 'iteration')}, which cannot run in {self.turns} turns",
                )
        if (twice := self.index.repeated()) is not None:
            raise CompileError(where, f"@{self.name} fires iteration {self.text(twice)} twice")
        own = self.points[:, : self.cores.shape[1]] == self.cores[self.core_of]
        if not own.all():
            other = int(np.argmin(own.all(axis=1)))
            raise CompileError(
                where,
                f"@{self.name} fires iteration {self.text(other)} on a core that has other coordinates",
            )

    @cached_property
    def index(self) -> StagePointIndex:
        return StagePointIndex(self.points)

    def title(self, core: Sequence[int]) -> str:
        """Return the name of a core in messages: `@conv1`, or `@conv1[2]` if several run the program."""
        return f"@{self.name}[{', '.join(map(str, core))}]" if len(core) else f"@{self.name}"

    def text(self, iteration: int) -> str:
        """Return the coordinates of an iteration."""
        return f"({', '.join(map(str, self.points[iteration].tolist()))})"


def compiled(relation: isl.Map, within: isl.Set) -> Function:
    """Compile a relation to a function on arrays.

    ISL reads the formulas back and checks that they equal the relation, once for relations with the same text.
    """
    return _compared(unnamed(relation), within.reset_tuple_id())


@kept_by_text
def _compared(relation: isl.Map, within: isl.Set) -> Function:
    function, expected = compile_function(relation, within), relation.intersect_domain(within)
    if function.pieces:
        if not read_map(str(function)).intersect_domain(within).is_equal(expected):
            raise AssertionError(f"{relation} is not {function}")
    elif not expected.is_empty():
        raise AssertionError(f"{relation} is not empty")
    return function


class StagePointIndex:
    """Index of a list of points by their coordinates."""

    def __init__(self, points: np.ndarray):
        """Build the index. points: shape (count, coordinates)."""
        self.low = points.min(axis=0) if len(points) else np.zeros(points.shape[1], np.int64)
        self.high = points.max(axis=0) if len(points) else self.low
        self.shape = (self.high - self.low + 1).tolist()
        if prod(self.shape) >= 2**62:
            raise PointBudgetError  # the range of coordinates is too large
        keys = self._keys(points)
        self.order = np.argsort(keys, kind="stable")
        self.keys = keys[self.order]

    def _keys(self, points: np.ndarray) -> np.ndarray:
        key = np.zeros(len(points), np.int64)
        for column, low, size in zip(points.T, self.low, self.shape, strict=True):
            key = key * size + (column - low)
        return key

    def repeated(self) -> int | None:
        """Return the index of a point that occurs earlier in the list, or None."""
        again = np.flatnonzero(self.keys[1:] == self.keys[:-1])
        return int(self.order[again[0] + 1]) if len(again) else None

    def find(self, points: np.ndarray) -> np.ndarray:
        """Return the index of each point in the list; -1 if it is not in the list."""
        inside = np.all((points >= self.low) & (points <= self.high), axis=1)
        keys = self._keys(np.where(inside[:, None], points, self.low))
        at = np.minimum(np.searchsorted(self.keys, keys), max(len(self.keys) - 1, 0))
        if not len(self.keys):
            return np.full(len(points), -1)
        return np.where(inside & (self.keys[at] == keys), self.order[at], -1)


class StageAccess:
    """An access of a stage, by a source of a load or by a store: the location of each iteration and lane.

    function: (iteration, lane) -> location, with the coordinates of the iteration first. across: the first coordinate
    of a location is the inference, relative to the iteration's own. axis: the output of the function that is the first
    axis of the array.
    """

    def __init__(self, stage: Stage, op: Operation, relation: MapAttr, vector: SSAValue):
        assert isinstance(vector.type, VectorType)
        self.stage, self.op, self.lanes = stage, op, vector.type.get_shape()
        points = stage.points
        low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        bounds = [*zip(low, high, strict=True), *((0, size - 1) for size in self.lanes)]
        names = [f"x{d}" for d in range(len(bounds))]
        inside = [f"{a} <= {x} <= {b}" for x, (a, b) in zip(names, bounds, strict=True)]
        box = read_set(f"{{ [{', '.join(names)}] : {' and '.join(inside) or '1 = 1'} }}")
        flat = relation.relation.flatten_domain().reset_tuple_id(isl.dim_type.in_)
        self.function = compiled(flat, box)
        self.across = isinstance(op, LoadOp) and op.across is not None
        self.axis = int(self.across)
        self.rank = points.shape[1]
        self.core_dims = stage.cores.shape[1]

    def inputs(self, first: int, last: int, lanes: Sequence[int] | None = None) -> list[np.ndarray]:
        """Return the inputs of the function for iterations first <= i < last: axis 0, then one axis per lane dimension.

        lanes: the lane dimensions that take all of their coordinates; the others are 0. Default: all.
        """
        rank = len(self.lanes)
        columns = [c.reshape(-1, *(1,) * rank) for c in self.stage.points[first:last].T]
        for axis, size in enumerate(self.lanes):
            along = np.arange(size if lanes is None or axis in lanes else 1)
            columns.append(along.reshape(1, *(-1 if d == axis else 1 for d in range(rank))))
        return columns
