"""Ring buffers of readers, before their sizes are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import islpy as isl

from cmir.analysis.parts import ArrayPart
from cmir.analysis.ring import keeps_apart
from cmir.analysis.size_cover import Key
from cmir.dialects.core_name import CoreName
from cmir.isl.dependences import stream_times
from cmir.isl.storage import BoundingBox, Rows, ring_storage


@dataclass(frozen=True, eq=False)
class ReaderBuffer:
    """An array, or a part of it, that a reader keeps in a ring of rows, in the same way on each of its cores.

    least: the fewest rows with which the reader can run, whatever the rest of the network does. at_once: distances
    between rows that one iteration of a writer stores; two such rows must not share a slot. kept: the part of the array
    that a core keeps, None for all of it. edges: pairs of a writing core and a core that reads what it writes.
    """

    array: str
    reader: str
    part: ArrayPart
    least: int
    at_once: frozenset[int]
    kept: BoundingBox | None
    edges: tuple[tuple[CoreName, CoreName], ...]

    @property
    def key(self) -> Key:
        return (self.array, self.reader, *self.part.key)

    @property
    def rows(self) -> Rows:
        return self.part.rows

    @property
    def elements(self) -> isl.Set:
        """Elements of the part in all inferences, `{ b[n, location] }`."""
        assert self.part.elements is not None
        return stream_times(self.part.elements).set_tuple_name(self.array)

    def can_have(self, rows: int) -> bool:
        """Return True if a ring of `rows` rows has separate slots for all rows that an iteration stores."""
        return keeps_apart(self.at_once, rows)

    def shape(self, rows: int) -> tuple[int, ...]:
        """Return the shape of the buffer with `rows` rows."""
        return self.rows.buffer_shape(rows, None if self.kept is None else self.kept.sizes)

    def storage(self, rows: int) -> isl.Map:
        """Return the storage map for `rows` rows."""
        ring = ring_storage(self.array, self.rows, rows, self.kept)
        return ring if self.part.elements is None else ring.intersect_domain(self.elements)


def rows_found(
    rings: Sequence[ReaderBuffer], storage: isl.Map, shape: tuple[int, ...]
) -> dict[Key, int]:
    """Return the numbers of rows of these rings in a buffer of this storage and shape; empty if they do not match."""
    if not rings:
        return {}
    if len(rings) == 1:
        (ring,) = rings
        at = (ring.rows.axis or 0) + (ring.rows.banks > 1)
        return {ring.key: shape[at]} if at < len(shape) else {}
    own = [storage.intersect_domain(ring.elements).range() for ring in rings]
    if len(shape) != 1 or any(slots.is_empty() for slots in own):
        return {}
    starts = [slots.project_out_all_params().dim_min_val(0).to_python() for slots in own]
    ends = [*starts[1:], shape[0]]
    return {
        ring.key: (end - start) // prod(ring.shape(1))
        for ring, start, end in zip(rings, starts, ends, strict=True)
    }
