"""State of a run of the reference machine: automata, buffers, and the progress of cores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np

from cmir.reference.accesses import Lanes
from cmir.reference.findings import Violation
from cmir.reference.program import (
    ReferenceAutomaton,
    ReferenceBuffer,
    ReferenceCopy,
    ReferenceCore,
)
from cmir.reference.values import numpy_type

NOTHING = -(1 << 62)
"""The tag of a slot that was never written."""

NONE = -1
"""The limit of an automaton that has released nothing yet."""


class Follower:
    """State of an automaton: the next step, and the current limit."""

    def __init__(self, automaton: ReferenceAutomaton, own: int, inferences: int):
        self.automaton, self._own = automaton, own
        self._events = len(automaton.source.iterations)
        self.limit = NONE
        self.next, self.inference = 0, 0
        lowest = min((limit for _, limit in automaton.steps), default=0)
        self._last = inferences + max(0, -(lowest // max(1, own)))
        """The last inference whose steps can release iterations of the stream."""

    def advance(self, seen: int) -> None:
        """Take all steps whose events are among the first `seen` iterations of the source."""
        steps = self.automaton.steps
        while steps and self.inference <= self._last:
            event, limit = steps[self.next]
            if event is not None and event + self.inference * self._events >= seen:
                return
            self.limit = max(self.limit, limit + self.inference * self._own)
            self.next += 1
            if self.next == len(steps):
                self.next = 0
                self.inference += 1

    def awaited(self) -> str:
        """Return the event that the next step waits for, as text."""
        automaton = self.automaton
        if not automaton.steps:
            return f"{automaton.op.name} from @{automaton.source.name}, which has no steps"
        event, _ = automaton.steps[self.next]
        if event is None:
            return f"{automaton.op.name} from @{automaton.source.name}, which releases less"
        point = automaton.source.iterations[event]
        return f"iteration {point} of @{automaton.source.name} in inference {self.inference}"


class TaggedMemory:
    """State of a buffer: the tag and the value of each slot.

    A tag is the number of an element, counted through the inferences; it is negative for the elements of inferences
    before the first, which are initial values. Parameters have a single inference.
    """

    def __init__(self, buffer: ReferenceBuffer, values: bool):
        self.buffer, self.array = buffer, buffer.array
        self.tags = np.full(buffer.count, NOTHING, np.int64)
        self.data = np.zeros(buffer.count, numpy_type(buffer.array.op.type)) if values else None
        self._lasting = buffer.array.op.source is not None
        self._partial = bool((buffer.slots < 0).any())

    def _wanted(self, inference: int | np.ndarray, locations: np.ndarray) -> np.ndarray:
        return locations if self._lasting else locations + inference * self.array.size

    def find(self, core: ReferenceCore, i: int, inference: int, lanes: Lanes) -> np.ndarray:
        """Return the slots that iteration i of a core reads. Raises Violation if one of them holds another element."""
        run = slice(lanes.starts[i], lanes.starts[i + 1])
        locations, inferences = lanes.locations[run], inference + lanes.inferences[run]
        slots = self.buffer.slots[inferences + self.array.held, locations]
        right = self.tags[slots] == self._wanted(inferences, locations)
        if self._partial:
            right &= slots >= 0
        if not right.all():
            lane = int(np.argmin(right))
            wanted = self.array.element(int(locations[lane]), int(inferences[lane]))
            found = self._content(int(slots[lane]))
            point = core.iterations[i]
            raise Violation(core.name, point, inference, self.array.name, wanted, found)
        return slots

    def _content(self, slot: int) -> str:
        """Return the element that a slot holds, as text."""
        if slot < 0:
            return "no slot"
        tag = int(self.tags[slot])
        return (
            "nothing"
            if tag == NOTHING
            else self.array.element(tag % self.array.size, tag // self.array.size)
        )

    def write(self, inference: int, locations: np.ndarray, values: np.ndarray | None) -> None:
        """Write elements to their slots, regardless of the contents."""
        slots = self.buffer.slots[inference + self.array.held, locations]
        if self._partial:
            kept = slots >= 0
            slots, locations = slots[kept], locations[kept]
            values = None if values is None else values[kept]
        self.tags[slots] = self._wanted(inference, locations)
        if self.data is not None:
            self.data[slots] = values

    def fill(
        self, inference: int, values: np.ndarray | None, elements: np.ndarray | None = None
    ) -> None:
        """Write elements of an inference, one after the other; by default all elements of a given array."""
        elements = np.arange(self.array.size) if elements is None else elements
        self.write(inference, elements, None if values is None else values.reshape(-1)[elements])


class CoreState:
    """State of a core. done: number of iterations that it has started, counted through the inferences."""

    def __init__(self, copy: ReferenceCopy, inferences: int, values: bool):
        core = copy.core
        self.copy, self.core = copy, core
        self.count = len(core.iterations)
        self.total = copy.count * inferences
        self.done = 0
        self.offered = False
        self.memories = {id(b): TaggedMemory(b, values) for b in core.buffers.values()}
        self.buffers: dict[str, list[TaggedMemory]] = defaultdict(list)
        for memory in self.memories.values():
            self.buffers[memory.array.name].append(memory)
        self.followers = [Follower(a, self.count, inferences) for a in core.automata]
        self.limit = NONE
        self._last = self.count * inferences

    @property
    def stamp(self) -> int:
        """The next iteration, counted through all iterations of the program in the stream."""
        inference, i = self.copy.iteration(self.done)
        return inference * self.count + i

    def update(self) -> None:
        """Update the limit that the automata set."""
        self.limit = min((f.limit for f in self.followers), default=self._last)


class InTurn:
    """Messages of several cores that run iterations in turn: they are taken in the order of the iterations."""

    def __init__(self) -> None:
        self._next, self._arrived = 0, dict[int, list[Any]]()

    def take(self, stamp: int, message: list[Any]) -> Iterator[tuple[int, list[Any]]]:
        """Let the message of an iteration arrive; yield those whose turn it is then."""
        self._arrived[stamp] = message
        while self._next in self._arrived:
            yield self._next, self._arrived.pop(self._next)
            self._next += 1
