"""Placement of cores on a chip: the problem, a fast heuristic, and a lower bound.

Placing cores so that their traffic takes few hops is the quadratic assignment problem (Koopmans and Beckmann,
Econometrica 1957). The heuristic places cores one by one next to those they communicate with most, then moves and
exchanges cores as long as that reduces the cost. `cmir.placement.search` starts from its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from cmir.cost.traffic import Flow, link_loads, traffic_matrix
from cmir.hardware.topology import Link, Place, Topology
from cmir.support.counts import count_of


@dataclass(frozen=True, eq=False)
class Problem:
    """Cores to be placed, one per place. A placement is an array with the index of the place of each core.

    flows: traffic between the cores in one inference.
    link_capacity: maximum number of bytes that a link can carry in an inference; None for no limit.
    chip_link_capacity: the same for links between chips; None for `link_capacity`.
    Raises ValueError, naming the chip, if there are too few places.
    """

    topology: Topology
    cores: int
    flows: Sequence[Flow]
    link_capacity: int | None = None
    chip_link_capacity: int | None = None

    def __post_init__(self):
        if (missing := self.cores - self.places) > 0:
            raise ValueError(
                f"the network needs {count_of(self.cores, 'core')}, the chip, {self.topology.title}, has "
                f"{self.places}: {missing} missing"
            )

    @property
    def places(self) -> int:
        return len(self.topology.places)

    @property
    def distances(self) -> np.ndarray:
        return self.topology.distances

    @cached_property
    def traffic(self) -> np.ndarray:
        """Bytes that each core sends to each other, shape (cores, cores)."""
        return traffic_matrix(self.flows, self.cores)

    @cached_property
    def route(self) -> Callable[[int, int], tuple[Link, ...]]:
        """Function that returns the route between two places, given by their indices."""
        places = self.topology.places
        return cache(lambda start, end: self.topology.route(places[start], places[end]))

    @cached_property
    def talk(self) -> np.ndarray:
        """Bytes that each two cores exchange, both directions together, shape (cores, cores)."""
        return self.traffic + self.traffic.T

    @cached_property
    def partners(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The cores that each core exchanges bytes with, and the bytes it sends to each and gets, as columns."""
        found = (np.flatnonzero(row) for row in self.talk)
        return [
            (others, self.traffic[core, others, None], self.traffic[others, core, None])
            for core, others in enumerate(found)
        ]

    @cached_property
    def there_and_back(self) -> np.ndarray:
        """Hops between each two places, both directions together, shape (places, places)."""
        return self.distances + self.distances.T

    def cost(self, placement: np.ndarray) -> int:
        """Return Σ traffic × hops: bytes times links that they cross, in one inference."""
        return int((self.traffic * self.distances[np.ix_(placement, placement)]).sum())

    def overload(self, placement: np.ndarray) -> int:
        """Return the total load of links in excess of their capacity, in bytes per inference."""
        return sum(self.excesses(placement).values())

    def excesses(self, placement: np.ndarray) -> dict[Link, int]:
        """Return the overloaded links with the bytes in excess of their capacity, the largest excess first."""
        if not self.limited:
            return {}
        above = {
            link: load - capacity
            for link, load in self.loads(placement).items()
            if (capacity := self.capacity(link)) is not None and load > capacity
        }
        return dict(sorted(above.items(), key=lambda item: (-item[1], item[0])))

    @property
    def limited(self) -> bool:
        """True if links have capacities."""
        return self.link_capacity is not None or self.chip_link_capacity is not None

    def capacity(self, link: Link) -> int | None:
        """Return the maximum number of bytes that a link can carry in an inference; None for no limit."""
        if self.chip_link_capacity is not None and self.topology.crosses(*link):
            return self.chip_link_capacity
        return self.link_capacity

    def loads(self, placement: np.ndarray) -> dict[Link, int]:
        """Return the loads of links, as `link_loads` does."""
        return link_loads(self.topology, self.positions(placement), self.flows)

    def positions(self, placement: np.ndarray) -> list[Place]:
        """Return the coordinates of the place of each core."""
        return [self.topology.places[p] for p in placement]

    def cost_at(self, placement: np.ndarray) -> np.ndarray:
        """Return the cost of each core's own traffic at each place while the others stay; shape (cores, places)."""
        traffic, distances = self._floats
        cost = traffic @ distances[:, placement].T + traffic.T @ distances[placement]
        return cost.astype(np.int64)

    @cached_property
    def _floats(self) -> tuple[np.ndarray, np.ndarray]:
        """Traffic and distances as floats, which are exact up to 2^53 and multiply much faster."""
        return self.traffic.astype(float), self.distances.astype(float)


def snake(problem: Problem) -> np.ndarray:
    """Return the placement of cores in network order along the rows of the chip, every other row reversed."""
    order = problem.topology.snake()
    return np.array([problem.topology.index_of(p) for p in order[: problem.cores]], np.int64)


def greedy(problem: Problem) -> np.ndarray:
    """Return the better of two improved placements: from a snake, and from a greedy construction."""
    starts = (snake(problem), _constructed(problem))
    return min((improved(problem, start) for start in starts), key=problem.cost)


def _constructed(problem: Problem) -> np.ndarray:
    """Return a placement built core by core: next the core that communicates most, at the place of least cost."""
    traffic, distances = problem.traffic, problem.distances
    placement = np.full(problem.cores, -1, np.int64)
    # Cost comes first; ties are broken by closeness to the middle of the chip.
    cost = np.zeros((problem.cores, problem.places), np.int64)
    spread = distances.sum(axis=0) + distances.sum(axis=1)
    free = np.ones(problem.places, bool)
    talk = np.zeros(problem.cores, np.int64)
    for _ in range(problem.cores):
        left = np.flatnonzero(placement < 0)
        core = left[np.lexsort((-problem.talk[left].sum(axis=1), -talk[left]))[0]]
        among = np.flatnonzero(free)
        place = among[np.lexsort((spread[among], cost[core, among]))[0]]
        placement[core], free[place] = place, False
        cost += np.outer(traffic[:, core], distances[:, place])
        cost += np.outer(traffic[core], distances[place])
        talk += problem.talk[core]
    return placement


def improved(problem: Problem, placement: np.ndarray) -> np.ndarray:
    """Return the placement after moves to free places and exchanges of two cores, until none reduces the cost."""
    return _Improvement(problem, placement).run()


class _Improvement:
    """A placement with the cost of each core at every place, kept up to date while cores move."""

    def __init__(self, problem: Problem, placement: np.ndarray):
        self.problem, self.placement = problem, placement.copy()
        self.cost = problem.cost_at(placement)
        self.cores = np.arange(problem.cores)
        self.free = np.setdiff1d(np.arange(problem.places), placement)

    def run(self) -> np.ndarray:
        while True:
            gains = np.minimum(*self._gains(self.cores))
            promising = np.flatnonzero(gains < 0)
            if not len(promising):
                return self.placement
            for core in promising[np.argsort(gains[promising], kind="stable")].tolist():
                self._improve(core)

    def _gains(self, cores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the smallest cost change of each core, by an exchange with another core and by a move."""
        exchanges, moves = self._exchanges(cores), self._moves(cores)
        return exchanges.min(axis=1), moves.min(axis=1, initial=0)

    def _exchanges(self, cores: np.ndarray | int) -> np.ndarray:
        """Return the cost changes of exchanging each of these cores, or one core, with each of all cores."""
        at, problem = self.placement, self.problem
        own = self.cost[self.cores, at]
        # Each of the two costs counts the traffic between the pair as if only one core moved; correct for that.
        pair = problem.talk[cores] * problem.there_and_back[at[cores]][..., at]
        here, there = self.cost[:, at[cores]].T, self.cost[cores][..., at]
        return here + there - own[cores][..., None] - own + pair

    def _moves(self, cores: np.ndarray | int) -> np.ndarray:
        """Return the cost changes of moving each of these cores, or one core, to each free place."""
        here = self.cost[cores, self.placement[cores]]
        return self.cost[cores][..., self.free] - here[..., None]

    def _improve(self, core: int) -> None:
        """Make the move or exchange of a core that reduces the cost most, if any does."""
        exchange, move = self._exchanges(core), self._moves(core)
        other = int(np.argmin(exchange))
        if len(move) and min(exchange[other], 0) > move.min():
            hole = int(np.argmin(move))
            place = int(self.free[hole])
            self.free[hole] = self.placement[core]
            self._put(core, place)
        elif exchange[other] < 0:
            here, there = int(self.placement[core]), int(self.placement[other])
            self._put(core, there)
            self._put(other, here)

    def _put(self, core: int, place: int) -> None:
        distances = self.problem.distances
        old, self.placement[core] = self.placement[core], place
        others, out, back = self.problem.partners[core]
        further = back * (distances[:, place] - distances[:, old])
        further += out * (distances[place] - distances[old])
        self.cost[others] += further


def lower_bound(problem: Problem) -> int:
    """Return a lower bound of the cost of placements, by Gilmore (1962) and Lawler (1963).

    If core i is at place a, its outgoing traffic costs at least its flows, largest first, times the distances from a,
    smallest first; and each core has a place of its own. If distances are symmetric, half of the traffic in both
    directions gives a better bound than the outgoing traffic alone.
    """
    traffic, distances = problem.traffic, problem.distances
    if problem.cores < 2:
        return 0
    if (distances == distances.T).all():
        return -(-_assigned(problem.talk, distances) // 2)
    return max(_assigned(traffic, distances), _assigned(traffic.T, distances.T))


def _assigned(traffic: np.ndarray, distances: np.ndarray) -> int:
    """Return the minimum cost of an assignment of cores to places.

    A core at a place counts with a lower bound of the cost of its row of flows there.
    """
    from ortools.graph.python import linear_sum_assignment

    cores, places = len(traffic), len(distances)
    flows = -np.sort(-traffic, axis=1)[:, : cores - 1]
    hops = np.sort(distances, axis=1)[:, 1:cores]
    least = np.zeros(
        (places, places), np.int64
    )  # with extra cores that send nothing, to fill the other places
    least[:cores] = (flows.astype(float) @ hops.T.astype(float)).astype(np.int64)
    solver = linear_sum_assignment.SimpleLinearSumAssignment()
    row, column = (index.reshape(-1) for index in np.indices(least.shape))
    solver.add_arcs_with_cost(row, column, least.reshape(-1))  # pyright: ignore[reportArgumentType]
    status = solver.solve()
    assert status == solver.OPTIMAL, status
    return solver.optimal_cost()
