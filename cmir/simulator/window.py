"""Regular accesses as strided views of memory.

If the location of a lane is affine in iteration and lane, and the iterations fill a box in order, the lanes of a run of
iterations are a strided view of the buffer: a sliding window. Reading it is a copy along memory instead of a gather by
index, and needs no copy at all if the window is one element. Lanes outside the array fall on a margin around it that
holds the pad value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cmir.semantics.access import CompiledAccess

Margin = tuple[tuple[int, int], ...]
"""Numbers of cells before and after an array along each dimension."""

_LARGEST = 4
"""Factor by which a margin may enlarge a buffer; larger margins are not worth it."""


_KEPT = 1024
"""Limit of the number of runs of iterations whose boxes are cached."""


class _Box(NamedTuple):
    """A run of iterations that is a box of the grid: the location of its first lane, and its sizes."""

    first: int
    last: int
    at: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class StridedWindow:
    """Window with location = offset + steps · (iteration, lane), for the iterations of a grid in lexicographic order.

    grid: sizes of the iteration box. steps: one row per dimension of the array, one column per coordinate of iteration
    and lane. low, high: extreme locations in each dimension, including those outside the array.
    """

    grid: tuple[int, ...]
    lanes: tuple[int, ...]
    offset: np.ndarray
    steps: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @staticmethod
    def of(access: CompiledAccess, shape: tuple[int, ...]) -> StridedWindow | None:
        """Return the window of an access to an array of this shape; None if it is not regular."""
        grid = grid_of(access.points)
        affine = access.function.affine()
        if grid is None or affine is None:
            return None
        constant, coefficients = affine
        steps = np.array(coefficients, np.int64).reshape(len(shape), len(grid) + len(access.lanes))
        sizes = np.array([*grid, *access.lanes], np.int64)
        origin = np.array([*access.points[0], *access.corner], np.int64)
        offset = np.array(constant, np.int64) + steps @ origin
        reach = steps * (sizes - 1)
        low = offset + np.minimum(reach, 0).sum(axis=1)
        high = offset + np.maximum(reach, 0).sum(axis=1)
        window = StridedWindow(grid, access.lanes, offset, steps, low, high)
        return window if window._defined_where_inside(access, shape) else None

    def _defined_where_inside(self, access: CompiledAccess, shape: tuple[int, ...]) -> bool:
        """Return True if a lane has a location exactly when that location lies in the array."""
        location, defined = access.locations(0, len(access.points))
        inside = np.asarray(True)
        for x, size in zip(location, shape, strict=True):
            inside = inside & (x >= 0) & (x < size)
        if defined is None:
            return bool(inside.all())
        shape = np.broadcast_shapes(inside.shape, defined.shape)
        return np.array_equal(np.broadcast_to(inside, shape), np.broadcast_to(defined, shape))

    @property
    def is_constant(self) -> bool:
        """True if all iterations have the same lanes, so that one copy suffices."""
        return prod(self.grid) > 1 and not self.steps[:, : len(self.grid)].any()

    def fits(self, low: Sequence[int], sizes: Sequence[int]) -> bool:
        """Return True if all lanes are at locations `low` ≤ x < `low + sizes`."""
        return bool((self.low >= low).all() and (self.high < np.add(low, sizes)).all())

    def margin(self, low: Sequence[int], sizes: Sequence[int], ring: int | None) -> Margin | None:
        """Return the margin that the locations `low` ≤ x < `low + sizes` need; None if it is too large.

        ring: a dimension without a margin, because its rows have no neighbours in memory.
        """
        margin = tuple(
            (0, 0) if d == ring else (max(0, first - lo), max(0, hi - first - size + 1))
            for d, (lo, hi, first, size) in enumerate(
                zip(self.low.tolist(), self.high.tolist(), low, sizes, strict=True)
            )
        )
        padded = prod(size + sum(m) for size, m in zip(sizes, margin, strict=True))
        return margin if padded <= _LARGEST * prod(sizes) + 4096 else None

    @cached_property
    def _rows(self) -> list[tuple[int, list[int], list[int]]]:
        """(offset, steps along the grid, steps along the lanes) for each dimension of the array."""
        rank = len(self.grid)
        return [
            (offset, steps[:rank], steps[rank:])
            for offset, steps in zip(self.offset.tolist(), self.steps.tolist(), strict=True)
        ]

    @cached_property
    def _known(self) -> dict[tuple[int, int], list[_Box]]:
        return {}

    def _boxes(self, start: int, stop: int) -> list[_Box]:
        """Return the boxes of a run of iterations.

        The first results are cached, because every inference has the same runs.
        """
        if (known := self._known.get((start, stop))) is not None:
            return known
        found = [
            _Box(
                first,
                first + prod(sizes),
                tuple(
                    offset + sum(step * at for step, at in zip(over_grid, corner, strict=True))
                    for offset, over_grid, _ in self._rows
                ),
                sizes,
            )
            for first, corner, sizes in boxes(self.grid, start, stop)
        ]
        if len(self._known) < _KEPT:
            self._known[start, stop] = found
        return found

    def reach(self, axis: int, start: int, stop: int) -> tuple[int, int]:
        """Return (first, last) of the locations along a dimension that iterations start ≤ i < stop reach."""
        _, over_grid, over_lanes = self._rows[axis]
        lows, highs = [], []
        for box in self._boxes(start, stop):
            low = high = box.at[axis]
            for step, size in (*zip(over_grid, box.sizes), *zip(over_lanes, self.lanes)):
                if step > 0:
                    high += step * (size - 1)
                else:
                    low += step * (size - 1)
            lows.append(low)
            highs.append(high)
        return min(lows), max(highs)

    def views(
        self, cells: np.ndarray, before: Sequence[int], start: int, stop: int, width: int
    ) -> list[View]:
        """Return the lanes of iterations start ≤ i < stop.

        cells: shape (*cells, width), or (*cells, 1) for cells that all inferences of a group share. before: position of
        location 0 in the cells, by dimension.
        """
        *along, across = cells.strides
        strides = [0] * (len(self.lanes) + len(self.grid))
        for stride, (_, over_grid, over_lanes) in zip(along, self._rows, strict=True):
            for k, step in enumerate((*over_lanes, *over_grid)):
                strides[k] += stride * step
        strides.append(across if cells.shape[-1] == width else 0)
        found: list[View] = []
        for box in self._boxes(start, stop):
            at = [slice(origin + x, None) for origin, x in zip(before, box.at, strict=True)]
            shape = (*self.lanes, *box.sizes, width)
            lanes = as_strided(cells[(*at, ...)], shape, strides)
            found.append(View(box.first - start, box.last - start, lanes))
        return found


class View(NamedTuple):
    """Lanes of iterations first ≤ i < last of a run, as a view of cells.

    lanes: shape (*lanes, *iterations of a box, width).
    """

    first: int
    last: int
    lanes: np.ndarray


def read(views: Sequence[View], rank: int) -> np.ndarray:
    """Return the lanes of a run, shape (iterations · width, *lanes). rank: number of dimensions of the lanes.

    In memory, iterations come last, so that a row of windows is copied as runs of a row of the array.
    """
    shape, width = views[0].lanes.shape[:rank], views[0].lanes.shape[-1]
    if len(views) == 1:
        rows = np.ascontiguousarray(views[0].lanes)
    else:
        rows = np.empty((*shape, views[-1].last, width), views[0].lanes.dtype)
        for first, last, lanes in views:
            rows[..., first:last, :].reshape(lanes.shape)[...] = lanes
    return iterations_first(rows.reshape(*shape, views[-1].last * width))


def write(views: Sequence[View], value: np.ndarray) -> None:
    """Set the lanes of a run to a value of shape (iterations · width, *lanes)."""
    lanes_first = iterations_last(value)
    for first, last, lanes in views:
        width = lanes.shape[-1]
        lanes[...] = lanes_first[..., first * width : last * width].reshape(lanes.shape)


def iterations_first(lanes: np.ndarray) -> np.ndarray:
    """Transpose (*lanes, iterations) to (iterations, *lanes)."""
    return lanes.transpose(lanes.ndim - 1, *range(lanes.ndim - 1))


def iterations_last(lanes: np.ndarray) -> np.ndarray:
    """Transpose (iterations, *lanes) to (*lanes, iterations)."""
    return lanes.transpose(*range(1, lanes.ndim), 0)


def grid_of(points: np.ndarray) -> tuple[int, ...] | None:
    """Return the sizes of the box that the points fill in lexicographic order; None if they do not."""
    sizes = points.max(axis=0) - points.min(axis=0) + 1
    grid = tuple(int(size) for size in sizes)
    if prod(grid) != len(points):
        return None
    expected = np.indices(grid).reshape(len(grid), len(points)).T + points[0]
    return grid if np.array_equal(expected, points) else None


def boxes(
    grid: tuple[int, ...], start: int, stop: int
) -> Iterator[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Split a run of the points of a grid into boxes; yield (first point, corner, sizes) of each."""
    if not grid:
        if start < stop:
            yield start, (), ()
        return
    inner = prod(grid[1:])
    row = start // inner
    if start % inner and start < stop:  # the end of a row that has begun
        end = min(stop, (row + 1) * inner)
        for first, corner, sizes in boxes(grid[1:], start - row * inner, end - row * inner):
            yield first + row * inner, (row, *corner), (1, *sizes)
        start, row = end, row + 1
    rows = (stop - start) // inner
    if rows > 0:
        yield start, (row, *[0] * (len(grid) - 1)), (rows, *grid[1:])
        start, row = start + rows * inner, row + rows
    if start < stop:  # the beginning of the last row
        for first, corner, sizes in boxes(grid[1:], 0, stop - start):
            yield first + start, (row, *corner), (1, *sizes)
