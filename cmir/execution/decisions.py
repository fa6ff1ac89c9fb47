"""Ties: numbers so near the border between two results of an operation that errors of floats decide between them.

Where two evaluations of a network decide such a number differently, both are right, and all that follows differs. An
evaluation that decides as another one does at ties, and only there, has results that can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from xdsl.dialects import math
from xdsl.dialects.builtin import VectorType
from xdsl.ir import Operation, SSAValue

from cmir.checking.ties import tied
from cmir.dialects.element_types import dtype_of
from cmir.dialects.vectors import CompareOp, ConvertOp
from cmir.simulator.numbers import Numbers
from cmir.support.numerics import is_float

Decisions: TypeAlias = list[list[np.ndarray]]
"""The results of operations that decide, in the order in which a run prepares and computes them."""

_BORDERS: Mapping[type[Operation], Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    ConvertOp: lambda one, other: (one + other) / 2,
    math.RoundEvenOp: lambda one, other: (one + other) / 2,
    math.RoundOp: lambda one, other: (one + other) / 2,
    math.FloorOp: np.maximum,
    math.CeilOp: np.minimum,
    math.TruncOp: lambda one, other: np.where(np.abs(one) > np.abs(other), one, other),
}
"""For operations that round, the number between two neighbouring results."""


def _is_float(value: SSAValue) -> bool:
    type = value.type
    return is_float(dtype_of(type.element_type if isinstance(type, VectorType) else type))


def _decides(op: Operation) -> bool:
    """Return True if the results of an operation may jump where its operands, which are floats, change little."""
    if isinstance(op, ConvertOp):
        return _is_float(op.operands[0]) and not _is_float(op.results[0])
    return (isinstance(op, CompareOp) and _is_float(op.lhs)) or type(op) in _BORDERS


class Recorder(Numbers):
    """Ordinary arithmetic that keeps the results of operations that decide."""

    def __init__(self) -> None:
        self.decisions: Decisions = []

    def function_of(self, op: Operation) -> Callable[..., Any]:
        function = super().function_of(op)
        if not _decides(op):
            return function
        made: list[np.ndarray] = []
        self.decisions.append(made)

        def recorded(*operands: np.ndarray) -> np.ndarray:
            result = function(*operands)
            made.append(result.copy())
            return result

        return recorded


class Follower(Numbers):
    """Arithmetic that decides as another run did at ties. taken: number of the ties that this has changed.

    The other run must have executed the same operations in the same order.
    """

    def __init__(self, decisions: Decisions, atol: float) -> None:
        """atol: how far from the border a number may be, as a fraction of the largest number of a chunk."""
        self.taken, self.atol = 0, atol
        self._decisions: Iterator[list[np.ndarray]] = iter(decisions)

    def function_of(self, op: Operation) -> Callable[..., Any]:
        function = super().function_of(op)
        if not _decides(op):
            return function
        decisions = iter(next(self._decisions))

        def followed(*operands: np.ndarray) -> np.ndarray:
            result, wanted = function(*operands), next(decisions)
            tie = (result != wanted) & _are_ties(op, operands, result, wanted, self.atol)
            self.taken += int(np.count_nonzero(tie))
            return np.where(tie, wanted, result).astype(result.dtype)

        return followed


def _are_ties(
    op: Operation,
    operands: tuple[np.ndarray, ...],
    result: np.ndarray,
    wanted: np.ndarray,
    atol: float,
) -> np.ndarray:
    """Return for which results of an operation that decides another one is as right. atol: see `Follower`."""
    if isinstance(op, CompareOp):
        left, right = operands
        size = np.maximum(np.abs(left).max(initial=1.0), np.abs(right).max(initial=1.0))
        with np.errstate(invalid="ignore", over="ignore"):
            return np.abs(left - right) <= atol * size
    one, other = result.astype(np.float64), wanted.astype(np.float64)
    return tied(operands[0], _BORDERS[type(op)](one, other), one, other, atol)
