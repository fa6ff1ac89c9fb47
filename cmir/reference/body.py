"""The body of a core's iterations as a list of steps on numbered values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from cmir.reference.arithmetic import Others, function_of
from cmir.reference.program import Core, Load, Store


@dataclass(frozen=True)
class Step:
    """A load, a store, or a function of values, given by their numbers. A store gives none."""

    work: Load | Store | Callable[..., Any]
    operands: tuple[int, ...]
    result: int


class Body:
    """The operations of an iteration in order.

    values: those that are the same in all iterations, by number; the others are None. coordinates: the numbers of the
    values that are the iteration's coordinates.
    """

    def __init__(self, core: Core, matrices: Mapping[SSAValue, np.ndarray], others: Others):
        self.values: list[Any] = []
        self.steps: list[Step] = []
        numbers: dict[SSAValue, int] = {}

        def number(value: SSAValue, content: np.ndarray | None = None) -> int:
            numbers[value] = len(self.values)
            self.values.append(content)
            return numbers[value]

        for value, matrix in matrices.items():
            number(value, matrix)
        block = core.program.iteration.body.block
        self.coordinates = [number(argument) for argument in block.args]
        for op in block.ops:
            if (load := core.loads.get(op)) is not None:
                self.steps.append(Step(load, (), number(load.op.result)))
            elif (store := core.stores.get(op)) is not None:
                self.steps.append(Step(store, (numbers[store.op.value],), -1))
            else:
                function = function_of(op, others)
                operands = tuple(numbers[operand] for operand in op.operands)
                if operands:
                    self.steps.append(Step(function, operands, number(op.results[0])))
                else:
                    number(op.results[0], function())
