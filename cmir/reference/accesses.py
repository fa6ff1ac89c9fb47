"""Enumeration of a program's relations: locations of iterations, slots of elements, cells of matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from cmir.reference.findings import ProgramFault
from cmir.reference.relations import RelationError, relation

POINTS_AT_ONCE = 1 << 20
"""Approximate number of pairs of an iteration and a lane that are computed at a time."""

Point = tuple[int, ...]


@dataclass(frozen=True)
class Lanes:
    """The lanes of a vector that have a location, iteration by iteration, in execution order.

    lanes, locations: row-major numbers. Those of iteration i are `starts[i] : starts[i + 1]`. inferences: of the
    locations, relative to the iteration's own.
    """

    starts: list[int]
    lanes: np.ndarray
    locations: np.ndarray
    inferences: np.ndarray


@lru_cache(maxsize=512)
def lanes_of(
    access: str,
    iterations: tuple[Point, ...],
    lanes: tuple[int, ...],
    shape: tuple[int, ...],
    held: int | None = None,
) -> Lanes:
    """Enumerate an access `[iteration -> lane] -> location`.

    lanes: the shape of the vector. shape: the shape of the array. held: for an access whose locations begin with an
    inference, the number of inferences before the first in which the array has values. Raises ProgramFault for
    locations outside the array, and for other inferences.
    """
    if not iterations:
        return Lanes([0], np.zeros(0, np.int32), *(np.zeros(0, np.int64) for _ in range(2)))
    points = np.array(iterations, np.int64).reshape(len(iterations), -1)
    step = max(1, POINTS_AT_ONCE // max(1, prod(lanes)))
    counts, numbers, locations, inferences = [], [], [], []
    for first in range(0, len(points), step):
        part = points[first : first + step]
        columns = [column.reshape(-1, *(1 for _ in lanes)) for column in part.T]
        axes = np.ix_(np.arange(len(part)), *map(np.arange, lanes))[1:]
        where, found, ahead = _image(access, (), [*columns, *axes], shape, "the array", held)
        full = (len(part), *lanes)
        mask = np.broadcast_to(where, full).reshape(len(part), -1)
        counts.append(mask.sum(axis=1))
        numbers.append(np.nonzero(mask)[1].astype(np.int32))
        locations.append(np.broadcast_to(found, full).reshape(mask.shape)[mask])
        inferences.append(np.broadcast_to(ahead, full).reshape(mask.shape)[mask])
    starts = np.concatenate([[0], *counts]).cumsum()
    empty = np.zeros(0, np.int64)
    return Lanes(
        starts.tolist(),
        np.concatenate([empty, *numbers]).astype(np.int32),
        np.concatenate([empty, *locations]),
        np.concatenate([empty, *inferences]),
    )


@lru_cache(maxsize=512)
def slots_of(
    storage: str, core: Point, inferences: range, shape: tuple[int, ...], slots: tuple[int, ...]
) -> np.ndarray:
    """Return the row-major number of the slot of each element, shape (inferences, elements); -1 for no slot.

    storage: `array[n, location] -> slot`, whose parameters are the coordinates of a core. shape: of the array. slots:
    the shape of the buffer. Raises ProgramFault for slots outside the buffer.
    """
    axes = np.ix_(np.array(inferences), *map(np.arange, shape))
    where, found, _ = _image(storage, core, axes, slots, "the buffer")
    full = (len(inferences), *shape)
    numbers = np.where(where, found, -1)
    return np.ascontiguousarray(np.broadcast_to(numbers, full)).reshape(len(inferences), -1)


def cells_of(cells: str, core: Point, shape: tuple[int, ...], elements: np.ndarray) -> np.ndarray:
    """Return a matrix of this shape, filled with a parameter's elements. Cells without an element are 0."""
    where, found, _ = _image(
        cells, core, np.ix_(*map(np.arange, shape)), elements.shape, "the parameter"
    )
    index = np.broadcast_to(np.where(where, found, 0), shape)
    chosen = elements.reshape(-1)[index]
    return np.where(where, chosen, np.zeros((), elements.dtype))


def _image(
    text: str,
    core: Point,
    inputs: Sequence[np.ndarray],
    shape: tuple[int, ...],
    what: str,
    held: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a mask of the points that have an image, the row-major number of the image in `shape`, and its inference.

    what: name of the shape in messages. held: see `lanes_of`; the inference is 0 if it is None. Raises ProgramFault for
    images outside the shape.
    """
    try:
        coordinates, where = relation(text, core).image(*inputs)
    except RelationError as error:
        raise ProgramFault(str(error)) from error
    inference: np.ndarray = np.zeros((), np.int64)
    if held is not None:
        inference, *coordinates = coordinates
        if np.any(where & ((inference > 0) | (inference < -held))):
            raise ProgramFault(
                f"a later inference, or one before those with initial values: {text}"
            )
    if len(coordinates) != len(shape):
        raise ProgramFault(
            f"{len(coordinates)} coordinates for {what} of shape {list(shape)}: {text}"
        )
    number: np.ndarray = np.zeros((), np.int64)
    for coordinate, size in zip(coordinates, shape, strict=True):
        if np.any(where & ((coordinate < 0) | (coordinate >= size))):
            raise ProgramFault(f"outside {what} of shape {list(shape)}: {text}")
        number = number * size + coordinate
    return where, number, inference
