"""Cost of generated loops: the number of conditions evaluated, and the size of the text.

Several loop nests can visit the same points in the same order; the compiler chooses among them by these numbers. They
are exact: the nest is evaluated as the simulator evaluates it, except for innermost bodies, of which only the number
of runs matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from xdsl.dialects import arith, scf
from xdsl.ir import Block

from cmir.isl.visits import ONCE, Frame, branches, evaluate, inside, outermost, trips_of


@dataclass(frozen=True)
class NestCost:
    """Work of a nest, and size of its text.

    tests: evaluated comparisons, minima and maxima. loops: evaluated loop tests, one more than the trips of each loop.
    operations: number of operations and visits in the text. visits: number of points visited.
    """

    tests: int = 0
    loops: int = 0
    operations: int = 0
    visits: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """Sort key: conditions evaluated first, then operations."""
        return self.tests + self.loops, self.operations


def nest_cost(block: Block, visited: Iterable[Block], runs: np.ndarray = ONCE) -> NestCost:
    """Return the cost of the nest in a block, summed over all runs.

    visited: the blocks of the nest that visit a point whenever they run, once per point. runs: arguments of the
    block in each run, shape (runs, arguments).
    """
    measure = _Measure(Counter(visited))
    measure.block(block, outermost(block, runs))
    text = sum(not isinstance(op, arith.ConstantOp | scf.YieldOp) for op in block.walk())
    operations = text + measure.visited.total()
    return NestCost(measure.tests, measure.loops, operations, measure.visits)


class _Measure:
    """Counter of evaluated conditions. visited: number of points that each block visits per run."""

    def __init__(self, visited: Counter[Block]):
        self.visited = visited
        self.tests = self.loops = self.visits = 0

    def block(self, block: Block, frame: Frame) -> None:
        self.visits += self.visited[block] * frame.count
        nested = _is_nested(block)
        for op in block.ops:
            match op:
                case scf.ForOp():
                    self._for(op, frame)
                case scf.IfOp():
                    for region, taken in branches(op, frame, []):
                        self.block(region.block, taken)
                case scf.YieldOp():
                    pass
                case _:
                    self.tests += frame.count * isinstance(op, _TESTS)
                    if nested:
                        evaluate(op, frame)

    def _for(self, op: scf.ForOp, frame: Frame) -> None:
        trips, body = trips_of(op, frame), op.body.block
        total = int(trips.sum())
        self.loops += total + frame.count
        # No condition depends on what an innermost body computes.
        self.block(body, inside(op, frame, [], trips) if _is_nested(body) else Frame(total, []))


def _is_nested(block: Block) -> bool:
    return any(isinstance(op, scf.ForOp | scf.IfOp) for op in block.ops)


_TESTS = (arith.CmpiOp, arith.MinSIOp, arith.MaxSIOp)
