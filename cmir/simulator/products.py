"""Products on crossbars as a model of crossbars computes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from xdsl.dialects.builtin import VectorType
from xdsl.ir import Operation, SSAValue

from cmir.crossbars.model import CrossbarModel, Where
from cmir.crossbars.random import Columns
from cmir.crossbars.tiles import matrix_of, tiles_of
from cmir.dialects.cmcore import CrossbarOp
from cmir.dialects.element_types import dtype_of
from cmir.dialects.vectors import MxvOp
from cmir.elaboration.network import ElaboratedNetwork
from cmir.elaboration.program import Core
from cmir.simulator.stream import IDLE
from cmir.simulator.weights import Weights
from cmir.simulator.window import iterations_first


@dataclass(frozen=True)
class Copies:
    """Sets of crossbars with the same matrix, among which the iterations of a core alternate.

    iterations: number in an inference. turns: number of cores that take turns. ways: number of sets on each of them,
    which alternate across inferences.
    """

    iterations: int
    turns: int
    ways: int

    def of(self, columns: Columns) -> np.ndarray:
        """Return the number of the set that multiplies each column."""
        turn, place = columns.iteration % self.turns, columns.iteration // self.turns
        each = -(-(self.iterations - turn) // self.turns)
        return turn * self.ways + (columns.sample * each + place) % self.ways


class Programmed:
    """A matrix of a core, each copy programmed at its first product."""

    def __init__(self, model: CrossbarModel, where: Where, matrix: np.ndarray, copies: Copies):
        self.model, self.where, self.matrix, self.copies = model, where, matrix, copies
        self._programmed: dict[int, Any] = {}

    @cached_property
    def _tiles(self) -> Any:
        return tiles_of(matrix_of(self.matrix), self.model.crossbar)

    def product(self, x: np.ndarray, columns: Columns) -> np.ndarray:
        """Return the products with vectors, shape (outputs, columns). x: shape (inputs, columns)."""
        copies = self.copies.of(columns)
        first, *others = np.unique(copies).tolist()
        if not others:
            return self._product(first, x, columns)
        parts = {copy: np.flatnonzero(copies == copy) for copy in (first, *others)}
        y: np.ndarray | None = None
        for copy, at in parts.items():
            some = Columns(columns.sample[at], columns.iteration[at])
            part = self._product(copy, x[:, at], some)
            y = np.empty((len(part), x.shape[1]), part.dtype) if y is None else y
            y[:, at] = part
        assert y is not None
        return y

    def _product(self, copy: int, x: np.ndarray, columns: Columns) -> np.ndarray:
        where = Where(self.where.core, self.where.crossbar, copy)
        if copy not in self._programmed:
            self._programmed[copy] = self.model.program(where, self.matrix, self._tiles)
        return self.model.product(where, self._programmed[copy], x, columns)


@dataclass(frozen=True)
class Product:
    """A `cmcore.mxv` of a body on programmed crossbars."""

    programmed: Programmed
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    def __call__(self, x: np.ndarray, columns: Columns) -> np.ndarray:
        """Return the result for iterations, shape (iterations, *shape of the result).

        x: vectors, shape (iterations or 1, *shape of the vector). columns: sample and iteration of each iteration. In
        memory, iterations come last, as in reads of windows.
        """
        count = len(columns.iteration)
        lanes = np.broadcast_to(x, (count, *x.shape[1:])).reshape(count, -1)
        busy = columns.sample != IDLE
        if busy.all():
            y = self.programmed.product(lanes.T, columns)
        else:  # lanes without an inference are no products of the chip's
            there = Columns(columns.sample[busy], columns.iteration[busy])
            part = self.programmed.product(lanes[busy].T, there)
            y = np.zeros((len(part), count), part.dtype)
            y[:, busy] = part
        return iterations_first(y.astype(self.dtype).reshape(*self.shape, count))


class Products:
    """The products of a network's bodies under a model of crossbars."""

    def __init__(self, network: ElaboratedNetwork, model: CrossbarModel, weights: Weights):
        self._turns, self._model, self._weights = network.turns, model, weights
        self._programmed: dict[tuple[str, SSAValue], Programmed] = {}

    def of(self, core: Core, op: Operation) -> Product | None:
        """Return an operation of a body as a product on crossbars; None for every other operation."""
        if not isinstance(op, MxvOp) or not isinstance(op.matrix.owner, CrossbarOp):
            return None
        crossbar = op.matrix.owner
        key = str(core.name), crossbar.result
        if key not in self._programmed:
            number = [*core.program.crossbars].index(crossbar)
            copies = Copies(core.iterations, self._turns[core.program.name], crossbar.sets)
            matrix = self._weights.matrix(crossbar, core.coordinates)
            where = Where(str(core.name), number)
            self._programmed[key] = Programmed(self._model, where, matrix, copies)
        assert isinstance(op.result.type, VectorType)
        type_ = op.result.type
        return Product(self._programmed[key], type_.get_shape(), dtype_of(type_.element_type))
