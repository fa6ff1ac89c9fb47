"""The body of a core's iterations as a list of steps on numbered values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from cmir.reference.arithmetic import Others, reference_function
from cmir.reference.program import ReferenceCore, ReferenceLoad, ReferenceStore


@dataclass(frozen=True)
class ReferenceStep:
    """A load, a store, or a function of numbered values. A store has no result."""

    work: ReferenceLoad | ReferenceStore | Callable[..., Any]
    operands: tuple[int, ...]
    result: int


class ReferenceBody:
    """The operations of an iteration in order.

    values: by number, the values that are the same in all iterations; None for the others. coordinates: the numbers of
    the values that are the iteration's coordinates.
    """

    def __init__(
        self, core: ReferenceCore, matrices: Mapping[SSAValue, np.ndarray], others: Others
    ):
        self.values: list[Any] = []
        self.steps: list[ReferenceStep] = []
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
                self.steps.append(ReferenceStep(load, (), number(load.op.result)))
            elif (store := core.stores.get(op)) is not None:
                self.steps.append(ReferenceStep(store, (numbers[store.op.value],), -1))
            else:
                function = reference_function(op, others)
                operands = tuple(numbers[operand] for operand in op.operands)
                if operands:
                    self.steps.append(ReferenceStep(function, operands, number(op.results[0])))
                else:
                    number(op.results[0], function())
