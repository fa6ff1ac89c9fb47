"""Buffers of one array at its readers, before their sizes are chosen.

They depend only on the relations of the stages that write and read the array. A pipeline is sized several times while
it is mapped, and most stages stay as they are in between, so results are kept by these relations.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import islpy as isl
import numpy as np

from cmir.analysis.buffers import ReaderBuffer
from cmir.analysis.footprint import Footprint, by_row, is_constant, unbroadcast
from cmir.analysis.parts import ArrayPart, array_parts
from cmir.analysis.ring import Ring, columns_of, keeps_apart, rows_at_once
from cmir.dialects.core_name import CoreName
from cmir.dialects.polyhedral import ArrayOp, StageOp, WriteOp
from cmir.isl.cores import at_core, on_core
from cmir.isl.memo import lookup
from cmir.isl.storage import BoundingBox, Rows

Edge = tuple[str, CoreName, CoreName]
"""(array, core that writes it, core that reads it)."""


@dataclass
class ArrayBuffers:
    """The buffers of an array, and their edges.

    data: for each edge and iteration of the reading core, the last iteration of the writing core that it needs. rings:
    the ring of each edge.
    """

    buffers: list[ReaderBuffer] = field(default_factory=list[ReaderBuffer])
    data: dict[Edge, np.ndarray] = field(default_factory=dict[Edge, np.ndarray])
    rings: dict[Edge, Ring] = field(default_factory=dict[Edge, Ring])


_known: dict[Hashable, ArrayBuffers] = {}


def array_buffers(
    array: ArrayOp, writers: Sequence[Footprint], readers: Sequence[Footprint]
) -> ArrayBuffers:
    """Return the buffers of an array that stages write. The result is shared, so it must not be changed."""
    uses = [
        tuple(_use(footprint.stage, array) for footprint in side) for side in (writers, readers)
    ]
    key = (array.sym_name.data, array.shape, *uses)
    return lookup(_known, key, lambda: _Builder(array, writers).built(readers))


def _use(stage: StageOp, array: ArrayOp) -> Hashable:
    """Return all that the buffers of an array depend on in a stage that writes or reads it."""
    name = array.sym_name.data
    accesses = (
        (isinstance(op, WriteOp), relation, getattr(op, "across", None), op.vector_type())
        for op in stage.accesses()
        for accessed, relation in op.arrays_and_maps()
        if accessed == name
    )
    return stage.sym_name, stage.domain, stage.schedule, stage.core_dims, *accesses


def kept_box(array: ArrayOp, stage: StageOp, read: isl.Map) -> BoundingBox | None:
    """Return the box around what a core of a stage reads of an array, None for all of the array."""
    if not stage.core_dims or read.is_empty():
        return None
    kept = BoundingBox.of(on_core(read, stage.core_dims))
    return kept if kept.sizes != array.shape else None


class _Builder:
    """The buffers of an array under construction."""

    def __init__(self, array: ArrayOp, writers: Sequence[Footprint]):
        self.array, self.name = array, array.sym_name.data
        self.writers = {footprint.name: footprint for footprint in writers}
        self.tables = {name: footprint.writer(array) for name, footprint in self.writers.items()}
        self.found = ArrayBuffers()
        self._equal_rings: dict[tuple[bytes, bytes, int, int, bool], Ring] = {}

    def built(self, readers: Sequence[Footprint]) -> ArrayBuffers:
        writes = {
            name: footprint.stage.write_relations()[self.name]
            for name, footprint in self.writers.items()
        }
        reads = [footprint.stage.read_relations()[self.name] for footprint in readers]
        for part in array_parts(self.array, writes, self.writers, self.tables):
            for footprint, read in zip(readers, reads, strict=True):
                self._add(part, footprint, part.of(read))
        return self.found

    def _add(self, part: ArrayPart, footprint: Footprint, read: isl.Map) -> None:
        """Add the buffer of a part at a reader. read: the reader's accesses to the part."""
        name, rows, tables = self.name, part.rows, {w: self.tables[w] for w in part.writers}
        kept = kept_box(self.array, footprint.stage, read) or part.box
        inside = [_inside(kept, core, rows) for core in footprint.coordinates]
        last_read = [cut(footprint.last_read(self.array, k)) for k, cut in enumerate(inside)]
        written = {w: [cut(table) for cut in inside] for w, table in tables.items()}
        alike = _uniform_axes([*chain(last_read, *written.values())], rows)
        last_read = [by_row(table[alike], rows) for table in last_read]
        written = {w: [by_row(t[alike], rows) for t in cuts] for w, cuts in written.items()}
        edges: list[tuple[CoreName, CoreName]] = []
        for writer, table in tables.items():
            source = self.writers[writer]
            for (core, other), needs in footprint.needs_data(self.array, source, table).items():
                edge = name, source.cores[other], footprint.cores[core]
                edges.append(edge[1:])
                self.found.data[edge] = needs
                first, last = source.starts[other], source.starts[other + 1]
                places = written[writer][core]
                mine = (places >= first) & (places < last)
                self.found.rings[edge] = self._ring(
                    np.where(mine, places - first, -1),
                    last_read[core],
                    (last - first, footprint.count(core)),
                    source.name == footprint.name and core == other,
                )
        pairs = [(self.found.rings[name, *e], self.found.data[name, *e]) for e in edges]
        stores = {id(table): table for cuts in written.values() for table in cuts}
        at_once = frozenset(
            chain.from_iterable(rows_at_once(columns_of(table)) for table in stores.values())
        )
        least = _least(pairs, at_once)
        self.found.buffers.append(
            ReaderBuffer(name, footprint.name, part, least, at_once, kept, tuple(edges))
        )

    def _ring(
        self,
        written: np.ndarray,
        last_read: np.ndarray,
        iterations: tuple[int, int],
        itself: bool,
    ) -> Ring:
        """Return the ring of an edge. Equal rings, such as those of copies of a stage, are one object.

        written, last_read: by bank and row.
        """
        columns = [columns_of(table) for table in (written, last_read)]
        kept = (columns[0] >= 0).any(axis=1)
        columns = [np.ascontiguousarray(table[kept]) for table in columns]
        key = (columns[0].tobytes(), columns[1].tobytes(), *iterations, itself)
        if key not in self._equal_rings:
            self._equal_rings[key] = Ring(columns[0], columns[1], *iterations, itself)
        return self._equal_rings[key]


def _least(pairs: Sequence[tuple[Ring, np.ndarray]], at_once: Collection[int]) -> int:
    """Return the fewest rows with which each writer and the reader could run if they were alone.

    pairs: the ring, and the iterations that the reader needs, for each writing and reading core. at_once: as in
    `ReaderBuffer`.
    """
    different = {(id(ring), needs.tobytes()): (ring, needs) for ring, needs in pairs}.values()

    def can_run(rows: int) -> bool:
        return all(ring.can_run(rows, needs) for ring, needs in different)

    low, high = 1, max((ring.whole for ring, _ in different), default=1)
    if all(ring.in_order for ring, _ in different):  # more rows never wait longer
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if can_run(middle) else (middle + 1, high)
    while not (keeps_apart(at_once, low) and can_run(low)):
        low += 1
    return low


def _inside(
    kept: BoundingBox | None, core: tuple[int, ...], rows: Rows
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that cuts the part kept by a core out of a table; rows outside the part become −1."""
    if kept is None:
        return lambda table: table
    cut: list[slice] = []
    outside = np.zeros((), bool)
    for d, (low, size) in enumerate(zip(kept.low, kept.sizes, strict=True)):
        at = at_core(low, core)
        if at.is_empty():  # the core reads nothing of the array
            nothing = [rows.shape[i] if i == rows.axis else n for i, n in enumerate(kept.sizes)]
            return lambda table: np.broadcast_to(np.int64(-1), nothing)
        first = at.dim_min_val(0).to_python()
        cut.append(rows.indices if d == rows.axis else slice(first, first + size))
        if d == rows.axis:
            row = np.arange(rows.indices.start, rows.indices.stop, rows.indices.step)
            row = row.reshape(-1, *(1,) * (len(kept.sizes) - d - 1))
            outside = (row < first) | (row >= first + size)
    if not outside.any():
        return lambda table: table[tuple(cut)]

    def inside(table: np.ndarray) -> np.ndarray:
        table = table[tuple(cut)]
        return np.broadcast_to(np.where(outside, -1, unbroadcast(table)), table.shape)

    return inside


def _uniform_axes(tables: Sequence[np.ndarray], rows: Rows) -> tuple[slice, ...]:
    """Return an index that keeps one element of each dimension, other than rows, along which all tables are constant.

    Usually all channels are written, and read, together.
    """
    uniform = (
        d != rows.axis and all(is_constant(table, d) for table in tables)
        for d in range(len(rows.shape))
    )
    return tuple(slice(1) if alike else slice(None) for alike in uniform)
