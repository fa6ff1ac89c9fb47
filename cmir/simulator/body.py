"""Bodies of iterations, prepared for execution: values are numbered, and invariant values are computed once.

The inferences of a group run in lock-step (`cmir.simulator.stream`): the lane of the group is the innermost coordinate
of the iteration, so operations of bodies do not know of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from cmir.dialects.vectors import elements_used, index_operands
from cmir.elaboration.program import Core, Load, Store
from cmir.semantics.body import is_new
from cmir.simulator.memory import Memory
from cmir.simulator.products import Product, Products
from cmir.simulator.stream import IDLE
from cmir.simulator.weights import Weights
from cmir.support.blocks import blocks
from cmir.support.diagnostics import CompileError
from cmir.support.numerics import OutsideError


@dataclass(frozen=True)
class _Step:
    """An operation of a body: a load, a store, or a function of values, which are given by their numbers.

    A product under a model of crossbars also depends on sample and iteration.

    indices: positions of operands that are indices into another one. dead: values that are not needed afterwards. into:
    position of the operand that the result may overwrite.
    """

    work: Load | Store | Product | Callable[..., np.ndarray]
    operands: tuple[int, ...]
    result: int
    indices: tuple[int, ...] = ()
    dead: tuple[int, ...] = ()
    into: int | None = None


class Body:
    """The body of a core's iterations, with its values numbered.

    lanes: the most elements that an iteration uses of a load. lanes_in_groups: the same if there are several inferences
    in a group, for which iterations do not share what they load. values: values that are the same for every chunk, by
    number; None for all others. coordinates: numbers of the values that are coordinates of the iteration, in order.
    tables: numbers of the loads of parameters that are the same in all iterations; they are among `values` once they
    are loaded.
    """

    def __init__(self, core: Core, weights: Weights, products: Products | None = None):
        """products: those under a model of crossbars; None for exact products."""
        program = core.program
        self.core = core
        loads = core.loads.values()
        self.lanes = max((elements_used(load.op.result) for load in loads), default=1)
        of_data = [prod(load.lanes) for load in loads if not _is_fixed(core, load)]
        self.lanes_in_groups = max([self.lanes, *of_data])
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
                    indices = tuple(index_operands(op))
                    steps.append(_Step(function, operands, number(op.results[0]), indices))
                    if is_new(op):
                        new.add(steps[-1].result)
        self.steps = _with_last_uses(steps, new)
        used = {n for step in steps for n in step.operands}
        self._coordinates_used = [(d, n) for d, n in enumerate(self.coordinates) if n in used]

    def run(self, memory: Memory, inference: int, first: int, last: int) -> None:
        """Run iterations first ≤ i < last on the data of a group.

        Raises CompileError, which names the inference, for an index that is out of range.
        """
        lanes = self.lanes if memory.width == 1 else memory.width * self.lanes_in_groups
        # Infinities and NaNs are ordinary results, as on the accelerator.
        with np.errstate(all="ignore"):
            for start, stop in blocks(first, last, lanes):
                try:
                    self._run(memory, inference, start, stop)
                except CompileError as error:
                    if isinstance(outside := error.__cause__, OutsideError):
                        number = memory.stream.numbers(inference)[outside.row % memory.width]
                        error.reword(lambda text, n=number: f"{text}, in inference {n}")
                    raise

    def _run(self, memory: Memory, inference: int, start: int, stop: int) -> None:
        core, values = self.core, self.values.copy()
        for d, n in self._coordinates_used:
            values[n] = np.repeat(core.points[start:stop, d], memory.width)
        for step in self.steps:
            work, operands = step.work, [values[n] for n in step.operands]
            for k in step.indices:
                operands[k] = _of_busy_lanes(operands[k], memory.stream.numbers(inference))
            for n in step.dead:
                values[n] = None
            if isinstance(work, Load):
                if values[step.result] is None:
                    values[step.result] = memory.load(core, work, inference, start, stop)
                if step.result in self.tables and len(values[step.result]) == 1:
                    self.values[step.result] = values[step.result]
            elif isinstance(work, Product):
                columns = memory.stream.columns(inference, start, stop)
                values[step.result] = work(operands[0], columns)
            elif isinstance(work, Store):
                value, shape = operands[0], ((stop - start) * memory.width, *work.lanes)
                value = value if value.shape == shape else np.broadcast_to(value, shape)
                memory.store(core, work, value, inference, start, stop)
            elif step.into is not None and len(operands[step.into]) >= max(map(len, operands)):
                values[step.result] = work(*operands, out=operands[step.into])
            else:
                values[step.result] = work(*operands)


def _of_busy_lanes(indices: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return indices with 0 in idle lanes, whose state is that of no sequence, so that theirs may be out of range.

    numbers: the inference in each lane.
    """
    idle = numbers == IDLE
    if not idle.any() or len(indices) == 1:  # a single row holds for all lanes
        return indices
    rows = np.tile(idle, len(indices) // len(idle))
    return np.where(rows.reshape(-1, *[1] * (indices.ndim - 1)), 0, indices)


def _is_table(core: Core, load: Load) -> bool:
    """Return True if a load gives the same parameters in all iterations."""
    return _is_fixed(core, load) and all(access.is_invariant for _, access in load.sources)


def _is_fixed(core: Core, load: Load) -> bool:
    """Return True if a load gives parameters, which all inferences share."""
    arrays = core.program.arrays
    return all(arrays[core.buffers[b].array].source is not None for b, _ in load.sources)


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
