"""Bodies of iterations, prepared for execution: values are numbered, and invariant values are computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from cmir.crossbars.random import Columns
from cmir.dialects.vectors import elements_used
from cmir.elaboration.program import Core, Load, Store
from cmir.semantics.body import is_new
from cmir.simulator.memory import Memory
from cmir.simulator.products import Product, Products
from cmir.simulator.weights import Weights
from cmir.support.blocks import blocks


@dataclass(frozen=True)
class _Step:
    """An operation of a body: a load, a store, or a function of values, which are given by their numbers.

    A product under a model of crossbars also depends on sample and iteration.

    dead: values that are not needed afterwards. into: position of the operand that the result may overwrite.
    """

    work: Load | Store | Product | Callable[..., np.ndarray]
    operands: tuple[int, ...]
    result: int
    dead: tuple[int, ...] = ()
    into: int | None = None


class Body:
    """The body of a core's iterations, with its values numbered.

    values: values that are the same for every chunk, by number; None for all others. coordinates: numbers of the values
    that are coordinates of the iteration, in order. tables: numbers of the loads from which iterations only pick, and
    which give the same in all of them; they are among `values` once they are loaded.
    """

    def __init__(self, core: Core, weights: Weights, products: Products | None = None):
        """products: those under a model of crossbars; None for exact products."""
        program = core.program
        self.core = core
        self.lanes = max((elements_used(load.op.result) for load in core.loads.values()), default=1)
        self.values: list[Any] = []
        steps: list[_Step] = []
        new: set[int] = set()
        numbers: dict[SSAValue, int] = {}

        def number(value: SSAValue, content: np.ndarray | None = None) -> int:
            numbers[value] = len(self.values)
            self.values.append(content)
            return numbers[value]

        for crossbar in program.crossbars:
            number(crossbar.result, weights.matrix(crossbar, core.coordinates))
        self.tables: set[int] = set()
        self.coordinates = [number(arg) for arg in program.op.iteration.body.block.args]
        for op in program.body:
            operands = tuple(numbers[o] for o in op.operands if o in numbers)
            if (load := core.loads.get(op)) is not None:
                steps.append(_Step(load, (), number(load.op.result)))
                if _is_table(core, load):
                    self.tables.add(steps[-1].result)
            elif (store := core.stores.get(op)) is not None:
                steps.append(_Step(store, operands, -1))
            elif products is not None and (product := products.of(core, op)) is not None:
                steps.append(_Step(product, (numbers[op.operands[1]],), number(op.results[0])))
                new.add(steps[-1].result)
            else:
                known = [value for n in operands if (value := self.values[n]) is not None]
                function = weights.numbers.function_of(op)
                if len(known) == len(operands):
                    with np.errstate(all="ignore"):
                        number(op.results[0], function(*known))
                else:
                    steps.append(_Step(function, operands, number(op.results[0])))
                    if is_new(op):
                        new.add(steps[-1].result)
        self.steps = _with_last_uses(steps, new)

    def run(self, memory: Memory, inference: int, first: int, last: int) -> None:
        """Run iterations first ≤ i < last of an inference on data."""
        # Infinities and NaNs are ordinary results, as on the accelerator.
        with np.errstate(all="ignore"):
            for start, stop in blocks(first, last, self.lanes):
                self._run(memory, inference, start, stop)

    def _run(self, memory: Memory, inference: int, start: int, stop: int) -> None:
        core, values = self.core, self.values.copy()
        for n, column in zip(self.coordinates, core.points.T, strict=True):
            values[n] = column[start:stop]
        for step in self.steps:
            work, operands = step.work, [values[n] for n in step.operands]
            for n in step.dead:
                values[n] = None
            if isinstance(work, Load):
                if values[step.result] is None:
                    values[step.result] = memory.load(core, work, inference, start, stop)
                if step.result in self.tables and len(values[step.result]) == 1:
                    self.values[step.result] = values[step.result]
            elif isinstance(work, Product):
                values[step.result] = work(operands[0], _columns(inference, start, stop))
            elif isinstance(work, Store):
                value, shape = operands[0], (stop - start, *work.lanes)
                value = value if value.shape == shape else np.broadcast_to(value, shape)
                memory.store(core, work, value, inference, start, stop)
            elif step.into is not None and len(operands[step.into]) >= max(map(len, operands)):
                values[step.result] = work(*operands, out=operands[step.into])
            else:
                values[step.result] = work(*operands)


def _columns(inference: int, start: int, stop: int) -> Columns:
    """Return sample and iteration of the iterations start ≤ i < stop, in the order of the axis of iterations."""
    return Columns(np.full(stop - start, inference), np.arange(start, stop))


def _is_table(core: Core, load: Load) -> bool:
    """Return True if a load gives the same parameters in all iterations, which only pick from them."""
    fixed = all(
        core.program.arrays[core.buffers[buffer].array].source is not None and access.is_invariant
        for buffer, access in load.sources
    )
    return fixed and elements_used(load.op.result) != prod(load.lanes)


def _with_last_uses(steps: list[_Step], new: set[int]) -> list[_Step]:
    """Return the steps, with operands marked that may be overwritten because no later step uses them.

    new: values in memory of their own. Memory that has just been written is in the caches; fresh memory is not.
    """
    seen: set[int] = set()
    result: list[_Step] = []
    for step in reversed(steps):
        dead = tuple({*step.operands} - seen)
        seen.update(step.operands)
        free = [k for k, n in enumerate(step.operands) if n in new and n in dead]
        elementwise = isinstance(step.work, np.ufunc)
        into = free[0] if free and elementwise else None
        result.append(replace(step, dead=dead, into=into))
    return result[::-1]
