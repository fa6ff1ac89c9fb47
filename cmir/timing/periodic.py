"""Periodic schedules: iteration i of inference n starts at t(n, i) = s(i) + λ·n.

The iterations of one inference are the nodes of a graph. An edge says that an iteration must follow another, `tokens`
inferences before its own, by `delay` cycles:

    s(i) ≥ s(j) + delay − λ·tokens

A schedule exists if and only if every cycle has a total delay of at most λ times its tokens (Reiter, Scheduling
Parallel Computations, JACM 1968). Self-timed execution, where every iteration starts as soon as it may, is then no
slower than λ.

The earliest schedule is found by raising starts until all edges hold (Bellman and Ford). The iterations of an actor
also follow each other (`cmir.cost.pace`); a running maximum raises this chain as a whole. Edges that require no more
than the edge of an earlier iteration are omitted.

Copies that run iterations in turn (`cmir.timing.turns`) are one actor, and each copy has a chain of its own. An edge
from an iteration of such an actor stands for edges from all iterations up to it, those of the inference before
included. The start that it follows is the latest of theirs, and the parent is the iteration with that start.

If actors do not wait for each other in a circle, only an actor alone can form a positive cycle, which its pace tells.
Otherwise there is a schedule, and it is found actor by actor, each after those that it waits for.

In other networks, each raised start has a parent, the iteration that caused the raise. Parents form a cycle only if it
is positive, and eventually form one if there is a positive cycle (Cherkassky and Goldberg, Negative-Cycle Detection
Algorithms, Mathematical Programming 85, 1999):

- A start is at most that of its parent plus the edge between them: they were equal at the time of the raise, and
  parents only rise. The raise that closes a cycle makes one of these inequalities strict, so the edges of the cycle sum
  to more than 0.
- As long as parents form no cycle, each start is at most an initial one plus a path that repeats no iteration. Such
  sums are bounded; a positive cycle raises starts beyond any bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, starmap

import numpy as np

from cmir.cost.pace import Pace
from cmir.dialects.core_name import CoreName
from cmir.support.counts import count_of
from cmir.support.graphs import in_order
from cmir.timing.actors import Actor, Dependence
from cmir.timing.control import Wait
from cmir.timing.recurrence import MOST_CYCLES, check_times


@dataclass(frozen=True)
class CycleEdge:
    """A wait on a cycle: iteration `target` of `waiter` follows an iteration of the dependence's source.

    event: the iteration that is followed, counted from the inference of `target`.
    lead: number of iterations of the source, or of its copy, that the cycle passes through before `event`.
    """

    waiter: CoreName
    target: int
    dependence: Dependence
    event: int
    lead: int

    @property
    def wait(self) -> Wait:
        """The wait, for messages."""
        dependence = self.dependence
        return Wait(self.waiter, dependence.source, dependence.kind, dependence.array)


class InfeasiblePeriodError(Exception):
    """Absence of a schedule with a given interval: a cycle takes `delay` cycles in `tokens` inferences.

    links: waits on the cycle; the source of each is the waiter of the next.
    starts: starts when the cycle was found. A search with other dependences can continue from them.
    """

    def __init__(self, links: list[CycleEdge], delay: int, tokens: int, starts: np.ndarray):
        self.links, self.delay, self.tokens, self.starts = links, delay, tokens, starts
        super().__init__(f"{count_of(delay, 'cycle')} pass in {count_of(tokens, 'inference')}")


@dataclass(frozen=True, eq=False)
class _Edges:
    """Waits of an actor's iterations for others, one entry per edge, in the order of their targets.

    sources: iterations, numbered through all actors; for an edge from all iterations up to one, this number plus the
    number of all iterations. of: dependence that an edge belongs to.
    """

    targets: np.ndarray
    sources: np.ndarray
    delays: np.ndarray
    tokens: np.ndarray
    of: np.ndarray


@dataclass(frozen=True)
class _Hop:
    """A hop from a parent to its child iteration: a dependence, if there is one, then steps along the actor."""

    actor: CoreName
    target: int
    dependence: Dependence | None
    steps: int
    delay: int
    tokens: int
    event: int = 0


def periodic_schedule(
    actors: Mapping[CoreName, Actor], period: int, earliest: np.ndarray | None = None
) -> np.ndarray:
    """Return the earliest starts of all iterations of inference 0, actor by actor, in a schedule of this interval.

    period: λ, in cycles. earliest: lower bounds of the starts; 0 by default. Raises InfeasiblePeriodError.
    """
    return PeriodicSearch(actors, period, earliest).run()


_LEAST = -MOST_CYCLES
"""Lower bound of all times."""

_PER_TURN = 1000
"""Fixed cost of a turn of an actor, as a number of examined iterations."""

_EARLIEST, _LAST, _SET = -1, -2, -3
"""Reasons of a start other than edges: the given lower bound, the last iteration of the preceding inference, and the
iteration of an earlier inference that used the same set of crossbars."""


class PeriodicSearch:
    """Search for the earliest schedule. work: number of iterations examined so far, a measure of time.

    earliest: initial starts; they do not affect whether a schedule exists. like: a search for a network some of whose
    actors have the same dependences.
    """

    def __init__(
        self,
        actors: Mapping[CoreName, Actor],
        period: int,
        earliest: np.ndarray | None = None,
        like: PeriodicSearch | None = None,
    ):
        check_times(actors, 1)  # or they may not even fit into arrays
        self.actors, self.period = list(actors.values()), period
        self.number = {name: k for k, name in enumerate(actors)}
        self.first = np.cumsum([0, *(actor.iterations for actor in self.actors)])
        self.of = [*starmap(slice, pairwise(self.first.tolist()))]
        self.earliest = np.zeros(self.first[-1], np.int64) if earliest is None else earliest
        # The start of each iteration, and after these, the latest start up to each, of actors with turns.
        self.times = np.concatenate((self.earliest, self.earliest))
        self.starts, self.latest = np.split(self.times, 2)
        # The cause of a start: an edge of its actor, and the iteration from which the chain leads to it.
        self.reason = np.full(self.first[-1], _EARLIEST)
        self.since = np.zeros(self.first[-1], np.int64)
        old = like.actors if like is not None else [None] * len(self.actors)
        self.edges = [
            like.edges[k]
            if like is not None and was is not None and _same_dependences(actor, was)
            else self._edges(actor)
            for k, (actor, was) in enumerate(zip(self.actors, old, strict=True))
        ]
        self.leads = [edges.delays - period * edges.tokens for edges in self.edges]
        oldest = max((int(edges.tokens.max(initial=0)) for edges in self.edges), default=0)
        if any(actor.alternates for actor in self.actors):
            oldest = max(oldest, *(actor.inferences for actor in self.actors))
        if any(actor.turns > 1 for actor in self.actors):
            oldest += 1
        check_times(actors, 1 + oldest)
        # The iteration that the latest start is from, and by how many inferences that is older.
        self.latest_of = np.arange(self.first[-1])
        self.older = np.zeros(self.first[-1], np.int64)
        # Both as they were when an iteration was raised that follows a latest start: later, others can have this start.
        self.followed = np.zeros((2, self.first[-1]), np.int64)
        self.follows_latest = [
            edges.sources.max(initial=0) >= self.first[-1] for edges in self.edges
        ]
        for k in range(len(self.actors)):
            self._follow(k)
        self.work = int(self.first[-1])
        self.sources = [
            {self.number[dependence.source] for dependence in actor.dependences}
            for actor in self.actors
        ]

    def _edges(self, actor: Actor) -> _Edges:
        parts: list[np.ndarray] = [np.zeros((5, 0), np.int64)]
        for k, dependence in enumerate(actor.dependences):
            rises = dependence.rises if actor.turns == 1 else dependence.rises_in(actor.turns)
            source = self.actors[self.number[dependence.source]]
            for copy in range(source.turns if dependence.delays is not None else 1):
                event, delay = dependence.needs[rises], dependence.delay
                if dependence.delays is not None:  # by itself, the last iteration of each copy
                    event = source.in_turn.last_of(copy, event)
                    delay = dependence.delays[rises % actor.turns, copy]
                inference, iteration = np.divmod(event, source.iterations)
                place = iteration + self.first[self.number[dependence.source]]
                if source.turns > 1 and dependence.delays is None:
                    place += self.first[-1]
                parts.append(part := np.empty((5, len(rises)), np.int64))
                for row, each in zip(part, (rises, place, delay, -inference, k), strict=True):
                    row[:] = each
        edges = np.concatenate(parts, axis=1)
        return _Edges(*edges[:, np.argsort(edges[0], kind="stable")])

    def run(self) -> np.ndarray:
        """Return the starts, as in `periodic_schedule`. Raises InfeasiblePeriodError."""
        order = in_order(dict(enumerate(self.sources)))
        if order is None or any(actor.cycles > self.period for actor in self.actors):
            self._run_in_circles()
            return self.starts
        for actor in order:
            while self._raise(actor) is not None and self._around(actor) is not None:
                pass  # paths can pass through several inferences of the actor
        return self.starts

    def _run_in_circles(self) -> None:
        """Raise starts until all edges hold. Raises InfeasiblePeriodError."""
        waiters: list[list[int]] = [[] for _ in self.actors]
        for k, (actor, sources) in enumerate(zip(self.actors, self.sources, strict=True)):
            for source in sources:
                waiters[source].append(k)
            # The actor alone forms a positive cycle, or paths pass through several of its inferences.
            if actor.cycles > self.period or actor.alternates:
                waiters[k].append(k)
        work, queued = deque(range(len(self.actors))), set(range(len(self.actors)))
        raises = 0
        while work:
            actor = work.popleft()
            queued.discard(actor)
            highest = self._raise(actor, parents=True)
            if highest is None:
                continue
            for waiter in waiters[actor]:
                if waiter not in queued:
                    queued.add(waiter)
                    work.append(waiter)
            raises += 1
            if raises % len(self.actors) == 0:
                self._check_parents(highest)

    def _raise(self, actor: int, parents: bool = False) -> int | None:
        """Raise an actor's starts to the earliest that all others allow; return the one raised most, if any.

        parents: whether to note what caused the starts.
        """
        of = self.of[actor]
        before = self.starts[of]
        bounds, each = self._bounds(actor)
        starts = self._earliest(actor, bounds)
        after = np.maximum(starts, before)
        around = self._around(actor, after)
        if around is not None:
            after = np.maximum(after, around[0])
        self.work += len(before) + _PER_TURN
        raised = after - before
        most = int(raised.argmax())
        if not raised[most]:
            return None
        if parents:
            self._note_parents(actor, np.flatnonzero(raised), bounds, each, starts, around)
        self.starts[of] = after
        self._follow(actor)
        return of.start + most

    def _bounds(self, actor: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the earliest start of each iteration with respect to other actors, and the bound of each edge."""
        edges, bounds = self.edges[actor], self.earliest[self.of[actor]].copy()
        each = self.times[edges.sources] + self.leads[actor]
        np.maximum.at(bounds, edges.targets, each)
        return bounds, each

    def _note_parents(
        self,
        actor: int,
        raised: np.ndarray,
        bounds: np.ndarray,
        each: np.ndarray,
        starts: np.ndarray,
        around: tuple[np.ndarray, np.ndarray, np.ndarray] | None,
    ) -> None:
        """Note the causes of the starts of an actor's raised iterations.

        bounds, each: see `_bounds`. starts: the earliest with these bounds. around: see `_around`.
        """
        of, targets = self.of[actor], self.edges[actor].targets
        attains = (each == bounds[targets]) & (each > self.earliest[of][targets])
        reason = np.full(len(bounds), _EARLIEST)
        edges = np.flatnonzero(attains)[::-1]  # the last assignment counts: the first edge
        reason[targets[edges]] = edges
        first = self._since(actor, bounds)[raised]
        why = reason[first]
        if around is not None:
            wrapped, source, reason = around
            wraps = wrapped[raised] > starts[raised]
            first = np.where(wraps, source[raised], first)
            why = np.where(wraps, reason[first], why)
        self.since[of.start + raised] = first
        self.reason[of.start + raised] = why
        self._note_followed(actor, of.start + raised)

    def _note_followed(self, actor: int, raised: np.ndarray) -> None:
        """Note the iterations whose latest starts some of an actor's raised iterations follow."""
        if not self.follows_latest[actor]:
            return
        sources = self.edges[actor].sources
        raised = raised[self.reason[raised] >= 0]
        upto = sources[self.reason[raised]] - self.first[-1]
        raised, upto = raised[upto >= 0], upto[upto >= 0]
        self.followed[:, raised] = self.latest_of[upto], self.older[upto]

    def _follow(self, actor: int) -> None:
        """Update the latest starts up to the iterations of an actor."""
        if self.actors[actor].turns == 1:
            return
        of, starts = self.of[actor], self.starts[self.of[actor]]
        last = int(starts.argmax())
        before = starts[last] - self.period  # of the inference before
        latest, own = np.maximum.accumulate(np.maximum(starts, before)), np.arange(len(starts))
        which = np.maximum.accumulate(np.where(starts == latest, own, -1))
        self.latest[of] = latest
        self.latest_of[of] = of.start + np.where(which < 0, last, which)
        self.older[of] = which < 0

    def _earliest(self, actor: int, bounds: np.ndarray) -> np.ndarray:
        """Return the earliest starts of all iterations with these bounds."""
        of = self.actors[actor]
        return of.pace.earliest(bounds) if of.turns == 1 else of.in_turn.earliest(bounds, 0)

    def _since(self, actor: int, bounds: np.ndarray) -> np.ndarray:
        """Return the iterations that the earliest starts with these bounds follow from."""
        of = self.actors[actor]
        return (of.pace if of.turns == 1 else of.in_turn).caused(bounds)[1]

    def _around(
        self, actor: int, starts: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return the earliest starts with respect to earlier inferences of the actor itself.

        The iterations that they follow from, and the reasons of the starts of these, are the other results. The result
        is None if the iterations start late enough. starts: of this inference; by default, those so far.
        """
        of = self.actors[actor]
        starts = self.starts[self.of[actor]] if starts is None else starts
        if of.turns == 1:
            return self._around_copy(of.pace, starts)
        found = None
        for copy in range(of.turns):
            own = self._around_copy(of.in_turn.pace_of(copy), starts[copy :: of.turns])
            if own is not None:
                if found is None:
                    found = np.full((3, len(starts)), _LEAST)
                bounds, since, reason = own
                found[:, copy :: of.turns] = bounds, copy + of.turns * since, reason
        return None if found is None else (found[0], found[1], found[2])

    def _around_copy(
        self, pace: Pace, starts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Like `_around`, for one core."""
        count = len(starts)
        first = starts[-1] + pace.step - self.period
        if not pace.in_turn:
            if first <= starts[0]:
                return None
            return (
                first + pace.step * np.arange(count),
                np.zeros(count, np.int64),
                np.full(count, _LAST),
            )
        inference, earlier = np.divmod(np.arange(min(pace.ways, count)) - pace.ways, count)
        by_set = starts[earlier] + pace.busy + self.period * inference
        if first <= starts[0] and (by_set <= starts[: len(by_set)]).all():
            return None
        bounds, reason = np.full(count, _LEAST), np.full(count, _LAST)
        bounds[0] = first
        later = by_set > bounds[: len(by_set)]
        bounds[: len(by_set)][later], reason[: len(by_set)][later] = by_set[later], _SET
        return *pace.caused(bounds), reason

    def _check_parents(self, place: int) -> None:
        """Raise InfeasiblePeriodError if the parents of iteration `place`, numbered over actors, form a cycle."""
        path: list[int] = []
        seen: dict[int, int] = {}
        while place not in seen:
            reason = int(self.reason[place])
            if reason == _EARLIEST:
                return
            seen[place] = len(path)
            path.append(place)
            place = self._parent(place, reason)
        raise self._too_fast(path[seen[place] :])

    def _parent(self, place: int, reason: int) -> int:
        """Return the iteration that caused the start of iteration `place`."""
        number = self._actor(place)
        if reason >= 0:
            return self._source(place, number)[0]
        first, actor = int(self.first[number]), self.actors[number]
        each, copy = divmod(int(self.since[place]), actor.turns)
        count = actor.in_turn.of_copy(copy)
        each = count - 1 if reason == _LAST else (each - actor.pace.ways) % count
        return first + each * actor.turns + copy

    def _source(self, place: int, actor: int) -> tuple[int, int]:
        """Return the iteration that an iteration was raised for by an edge, and by how many inferences it is older."""
        edges, edge = self.edges[actor], self.reason[place]
        source, tokens = int(edges.sources[edge]), int(edges.tokens[edge])
        if source < self.first[-1]:
            return source, tokens
        latest, older = self.followed[:, place].tolist()
        return latest, tokens + older

    def _actor(self, place: int) -> int:
        """Return the number of the actor of an iteration."""
        return int(np.searchsorted(self.first, place, side="right")) - 1

    def _too_fast(self, cycle: list[int]) -> InfeasiblePeriodError:
        """Return the error for a cycle of iterations, each the child of the next."""
        hops = [self._hop(place) for place in cycle]
        delay, tokens = sum(hop.delay for hop in hops), sum(hop.tokens for hop in hops)
        links: list[CycleEdge] = []
        for k, hop in enumerate(hops):
            if hop.dependence is None:
                continue
            lead = 0
            for source in [*hops[k + 1 :], *hops[: k + 1]]:
                lead += source.steps
                if source.dependence is not None:
                    break
            links.append(CycleEdge(hop.actor, hop.target, hop.dependence, hop.event, lead))
        return InfeasiblePeriodError(links, delay, tokens, self.starts)

    def _hop(self, place: int) -> _Hop:
        """Return the hop from its parent to an iteration."""
        number = self._actor(place)
        actor, reason = self.actors[number], int(self.reason[place])
        target, iteration = int(self.since[place]), int(place - self.first[number])
        steps = (iteration - target) // actor.turns
        pace = actor.in_turn.pace_of(target % actor.turns)
        lead = pace.lead(steps)
        if reason == _LAST:
            return _Hop(actor.name, target, None, steps + 1, pace.step + lead, 1)
        if reason == _SET:
            each, copy = divmod(target, actor.turns)
            tokens = -((each - pace.ways) // actor.in_turn.of_copy(copy))
            return _Hop(actor.name, target, None, steps + pace.ways, pace.busy + lead, tokens)
        edges, (source, tokens) = self.edges[number], self._source(place, number)
        dependence = actor.dependences[int(edges.of[reason])]
        of = self.number[dependence.source]
        return _Hop(
            actor.name,
            target,
            dependence,
            steps,
            int(edges.delays[reason]) + lead,
            tokens,
            source - int(self.first[of]) - tokens * self.actors[of].iterations,
        )


def _same_dependences(one: Actor, other: Actor) -> bool:
    return len(one.dependences) == len(other.dependences) and all(
        a is b for a, b in zip(one.dependences, other.dependences, strict=True)
    )
