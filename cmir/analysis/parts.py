"""Parts of an array with rows of their own in a buffer: the part that each stage writes, or the whole array.

Stages that write one array are not ordered with respect to each other, so no slot may belong to two of them. They can
share a ring if they number the rows of the array alike and differ in the other coordinates, as the pieces of a
concatenation along channels do. Otherwise the part of each stage has a ring of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import islpy as isl
import numpy as np

from cmir.analysis.footprint import Footprint, rows_of_banks, unbroadcast
from cmir.dialects.polyhedral import ArrayOp
from cmir.isl.storage import BoundingBox, Rows, rows_of
from cmir.isl.text import read_set


@dataclass(frozen=True, eq=False)
class ArrayPart:
    """Elements of an array, the rows in which they are produced, and the stages that write them.

    elements: None for the whole array.
    """

    rows: Rows
    writers: tuple[str, ...]
    elements: isl.Set | None = None

    def of(self, access: isl.Map) -> isl.Map:
        """Return the access restricted to these elements."""
        return access if self.elements is None else access.intersect_range(self.elements)

    @cached_property
    def box(self) -> BoundingBox | None:
        """Bounding box of the elements, None for the whole array."""
        return None if self.elements is None else BoundingBox.of(isl.Map.from_range(self.elements))

    @property
    def key(self) -> tuple[str, ...]:
        """Key of the part among those of the array: the stage that writes it; empty for the whole array."""
        return () if self.elements is None else self.writers


def array_parts(
    array: ArrayOp,
    writes: Mapping[str, isl.Map],
    footprints: Mapping[str, Footprint],
    tables: Mapping[str, np.ndarray],
) -> list[ArrayPart]:
    """Return the parts of an array.

    writes: iteration -> location, by stage that writes the array. tables: `Footprint.writer`, by the same stages.
    """
    shape, names = array.shape, tuple(writes)
    whole = Rows(shape, None)
    rows, cores = {}, {}
    for name, write in writes.items():
        rows[name] = rows_of(shape, write, footprints[name].stage.order_on_core())
        written = footprints[name].core_of(unbroadcast(tables[name]))
        cores[name] = np.broadcast_to(written, shape)
    if len(names) == 1:
        return [ArrayPart(rows_of_banks(rows[names[0]], cores[names[0]]), names)]
    if not all((table >= 0).any() for table in tables.values()):
        return [ArrayPart(whole, names)]
    boxes = {name: _box(cores[name], rows[name].axis) for name in names}
    found = {name: _rows_in(boxes[name], rows[name], cores[name]) for name in names}
    if (common := _common_rows([*found.values()], shape, [*cores.values()])) is not None:
        return [ArrayPart(common, names)]
    written = sum(np.count_nonzero(table >= 0) for table in tables.values())
    if written != prod(shape) or sum(prod(part.shape) for part in found.values()) != prod(shape):
        return [ArrayPart(whole, names)]  # the parts are not boxes
    elements = {name: _elements(array.sym_name.data, box) for name, box in boxes.items()}
    return [ArrayPart(part, (name,), elements[name]) for name, part in found.items()]


def _box(cores: np.ndarray, axis: int | None) -> tuple[slice, ...]:
    """Return the box around the elements that one stage writes; along `axis`, with the step of its rows."""
    box = []
    for d, size in enumerate(cores.shape):
        others = tuple(other for other in range(cores.ndim) if other != d)
        there = np.flatnonzero((cores >= 0).any(axis=others))
        first, stop = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, size)
        steps = np.unique(np.diff(there)) if d == axis else ()
        box.append(slice(first, stop, int(steps[0]) if len(steps) == 1 else 1))
    return tuple(box)


def _rows_in(box: tuple[slice, ...], rows: Rows, cores: np.ndarray) -> Rows:
    """Return the rows of the part that one of several stages writes.

    rows: rows of the whole array. cores: the core that writes each element, −1 for none.
    """
    part = cores[box]
    if rows.axis is None:
        return Rows(part.shape, None)
    along = box[rows.axis]
    rows = replace(rows, shape=part.shape, first=along.start, step=along.step)
    return rows_of_banks(rows, part)


def _common_rows(
    found: Sequence[Rows], shape: tuple[int, ...], cores: Sequence[np.ndarray]
) -> Rows | None:
    """Return the rows that all parts of an array have in common, or None.

    found: rows of each part. cores: for each part, the core of its writer that writes each element, −1 for none.
    """
    alike = {replace(rows, shape=shape) for rows in found}
    if len(alike) > 1:
        return None
    (rows,) = alike
    if rows.axis is None:
        return rows
    if any(part.shape[rows.axis] != shape[rows.axis] for part in found):
        return None
    # Rows of two parts never share a slot if the parts differ in the other coordinates.
    beside = sum((part >= 0).any(axis=rows.axis).astype(np.int64) for part in cores)
    return rows if np.max(beside) <= 1 else None


def _elements(array: str, box: Sequence[slice]) -> isl.Set:
    """Return the elements of an array in a box."""
    dims = [f"d{d}" for d in range(len(box))]
    bounds = [
        f"{part.start} <= {dim} < {part.stop} and ({dim} - {part.start}) mod {part.step} = 0"
        for dim, part in zip(dims, box, strict=True)
    ]
    return read_set(f"{{ {array}[{', '.join(dims)}] : {' and '.join(bounds)} }}")
