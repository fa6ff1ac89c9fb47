"""Streams of inferences that run in lanes, in lock-step, because control and timing never depend on data.

A group is one inference as control has it, on the data of several inferences, one in each lane. Inference n of a stream
is in group n div lanes, in lane n mod lanes. With state, a lane holds one sequence at a time: sequence s is in round
s div lanes, in lane s mod lanes, and a round has as many groups as its longest sequence has inferences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from cmir.crossbars.random import Columns
from cmir.support.counts import count_of
from cmir.support.diagnostics import CompileError

Inputs: TypeAlias = Iterable[Mapping[str, np.ndarray]]
"""The inferences of a stream, each with an array for each input. Those of a sequence are taken when they are needed."""

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

IDLE = -1
"""Number of the inference of a lane that has none, because the stream, or a sequence, has ended before others."""


class Stream:
    """Inferences by group and lane.

    lanes: number of lanes. shapes: shape of each input. Inputs of a group are taken when control first asks for it, and
    are kept until it is over.
    """

    def __init__(
        self,
        inputs: Inputs,
        shapes: Shapes,
        lanes: int = 1,
        first: Sequence[int] | None = None,
    ):
        """first: for each inference, the number of the first inference of its sequence; None for one sequence."""
        self.lanes, self.shapes = lanes, shapes
        self._inputs = _Taken(inputs)
        self._table = None if first is None else _table_of(first, lanes)
        self._groups: dict[int, list[Mapping[str, np.ndarray]]] = {}
        self._latest: list[Mapping[str, np.ndarray]] = []
        self._count = 0  # of groups that have been taken

    @property
    def known(self) -> int | None:
        """Number of inferences, None if it is unknown before the last one has been taken."""
        return self._inputs.known

    @property
    def groups(self) -> int | None:
        """Number of groups, None if it is unknown."""
        if self._table is not None:
            return len(self._table[0])
        return None if self.known is None else -(-self.known // self.lanes)

    def first(self, group: int) -> int:
        """Return the first group of the sequences that are in a group."""
        return 0 if self._table is None else int(self._table[1][group])

    def numbers(self, group: int) -> np.ndarray:
        """Return the number of the inference in each lane, IDLE for none. The group must exist."""
        if self._table is not None:
            return self._table[0][group]
        numbers = np.arange(group * self.lanes, (group + 1) * self.lanes)
        return np.where([self._inputs.has(n) for n in numbers.tolist()], numbers, IDLE)

    def has(self, group: int) -> bool:
        """Return True if the stream has a group. Raises CompileError for inputs that do not match."""
        while self._count <= group:
            if not self._take():
                return False
        return True

    def _take(self) -> bool:
        """Take the inputs of the next group. An idle lane repeats what it had, or what the first lane has."""
        group = self._count
        if self._table is not None:
            if group == len(self._table[0]):
                self._inputs.must_end(1 + int(self._table[0].max()))
                return False
        elif not self._inputs.has(group * self.lanes):
            return False
        before, now = self._latest, list[Mapping[str, np.ndarray]]()
        for lane, number in enumerate(self.numbers(group).tolist()):
            if number != IDLE:
                now.append(self._checked(number))
            else:
                now.append(before[lane] if before else now[0])
        self._groups[group] = self._latest = now
        self._count += 1
        return True

    def _checked(self, number: int) -> Mapping[str, np.ndarray]:
        inference = self._inputs.take(number)
        for name, expected in self.shapes.items():
            if name not in inference:
                raise CompileError(None, f"inference {number} has no value for input '{name}'")
            if inference[name].shape != expected:
                raise CompileError(
                    None,
                    f"input '{name}' of inference {number} has shape {list(inference[name].shape)}, "
                    f"expected {list(expected)}",
                )
        return inference

    def content(self, name: str, group: int) -> np.ndarray:
        """Return the arrays of an input, shape (*shape, lanes)."""
        assert self.has(group)
        return np.stack([inference[name] for inference in self._groups[group]], axis=-1)

    def columns(self, group: int, start: int, stop: int) -> Columns:
        """Return inference and iteration of each column of iterations start ≤ i < stop; the lane is innermost."""
        numbers = np.tile(self.numbers(group), stop - start)
        return Columns(numbers, np.repeat(np.arange(start, stop), self.lanes))

    def forget(self, group: int) -> None:
        """Let go of the inputs of a group."""
        del self._groups[group]


class _Taken:
    """Inferences that are taken by number, from a sequence or from an iterable; from the latter, each once."""

    def __init__(self, inputs: Inputs):
        self._sequence = inputs if isinstance(inputs, Sequence) else None
        self._iterator: Iterator[Mapping[str, np.ndarray]] = iter(
            () if isinstance(inputs, Sequence) else inputs
        )
        self._waiting: dict[int, Mapping[str, np.ndarray]] = {}
        self.known = None if self._sequence is None else len(self._sequence)
        self._count = 0

    def has(self, number: int) -> bool:
        """Return True if there is an inference with this number."""
        while self.known is None and self._count <= number:
            try:
                self._waiting[self._count] = next(self._iterator)
            except StopIteration:
                self.known = self._count
            else:
                self._count += 1
        return self.known is None or number < self.known

    def must_end(self, count: int) -> None:
        """Raise CompileError if there are more inferences than so many."""
        if self.has(count):
            sequences = f"the sequences have {count_of(count, 'inference')}"
            raise CompileError(None, f"{sequences}, and the inputs more")

    def take(self, number: int) -> Mapping[str, np.ndarray]:
        """Return an inference. Raises CompileError if there is none."""
        if not self.has(number):
            assert self.known is not None
            there = count_of(self.known, "inference")
            raise CompileError(None, f"there is no inference {number}: the inputs have {there}")
        if self._sequence is not None:
            return self._sequence[number]
        return self._waiting.pop(number)


def _table_of(first: Sequence[int], lanes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (the inference in each lane of each group, the first group of each group's round)."""
    starts = np.unique(np.asarray(first, np.int64))
    lengths = np.diff(np.append(starts, len(first)))
    numbers: list[np.ndarray] = []
    begins: list[int] = []
    for one in range(0, len(starts), lanes):
        start, length = starts[one : one + lanes], lengths[one : one + lanes]
        step = np.arange(length.max())[:, None]
        of_round = np.full((len(step), lanes), IDLE)
        of_round[:, : len(start)] = np.where(step < length, start + step, IDLE)
        begins += [len(begins)] * len(step)
        numbers.append(of_round)
    return np.concatenate(numbers), np.array(begins)
