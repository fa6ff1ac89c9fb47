"""Access, storage and cell relations as functions on arrays of points.

ISL parses the text of a relation into pieces, each a system of linear equalities and inequalities over integers.
Everything else is done here, without ISL: unknown coordinates are computed from the known ones by solving equalities,
from bounds that leave one integer, and otherwise by trying every integer between bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import islpy as isl
import numpy as np

Row = tuple[int, ...]
"""A constraint: a constant, then a coefficient for each variable of a piece."""

Values = list["np.ndarray | None"]
"""Values of a piece's variables at each point, as arrays that broadcast together; None for unknown variables."""


class RelationError(Exception):
    """Error for a relation that is not a function, or whose points cannot be enumerated."""


@dataclass(frozen=True)
class _Piece:
    """The points that satisfy `row · (1, variables) = 0` and `>= 0`. Variables: inputs, outputs, existential ones."""

    equalities: tuple[Row, ...]
    inequalities: tuple[Row, ...]
    existential: int


@lru_cache(maxsize=4096)
def relation(text: str, core: tuple[int, ...] = ()) -> IntegerRelation:
    """Parse a relation whose parameters p0, p1, … are the coordinates of a core."""
    return IntegerRelation(text, {f"p{d}": value for d, value in enumerate(core)})


class IntegerRelation:
    """A relation between integer tuples.

    text: in ISL's notation. parameters: their values by name.
    """

    def __init__(self, text: str, parameters: Mapping[str, int]):
        parsed = isl.Map(text)
        names = [
            parsed.get_dim_name(isl.dim_type.param, d)
            for d in range(parsed.dim(isl.dim_type.param))
        ]
        if missing := [name for name in names if name not in parameters]:
            raise RelationError(f"the parameter {missing[0]} has no value: {text}")
        given = [parameters[str(name)] for name in names]
        self.text = text
        self.inputs, self.outputs = parsed.dim(isl.dim_type.in_), parsed.dim(isl.dim_type.out)
        self._pieces = [_piece(basic, given) for basic in parsed.get_basic_maps()]

    def image(self, *inputs: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the output tuple of each input tuple, and a mask of the input tuples that have one.

        inputs: an array for each coordinate; they broadcast together, and so do the results. Raises RelationError if an
        input tuple has two output tuples.
        """
        if len(inputs) != self.inputs:
            raise RelationError(f"{len(inputs)} coordinates for {self.inputs}: {self.text}")
        outputs = [np.zeros((), np.int64) for _ in range(self.outputs)]
        defined = np.zeros((), np.bool_)
        for piece in self._pieces:
            unknown = [None] * (self.outputs + piece.existential)
            for values, where in _solutions(
                list(piece.equalities), list(piece.inequalities), [*inputs, *unknown], np.True_
            ):
                found = [v for v in values[self.inputs :][: self.outputs] if v is not None]
                if len(found) != self.outputs:
                    raise RelationError(f"an output has no bounds: {self.text}")
                for old, new in zip(outputs, found, strict=True):
                    if np.any(defined & where & (old != new)):
                        raise RelationError(f"a point is related to two: {self.text}")
                outputs = [
                    np.where(where, new, old) for old, new in zip(outputs, found, strict=True)
                ]
                defined = defined | where
        return outputs, defined


def _piece(basic: isl.BasicMap, parameters: Sequence[int]) -> _Piece:
    kinds = isl.dim_type
    order = (kinds.cst, kinds.param, kinds.in_, kinds.out, kinds.div)

    def rows(matrix: isl.Mat) -> tuple[Row, ...]:
        found: list[Row] = []
        for r in range(matrix.rows()):
            constant, *rest = (
                matrix.get_element_val(r, c).to_python() for c in range(matrix.cols())
            )
            fixed, free = rest[: len(parameters)], rest[len(parameters) :]
            constant += sum(a * value for a, value in zip(fixed, parameters, strict=True))
            found.append((constant, *free))
        return tuple(found)

    return _Piece(
        rows(basic.equalities_matrix(*order)),
        rows(basic.inequalities_matrix(*order)),
        basic.dim(kinds.div),
    )


def _solutions(
    equalities: list[Row], inequalities: list[Row], values: Values, where: np.ndarray | np.bool_
) -> Iterator[tuple[Values, np.ndarray | np.bool_]]:
    """Yield all solutions of a system: values of all variables, and a mask of the points where they satisfy it."""
    while np.any(where):
        equalities, inequalities, where, solved = _substitute(
            equalities, inequalities, values, where
        )
        if solved:
            continue
        unknown = sorted({v for row in (*equalities, *inequalities) for v in _unknown(row, values)})
        if not unknown:
            yield values, where
            return
        variable, low, high, stride = _narrowest(unknown, equalities, inequalities, values, where)
        count = int(np.max(np.where(where, (high - low) // stride + 1, 0)))
        if count > 1:
            for k in range(count):
                tried = values.copy()
                tried[variable] = low + k * stride
                yield from _solutions(
                    equalities, inequalities, tried, where & (tried[variable] <= high)
                )
            return
        values = values.copy()
        values[variable] = low
        where = where & (low <= high)


def _substitute(
    equalities: list[Row], inequalities: list[Row], values: Values, where: np.ndarray | np.bool_
) -> tuple[list[Row], list[Row], np.ndarray | np.bool_, bool]:
    """Solve equalities in one unknown, store the solution in `values`, and test the rows without unknowns.

    Returns the remaining rows, a mask of the points where the tested rows hold, and True if a value has been found.
    """
    solved = False
    kept: list[Row] = []
    for row in equalities:
        unknown = _unknown(row, values)
        if len(unknown) > 1:
            kept.append(row)
            continue
        known = _known(row, values)
        if not unknown:
            where = where & (known == 0)
            continue
        quotient, remainder = np.divmod(-known, row[1 + unknown[0]])
        where = where & (remainder == 0)
        values[unknown[0]] = quotient
        solved = True
    bounds: list[Row] = []
    for row in inequalities:
        if _unknown(row, values):
            bounds.append(row)
        else:
            where = where & (_known(row, values) >= 0)
    return kept, bounds, where, solved


def _unknown(row: Row, values: Values) -> list[int]:
    return [v for v, a in enumerate(row[1:]) if a and values[v] is None]


def _known(row: Row, values: Values) -> np.ndarray:
    """Return the value of the part of a row that does not depend on unknown variables."""
    total: np.ndarray = np.asarray(row[0], np.int64)
    for a, value in zip(row[1:], values, strict=True):
        if a and value is not None:
            total = total + a * value
    return total


def _narrowest(
    unknown: list[int],
    equalities: list[Row],
    inequalities: list[Row],
    values: Values,
    where: np.ndarray | np.bool_,
) -> tuple[int, np.ndarray, np.ndarray, int]:
    """Return the unknown variable with the fewest candidates, with first candidate, last candidate, and step."""
    best: tuple[int, tuple[int, np.ndarray, np.ndarray, int]] | None = None
    for eliminate in (False, True):
        for variable in unknown:
            rows = inequalities
            if eliminate:
                both = [sign for row in equalities for sign in (row, tuple(-a for a in row))]
                others = [v for v in unknown if v != variable]
                rows = _without([*both, *inequalities], others)
            bounds = _bounds(variable, rows, values)
            if bounds is None:
                continue
            low, high = bounds
            low, stride = _aligned(variable, low, equalities, values)
            count = int(np.max(np.where(where, (high - low) // stride + 1, 0)))
            if best is None or count < best[0]:
                best = count, (variable, low, high, stride)
        if best is not None:
            return best[1]
    raise RelationError("a variable of a relation has no bounds")


def _bounds(variable: int, rows: list[Row], values: Values) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the minimum and maximum allowed by the rows without another unknown; None if there is no bound."""
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    for row in rows:
        if _unknown(row, values) != [variable]:
            continue
        a, known = row[1 + variable], _known(row, values)
        if a > 0:
            bound = -(known // a)
            low = bound if low is None else np.maximum(low, bound)
        else:
            bound = known // -a
            high = bound if high is None else np.minimum(high, bound)
    return None if low is None or high is None else (low, high)


def _aligned(
    variable: int, low: np.ndarray, equalities: list[Row], values: Values
) -> tuple[np.ndarray, int]:
    """Raise a lower bound to the first value allowed by an equality with another unknown; return it and the modulus."""
    for row in equalities:
        unknown = _unknown(row, values)
        if len(unknown) != 2 or variable not in unknown:
            continue
        other = unknown[0] if unknown[1] == variable else unknown[1]
        a, modulus = row[1 + variable], abs(row[1 + other])
        if modulus > 1 and gcd(a, modulus) == 1:
            residue = -_known(row, values) * pow(a, -1, modulus)
            return low + (residue - low) % modulus, modulus
    return low, 1


def _without(rows: list[Row], variables: list[int]) -> list[Row]:
    """Eliminate variables from inequalities (Fourier-Motzkin); the given inequalities imply the result."""
    for variable in variables:
        at = 1 + variable
        lower = [row for row in rows if row[at] > 0]
        upper = [row for row in rows if row[at] < 0]
        rows = [row for row in rows if row[at] == 0]
        rows += [
            tuple(x * -above[at] + y * below[at] for x, y in zip(below, above, strict=True))
            for below in lower
            for above in upper
        ]
    return rows
