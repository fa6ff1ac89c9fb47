"""Timing recurrence of a network of cores, which gives the start times of iterations.

    t(i) = max(t(i − 1) + II, arrival of the last write needed, arrival of the last credit needed)

With several sets of crossbars, t(i − ways) + the cycles of a set is a further term (`cmir.cost.pace`). Copies that run
iterations in turn are one actor (`cmir.timing.turns`).

The next chunk of a core consists of the iterations that its LCU allows, given the progress of its neighbours. Within a
chunk all arrivals are known, so the start times are a running maximum. A worklist advances cores by chunks until all
inferences are done. Neither the order of the chunks nor their size affects the result (a Kahn network).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import NEVER
from cmir.isl.dependence_kind import DependenceKind
from cmir.support.diagnostics import CompileError
from cmir.timing.report import CoreReport, RunReport
from cmir.timing.turns import Turns, arrivals, latest_starts


@dataclass(frozen=True, eq=False)
class Dependence:
    """Waits of an actor's iterations for one neighbour.

    kind: RAW waits for data that `source` writes, WAR for room where `source` reads.
    needs: for each iteration of an inference, the iteration of `source` that must have run, counted from the
        start of the same inference at `source`, so negative for earlier inferences; monotonic.
    delay: cycles from the start of an iteration of `source` until the actor sees it; the most of the `delays`.
    first: `needs` of the leading inferences 0, 1, … that differ from all later ones.
    delays: with turns, cycles by the copy that waits and by the copy of the source; None if they are all `delay`.
    """

    kind: DependenceKind
    source: CoreName
    array: str
    needs: np.ndarray
    delay: int
    first: tuple[np.ndarray, ...] = ()
    delays: np.ndarray | None = None

    @staticmethod
    def of_copies(
        kind: DependenceKind,
        source: CoreName,
        array: str,
        needs: np.ndarray,
        delays: np.ndarray,
        first: tuple[np.ndarray, ...] = (),
    ) -> Dependence:
        """Return a dependence with these delays, by the copy that waits and by the copy of the source."""
        delay = int(delays.max())
        alike = (delays == delay).all()
        return Dependence(kind, source, array, needs, delay, first, None if alike else delays)

    @staticmethod
    def between(
        kind: DependenceKind,
        waiting: Sequence[CoreName],
        source: CoreName,
        copies: Sequence[CoreName],
        array: str,
        needs: np.ndarray,
        delay: Callable[[CoreName, CoreName], int],
        first: tuple[np.ndarray, ...] = (),
    ) -> Dependence:
        """Return a dependence between the copies of two cores.

        waiting, copies: those that wait, and those of the source. delay: for one that waits and one of the source.
        """
        if len(waiting) == len(copies) == 1:
            return Dependence(kind, source, array, needs, delay(waiting[0], copies[0]), first)
        delays = np.array([[delay(here, there) for there in copies] for here in waiting])
        return Dependence.of_copies(kind, source, array, needs, delays, first)

    def of(self, inference: int) -> np.ndarray:
        """Return `needs` in one of the inferences."""
        return self.first[inference] if inference < len(self.first) else self.needs

    @cached_property
    def rises(self) -> np.ndarray:
        """Iterations that need a later iteration than their predecessor does."""
        return self.rises_in(1)

    def rises_in(self, turns: int) -> np.ndarray:
        """Return the iterations that need a later one than the iteration before them of their copy does."""
        before = np.full(len(self.needs), -NEVER)
        before[turns:] = self.needs[:-turns]
        return np.flatnonzero(self.needs > before)

    def seen(
        self,
        event: np.ndarray,
        copy: np.ndarray | None,
        source: Actor,
        start: np.ndarray,
        latest: np.ndarray,
    ) -> np.ndarray:
        """Return when iterations see events of the source; 0 for events before reset.

        event: the last iteration waited for, counted through the inferences. copy: the copy that waits, if delays
        differ. start, latest: the start of each iteration of the source, and the latest up to it.
        """
        after = np.maximum(event, 0)
        if self.delays is None or copy is None:
            seen = latest[after] + self.delay
        else:
            seen = arrivals(start, after, copy, source.in_turn, self.delays)
        seen[event < 0] = 0
        return seen

    def slower(self, times: int) -> Dependence:
        """Return the dependence with all times multiplied."""
        delays = None if self.delays is None else times * self.delays
        return replace(self, delay=times * self.delay, delays=delays)


@dataclass(frozen=True)
class Actor:
    """Iterations of one core, which fire in order. pace: how soon after each other.

    turns: number of copies of the core that run the iterations in turn, each at this pace.
    """

    name: CoreName
    iterations: int
    pace: Pace
    latency: int
    dependences: Sequence[Dependence]
    turns: int = 1

    @cached_property
    def in_turn(self) -> Turns:
        """The copies."""
        return Turns(self.pace, self.turns, self.iterations)

    @property
    def cycles(self) -> Fraction:
        """Cycles between inferences that the busiest copy needs in the steady state."""
        return self.pace.cycles(-(-self.iterations // self.turns))

    @property
    def inferences(self) -> int:
        """How many inferences the iterations of the actor that others follow are old at most."""
        return self.pace.inferences(self.iterations // self.turns)

    def slower(self, times: int) -> Actor:
        """Return the actor with all times multiplied."""
        waits = [wait.slower(times) for wait in self.dependences]
        return replace(
            self, pace=self.pace.slower(times), latency=times * self.latency, dependences=waits
        )


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


Execute = Callable[[CoreName, int, int, int], None]
"""Callback that runs iterations first ≤ i < last on data, called with (actor, inference, first, last)."""

Progress = Callable[[int, int], None]
"""Callback for progress, called from time to time with (iterations done, iterations in all)."""


@dataclass(eq=False)
class _ActorState:
    """State of an actor: its progress, the start of each iteration, and the stalls of each copy in each inference.

    latest: the latest start up to each iteration, of an actor with turns.
    """

    actor: Actor
    start: np.ndarray
    done: int = 0
    stalls: dict[DependenceKind, np.ndarray] = field(default_factory=dict)
    blocked: tuple[_ActorState, int] | None = None  # actor that must run further than this
    incoming: list[tuple[Dependence, _ActorState]] = field(default_factory=list)
    waiters: dict[CoreName, _ActorState] = field(default_factory=dict)
    latest: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def total(self) -> int:
        return len(self.start)

    @property
    def may_advance(self) -> bool:
        """True if iterations are left, and the actor that blocked the last attempt has advanced far enough."""
        if self.blocked is not None and self.blocked[0].done <= self.blocked[1]:
            return False
        return self.done < self.total


MOST_CYCLES = 2**62
"""Times are 64-bit integers, and sums of two of them are, too."""


def check_times(actors: Mapping[CoreName, Actor], inferences: int) -> None:
    """Raise CompileError if a time of a stream of inferences may exceed the bound.

    A start is at most the sum of the steps of a chain that leads to it, and no chain passes an iteration twice.
    """
    iterations = inferences * sum(actor.iterations for actor in actors.values())
    step = max(
        (
            cycles
            for actor in actors.values()
            for cycles in (actor.pace.longest, actor.latency, *(d.delay for d in actor.dependences))
        ),
        default=0,
    )
    if (iterations + 1) * step > MOST_CYCLES:
        raise CompileError(
            None,
            f"times may exceed 2^62 cycles: {iterations} iterations with intervals and delays of up to {step} cycles;"
            " the hardware description or the number of inferences must be smaller",
        )


class Recurrence:
    """One run of a network of actors over a stream of inferences.

    chunk: maximum number of iterations that an actor advances before others get a turn; None for no limit.
    """

    def __init__(
        self,
        actors: Mapping[CoreName, Actor],
        inferences: int,
        chunk: int | None = None,
        execute: Execute | None = None,
        progress: Progress | None = None,
    ):
        check_times(actors, inferences)
        self.inferences, self.chunk = inferences, chunk
        self.execute, self.progress = execute, progress
        self.states = {
            name: _ActorState(actor, np.zeros(inferences * actor.iterations, np.int64))
            for name, actor in actors.items()
        }
        for state in self.states.values():
            turns = state.actor.turns
            state.stalls = {
                kind: np.zeros((inferences, turns), np.int64) for kind in DependenceKind
            }
            state.latest = state.start if turns == 1 else np.zeros_like(state.start)
        self.allow(actors)

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

    def run(self) -> RunReport:
        """Run all inferences, or those that are left. Raises DeadlockError if no actor can continue."""
        work = deque(state for state in self.states.values() if state.may_advance)
        queued = set(work)
        total = sum(state.total for state in self.states.values())
        done = sum(state.done for state in self.states.values())
        while work:
            state = work.popleft()
            queued.discard(state)
            ran = self._advance(state)
            if not ran:
                continue
            done += ran
            if self.progress is not None:
                self.progress(done, total)
            for again in (state, *state.waiters.values()):
                if again not in queued and again.may_advance:
                    queued.add(again)
                    work.append(again)
        if done < total:
            raise DeadlockError(self._blocking_cycle())
        return self._report()

    def _advance(self, state: _ActorState) -> int:
        """Advance an actor by its next chunk; return the number of iterations in it."""
        if state.done == state.total:
            return 0
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
                return 0
        if self.chunk is not None:
            last = min(last, first + self.chunk)
        self._schedule(state, inference, first, last)
        if self.execute is not None:
            self.execute(actor.name, inference, first, last)
        state.done += last - first
        return last - first

    def _schedule(self, state: _ActorState, inference: int, first: int, last: int) -> None:
        """Compute the start times of a chunk, and its stalls by kind of dependence."""
        count, actor = last - first, state.actor
        arrival = {kind: np.zeros(count, np.int64) for kind in DependenceKind}
        for dependence, source in state.incoming:
            event = dependence.of(inference)[first:last] + inference * source.actor.iterations
            copy = np.arange(first, last) % actor.turns if dependence.delays is not None else None
            seen = dependence.seen(event, copy, source.actor, source.start, source.latest)
            np.maximum(arrival[dependence.kind], seen, out=arrival[dependence.kind])
        data, room = arrival[DependenceKind.RAW], arrival[DependenceKind.WAR]
        begin, end = inference * actor.iterations + first, inference * actor.iterations + last
        bound = np.maximum(data, room)
        if actor.turns == 1:
            actor.pace.hold(bound, state.start, begin)
            start = actor.pace.earliest(bound)
            state.start[begin:end] = start
            ready = actor.pace.ready(state.start, begin, end)
        else:
            actor.in_turn.hold(bound, state.start, begin)
            start = actor.in_turn.earliest(bound, first)
            state.start[begin:end] = start
            before = int(state.latest[begin - 1]) if begin else 0
            state.latest[begin:end] = latest_starts(start, before)
            ready = actor.in_turn.ready(state.start, begin, end)
        stall = start - ready
        on_data = data >= room
        for kind, counts in (DependenceKind.RAW, on_data), (DependenceKind.WAR, ~on_data):
            if actor.turns == 1:
                state.stalls[kind][inference, 0] += stall[counts].sum()
            else:
                copy = (first + np.flatnonzero(counts)) % actor.turns
                np.add.at(state.stalls[kind][inference], copy, stall[counts])

    def _waits(self, state: _ActorState) -> list[Wait]:
        """Return the waits that block the next iteration of an actor."""
        if state.done == state.total:
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

    def _report(self) -> RunReport:
        cores = [
            CoreReport(
                name=name,
                iterations=state.actor.in_turn.of_copy(turn),
                start=state.start.reshape(self.inferences, -1)[:, turn :: state.actor.turns],
                pace=state.actor.pace,
                latency=state.actor.latency,
                data_stalls=int(state.stalls[DependenceKind.RAW][:, turn].sum()),
                credit_stalls=int(state.stalls[DependenceKind.WAR][:, turn].sum()),
            )
            for of_copies, state in self.states.items()
            for turn, name in enumerate(of_copies.copies(state.actor.turns))
        ]
        return RunReport(cores, [])
