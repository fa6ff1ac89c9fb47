"""Regular accesses as strided views of memory.

Where the location of a lane is affine in iteration and lane, and iterations fill a box in order, the lanes of a run of
iterations are a strided view of the buffer: a sliding window. Reading one is a copy along memory rather than a gather
by index, and none at all where the window is one element. Lanes outside the array fall on a margin around it that
holds the pad value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from cmir.accelerator.program import Access

Margin = tuple[tuple[int, int], ...]
"""Cells before and after each dimension of an array."""

_LARGEST = 4
"""A margin that makes a buffer more than so many times larger is not worth it."""


@dataclass(frozen=True)
class Window:
    """location = offset + steps · (iteration, lane), with the iterations of a grid in lexicographic order.

    grid: the sizes of the iteration box. steps: one row for each dimension of the array, one column for each coordinate
    of iteration and lane. low, high: the locations reached in each dimension, also outside the array.
    """

    grid: tuple[int, ...]
    lanes: tuple[int, ...]
    offset: np.ndarray
    steps: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @staticmethod
    def of(access: Access, shape: tuple[int, ...]) -> Window | None:
        """The window of an access to an array of this shape; None if it is not regular."""
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
        window = Window(grid, access.lanes, offset, steps, low, high)
        return window if window._defined_where_inside(access, shape) else None

    def _defined_where_inside(self, access: Access, shape: tuple[int, ...]) -> bool:
        """Whether exactly the lanes whose location lies in the array have one."""
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
        """Whether all of several iterations have the same lanes: one copy of them is enough."""
        return prod(self.grid) > 1 and not self.steps[:, : len(self.grid)].any()

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether no lane is outside an array of this shape."""
        return bool((self.low >= 0).all() and (self.high < np.array(shape)).all())

    def margin(self, shape: tuple[int, ...]) -> Margin | None:
        """The cells that an array of this shape needs around it; None if they are too many."""
        margin = tuple(
            (max(0, int(-low)), max(0, int(high) - size + 1))
            for low, high, size in zip(self.low, self.high, shape, strict=True)
        )
        padded = prod(size + sum(m) for size, m in zip(shape, margin, strict=True))
        return margin if padded <= _LARGEST * prod(shape) + 4096 else None

    def views(
        self, cells: np.ndarray, margin: Margin, start: int, stop: int
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        """The lanes of iterations start ≤ i < stop, as (first, last, view) for runs of them.

        cells: the array with its margin. The shape of a view is (*lanes, *iterations of a box).
        """
        strides = np.array(cells.strides, np.int64)
        base = self.offset + np.array([before for before, _ in margin], np.int64)
        by_coordinate = strides @ self.steps
        over_grid, over_lanes = np.split(by_coordinate, [len(self.grid)])
        flat = cells.reshape(-1)
        for first, corner, sizes in boxes(self.grid, start, stop):
            at = int(strides @ base + over_grid @ np.array(corner, np.int64)) // cells.itemsize
            view = as_strided(
                flat[at:],
                (*self.lanes, *sizes),
                (*over_lanes.tolist(), *over_grid.tolist()),
            )
            yield first, first + prod(sizes), view

    def read(self, cells: np.ndarray, margin: Margin, start: int, stop: int) -> np.ndarray:
        """The lanes of iterations start ≤ i < stop, shape (iterations, *lanes).

        In memory the iterations come last: a row of windows is copied as runs of a row of the array.
        """
        runs = list(self.views(cells, margin, start, stop))
        if len(runs) == 1:
            rows = np.ascontiguousarray(runs[0][2]).reshape(*self.lanes, -1)
        else:
            rows = np.empty((*self.lanes, stop - start), cells.dtype)
            for first, last, view in runs:
                part = rows[..., first - start : last - start]
                part.reshape(view.shape)[...] = view
        return np.moveaxis(rows, -1, 0)

    def write(
        self, cells: np.ndarray, margin: Margin, value: np.ndarray, start: int, stop: int
    ) -> None:
        """Set the lanes of iterations start ≤ i < stop to a value of shape (iterations, *lanes)."""
        lanes_first = np.moveaxis(value, 0, -1)
        for first, last, view in self.views(cells, margin, start, stop):
            view[...] = lanes_first[..., first - start : last - start].reshape(view.shape)


def grid_of(points: np.ndarray) -> tuple[int, ...] | None:
    """The sizes of the box that the points fill in lexicographic order; None if they do not."""
    sizes = points.max(axis=0) - points.min(axis=0) + 1
    grid = tuple(int(size) for size in sizes)
    if prod(grid) != len(points):
        return None
    expected = np.indices(grid).reshape(len(grid), len(points)).T + points[0]
    return grid if np.array_equal(expected, points) else None


def boxes(
    grid: tuple[int, ...], start: int, stop: int
) -> Iterator[tuple[int, tuple[int, ...], tuple[int, ...]]]:
    """Cut a run of the points of a grid into boxes: (first point, corner, sizes) of each."""
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
