"""Loop nests that visit a list of points, found from the points.

Points in an order become a tree of loops: consecutive points, and then rows of points, that differ by a simple function
of their number are one loop. A function is simple if it is ⌊(a·j + b)/d⌋, or if its steps repeat (⌊⌊4j/3⌋·3/5⌋ does so
after 15), so that rescalings by rational factors, however many after each other, become loops whose text follows the
period at most. This is nested loop recognition (A. Ketterlin, P. Clauss, "Prediction and trace compression of data
access addresses through nested loop recognition", CGO 2008) with floors.

The nest is exact: it visits these points in this order, whatever they are; points without any structure get a
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
"""(slope, floors): how a value grows with a counter j, slope · j + Σ floors, from 0 for j = 0."""


@dataclass(frozen=True)
class Term:
    """coefficient · ⌊(a · counter + b)/d⌋."""

    coefficient: int
    counter: int
    a: int = 1
    b: int = 0
    d: int = 1


@dataclass(frozen=True)
class Value:
    """A number that depends on the counters of the loops around."""

    constant: int
    terms: tuple[Term, ...] = ()

    def grown(self, shape: Shape, counter: int) -> Value:
        slope, floors = shape
        linear = [Term(slope, counter)] if slope else []
        return Value(
            self.constant, (*self.terms, *linear, *(Term(c, counter, *f) for c, *f in floors))
        )

    def __str__(self) -> str:
        """Return the value as ISL reads it, of counters j0, j1, …"""
        parts = [str(self.constant)] if self.constant or not self.terms else []
        for t in self.terms:
            inner = f"j{t.counter}" if t.d == 1 else f"floor(({t.a}*j{t.counter} + {t.b})/{t.d})"
            parts.append(inner if t.coefficient == 1 else f"{t.coefficient}*{inner}")
        return " + ".join(parts)


@dataclass(frozen=True)
class Visit:
    """A point."""

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
    """A point; constants: its coordinates."""


@dataclass(frozen=True)
class _LoopRun:
    """A loop. Constants: its trips, and those of its body in the first trip, which grow as `shapes` say."""

    body: _Form
    shapes: tuple[Shape, ...]


@dataclass(frozen=True)
class _Sequence:
    """One after the other; constants: those of all parts, of which each has so many."""

    parts: tuple[tuple[_Form, int], ...]


_Form = _Leaf | _LoopRun | _Sequence


def nest_of(times: np.ndarray, points: np.ndarray) -> Nest:
    """Return the loops that visit `points`, shape (points, coordinates), in the lexicographic order of their times.

    times: shape (points, dimensions), all different; points with the same first few times become loops of their own.
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
    """Each visit with the loops around it."""
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
    """Return the form of a nest and its constants; times and points are sorted."""
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
    """Parts of the same form one after the other, shape (parts, constants), as few loops."""
    start = 0
    while start < len(constants):
        length, shapes = _longest(constants[start:])
        if length == 1:
            yield form, constants[start]
        else:
            yield _LoopRun(form, shapes), np.array([length, *constants[start]])
        start += length


def _longest(rows: np.ndarray) -> tuple[int, tuple[Shape, ...]]:
    """Return how many leading rows are simple functions of their number, and these functions."""
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
    """Return the function with these steps, if it is simple, and they are enough to tell.

    A step that differs from all others, such as the one to the end of a row, is none of a function.
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
    """Return the period of steps that repeat at least once."""
    return next(
        (p for p in range(1, len(steps) // 2 + 1) if steps[p:] == steps[: len(steps) - p]), None
    )


@lru_cache(maxsize=65536)
def _line(steps: tuple[int, ...]) -> tuple[int, int, int] | None:
    """(a, b, d) with ⌊(a·j + b)/d⌋ of these steps, the divisor d as small as possible."""
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
    """Return how many leading steps form a line; each part of a line is one."""
    low, high = 1, len(steps)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _line(steps[:middle]) else (low, middle - 1)
    return low


def _repeating_prefix(steps: np.ndarray) -> int:
    """Return how many leading rows of steps repeat with a period that fits into them twice."""
    best = 1
    for period in range(1, len(steps) // 2 + 1):
        differs = (steps[period:] != steps[:-period]).any(axis=1)
        length = period + int(differs.argmax() if differs.any() else len(differs))
        if length >= 2 * period:
            best = max(best, length)
    return best
