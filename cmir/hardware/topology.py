"""Topologies: the places of a chip's cores, and the links between them.

A place is a tuple of integers. Links are directed. Traffic between two places takes a route of links, whose length is
the number of hops. Routes are fixed: a network with deterministic routing never reorders messages between two places
(Dally and Towles, Principles and Practices of Interconnection Networks, ch. 8).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, permutations, product
from math import prod

import numpy as np

from cmir.support.counts import count_of

Place = tuple[int, ...]
"""Coordinates of a place."""

Link = tuple[Place, Place]
"""A directed link from one place to another."""

KINDS = ("all-to-all", "mesh", "torus", "ring")
"""Topologies described by a shape; all others are given by their links."""


class Topology(ABC):
    """Places of one or several chips, and the routes between them. Immutable."""

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """All places, in lexicographic order."""
        return tuple(self._places())

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """All links, in lexicographic order."""
        return tuple(sorted(set(self._links())))

    @cached_property
    def distances(self) -> np.ndarray:
        """Hops from each place to each other, shape (places, places), in the order of `places`."""
        distances = self._distances()
        distances.setflags(write=False)
        return distances

    @abstractmethod
    def _places(self) -> Iterable[Place]: ...

    @abstractmethod
    def _links(self) -> Iterable[Link]: ...

    @abstractmethod
    def _distances(self) -> np.ndarray: ...

    @abstractmethod
    def _next(self, here: Place, there: Place) -> Place:
        """Return the first place on the route from `here` to a different place `there`."""

    def route(self, start: Place, end: Place) -> tuple[Link, ...]:
        """Return the links of the fixed route from one place to another; none from a place to itself."""
        for place in (start, end):
            self.index_of(place)
        path = [start]
        while path[-1] != end:
            path.append(self._next(path[-1], end))
        return tuple(pairwise(path))

    def hops(self, start: Place, end: Place) -> int:
        """Return the length of the route from one place to another."""
        return int(self.distances[self.index_of(start), self.index_of(end)])

    def crosses(self, start: Place, end: Place) -> bool:
        """Return True if two places are on different chips."""
        return False

    def index_of(self, place: Place) -> int:
        """Return the index in `places`. Raises ValueError if there is no such place."""
        index = self._indices.get(place)
        if index is None:
            raise ValueError(f"there is no place {text(place)} on the chip, {self.title}")
        return index

    @property
    @abstractmethod
    def title(self) -> str:
        """Short description of the topology."""

    def snake(self) -> tuple[Place, ...]:
        """Return all places; in a mesh or torus, consecutive places are adjacent."""
        return self.places

    def __contains__(self, place: Place) -> bool:
        """Return True if there is such a place."""
        return place in self._indices

    @cached_property
    def _indices(self) -> dict[Place, int]:
        return {place: index for index, place in enumerate(self.places)}


def topology(
    kind: str,
    shape: Sequence[int],
    chips: Sequence[int] | None = None,
    crossing: int = 1,
) -> Topology:
    """Return the topology that a shape describes. Raises ValueError, with a message for the user, if it is not valid.

    kind: one of KINDS. In a mesh, places that differ by one in one coordinate are joined, in both directions; in a
    torus, the first and the last of each line are joined as well. A ring is a torus of one dimension. In `all-to-all`,
    any two places are joined.
    shape: number of places in each dimension of a chip.
    chips: number of chips in each dimension, for meshes; the places at their borders are joined as inside a chip, and
    coordinates continue from chip to chip. crossing: hops of a link between chips.
    """
    if kind not in KINDS:
        raise ValueError(f"`topology` must be one of {', '.join(KINDS)}, got '{kind}'")
    _check_sizes("shape", shape)
    if kind == "ring" and len(shape) != 1:
        raise ValueError(f"the `shape` of a ring must be one number, got {_list(shape)}")
    if crossing < 1:
        raise ValueError(f"the hops of a link between chips must be >= 1, got {crossing}")
    if kind != "mesh":
        if chips is not None and prod(chips) != 1:
            raise ValueError(f"several chips must be meshes, not {kind}")
        return (
            _CompleteTopology(tuple(shape))
            if kind == "all-to-all"
            else _GridTopology(tuple(shape), kind)
        )
    if chips is None:
        return _GridTopology(tuple(shape), kind)
    _check_sizes("chips", chips)
    if len(chips) != len(shape):
        raise ValueError(
            f"`chips` must have as many dimensions as `shape`, {len(shape)}, got {_list(chips)}"
        )
    whole = tuple(c * s for c, s in zip(chips, shape, strict=True))
    return _GridTopology(whole, kind, tuple(shape), crossing)


def graph(edges: Iterable[tuple[Place, Place]], places: Iterable[Place] | None = None) -> Topology:
    """Return the topology with these directed links. Raises ValueError, for the user, if they are not valid.

    places: all places; by default, the ends of the links. There must be a route between any two. Routes are shortest
    paths; among several, the one whose places come first in lexicographic order.
    """
    edges = list(edges)
    ends = {end for edge in edges for end in edge}
    known = sorted(ends) if places is None else list(places)
    if twice := [place for place, count in Counter(known).items() if count > 1]:
        raise ValueError(f"place {text(min(twice))} is there twice")
    if not known:
        raise ValueError("a chip must have a place")
    if len(ranks := sorted({len(place) for place in known})) > 1:
        raise ValueError(f"places must have one number of coordinates, got {_list(ranks)}")
    if twice := [edge for edge, count in Counter(edges).items() if count > 1]:
        raise ValueError(f"the link {link_text(min(twice))} is there twice")
    everywhere = set(known)
    for edge in edges:
        if edge[0] == edge[1]:
            raise ValueError(f"the link {link_text(edge)} leads back to where it starts")
        for end in edge:
            if end not in everywhere:
                raise ValueError(f"the link {link_text(edge)} leads to no place of the chip")
    return _GraphTopology(tuple(sorted(known)), tuple(edges))


def text(place: Place) -> str:
    """Return a place in the syntax of the IR: `(0, 1)`."""
    return f"({', '.join(map(str, place))})"


def link_text(link: Link) -> str:
    """Return a link for messages: `(0, 0) -> (0, 1)`."""
    return f"{text(link[0])} -> {text(link[1])}"


def _list(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def _check_sizes(name: str, sizes: Sequence[int]) -> None:
    if not sizes or min(sizes) < 1:
        raise ValueError(f"`{name}` must be integers >= 1, got {_list(sizes) or 'none'}")


@dataclass(frozen=True)
class _BoxTopology(Topology):
    """A topology with a place for each point of a box."""

    shape: tuple[int, ...]

    def _places(self) -> Iterable[Place]:
        return product(*map(range, self.shape))

    def snake(self) -> tuple[Place, ...]:
        """Return all places, row by row, every other row reversed."""
        return tuple(_snake(self.shape))


@dataclass(frozen=True)
class _CompleteTopology(_BoxTopology):
    """A topology in which every place is one hop from every other."""

    @property
    def title(self) -> str:
        return f"{count_of(len(self.places), 'place')}, all to all"

    def _distances(self) -> np.ndarray:
        count = len(self.places)
        return np.ones((count, count), np.int64) - np.eye(count, dtype=np.int64)

    def _links(self) -> Iterable[Link]:
        return permutations(self.places, 2)

    def _next(self, here: Place, there: Place) -> Place:
        return there


@dataclass(frozen=True)
class _GridTopology(_BoxTopology):
    """A mesh or a torus, with dimension-order routes. On a torus, routes take the shorter way, and upward on ties.

    chip: shape of each chip that a mesh is made of; empty for a single chip. crossing: hops of a link between chips.
    """

    kind: str
    chip: tuple[int, ...] = ()
    crossing: int = 1

    @property
    def title(self) -> str:
        size = "×".join(map(str, self.shape))
        if self.chip in ((), self.shape):
            return f"a {self.kind} of {size}"
        return f"a {self.kind} of {size} on chips of {'×'.join(map(str, self.chip))}"

    def crosses(self, start: Place, end: Place) -> bool:
        ends = zip(start, end, self.chip)  # empty for a single chip
        return any(a // size != b // size for a, b, size in ends)

    @property
    def _wraps(self) -> bool:
        return self.kind != "mesh"

    def _distances(self) -> np.ndarray:
        coordinates = np.array(self.places, np.int64).reshape(len(self.places), len(self.shape))
        total = np.zeros((len(self.places),) * 2, np.int64)
        for d, size in enumerate(self.shape):
            along = coordinates[:, d]
            apart = abs(along[:, None] - along)
            total += np.minimum(apart, size - apart) if self._wraps else apart
            if self.chip:
                chip = along // self.chip[d]
                total += (self.crossing - 1) * abs(chip[:, None] - chip)
        return total

    def _links(self) -> Iterable[Link]:
        return ((here, there) for here in self.places for there in self._beside(here))

    def _beside(self, place: Place) -> Iterator[Place]:
        for d, size in enumerate(self.shape):
            for step in (-1, 1):
                to = place[d] + step
                if self._wraps:
                    to %= size
                if 0 <= to < size and to != place[d]:
                    yield (*place[:d], to, *place[d + 1 :])

    def _next(self, here: Place, there: Place) -> Place:
        d = next(d for d, (a, b) in enumerate(zip(here, there, strict=True)) if a != b)
        size, ahead = self.shape[d], there[d] - here[d]
        if self._wraps:
            ahead %= size
            step = 1 if 2 * ahead <= size else -1
        else:
            step = 1 if ahead > 0 else -1
        return (*here[:d], (here[d] + step) % size, *here[d + 1 :])


@dataclass(frozen=True)
class _GraphTopology(Topology):
    """A topology given by its links."""

    ends: tuple[Place, ...]
    edges: tuple[Link, ...]

    def __post_init__(self):
        unreached = np.argwhere(self.distances < 0)
        if len(unreached):
            start, end = (self.places[k] for k in unreached[0])
            raise ValueError(f"there is no way from {text(start)} to {text(end)}")

    @property
    def title(self) -> str:
        return f"{count_of(len(self.places), 'place')}, {count_of(len(self.links), 'link')}"

    def _places(self) -> Iterable[Place]:
        return self.ends

    def _links(self) -> Iterable[Link]:
        return self.edges

    def _distances(self) -> np.ndarray:
        """Return hop counts; −1 where unreachable."""
        after = [[self._indices[end] for end in self._after[place]] for place in self.places]
        result = np.full((len(self.places),) * 2, -1, np.int64)
        for start in range(len(self.places)):
            reached, front, hops = {start}, {start}, 0
            while front:
                result[start, list(front)] = hops
                front = {end for place in front for end in after[place]} - reached
                reached |= front
                hops += 1
        return result

    @cached_property
    def _after(self) -> dict[Place, list[Place]]:
        after: dict[Place, list[Place]] = {place: [] for place in self.places}
        for start, end in self.links:
            after[start].append(end)
        return after

    def _next(self, here: Place, there: Place) -> Place:
        left = self.hops(here, there)
        return next(place for place in self._after[here] if self.hops(place, there) == left - 1)


def _snake(shape: tuple[int, ...]) -> Iterator[Place]:
    if not shape:
        yield ()
        return
    for first in range(shape[0]):
        rest = list(_snake(shape[1:]))
        yield from ((first, *place) for place in (rest if first % 2 == 0 else reversed(rest)))
