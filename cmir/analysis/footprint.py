"""Accesses of stages as arrays, iteration by iteration: the numeric counterpart of dependence analysis.

`cmir.isl.dependences` derives the same dependences symbolically, for all inferences at once; control logic is generated
from those. The arrays serve searches over many buffer sizes, where a symbolic derivation per size would be too slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from math import ceil, prod

import islpy as isl
import numpy as np
from xdsl.dialects.builtin import IndexType, VectorType
from xdsl.ir import Block, Region

from cmir.dialects.cmcore import FireOp
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import ArrayOp, StageOp, symbol
from cmir.elaboration.automata import NEVER
from cmir.isl.ast import visit_in_order
from cmir.isl.cores import parameter_values
from cmir.isl.memo import kept_by_text, unnamed
from cmir.isl.storage import Rows
from cmir.isl.visits import in_order, run_of, visits
from cmir.semantics.access import CompiledAccess, along
from cmir.support.blocks import blocks
from cmir.support.numerics import ravel


class Footprint:
    """Iterations of a stage in execution order, and the elements that each of them accesses.

    The iterations of each core are contiguous: those of core k begin at `starts[k]` and end before `starts[k + 1]`.
    """

    def __init__(self, stage: StageOp):
        self.stage = stage
        self.name = stage.sym_name.data
        coordinates, self.points, counts = _iterations(
            unnamed(stage.order_on_core()), stage.cores()
        )
        self.coordinates = [tuple(core) for core in coordinates.tolist()]
        self.cores = [CoreName(self.name, core) for core in self.coordinates]
        self.starts: list[int] = [0, *np.cumsum(counts).tolist()]
        self._reads = cache(self._reads_uncached)

    @property
    def iterations(self) -> int:
        return len(self.points)

    def count(self, core: int) -> int:
        """Return the number of iterations of a core."""
        return self.starts[core + 1] - self.starts[core]

    def core_of(self, positions: np.ndarray) -> np.ndarray:
        """Return the cores that run the iterations at these positions."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def _reads_uncached(self, array: str, across: bool) -> list[CompiledAccess]:
        """Return the accesses by which iterations read an array, within their inference or across inferences."""
        found: list[CompiledAccess] = []
        for op in self.stage.reads():
            assert isinstance(op.result.type, VectorType)
            shape = op.result.type.get_shape()
            for name, relation in op.arrays_and_maps():
                if name == array and across == (op.across is not None):
                    found.append(CompiledAccess.compile(relation, self.points, shape))
        return found

    def _writes(self, array: str) -> Iterable[CompiledAccess]:
        for op in self.stage.writes():
            assert isinstance(op.value.type, VectorType)
            if symbol(op.array) == array:
                yield CompiledAccess.compile(op.map, self.points, op.value.type.get_shape())

    def writer(self, array: ArrayOp) -> np.ndarray:
        """Return the position of the iteration that writes each element, −1 if none does; shape: that of the array."""
        writer = self._last(array, self._writes(array.sym_name.data), 0, self.iterations)
        return np.broadcast_to(writer, array.shape)

    def last_read(self, array: ArrayOp, core: int) -> np.ndarray:
        """Return the last iteration of a core that reads each element, −1 if none does.

        Iterations are counted from the core's first in the inference that writes the element, so those of later
        inferences follow those of the same one.
        """
        first, last = self.starts[core], self.starts[core + 1]
        name = array.sym_name.data
        place = self._last(array, self._reads(name, across=False), first, last)
        place = np.where(place < 0, place, place - first)
        for access in self._reads(name, across=True):
            place = np.array(np.broadcast_to(place, array.shape))
            for start, stop in blocks(first, last, prod(access.lanes)):
                (back, *location), iteration = _pairs(access, start, stop)
                np.maximum.at(place, tuple(location), iteration - first - back * (last - first))
        return np.broadcast_to(place, array.shape)

    def _last(
        self, array: ArrayOp, accesses: Iterable[CompiledAccess], first: int, last: int
    ) -> np.ndarray:
        """Return the last iteration that accesses each element, with shape as in `CompiledAccess.last_use`."""
        result = np.full([1] * len(array.shape), -1)
        for access in accesses if first < last else ():
            result = np.maximum(result, access.last_use(array.shape, first, last))
        return result

    def needs_data(
        self, array: ArrayOp, source: Footprint, writer: np.ndarray
    ) -> dict[tuple[int, int], np.ndarray]:
        """Return, for each iteration, the last iteration of the writer from which it or an earlier one reads.

        The result maps (core, core of the writer) to an array, for the pairs between which data flows. Iterations are
        counted from the first of each core in the same inference, so those of earlier inferences are negative; −NEVER
        means that none is needed. writer: the result of `source.writer`.
        """
        needs = np.full((len(source.cores), self.iterations), -NEVER, np.int64)
        table, runs = _runs(writer)
        core = np.maximum(source.core_of(table), 0)
        event = np.where(table < 0, -NEVER, table - np.array(source.starts)[core])
        name = array.sym_name.data
        for access in self._reads(name, across=False):
            for iteration, place, defined in _places(access, runs, table.shape):
                latest = event.reshape(-1)[place]
                if defined is not None:
                    latest = np.where(defined, latest, -NEVER)
                into = core.reshape(-1)[place] * self.iterations + iteration
                into, latest = np.broadcast_arrays(into, latest)
                np.maximum.at(needs.reshape(-1), into.reshape(-1), latest.reshape(-1))
        for access in self._reads(name, across=True):
            for start, stop in blocks(0, self.iterations, prod(access.lanes)):
                (back, *location), iteration = _pairs(access, start, stop)
                written = writer[tuple(location)]
                core = np.maximum(source.core_of(written), 0)
                starts = np.array(source.starts)
                event = written - starts[core] + back * np.diff(starts)[core]
                there = written >= 0
                np.maximum.at(needs, (core[there], iteration[there]), event[there])
        runs = [slice(*pair) for pair in pairwise(self.starts)]
        return {
            (core, other): _with_all_before(needs[other, run], source.count(other))
            for core, run in enumerate(runs)
            for other in np.flatnonzero((needs[:, run] > -NEVER).any(axis=1)).tolist()
        }


@kept_by_text
def _iterations(order: isl.Map, cores: isl.Set) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the coordinates of the cores, their iterations one after the other in order, and the number of each.

    order, cores: `StageOp.order_on_core` without names, and `StageOp.cores`.
    """
    coordinates = parameter_values(cores)
    block = Block(arg_types=[IndexType()] * coordinates.shape[1])
    visit_in_order(order, lambda b, point: b.insert(FireOp(point)), block, cores=cores)
    fired = visits(Region(block), FireOp, coordinates)
    counts = np.bincount(run_of(fired), minlength=len(coordinates))
    return coordinates, in_order(fired, lambda fire: fire.operands), counts


def _with_all_before(needs: np.ndarray, count: int) -> np.ndarray:
    """Return D′, the latest event that an iteration or an earlier one needs.

    count: number of events in an inference. Needs of earlier inferences matter if there are such in this one.
    """
    latest = np.maximum.accumulate(needs)
    return (
        np.maximum(latest, latest[-1] - count) if ((needs < 0) & (needs > -NEVER)).any() else latest
    )


def _pairs(access: CompiledAccess, start: int, stop: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return (coordinates of each location, iteration) of all lanes of iterations start ≤ i < stop, as flat arrays."""
    location, defined = access.locations(start, stop)
    shape = (stop - start, *access.lanes)
    iteration = np.arange(start, stop).reshape(-1, *(1,) * len(access.lanes))
    kept = np.broadcast_to(np.asarray(True) if defined is None else defined, shape)
    return [np.broadcast_to(x, shape)[kept] for x in location], np.broadcast_to(iteration, shape)[
        kept
    ]


def _places(
    access: CompiledAccess, runs: Sequence[np.ndarray], shape: tuple[int, ...]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Yield blocks of iterations, the places of their lanes in a table, and a mask of the defined ones or None for all.

    Lanes along separate axes with the same place are one. runs, shape: see `_runs`.
    """
    one, rank, distinct = access.at_one_lane(), len(access.lanes), dict[int, np.ndarray]()
    for group in access.separate:
        places = np.unique(runs[group.dimension][group.elements])
        distinct[group.dimension] = along(places, 1 + group.axes[0], 1 + rank)
    lanes = prod(one.lanes) * prod(places.size for places in distinct.values())
    for start, stop in blocks(0, len(access.points), lanes):
        location, defined = one.locations(start, stop)
        if defined is not None:  # lanes outside the array have meaningless locations
            location = [np.clip(x, 0, len(run) - 1) for x, run in zip(location, runs, strict=True)]
        place = [run[x] for x, run in zip(location, runs, strict=True)]
        for dimension, places in distinct.items():
            place[dimension] = places
        yield along(np.arange(start, stop), 0, 1 + rank), ravel(place, shape), defined


def is_constant(table: np.ndarray, axis: int) -> bool:
    """Return True if a table is constant along an axis."""
    return table.strides[axis] == 0 or bool((table == table.take([0], axis=axis)).all())


def _without_repeats(table: np.ndarray) -> np.ndarray:
    """Return the table with each axis along which it is constant reduced to one entry."""
    for axis in range(table.ndim):
        if is_constant(table, axis):
            table = table.take([0], axis=axis)
    return table


def unbroadcast(table: np.ndarray) -> np.ndarray:
    """Return a table, of which some axes may repeat one entry in memory, with that entry alone."""
    return table[tuple(slice(1) if stride == 0 else slice(None) for stride in table.strides)]


def _runs(table: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the table with runs of equal entries along each axis reduced to one, and the run of each index."""
    runs: list[np.ndarray] = []
    for axis, size in enumerate(table.shape):
        begins = np.ones(size, bool)
        entries = np.moveaxis(unbroadcast(table), axis, 0)
        others = tuple(range(1, table.ndim))
        begins[1:] = len(entries) > 1 and (entries[1:] != entries[:-1]).any(axis=others)
        runs.append(np.cumsum(begins) - 1)
        table = table.compress(begins, axis=axis)
    return table, runs


def by_row(table: np.ndarray, rows: Rows, missing: int = -1) -> np.ndarray:
    """Return a table of the elements of an array by bank and row: shape (banks, rows, …)."""
    if rows.axis is None:
        return table[None, None]
    table = np.moveaxis(table, rows.axis, 0)
    table = table[::-1] if rows.descending else table
    lacking = rows.banks * rows.count - len(table)
    if lacking:  # the last rows of some banks do not exist
        rest = np.full((lacking, *table.shape[1:]), missing, table.dtype)
        table = np.concatenate((table, rest))
    if not rows.dealt:
        return table.reshape(rows.banks, rows.count, *table.shape[1:])
    return np.moveaxis(table.reshape(rows.count, rows.banks, *table.shape[1:]), 1, 0)


def rows_of_banks(rows: Rows, cores: np.ndarray) -> Rows:
    """Return the rows of an array that several cores write, in banks if the cores write the rows in turn.

    cores: the core that writes each element, −1 for none. Cores that write parts of the same rows need no banks.
    """
    if rows.axis is None:
        return rows
    by_axis = np.moveaxis(_without_repeats(cores), rows.axis, 0)
    if len(by_axis) == 1:  # all rows are alike
        return rows
    by_axis = by_axis[::-1] if rows.descending else by_axis
    _, bank = np.unique(by_axis.reshape(len(by_axis), -1), axis=0, return_inverse=True)
    banks, height = int(bank.max()) + 1, len(bank)
    if banks == 1:
        return rows
    dealt = np.arange(height) % banks
    runs = np.arange(height) // ceil(height / banks)
    for pattern, is_dealt in ((dealt, True), (runs, False)):
        if len(np.unique(np.stack((bank.reshape(-1), pattern)), axis=1).T) == banks:
            return replace(rows, banks=banks, dealt=is_dealt)
    return Rows(rows.shape, None)
