"""The order in which actors advance: chunks of iterations, as their control allows.

The next chunk of an actor consists of the iterations that its LCU allows, given the progress of its neighbours. A
worklist advances actors by chunks until all inferences are done. Neither the order of the chunks nor their size affects
the result (a Kahn network).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cmir.dialects.core_name import CoreName
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.diagnostics import CompileError
from cmir.timing.actors import Actor, Dependence


@dataclass(frozen=True)
class Wait:
    """A wait of `waiter` for `source`: for data in, or for room for, `array`."""

    waiter: CoreName
    source: CoreName
    kind: DependenceKind
    array: str

    def __str__(self) -> str:
        if self.kind is DependenceKind.RAW:
            return (
                f"@{self.waiter} waits for data in its buffer of @{self.array} from @{self.source}"
            )
        return f"@{self.waiter} waits for room in the buffer of @{self.array} at @{self.source}"


class DeadlockError(CompileError):
    """Cores that wait for each other in a cycle: `cycle`, in which the source of each wait is the next waiter."""

    def __init__(self, cycle: Sequence[Wait]):
        self.cycle = list(cycle)
        super().__init__(None, "deadlock: " + ", ".join(map(str, self.cycle)))


MOST_AHEAD = 64
"""How many inferences an actor may be ahead of the one that is furthest behind.

Credits bound this where actors depend on each other; parts of a network that do not would drift apart without a bound.
No iteration waits for one of a later inference, so the actor that is furthest behind is never held back.
"""

Record = TypeVar("Record")


@dataclass(eq=False)
class ActorState(Generic[Record]):
    """Progress of an actor. done: number of iterations that it has run, through all inferences.

    record: what a run keeps about the actor.
    """

    actor: Actor
    record: Record
    done: int = 0
    blocked: tuple[ActorState[Record], int] | None = None  # actor that must run further than this
    incoming: list[tuple[Dependence, ActorState[Record]]] = field(default_factory=list)
    waiters: dict[CoreName, ActorState[Record]] = field(default_factory=dict)

    @property
    def inference(self) -> int:
        """The inference of the next iteration."""
        return self.done // self.actor.iterations


class Control(ABC, Generic[Record]):
    """A run of a network of actors over a stream of inferences.

    chunk: maximum number of iterations that an actor advances before others get a turn; None for no limit.
    """

    def __init__(
        self,
        actors: Mapping[CoreName, Actor],
        records: Mapping[CoreName, Record],
        chunk: int | None,
    ):
        self.chunk = chunk
        self.states = {name: ActorState(actor, records[name]) for name, actor in actors.items()}
        self._complete = 0  # inferences that all actors have run
        self._ended: dict[int, int] = {}  # number of actors that have run an inference
        self.allow(actors)

    @abstractmethod
    def exists(self, inference: int) -> bool:
        """Return True if the stream has this inference."""

    @abstractmethod
    def advance(self, state: ActorState[Record], inference: int, first: int, last: int) -> None:
        """Run iterations first ≤ i < last of an inference."""

    def completed(self, inference: int) -> None:
        """Take note that all actors have run an inference. Inferences are completed in order."""

    def allow(self, actors: Mapping[CoreName, Actor]) -> None:
        """Replace the dependences of some actors, to continue after a deadlock.

        The new dependences must hold for all iterations that have run.
        """
        for name, actor in actors.items():
            state = self.states[name]
            state.actor, state.blocked = actor, None
            state.incoming = [(d, self.states[d.source]) for d in state.actor.dependences]
            for _, source in state.incoming:
                source.waiters[name] = state

    def run_all(self) -> None:
        """Run all inferences, or what is left of them. Raises DeadlockError if no actor can continue."""
        work = deque(state for state in self.states.values() if self._may_advance(state))
        queued = set(work)
        while work:
            state = work.popleft()
            queued.discard(state)
            inference = state.inference
            if not self._advance(state):
                continue
            woken = (state, *state.waiters.values())
            if state.inference > inference and self._ends(inference):
                woken = self.states.values()
            for again in woken:
                if again not in queued and self._may_advance(again):
                    queued.add(again)
                    work.append(again)
        if any(self.exists(state.inference) for state in self.states.values()):
            raise DeadlockError(self._blocking_cycle())

    def _may_begin(self, state: ActorState[Record]) -> bool:
        """Return True if the inference of an actor's next iteration exists, and is not too far ahead."""
        inference = state.inference
        return inference < self._complete + MOST_AHEAD and self.exists(inference)

    def _may_advance(self, state: ActorState[Record]) -> bool:
        """Return True if iterations are left, and the actor that blocked the last attempt has advanced far enough."""
        if state.blocked is not None and state.blocked[0].done <= state.blocked[1]:
            return False
        return self._may_begin(state)

    def _advance(self, state: ActorState[Record]) -> bool:
        """Advance an actor by its next chunk. Return False if it is blocked."""
        actor = state.actor
        inference, first = divmod(state.done, actor.iterations)
        last = actor.iterations
        state.blocked = None
        for dependence, source in state.incoming:
            before = inference * source.actor.iterations
            needs = dependence.of(inference)
            last = min(last, int(needs.searchsorted(source.done - 1 - before, "right")))
            if last <= first:
                state.blocked = source, int(needs[first]) + before
                return False
        if self.chunk is not None:
            last = min(last, first + self.chunk)
        self.advance(state, inference, first, last)
        state.done += last - first
        return True

    def _ends(self, inference: int) -> bool:
        """Count an actor that has run an inference. Return True if it was the last one."""
        self._ended[inference] = self._ended.get(inference, 0) + 1
        if self._ended[inference] < len(self.states):
            return False
        del self._ended[inference]
        self._complete = inference + 1
        self.completed(inference)
        return True

    def _waits(self, state: ActorState[Record]) -> list[Wait]:
        """Return the waits that block the next iteration of an actor."""
        if not self._may_begin(state):
            return []
        inference, iteration = divmod(state.done, state.actor.iterations)
        return [
            Wait(state.actor.name, source.actor.name, dependence.kind, dependence.array)
            for dependence, source in state.incoming
            if dependence.of(inference)[iteration] + inference * source.actor.iterations
            >= source.done
        ]

    def _blocking_cycle(self) -> list[Wait]:
        """Return a cycle of waits: every stuck actor waits for a stuck one, or for one that has ended."""
        stuck = next(state for state in self.states.values() if self._waits(state))
        path: list[Wait] = []
        seen: dict[CoreName, int] = {}
        while stuck.actor.name not in seen:
            seen[stuck.actor.name] = len(path)
            waits = self._waits(stuck)
            if not waits:  # the actor has ended and will never satisfy the last wait
                return path[-1:]
            path.append(waits[0])
            stuck = self.states[waits[0].source]
        return path[seen[stuck.actor.name] :]
