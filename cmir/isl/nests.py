"""Loop nests that visit a list of points, derived from the points.

Points in a given order become a tree of loops: consecutive points, and then rows of points, that differ by a simple
function of their index become one loop. A function is simple if it is ⌊(a·j + b)/d⌋, or if its steps are periodic
(those of ⌊⌊4j/3⌋·3/5⌋ have period 15). Any number of consecutive rescalings by rational factors thus becomes loops
whose text grows at most with the period. This is nested loop recognition (A. Ketterlin, P. Clauss, "Prediction and
trace compression of data access addresses through nested loop recognition", CGO 2008) with floors.

The nest is exact: it visits exactly these points in exactly this order. Points without any structure become one
statement each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, groupby

import numpy as np

Floor = tuple[int, int, int, int]
"""(coefficient, a, b, d): coefficient · ⌊(a·j + b)/d⌋ with 0 <= b < d, which is 0 for j = 0."""

Shape = tuple[int, tuple[Floor, ...]]
"""(slope, floors): growth of a value with a counter j, slope · j + Σ floors, which is 0 for j = 0."""


@dataclass(frozen=True)
class Term:
    """Term of a value: coefficient · ⌊(a · counter + b)/d⌋."""

    coefficient: int
    counter: int
    a: int = 1
    b: int = 0
    d: int = 1


@dataclass(frozen=True)
class Value:
    """A number that depends on the counters of the enclosing loops."""

    constant: int
    terms: tuple[Term, ...] = ()

    def grown(self, shape: Shape, counter: int) -> Value:
        slope, floors = shape
        linear = [Term(slope, counter)] if slope else []
        return Value(
            self.constant, (*self.terms, *linear, *(Term(c, counter, *f) for c, *f in floors))
        )

    def __str__(self) -> str:
        """Return the value in ISL syntax, with counters j0, j1 and so on."""
        parts = [str(self.constant)] if self.constant or not self.terms else []
        for t in self.terms:
            inner = f"j{t.counter}" if t.d == 1 else f"floor(({t.a}*j{t.counter} + {t.b})/{t.d})"
            parts.append(inner if t.coefficient == 1 else f"{t.coefficient}*{inner}")
        return " + ".join(parts)


@dataclass(frozen=True)
class Visit:
    """A visit of one point, whose coordinates depend on the counters of the enclosing loops."""

    point: tuple[Value, ...]


@dataclass(frozen=True)
class Loop:
    """A loop whose body runs for counter = 0, 1, … below `trips`."""

    counter: int
    trips: Value
    body: tuple[Visit | Loop, ...]


Nest = tuple[Visit | Loop, ...]


@dataclass(frozen=True)
class _Leaf:
    """A point. Constants: its coordinates."""


@dataclass(frozen=True)
class _LoopRun:
    """A loop. Constants: its trips, and those of its body in the first trip, which grow by `shapes`."""

    body: _Form
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class _Sequence:
    """Consecutive parts, given with their numbers of constants. Constants: those of all parts, concatenated."""

    parts: tuple[tuple[_Form, int], ...]


_Form = _Leaf | _LoopRun | _Sequence


def nest_of(times: np.ndarray, points: np.ndarray) -> Nest:
    """Return the loops that visit `points`, shape (points, coordinates), in the lexicographic order of their times.

    times: shape (points, dimensions), all different. Points with the same leading times become a loop of their own.
    """
    if not len(points):
        return ()
    order = np.lexsort(times.T[::-1]) if times.shape[1] else np.arange(1)
    form, constants = _folded(times[order], points[order])
    return tuple(_built(form, [Value(c) for c in constants.tolist()], count()))


def statements(nest: Nest) -> int:
    """Return the number of visits in the text of a nest."""
    return sum(1 if isinstance(node, Visit) else statements(node.body) for node in nest)


def pieces(nest: Nest, around: tuple[Loop, ...] = ()) -> Iterator[tuple[tuple[Loop, ...], Visit]]:
    """Yield each visit with the loops around it."""
    for node in nest:
        if isinstance(node, Visit):
            yield around, node
        else:
            yield from pieces(node.body, (*around, node))


def _built(
    form: _Form, constants: Sequence[Value], counters: Iterator[int]
) -> Iterator[Visit | Loop]:
    match form:
        case _Leaf():
            yield Visit(tuple(constants))
        case _LoopRun():
            trips, *first = constants
            counter = next(counters)
            inner = [v.grown(shape, counter) for v, shape in zip(first, form.shapes, strict=True)]
            yield Loop(counter, trips, tuple(_built(form.body, inner, counters)))
        case _Sequence():
            at = 0
            for part, size in form.parts:
                yield from _built(part, constants[at : at + size], counters)
                at += size


def _folded(times: np.ndarray, points: np.ndarray) -> tuple[_Form, np.ndarray]:
    """Return the form of a nest and its constants; `times` and `points` are sorted by time."""
    if times.shape[1] == 0:
        return _Leaf(), points[0]
    if times.shape[1] == 1:
        return _sequence(list(_runs(_Leaf(), points)))
    cuts = np.flatnonzero(np.diff(times[:, 0])) + 1
    rows = [
        _folded(t[:, 1:], p)
        for t, p in zip(np.split(times, cuts), np.split(points, cuts), strict=True)
    ]
    parts: list[tuple[_Form, np.ndarray]] = []
    for form, same in groupby(rows, key=lambda row: row[0]):
        parts += _runs(form, np.array([constants for _, constants in same]))
    return _sequence(parts)


def _sequence(parts: list[tuple[_Form, np.ndarray]]) -> tuple[_Form, np.ndarray]:
    if len(parts) == 1:
        return parts[0]
    flat: list[tuple[_Form, np.ndarray]] = []
    for form, constants in parts:
        if isinstance(form, _Sequence):
            ends = np.cumsum([size for _, size in form.parts])[:-1]
            flat += zip((f for f, _ in form.parts), np.split(constants, ends), strict=True)
        else:
            flat.append((form, constants))
    form = _Sequence(tuple((form, len(constants)) for form, constants in flat))
    return form, np.concatenate([constants for _, constants in flat])


def _runs(form: _Form, constants: np.ndarray) -> Iterator[tuple[_Form, np.ndarray]]:
    """Yield consecutive parts of one form, shape (parts, constants), as few loops."""
    start = 0
    while start < len(constants):
        length, shapes = _longest(constants[start:])
        if length == 1:
            yield form, constants[start]
        else:
            yield _LoopRun(form, shapes), np.array([length, *constants[start]])
        start += length


def _longest(rows: np.ndarray) -> tuple[int, tuple[Shape, ...]]:
    """Return the number of leading rows that are simple functions of their index, and these functions."""
    steps = np.diff(rows, axis=0)
    most = len(rows)
    if (shapes := _shapes(steps)) is None:
        columns = np.unique(steps, axis=1).T
        straight = min(_straight_prefix(tuple(column.tolist())) for column in columns)
        most = max(straight, _repeating_prefix(steps)) + 1
        while (shapes := _shapes(steps[: most - 1])) is None:
            most -= 1
    return most, shapes


def _shapes(steps: np.ndarray) -> tuple[Shape, ...] | None:
    found: list[Shape] = []
    for column in steps.T:
        shape = _shape(tuple(column.tolist()))
        if shape is None:
            return None
        found.append(shape)
    return tuple(found)


@lru_cache(maxsize=65536)
def _shape(steps: tuple[int, ...]) -> Shape | None:
    """Return the function with these steps, if it is simple and the steps suffice to identify it.

    A step that occurs once, such as the step to the end of a row, does not count as part of a function.
    """
    values, counts = np.unique(np.array(steps, np.int64), return_counts=True)
    if len(values) <= 1:
        return (int(values[0]) if len(values) else 0), ()
    if counts.min() > 1 and (line := _line(steps)) is not None:
        return 0, ((1, *line),)
    period = _period(steps)
    if period is None:
        return None
    usual = int(values[counts.argmax()])
    floors = [
        (step - usual, 1, period - 1 - at, period)
        for at, step in enumerate(steps[:period])
        if step != usual
    ]
    return usual, tuple(floors)


def _period(steps: tuple[int, ...]) -> int | None:
    """Return the period of steps that repeat at least once, or None."""
    return next(
        (p for p in range(1, len(steps) // 2 + 1) if steps[p:] == steps[: len(steps) - p]), None
    )


@lru_cache(maxsize=65536)
def _line(steps: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return (a, b, d) such that ⌊(a·j + b)/d⌋ has these steps, with the smallest divisor d; None if there is none."""
    if max(steps) - min(steps) > 1:
        return None
    values = np.concatenate([[0], np.cumsum(steps)])
    last, numbers = len(steps), np.arange(len(steps) + 1)
    divisors = np.arange(1, last + 2)
    least = -(-divisors * (values[-1] - 1) // last)
    tried = divisors[:, None], least[:, None] + np.arange(4)
    d, a = (part.ravel() for part in np.broadcast_arrays(*tried))
    rest = d[:, None] * values - a[:, None] * numbers
    low, high = rest.max(axis=1), rest.min(axis=1) + d - 1
    fits = np.flatnonzero(low <= high)
    return (int(a[fits[0]]), int(low[fits[0]]), int(d[fits[0]])) if len(fits) else None


@lru_cache(maxsize=65536)
def _straight_prefix(steps: tuple[int, ...]) -> int:
    """Return the number of leading steps that form a line. Every prefix of a line is a line, so bisection works."""
    low, high = 1, len(steps)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _line(steps[:middle]) else (low, middle - 1)
    return low


def _repeating_prefix(steps: np.ndarray) -> int:
    """Return the number of leading rows of steps that repeat with a period of at most half that number."""
    best = 1
    for period in range(1, len(steps) // 2 + 1):
        differs = (steps[period:] != steps[:-period]).any(axis=1)
        length = period + int(differs.argmax() if differs.any() else len(differs))
        if length >= 2 * period:
            best = max(best, length)
    return best
