"""Execution of a stream: bodies run on data, group by group of inferences, as control allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.simulator.body import Body
from cmir.simulator.memory import Memory
from cmir.simulator.stream import IDLE
from cmir.timing.actors import Actor
from cmir.timing.control import ActorState, Control

Progress: TypeAlias = "Callable[[float, int | None], None]"
"""Called from time to time with (inferences done, inferences in all, None if that is not known yet)."""

Sink: TypeAlias = "Callable[[np.ndarray, Mapping[str, np.ndarray]], None]"
"""Takes outputs, called with (numbers of inferences, their output arrays, shape (inferences, *shape)).

Inferences come in order, unless several sequences run in lanes.
"""


class Execution(Control[None]):
    """A run on data. body: returns the body of a core. sink: takes outputs as groups are over."""

    def __init__(
        self,
        actors: Mapping[CoreName, Actor],
        memory: Memory,
        body: Callable[[CoreName], Body],
        sink: Sink,
        chunk: int | None = None,
        progress: Progress | None = None,
    ):
        self._memory, self._body, self._sink, self._progress = memory, body, sink, progress
        self._iterations = sum(actor.iterations for actor in actors.values())
        self._done = 0  # iterations, of groups
        super().__init__(actors, dict.fromkeys(actors), chunk)

    def exists(self, inference: int) -> bool:
        return self._memory.stream.has(inference)

    def advance(self, state: ActorState[None], inference: int, first: int, last: int) -> None:
        """Run iterations first ≤ i < last on the data of a group."""
        self._body(state.actor.name).run(self._memory, inference, first, last)
        self._done += last - first
        if self._progress is not None:
            stream, groups = self._memory.stream, self._done / self._iterations
            if stream.known is None or stream.groups is None:
                self._progress(groups * stream.lanes, None)
            else:
                self._progress(groups / stream.groups * stream.known, stream.known)

    def completed(self, inference: int) -> None:
        """Give the outputs of a group to the sink; idle lanes have none."""
        numbers = self._memory.stream.numbers(inference)
        busy = np.flatnonzero(numbers != IDLE)
        outputs = self._memory.outputs(inference)
        found = {name: np.moveaxis(array, -1, 0)[busy] for name, array in outputs.items()}
        self._sink(numbers[busy], found)
        self._memory.forget(inference)
