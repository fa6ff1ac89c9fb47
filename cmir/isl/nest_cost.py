"""Cost of generated loops: the conditions they evaluate, and the size of their text.

Several loop nests visit the same points in the same order; these are the numbers to choose between them by. They are
exact: the nest is evaluated as the engine evaluates it, but for innermost bodies, of which only the number of runs
matters.
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
    """The work of a nest, and the length of its text.

    tests: conditions of ifs and selects, minima and maxima. loops: tests of loops, one more than a loop has trips.
    operations: those in the text, and visits. visits: how often points are visited.
    """

    tests: int = 0
    loops: int = 0
    operations: int = 0
    visits: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """Costs compare by conditions evaluated, then by operations."""
        return self.tests + self.loops, self.operations


def nest_cost(block: Block, visited: Iterable[Block], runs: np.ndarray = ONCE) -> NestCost:
    """Return the cost of the nest in a block, for all runs of it together.

    visited: the blocks of the nest that visit a point when they run, once for each point. runs: the arguments of the
    block in each run, shape (runs, arguments).
    """
    measure = _Measure(Counter(visited))
    measure.block(block, outermost(block, runs))
    text = sum(not isinstance(op, arith.ConstantOp | scf.YieldOp) for op in block.walk())
    operations = text + measure.visited.total()
    return NestCost(measure.tests, measure.loops, operations, measure.visits)


class _Measure:
    """Counts what is evaluated. visited: how many points each block visits when it runs."""

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
        # What an innermost body computes decides nothing.
        self.block(body, inside(op, frame, [], trips) if _is_nested(body) else Frame(total, []))


def _is_nested(block: Block) -> bool:
    return any(isinstance(op, scf.ForOp | scf.IfOp) for op in block.ops)


_TESTS = (arith.CmpiOp, arith.MinSIOp, arith.MaxSIOp)
