"""Actors of the timing recurrence: cores whose iterations wait for those of their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import NEVER
from cmir.isl.dependence_kind import DependenceKind
from cmir.timing.turns import Turns, arrivals


@dataclass(frozen=True, eq=False)
class Dependence:
    """Waits of an actor's iterations for one neighbour.

    kind: RAW waits for data that `source` writes, WAR for room where `source` reads.
    needs: for each iteration of an inference, the iteration of `source` that must have run, counted from the
        start of the same inference at `source`, so negative for earlier inferences; monotonic, also from the last
        iteration of an inference to the first of the next where the actor has turns.
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

    turns: number of copies of the core that run the iterations in turn. paces, latencies: of each copy, where they
    differ; `pace` and `latency` are then those of the slowest.
    """

    name: CoreName
    iterations: int
    pace: Pace
    latency: int
    dependences: Sequence[Dependence]
    turns: int = 1
    paces: tuple[Pace, ...] | None = None
    latencies: tuple[int, ...] | None = None

    @staticmethod
    def of_copies(
        name: CoreName,
        iterations: int,
        times: Sequence[tuple[Pace, int]],
        dependences: Sequence[Dependence],
    ) -> Actor:
        """Return the actor of copies that run iterations in turn, each with a pace and a latency; or of one core."""
        paces, latencies = zip(*times, strict=True)
        slowest = max(paces, key=lambda pace: (pace.step, pace.busy))
        return Actor(
            name,
            iterations,
            slowest,
            max(latencies),
            dependences,
            len(times),
            paces if len(set(paces)) > 1 else None,
            latencies if len(set(latencies)) > 1 else None,
        )

    @cached_property
    def in_turn(self) -> Turns:
        """The copies."""
        return Turns(self.pace, self.turns, self.iterations, self.paces)

    @property
    def cycles(self) -> Fraction:
        """Cycles between inferences that the busiest copy needs in the steady state."""
        if self.paces is None:
            return self.pace.cycles(-(-self.iterations // self.turns))
        return max(pace.cycles(self.in_turn.of_copy(copy)) for copy, pace in enumerate(self.paces))

    @property
    def alternates(self) -> bool:
        """True if iterations of a copy wait for their set of crossbars."""
        return any(pace.in_turn for pace in self.paces or (self.pace,))

    @property
    def inferences(self) -> int:
        """How many inferences the iterations of the actor that others follow are old at most."""
        each = self.iterations // self.turns
        return max(pace.inferences(each) for pace in self.paces or (self.pace,))

    def slower(self, times: int) -> Actor:
        """Return the actor with all times multiplied."""
        return replace(
            self,
            pace=self.pace.slower(times),
            latency=times * self.latency,
            dependences=[wait.slower(times) for wait in self.dependences],
            paces=self.paces and tuple(pace.slower(times) for pace in self.paces),
            latencies=self.latencies and tuple(times * latency for latency in self.latencies),
        )
