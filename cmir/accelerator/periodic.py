"""Periodic schedules: iteration i of inference n starts at t(n, i) = s(i) + λ·n.

The iterations of one inference are the nodes of a graph. What an iteration must follow by `delay` cycles, `tokens`
inferences before its own, is an edge:

    s(i) ≥ s(j) + delay − λ·tokens

A schedule exists if and only if no cycle has delay > λ·tokens in sum (Reiter, Scheduling Parallel Computations, JACM
1968). Self-timed execution, where everything starts as soon as it may, is then no slower than λ.

The earliest schedule is found by raising starts until all edges hold. The iterations of an actor also follow each
other, a chain that one running maximum raises as a whole; an edge that asks for no more than the one of an iteration
before is left out. Where there is no schedule, what starts follow from is a positive cycle sooner or later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cmir.accelerator.recurrence import Actor, Dependence, Wait


class TooFastError(Exception):
    """There is no schedule of that interval: around a cycle, `delay` cycles pass in `tokens` inferences.

    cycle: the waits on it, each the waiter of the one before.
    """

    def __init__(self, cycle: list[Wait], delay: int, tokens: int):
        self.cycle, self.delay, self.tokens = cycle, delay, tokens
        super().__init__(f"{delay} cycles pass in {tokens} inferences")


@dataclass(frozen=True, eq=False)
class _Edges:
    """What the iterations of an actor follow in others: an edge an entry, in the order of their targets.

    targets: the iterations that have edges; first: where the edges of each begin. sources: iterations, numbered through
    all actors; of: the dependence that an edge belongs to.
    """

    targets: np.ndarray
    first: np.ndarray
    sources: np.ndarray
    delays: np.ndarray
    tokens: np.ndarray
    of: np.ndarray


@dataclass(frozen=True)
class _Hop:
    """An edge that a start follows from: where it comes from, and what it is for, if it is between actors."""

    actor: int
    iteration: int
    delay: int
    tokens: int
    wait: Wait | None


def periodic_schedule(
    actors: Mapping[str, Actor], period: int, earliest: np.ndarray | None = None
) -> np.ndarray:
    """The earliest starts in inference 0 of all iterations, actor by actor, in a schedule of this interval.

    period: λ, in cycles. earliest: starts that no schedule undercuts; 0 if not given. Raises TooFastError.
    """
    return _Search(actors, period, earliest).run()


class _Search:
    def __init__(self, actors: Mapping[str, Actor], period: int, earliest: np.ndarray | None):
        self.actors, self.period = list(actors.values()), period
        self.number = {name: k for k, name in enumerate(actors)}
        self.first = np.cumsum([0, *(actor.iterations for actor in self.actors)])
        self.earliest = np.zeros(self.first[-1], np.int64) if earliest is None else earliest
        self.starts = self.earliest.copy()
        self.steps = [actor.interval * np.arange(actor.iterations) for actor in self.actors]
        self.edges = [self._edges(actor) for actor in self.actors]
        self.waiters: list[list[int]] = [[] for _ in self.actors]
        for k, actor in enumerate(self.actors):
            for source in {dependence.source for dependence in actor.dependences}:
                self.waiters[self.number[source]].append(k)

    def _edges(self, actor: Actor) -> _Edges:
        parts: list[np.ndarray] = []
        for k, dependence in enumerate(actor.dependences):
            rises = dependence.rises
            source = self.number[dependence.source]
            inference, iteration = np.divmod(
                dependence.needs[rises], self.actors[source].iterations
            )
            delay, of = (np.full_like(rises, value) for value in (dependence.delay, k))
            parts.append(np.stack((rises, self.first[source] + iteration, delay, -inference, of)))
        edges = np.concatenate(parts, axis=1) if parts else np.zeros((5, 0), np.int64)
        target, *rest = edges[:, np.argsort(edges[0], kind="stable")]
        return _Edges(*np.unique(target, return_index=True), *rest)

    def _of(self, actor: int) -> slice:
        return slice(int(self.first[actor]), int(self.first[actor + 1]))

    def run(self) -> np.ndarray:
        work, queued = deque(range(len(self.actors))), set(range(len(self.actors)))
        raised = 0
        while work:
            actor = work.popleft()
            queued.discard(actor)
            before, after = self.starts[self._of(actor)], self._raised(actor)
            rise = after - before
            if not rise.any():
                continue
            self.starts[self._of(actor)] = after
            for waiter in self.waiters[actor]:
                if waiter not in queued:
                    queued.add(waiter)
                    work.append(waiter)
            raised += 1
            if raised % len(self.actors) == 0:
                self._check_cycle(actor, int(rise.argmax()))
        return self.starts

    def _bounds(self, actor: int) -> tuple[np.ndarray, np.ndarray]:
        """Before what no iteration starts on account of other actors, and the bound that each edge is."""
        edges = self.edges[actor]
        bounds = self.earliest[self._of(actor)].copy()
        each = self.starts[edges.sources] + edges.delays - self.period * edges.tokens
        if len(each):
            most = np.maximum.reduceat(each, edges.first)
            bounds[edges.targets] = np.maximum(bounds[edges.targets], most)
        return bounds, each

    def _raised(self, actor: int) -> np.ndarray:
        """The earliest starts of an actor that the present ones of all others allow."""
        steps = self.steps[actor]
        starts = np.maximum.accumulate(self._bounds(actor)[0] - steps) + steps
        wrapped = starts[-1] + self.actors[actor].interval - self.period
        return np.maximum(starts, wrapped + steps)

    def _check_cycle(self, actor: int, iteration: int) -> None:
        """Raises TooFastError if what this start follows from is a positive cycle."""
        path: list[_Hop] = []
        seen: dict[tuple[int, int], int] = {}
        while (actor, iteration) not in seen:
            seen[actor, iteration] = len(path)
            hop = self._cause(actor, iteration)
            if hop is None:
                return
            path.append(hop)
            actor, iteration = hop.actor, hop.iteration
        cycle = path[seen[actor, iteration] :]
        delay, tokens = sum(hop.delay for hop in cycle), sum(hop.tokens for hop in cycle)
        if delay > self.period * tokens:
            raise TooFastError([hop.wait for hop in cycle if hop.wait], delay, tokens)

    def _cause(self, actor: int, iteration: int) -> _Hop | None:
        """What the start of an iteration follows from; None if it is the earliest that was given."""
        steps, edges, of = self.steps[actor], self.edges[actor], self._of(actor)
        interval = self.actors[actor].interval
        bounds, each = self._bounds(actor)
        chain = (bounds - steps)[: iteration + 1]
        since = int(chain.argmax())
        moved = int(steps[iteration])
        if self.starts[of.stop - 1] + interval - self.period > chain[since]:
            return _Hop(actor, len(steps) - 1, interval + moved, 1, None)
        if bounds[since] == self.earliest[of.start + since]:
            return None
        at = int(np.searchsorted(edges.targets, since))
        group = slice(edges.first[at], [*edges.first, len(each)][at + 1])
        edge = int(edges.first[at]) + int(each[group].argmax())
        source = int(np.searchsorted(self.first, edges.sources[edge], side="right")) - 1
        dependence = self.actors[actor].dependences[int(edges.of[edge])]
        return _Hop(
            source,
            int(edges.sources[edge] - self.first[source]),
            int(edges.delays[edge]) + moved - int(steps[since]),
            int(edges.tokens[edge]),
            _wait(self.actors[actor], dependence),
        )


def _wait(actor: Actor, dependence: Dependence) -> Wait:
    return Wait(actor.name, dependence.source, dependence.kind, dependence.array)
