"""Enumeration of the integer points of relations with many quantified variables, one variable at a time.

Quantified variables, including integer divisions, become ordinary variables, so that a basic set is a plain polyhedron.
Its points are found by extending tuples: the variable with the fewest values, given those chosen before it, comes next,
for all tuples at once. ISL is not asked to simplify, project or optimize relations, so the running time depends on the
number of points and constraints only.
"""

from __future__ import annotations

from collections.abc import Iterator

import islpy as isl
import numpy as np

from cmir.isl.text import IslError, is_exhausted

MOST_TUPLES = 2_000_000
"""Limit of the number of tuples that are enumerated."""

_UNBOUNDED = 2**62
"""Bound of the numbers; a range that ends here is unbounded on that side."""


def lattice_points(points: isl.Set) -> np.ndarray:
    """Return the points of a bounded set without parameters, in lexicographic order, shape (points, coordinates).

    Raises IslError if there are too many points, or if the constraints do not bound a variable, given the others.
    """
    points = points.reset_tuple_id()
    dims = points.dim(isl.dim_type.set)
    found = [_polyhedron_points(basic, dims) for basic in points.get_basic_sets()]
    every = np.concatenate([np.zeros((0, dims), np.int64), *found])
    return np.unique(every, axis=0) if dims else every[:1]


def lattice_pairs(relation: isl.Map) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of a bounded relation, its inputs and its outputs, row by row in lexicographic order."""
    inputs = relation.dim(isl.dim_type.in_)
    every = lattice_points(relation.wrap().flatten())
    return every[:, :inputs], every[:, inputs:]


def _polyhedron_points(basic: isl.BasicSet, dims: int) -> np.ndarray:
    """Return the points of a basic set, each at least once."""
    rows = _inequalities(basic)
    variables = rows.shape[1] - 1
    if basic.is_empty():
        return np.zeros((0, dims), np.int64)
    chosen: list[int] = []
    tuples = np.zeros((1, 0), np.int64)
    while len(chosen) < variables:
        rest = [v for v in range(variables) if v not in chosen]
        every = {v: _range(rows, chosen, v, tuples) for v in rest}
        ranges = {v: ends for v, ends in every.items() if _bounded(ends)}
        if not ranges:  # derive bounds of single variables with ISL from constraints on several
            extents = _extents(basic, [v for v in rest if v < dims])
            for v, (low, high) in extents.items():
                ranges[v] = np.maximum(every[v][0], low), np.minimum(every[v][1], high)
        sizes = {v: np.maximum(0, high - low + 1) for v, (low, high) in ranges.items()}
        following = min(sizes, key=lambda v: int(sizes[v].sum()))
        size, low = sizes[following], ranges[following][0]
        total = int(size.sum())
        if total > MOST_TUPLES:
            raise IslError(f'not enumerated, for having more than {MOST_TUPLES} points: "{basic}"')
        step = np.arange(total) - np.repeat(np.cumsum(size) - size, size)
        column = np.repeat(low, size) + step
        tuples = np.column_stack([np.repeat(tuples, size, axis=0), column])
        chosen.append(following)
    if tuples.shape[0] and not _hold_without_variables(rows):
        tuples = tuples[:0]
    return tuples[:, np.argsort(chosen)][:, :dims] if chosen else tuples


def _extents(basic: isl.BasicSet, variables: list[int]) -> dict[int, tuple[int, int]]:
    """Return the minimum and maximum of variables over the whole set. Raises IslError if none is bounded."""
    points = isl.Set.from_basic_set(basic)
    found: dict[int, tuple[int, int]] = {}
    for v in variables:
        low, high = points.dim_min_val(v), points.dim_max_val(v)
        if low.is_int() and high.is_int():
            found[v] = low.to_python(), high.to_python()
    if not found:
        raise IslError(f'not enumerated, for lack of bounds: "{basic}"')
    return found


def _bounded(ends: tuple[np.ndarray, np.ndarray]) -> bool:
    low, high = ends
    return bool((low > -_UNBOUNDED).all() and (high < _UNBOUNDED).all())


def _hold_without_variables(rows: np.ndarray) -> bool:
    return bool((rows[~rows[:, 1:].any(axis=1), 0] >= 0).all())


def _range(
    rows: np.ndarray, chosen: list[int], variable: int, tuples: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the minimum and maximum of a variable for each tuple of the variables chosen before."""
    known = [1 + v for v in chosen]
    others = np.delete(rows, [0, 1 + variable, *known], axis=1)
    usable = rows[(rows[:, 1 + variable] != 0) & ~others.any(axis=1)]
    factor = usable[:, 1 + variable]
    values = usable[:, [0]] + usable[:, known] @ tuples.T  # value + factor · variable >= 0
    below, above = factor > 0, factor < 0
    low = -(values[below] // factor[below, None])
    high = values[above] // -factor[above, None]
    return low.max(axis=0, initial=-_UNBOUNDED), high.min(axis=0, initial=_UNBOUNDED)


def _inequalities(basic: isl.BasicSet) -> np.ndarray:
    """Return the constraints as rows `constant + Σ coefficient · variable >= 0`; an equation gives two rows."""
    order = (isl.dim_type.cst, isl.dim_type.set, isl.dim_type.div, isl.dim_type.param)
    equal = _array(basic.equalities_matrix(*order))
    least = _array(basic.inequalities_matrix(*order))
    return np.concatenate([equal, -equal, least, *_divisions(basic)])


def _divisions(basic: isl.BasicSet) -> list[np.ndarray]:
    """Return rows that bound the remainder of each integer division with a definition: 0 <= remainder < divisor.

    The constraints of a basic set may omit these bounds.
    """
    dims, local = basic.dim(isl.dim_type.set), basic.get_local_space()
    known = dict(_known_divisions(local))
    numbers = {str(division): number for number, division in known.items()}
    found: list[np.ndarray] = []
    for number, division in known.items():
        divisor = division.get_denominator_val()
        row = np.zeros(1 + dims + local.dim(isl.dim_type.div), np.int64)
        row[0] = (division.get_constant_val() * divisor).to_python()
        for kind in (isl.dim_type.in_, isl.dim_type.div):
            for d in range(division.dim(kind)):
                coefficient = (division.get_coefficient_val(kind, d) * divisor).to_python()
                if coefficient:  # each expression numbers its divisions separately
                    inner = kind == isl.dim_type.div
                    at = dims + numbers[str(division.get_div(d))] if inner else d
                    row[1 + at] = coefficient
        row[1 + dims + number] -= divisor.to_python()
        below = -row
        below[0] += divisor.to_python() - 1
        found += [row[None], below[None]]
    return found


def _known_divisions(local: isl.LocalSpace) -> Iterator[tuple[int, isl.Aff]]:
    for number in range(local.dim(isl.dim_type.div)):
        try:
            yield number, local.get_div(number)
        except isl.Error:
            if is_exhausted():
                raise
            continue  # a quantified variable without a definition as a division


def _array(matrix: isl.Mat) -> np.ndarray:
    shape = matrix.rows(), matrix.cols()
    values = [
        matrix.get_element_val(r, c).to_python() for r in range(shape[0]) for c in range(shape[1])
    ]
    return np.array(values, np.int64).reshape(shape)
