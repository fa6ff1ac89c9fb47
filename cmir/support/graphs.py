"""Graphs as mappings from nodes to their successors."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def reachable(start: Node, successors: Mapping[Node, Set[Node]]) -> set[Node]:
    """Return the nodes that paths of at least one edge lead to; `start` is one of them if it is on a cycle."""
    found, work = set[Node](), [start]
    while work:
        fresh = successors[work.pop()] - found
        found |= fresh
        work += fresh
    return found


def in_order(predecessors: Mapping[Node, Set[Node]]) -> list[Node] | None:
    """Return the nodes, each after its predecessors; None if a path leads from a node back to it."""
    try:
        return [*TopologicalSorter(predecessors).static_order()]
    except CycleError:
        return None
