"""Loop nests found from points: they visit these points, in their order, and are short where points repeat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmir.isl.nests import Nest, Value, Visit, nest_of, pieces


def number(value: Value, counters: Mapping[int, int]) -> int:
    floors = (t.coefficient * ((t.a * counters[t.counter] + t.b) // t.d) for t in value.terms)
    return value.constant + sum(floors)


def visited(nest: Nest, counters: Mapping[int, int]) -> Iterator[list[int]]:
    for node in nest:
        if isinstance(node, Visit):
            yield [number(value, counters) for value in node.point]
        else:
            for trip in range(number(node.trips, counters)):
                yield from visited(node.body, {**counters, node.counter: trip})


@given(st.data())
def test_all_points_in_order(data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, 3))
    coordinates = st.tuples(*[st.integers(0, 4)] * rank)
    times = data.draw(st.lists(coordinates, unique=True, max_size=40))
    points = [data.draw(st.tuples(st.integers(-3, 3), st.integers(0, 1))) for _ in times]
    nest = nest_of(
        np.array(times, np.int64).reshape(-1, rank), np.array(points, np.int64).reshape(-1, 2)
    )
    ordered = [list(point) for _, point in sorted(zip(times, points, strict=True))]
    assert list(visited(nest, {})) == ordered


factors = st.sampled_from([(p, q) for p, q in product(range(1, 8), repeat=2) if p != q])


@given(st.lists(factors, min_size=1, max_size=3), st.integers(0, 6), st.integers(1, 60))
def test_rescalings(rescalings: list[tuple[int, int]], offset: int, size: int) -> None:
    points = [(i, rescaled(i, rescalings, offset)) for i in range(size)]
    nest = nest_of(np.arange(size)[:, None], np.array(points))
    assert list(visited(nest, {})) == [list(point) for point in points]


def rescaled(i: int, rescalings: list[tuple[int, int]], offset: int) -> int:
    for p, q in rescalings:
        i = (p * i + offset) // q
    return i


@pytest.mark.parametrize("size", [64, 128])
def test_text_does_not_grow_with_the_image(size: int) -> None:
    """Two rescalings, in two dimensions, with the end of each row as a piece of its own."""
    rescalings = [(4, 3), (3, 5)]
    every = np.array(list(product(range(size), repeat=2)))
    limits = [
        (rescaled(h, rescalings, 0) + (w == size - 1), rescaled(w, rescalings, 0)) for h, w in every
    ]
    nest = nest_of(every, np.hstack([every, limits]))
    assert len(list(pieces(nest))) == 2
    assert sum(len(v.terms) for _, visit in pieces(nest) for v in visit.point) < 4 * 15


def test_a_triangle_is_one_loop() -> None:
    points = np.array([(i, j) for i in range(9) for j in range(2 * i + 2)])
    assert len(list(pieces(nest_of(points, points)))) == 1
