"""The earliest periodic schedule by definition: a graph of single iterations, and longest paths in it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.elaboration.automata import NEVER
from cmir.timing.actors import Actor

Node = tuple[CoreName, int]
Edge = tuple[Node, Node, int, int]


def edges(actors: Mapping[CoreName, Actor]) -> list[Edge]:
    """What each iteration must follow: source, target, cycles between them, inferences between them."""
    found: list[Edge] = []
    for name, actor in actors.items():
        for i in range(actor.iterations):
            turn = i % actor.turns
            mine = range(turn, actor.iterations, actor.turns)
            for back, cycles in actor.in_turn.pace_of(turn).bounds:
                n, j = divmod(mine.index(i) - back, len(mine))
                found.append(((name, mine[j]), (name, i), cycles, -n))
            for dependence in actor.dependences:
                if dependence.needs[i] > -NEVER:
                    for n, j in followed(actors[dependence.source], int(dependence.needs[i])):
                        delay = dependence.delay
                        if dependence.delays is not None:
                            delay = int(
                                dependence.delays[turn, j % actors[dependence.source].turns]
                            )
                        found.append(((dependence.source, j), (name, i), delay, -n))
    return found


def followed(source: Actor, event: int) -> list[tuple[int, int]]:
    """The (inference, iteration) of all up to an event, as far back as two inferences, which suffices."""
    n, j = divmod(event, source.iterations)
    if source.turns == 1:
        return [(n, j)]
    before = [(n - back, k) for back in (1, 2) for k in range(source.iterations)]
    return [*before, *((n, k) for k in range(j + 1))]


def distances(
    actors: Mapping[CoreName, Actor], period: int
) -> tuple[list[Node], np.ndarray] | None:
    """The longest path from each iteration to each other one, or None if a cycle is positive (Floyd and Warshall)."""
    nodes = [(name, i) for name, actor in actors.items() for i in range(actor.iterations)]
    number = {node: k for k, node in enumerate(nodes)}
    longest = np.full((len(nodes), len(nodes)), -np.inf)
    np.fill_diagonal(longest, 0)
    for source, target, delay, tokens in edges(actors):
        at = number[source], number[target]
        longest[at] = max(longest[at], delay - period * tokens)
    for k in range(len(nodes)):
        longest = np.maximum(longest, longest[:, k : k + 1] + longest[k])
    return None if (np.diagonal(longest) > 0).any() else (nodes, longest)


def longest_paths(actors: Mapping[CoreName, Actor], period: int) -> dict[Node, int] | None:
    """The earliest starts, or None if a cycle is positive."""
    found = distances(actors, period)
    if found is None:
        return None
    nodes, longest = found
    return dict(zip(nodes, longest.max(axis=0).astype(int).tolist(), strict=True))
