"""Drawings of graphs: lines go from box to box and cross none, whatever the graph."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cmir.report.graph import BOX, PER_ROW, Drawing, Point, draw_graph


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]]]:
    """Stages one after the other as a network has them, and lines between any two, some of them back."""
    nodes = [f"n{k}" for k in range(draw(st.integers(1, 30)))]
    chain = list(pairwise(nodes)) if draw(st.booleans()) else []
    some = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes))
    return nodes, chain + draw(st.lists(some, max_size=12))


def inside(box: Point, segment: tuple[Point, Point]) -> bool:
    """Whether a horizontal or vertical line has a point inside a box."""
    return all(
        min(a[d] for a in segment) < box[d] + BOX[d] and max(a[d] for a in segment) > box[d]
        for d in (0, 1)
    )


def check(drawing: Drawing, edges: list[tuple[str, str]]) -> None:
    boxes = drawing.boxes
    assert set(drawing.lines) == {edge for edge in edges if edge[0] != edge[1]}
    for one, other in pairwise(sorted(boxes.values(), key=lambda box: box[::-1])):
        assert abs(one[0] - other[0]) >= BOX[0] or abs(one[1] - other[1]) >= BOX[1]
    for (source, target), path in drawing.lines.items():
        assert path[0] == (boxes[source][0] + BOX[0], boxes[source][1] + BOX[1] / 2)
        assert path[-1] == (boxes[target][0], boxes[target][1] + BOX[1] / 2)
        for point in path:
            assert 0 <= point[0] <= drawing.width and 0 <= point[1] <= drawing.height
        if len(path) == 2:  # to the next layer: nothing is between them
            assert 0 < path[1][0] - path[0][0] < BOX[0]
            continue
        for segment in pairwise(path):
            assert segment[0][0] == segment[1][0] or segment[0][1] == segment[1][1]
            assert not any(inside(box, segment) for box in boxes.values())


@given(graphs())
def test_lines_cross_no_box(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    nodes, edges = graph
    check(draw_graph(nodes, edges), edges)


def test_a_chain_is_in_rows() -> None:
    nodes = [f"n{k}" for k in range(2 * PER_ROW)]
    edges = list(pairwise(nodes))
    drawing = draw_graph(nodes, edges)
    check(drawing, edges)
    rows = {box[1] for box in drawing.boxes.values()}
    assert len(rows) == 2
    assert sum(len(path) == 2 for path in drawing.lines.values()) == 2 * (PER_ROW - 1)


def test_nothing_to_draw() -> None:
    assert draw_graph(["only"], []).lines == {}
