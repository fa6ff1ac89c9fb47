"""Topologies against shortest paths of networkx."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.hardware.topology import KINDS, Place, Topology, graph, topology


@st.composite
def shaped(draw: st.DrawFn) -> tuple[Topology, networkx.DiGraph[Place]]:
    """A topology that a shape describes, and the graph it should be, made by networkx."""
    kind = draw(st.sampled_from(KINDS))
    rank = 1 if kind == "ring" else draw(st.integers(1, 3))
    shape = draw(st.lists(st.integers(1, 4), min_size=rank, max_size=rank))
    if kind == "ring":
        shape = [draw(st.integers(1, 9))]
    if kind == "all-to-all":
        made = topology(kind, shape)
        return made, networkx.complete_graph(made.places, networkx.DiGraph)
    chips = draw(st.lists(st.integers(1, 2), min_size=rank, max_size=rank))
    crossing = draw(st.integers(1, 4))
    several = kind == "mesh" and draw(st.booleans())
    made = topology(kind, shape, chips, crossing) if several else topology(kind, shape)
    whole = [c * s for c, s in zip(chips, shape)] if several else shape
    expected: networkx.DiGraph[Place] = networkx.DiGraph()
    expected.add_nodes_from(np.ndindex(*whole))
    for place in np.ndindex(*whole):
        for d in range(rank):
            last = place[d] == whole[d] - 1
            if last and (kind == "mesh" or whole[d] == 1):
                continue
            other = (*place[:d], 0 if last else place[d] + 1, *place[d + 1 :])
            crosses = several and (place[d] + 1) % shape[d] == 0
            expected.add_edge(place, other, weight=crossing if crosses else 1)
            expected.add_edge(other, place, weight=crossing if crosses else 1)
    return made, expected


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Topology, networkx.DiGraph[Place]]:
    """A directed graph with a way between any two places: a cycle, then ears of one or two places, and more links."""
    count = draw(st.integers(1, 7))
    places = [(k, k * k) for k in range(count)]
    order = draw(st.permutations(places))
    known = draw(st.integers(1, count))
    edges = set(zip(order[:known], [*order[1:known], order[0]], strict=True))
    while known < count:
        ear = order[known : known + draw(st.integers(1, 2))]
        start, end = (draw(st.sampled_from(order[:known])) for _ in range(2))
        path = [start, *ear, end]
        edges |= set(itertools.pairwise(path))
        known += len(ear)
    edges |= draw(st.sets(st.tuples(st.sampled_from(places), st.sampled_from(places))))
    edges = sorted((a, b) for a, b in edges if a != b)
    expected: networkx.DiGraph[Place] = networkx.DiGraph()
    expected.add_nodes_from(places)
    expected.add_edges_from(edges)
    return graph(draw(st.permutations(edges)), draw(st.permutations(places))), expected


@given(st.one_of(shaped(), graphs()))
def test_hops_are_those_of_a_shortest_path(both: tuple[Topology, networkx.DiGraph[Place]]):
    made, expected = both
    assert sorted(made.places) == list(made.places) == sorted(expected.nodes)
    assert list(made.links) == sorted(expected.edges)
    lengths = dict(networkx.all_pairs_dijkstra_path_length(expected))
    for a in made.places:
        for b in made.places:
            assert made.hops(a, b) == lengths[a][b]


@given(st.one_of(shaped(), graphs()))
def test_routes_are_shortest_paths(both: tuple[Topology, networkx.DiGraph[Place]]):
    made, expected = both
    for a in made.places:
        for b in made.places:
            route = made.route(a, b)
            ends = [a, *(end for _, end in route)]
            assert [start for start, _ in route] + [b] == ends
            assert sum(expected.edges[link].get("weight", 1) for link in route) == made.hops(a, b)


@given(graphs())
def test_of_several_routes_the_first_is_taken(both: tuple[Topology, networkx.DiGraph[Place]]):
    made, expected = both
    for a in made.places:
        for b in made.places:
            path = [a, *(end for _, end in made.route(a, b))]
            assert path == min(networkx.all_shortest_paths(expected, a, b))


@given(shaped())
def test_a_snake_visits_each_place_once(both: tuple[Topology, networkx.DiGraph[Place]]):
    made, expected = both
    snake = made.snake()
    assert sorted(snake) == list(made.places)
    assert all(expected.has_edge(a, b) for a, b in itertools.pairwise(snake))


def test_routes_follow_the_first_dimension_first():
    mesh = topology("mesh", (3, 3))
    assert [end for _, end in mesh.route((0, 2), (2, 1))] == [(1, 2), (2, 2), (2, 1)]
    assert mesh.route((1, 1), (1, 1)) == ()


def test_routes_on_a_torus_go_the_shorter_way_and_of_two_the_upward():
    ring = topology("ring", (4,))
    assert [end for _, end in ring.route((0,), (3,))] == [(3,)]
    assert [end for _, end in ring.route((3,), (1,))] == [(0,), (1,)]


def test_distances_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        topology("mesh", (2, 2)).distances[0, 1] = 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: topology("star", (3,)), "`topology` must be one of all-to-all, mesh, torus, ring, got 'star'"),
        (lambda: topology("mesh", (3, 0)), "`shape` must be integers >= 1, got 3,0"),
        (lambda: topology("mesh", ()), "`shape` must be integers >= 1, got none"),
        (lambda: topology("ring", (3, 3)), "the `shape` of a ring must be one number, got 3,3"),
        (lambda: topology("mesh", (3, 3), (2,)), "`chips` must have as many dimensions as `shape`, 2, got 2"),
        (lambda: topology("mesh", (3, 3), (2, 0)), "`chips` must be integers >= 1, got 2,0"),
        (lambda: topology("mesh", (3,), (2,), 0), "the hops of a link between chips must be >= 1, got 0"),
        (lambda: topology("torus", (3, 3), (2, 1)), "several chips must be meshes, not torus"),
        (lambda: graph([]), "a chip must have a place"),
        (lambda: graph([], [(0,), (1,), (0,)]), "place (0) is there twice"),
        (lambda: graph([], [(0,), (0, 1)]), "places must have one number of coordinates, got 1,2"),
        (lambda: graph([((0,), (1,))] * 2), "the link (0) -> (1) is there twice"),
        (lambda: graph([((0,), (0,))]), "the link (0) -> (0) leads back to where it starts"),
        (lambda: graph([((0,), (2,))], [(0,), (1,)]), "the link (0) -> (2) leads to no place of the chip"),
        (lambda: graph([((0,), (1,))]), "there is no way from (1) to (0)"),
        (lambda: topology("mesh", (2, 2)).index_of((2, 0)), "there is no place (2, 0) on the chip, a mesh of 2×2"),
    ],
)  # fmt: skip
def test_refusals(make: Callable[[], Topology], message: str):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()


def test_a_thousand_places():
    assert topology("mesh", (32, 32)).distances.shape == (1024, 1024)
