"""Evaluation of static loop nests on arrays.

`scf` loops with `arith` on `index` values visit a fixed set of points. They are evaluated breadth-first: a loop expands
every active point into all of its iterations at once, and a condition keeps some of the points. The result is, for each
operation of interest, the values of its operands at every visit, in execution order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, i1
from xdsl.ir import Block, Operation, Region, SSAValue

from cmir.support.diagnostics import CompileError
from cmir.support.limits import check_memory, count_text
from cmir.support.numerics import divide_towards_zero, ravel


@dataclass
class Frame:
    """Active points at some place of a nest, and the values there.

    `origin` gives the point of the outer frame that each point stems from; values of outer frames are looked up through
    it on demand. `keys` order the points: their lexicographic order is the order in which the nest reaches the points.
    `spend` is as in `visits`.
    """

    count: int
    keys: list[np.ndarray]
    outer: Frame | None = None
    origin: np.ndarray | None = None
    values: dict[SSAValue, np.ndarray] = field(default_factory=dict)
    spend: Callable[[int], None] | None = None

    def __getitem__(self, value: SSAValue) -> np.ndarray:
        if value not in self.values:
            assert self.outer is not None, "IR is verified: every use has a definition"
            assert self.origin is not None
            self.values[value] = _at(self.outer[value], self.origin)
        return self.values[value]

    def spread(self, value: SSAValue) -> np.ndarray:
        """Return the value at each point, one entry per point even if it is the same everywhere."""
        found = self[value]
        return found if found.ndim else np.broadcast_to(found, (self.count,))

    def then(self, statement: int) -> list[np.ndarray]:
        """Return the keys of a statement of the current block."""
        return [*self.keys, np.full(self.count, statement)]


def _at(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the values at some points; a value that is the same everywhere stays one number."""
    return values[points] if values.ndim else values


Visit = tuple[Operation, Frame, list[np.ndarray]]


ONCE = np.zeros((1, 0), np.int64)
"""A single run of a nest that takes no arguments."""


def visits(
    region: Region,
    kind: type[Operation],
    runs: np.ndarray = ONCE,
    spend: Callable[[int], None] | None = None,
) -> list[Visit]:
    """Return every operation of class `kind` in the nest, with the frame of its visits and their keys.

    runs: arguments of the region in several consecutive runs, shape (runs, arguments).
    spend: called with the number of iterations of a loop before they are expanded, to stop if there are too many.
    """
    found: list[Visit] = []
    frame = outermost(region.block, runs)
    frame.spend = spend
    _block(region.block, frame, kind, found)
    return found


def outermost(block: Block, runs: np.ndarray) -> Frame:
    """Return the frame of a nest's outermost block; `runs` is as in `visits`."""
    frame = Frame(len(runs), [np.arange(len(runs))])
    frame.values.update(zip(block.args, runs.T, strict=True))
    return frame


def in_order(found: Sequence[Visit], operands: Callable[[Operation], Sequence[SSAValue]]):
    """Return the operand values of all visits in execution order, shape (visits, operands)."""
    if not found:
        return np.zeros((0, 0), np.int64)
    rows: list[np.ndarray] = []
    for op, frame, _ in found:
        values = operands(op)
        row = np.empty((frame.count, len(values)), np.int64)
        for column, value in enumerate(values):
            row[:, column] = frame[value]
        rows.append(row)
    return np.concatenate(rows)[execution_order(found)]


def iterators(found: Sequence[Visit]) -> np.ndarray:
    """Return, for all visits in execution order, which operation it is and the iterators of the loops around it.

    Shape (visits, 1 + depth): an operation with fewer loops around it than another has 0 for the rest.
    """
    rows = [
        [np.full(frame.count, number), *(frame.spread(v) for v in _iterators_around(op))]
        for number, (op, frame, _) in enumerate(found)
    ]
    depth = max(map(len, rows), default=0)
    padded = [
        np.stack([*row, *[np.zeros_like(row[0])] * (depth - len(row))], axis=1) for row in rows
    ]
    return np.concatenate(padded)[execution_order(found)] if found else np.zeros((0, 0), np.int64)


def _iterators_around(op: Operation) -> list[SSAValue]:
    """Return the iterators of the loops around an operation, the outermost first."""
    outer = op.parent_op()
    if outer is None:
        return []
    own = [outer.body.block.args[0]] if isinstance(outer, scf.ForOp) else []
    return [*_iterators_around(outer), *own]


def execution_order(found: Sequence[Visit]) -> np.ndarray:
    """Return the permutation that sorts the concatenated visits into execution order."""
    if len(found) == 1:  # the points of a frame are in order
        return np.arange(found[0][1].count)
    depth = max(len(keys) for _, _, keys in found)
    columns = [
        np.concatenate(
            [
                keys[level] if level < len(keys) else np.zeros(frame.count, np.int64)
                for _, frame, keys in found
            ]
        )
        for level in range(depth)
    ]
    return np.lexsort(columns[::-1])


def run_of(found: Sequence[Visit]) -> np.ndarray:
    """Return the run of the region that each visit belongs to, in execution order."""
    return np.sort(np.concatenate([keys[0] for _, _, keys in found]))


def _block(block: Block, frame: Frame, kind: type[Operation], found: list[Visit]) -> None:
    for statement, op in enumerate(block.ops):
        if isinstance(op, kind):
            found.append((op, frame, frame.then(statement)))
        elif isinstance(op, scf.ForOp | scf.IfOp) and op.results:
            raise CompileError(op, f"{op.name} must not have results in a control loop")
        elif isinstance(op, scf.ForOp):
            inner = inside(op, frame, frame.then(statement), trips_of(op, frame))
            _block(op.body.block, inner, kind, found)
        elif isinstance(op, scf.IfOp):
            for region, inner in branches(op, frame, frame.then(statement)):
                _block(region.block, inner, kind, found)
        elif not isinstance(op, scf.YieldOp):
            evaluate(op, frame)


def evaluate(op: Operation, frame: Frame) -> None:
    """Compute the result of an operation at all points of a frame."""
    frame.values[op.results[0]] = _scalar(op, [frame[o] for o in op.operands])


def _scalar(op: Operation, operands: list[np.ndarray]) -> np.ndarray:
    """Return the result of an operation on numbers. Raises CompileError where it would differ from exact integers."""
    evaluate = _SCALAR.get(type(op))
    truth = i1 in (op.operand_types if isinstance(op, arith.CmpiOp) else op.result_types)
    if evaluate is None or (truth and not isinstance(op, _LOGIC)):
        raise CompileError(op, f"{op.name} cannot be evaluated in a control loop")
    for type_ in (*op.operand_types, *op.result_types):
        if type_ != i1 and not isinstance(type_, IndexType):
            raise CompileError(op, f"a control loop computes on `index`, got {type_}")
    if isinstance(op, _DIVISIONS) and (operands[1] == 0).any():
        raise CompileError(op, "a control loop divides by zero")
    if isinstance(op, arith.MuliOp):
        # Detect overflow in floating point, which does not wrap around.
        _check_bound(op, evaluate(op, *(x.astype(np.float64) for x in operands)))
    found = np.asarray(evaluate(op, *operands))
    if isinstance(op, _SUMS):
        _check_bound(op, found)
    return found


def _check_bound(op: Operation, values: np.ndarray | int) -> None:
    if (np.abs(values) >= _BOUND).any():
        raise CompileError(op, _TOO_LARGE)


def trips_of(op: scf.ForOp, frame: Frame) -> np.ndarray:
    """Return the number of iterations of a loop at each point of a frame."""
    lower, upper, step = (frame[v] for v in (op.lb, op.ub, op.step))
    if (step <= 0).any():
        raise CompileError(op, "the step of a control loop must be positive")
    return np.full(frame.count, np.maximum(0, -((lower - upper) // step)))


def inside(op: scf.ForOp, frame: Frame, keys: list[np.ndarray], trips: np.ndarray) -> Frame:
    """Return the frame of a loop's body. keys, trips: those of the loop, at each point of the enclosing frame."""
    total = int(trips.sum(dtype=np.float64))
    if frame.spend is not None:
        frame.spend(total)
    size = total * _NUMBER_BYTES * (len(keys) + 3)  # keys, the trip, its origin and the iterator
    if size > _SMALL:
        check_memory(op, f"a control loop has {count_text(total)} iterations in all", size)
    origin = np.repeat(np.arange(frame.count), trips)
    trip = np.arange(len(origin)) - np.repeat(np.cumsum(trips) - trips, trips)
    inner = Frame(len(origin), [*(key[origin] for key in keys), trip], frame, origin)
    inner.spend = frame.spend
    lower, step = (_at(frame[v], origin) for v in (op.lb, op.step))
    inner.values[op.body.block.args[0]] = lower + trip * step
    return inner


def branches(op: scf.IfOp, frame: Frame, keys: list[np.ndarray]) -> Iterator[tuple[Region, Frame]]:
    """Yield the regions of a condition that run, each with its frame."""
    condition = frame.spread(op.cond).astype(bool)
    for region, taken in ((op.true_region, condition), (op.false_region, ~condition)):
        if region.blocks and taken.any():
            origin = np.flatnonzero(taken)
            inner = Frame(len(origin), [key[origin] for key in keys], frame, origin)
            inner.spend = frame.spend
            yield region, inner


def _constant(op: Operation) -> int:
    assert isinstance(op, arith.ConstantOp) and isinstance(op.value, IntegerAttr)
    value = op.value.value.data
    if abs(value) >= _BOUND:
        raise CompileError(op, _TOO_LARGE)
    return value & 1 if op.value.type == i1 else value


_PREDICATES: dict[int, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    0: np.equal,
    1: np.not_equal,
    2: np.less,
    3: np.less_equal,
    4: np.greater,
    5: np.greater_equal,
    6: np.less,
    7: np.less_equal,
    8: np.greater,
    9: np.greater_equal,
}
"""Comparisons by predicate number; those from 6 on are unsigned."""


def _compare(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    assert isinstance(op, arith.CmpiOp)
    predicate = op.predicate.value.data
    if predicate >= 6:
        a, b = a.astype(np.uint64), b.astype(np.uint64)
    return _PREDICATES[predicate](a, b)


_SCALAR: dict[type[Operation], Callable[..., np.ndarray | int]] = {
    arith.ConstantOp: _constant,
    arith.AddiOp: lambda _, a, b: a + b,
    arith.SubiOp: lambda _, a, b: a - b,
    arith.MuliOp: lambda _, a, b: a * b,
    arith.FloorDivSIOp: lambda _, a, b: a // b,
    arith.CeilDivSIOp: lambda _, a, b: -(-a // b),
    arith.DivSIOp: lambda _, a, b: divide_towards_zero(a, b),
    arith.RemSIOp: lambda _, a, b: np.fmod(a, b),
    arith.MinSIOp: lambda _, a, b: np.minimum(a, b),
    arith.MaxSIOp: lambda _, a, b: np.maximum(a, b),
    arith.AndIOp: lambda _, a, b: a & b,
    arith.OrIOp: lambda _, a, b: a | b,
    arith.XOrIOp: lambda _, a, b: a ^ b,
    arith.CmpiOp: _compare,
    arith.SelectOp: lambda _, c, a, b: np.where(c, a, b),
    arith.IndexCastOp: lambda _, a: a,
}


_LOGIC = (arith.ConstantOp, arith.AndIOp, arith.OrIOp, arith.XOrIOp, arith.SelectOp)
"""Operations on truth values. Comparisons are not among them: they apply to numbers only."""

_DIVISIONS = (arith.FloorDivSIOp, arith.CeilDivSIOp, arith.DivSIOp, arith.RemSIOp)

_SUMS = (arith.AddiOp, arith.SubiOp)
"""Operations whose results can be larger than their operands, but not too large for 64 bits."""

_BOUND = 1 << 62
"""Exclusive bound of magnitudes, so that sums and differences of two numbers, and the trips of a loop, are exact."""

_TOO_LARGE = "numbers in a control loop must be smaller than 2^62"

_NUMBER_BYTES = 8
"""The bytes of a number in a frame."""

_SMALL = 1 << 16
"""Bytes that a frame may always take: most loops are small, and asking for the limit takes longer than they do."""


@dataclass(frozen=True)
class PointIndex:
    """Lookup of points in a fixed list by their coordinates."""

    low: np.ndarray
    shape: tuple[int, ...]
    table: np.ndarray  # position + 1 of each point of the bounding box, 0 where there is no point

    @staticmethod
    def of(points: np.ndarray) -> PointIndex:
        """Return the index of `points`, shape (count, coordinates)."""
        low = points.min(axis=0)
        shape = tuple(int(s) for s in points.max(axis=0) - low + 1)
        table = np.zeros(reduce(lambda a, b: a * b, shape, 1), np.int64)
        table[_ravel(points - low, shape)] = np.arange(1, len(points) + 1)
        return PointIndex(low, shape, table)

    def find(self, points: np.ndarray) -> np.ndarray:
        """Return the position of each point in the list; −1 if it is not in the list."""
        shifted = points - self.low
        inside = np.all((shifted >= 0) & (shifted < np.array(self.shape, np.int64)), axis=1)
        return np.where(inside, self.table[_ravel(shifted * inside[:, None], self.shape)] - 1, -1)


def _ravel(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(ravel([*points.T], shape), len(points))
