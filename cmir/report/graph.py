"""Drawing of a graph of stages: layers from left to right, in rows like text, with lines that cross no box.

A stage is in the layer after the last layer it reads from. Lines to the next layer are direct. All other lines run
through the gaps between layers and rows, each on its own track.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

BOX = (132, 40)
"""Width and height of a box."""
GAP = 44
"""Distance between two layers."""
BETWEEN = 12
"""Distance between two boxes of a layer."""
TRACK = 6
"""Distance between two parallel lines."""
PER_ROW = 6
"""Number of layers in a row."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """A drawn graph. boxes: upper left corner of each box. lines: corners of each line, from box to box."""

    boxes: dict[str, Point]
    lines: dict[tuple[str, str], list[Point]]
    width: float
    height: float


def draw_graph(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> Drawing:
    """Draw a graph. nodes: in topological order, except for backward edges, which are drawn like others."""
    edges = list(dict.fromkeys(edge for edge in edges if edge[0] != edge[1]))
    layers = _layers(nodes, edges)
    members: list[list[str]] = [[] for _ in range(max(layers.values(), default=0) + 1)]
    for node in nodes:
        members[layers[node]].append(node)
    tracks = _Tracks(edges, layers)
    boxes: dict[str, Point] = {}
    gutters: list[float] = []
    y = 0.0
    for row, first in enumerate(range(0, len(members), PER_ROW)):
        gutters.append(y)
        y += BETWEEN + TRACK * (tracks.in_gutter[row] + 1)
        row_members = members[first : first + PER_ROW]
        tallest = max(map(len, row_members))
        for column, layer in enumerate(row_members):
            top = y + (tallest - len(layer)) * (BOX[1] + BETWEEN) / 2
            for k, node in enumerate(layer):
                boxes[node] = (
                    GAP + column * (BOX[0] + GAP),
                    top + k * (BOX[1] + BETWEEN),
                )
        y += tallest * (BOX[1] + BETWEEN)
    lines = {edge: _line(edge, layers, boxes, gutters, tracks) for edge in edges}
    return Drawing(boxes, lines, GAP + min(PER_ROW, len(members)) * (BOX[0] + GAP), y)


def _layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    order = {node: k for k, node in enumerate(nodes)}
    before: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in edges:
        if order[source] < order[target]:
            before[target].append(source)
    layers: dict[str, int] = {}
    for node in nodes:
        layers[node] = max((layers[source] + 1 for source in before[node]), default=0)
    return layers


class _Tracks:
    """Tracks of indirect lines, in the gutter above a row and in the gaps between layers."""

    def __init__(self, edges: Sequence[tuple[str, str]], layers: Mapping[str, int]):
        self.gutter: dict[tuple[str, str], int] = {}
        self.in_gutter: dict[int, int] = {}
        self.gap: dict[tuple[str, str], tuple[int, int]] = {}
        rows = max(layers.values(), default=0) // PER_ROW + 1
        self.in_gutter = dict.fromkeys(range(rows), 0)
        taken: dict[int, list[list[tuple[float, float]]]] = {row: [] for row in range(rows)}
        used: dict[int, int] = {}
        for edge in sorted(edges, key=lambda edge: layers[edge[0]]):
            start, end = layers[edge[0]], layers[edge[1]]
            if is_direct(start, end):
                continue
            self.gap[edge] = used.get(start, 0), used.get(end - 1, 0)
            used[start] = used.get(start, 0) + 1
            if end - 1 != start:
                used[end - 1] = used.get(end - 1, 0) + 1
            row = end // PER_ROW
            span = sorted((start % PER_ROW + 0.6, end % PER_ROW - 0.6))
            if row != start // PER_ROW and row != start // PER_ROW + 1:
                span[0] = -1.0  # comes from the margin
            self.gutter[edge] = _place((span[0], span[1]), taken[row])
            self.in_gutter[row] = len(taken[row])


def is_direct(start: int, end: int) -> bool:
    """Return True if a line runs from a layer to the next one in the same row."""
    return end == start + 1 and end % PER_ROW != 0


def _place(span: tuple[float, float], tracks: list[list[tuple[float, float]]]) -> int:
    """Add a span to the first track on which it overlaps no other, and return that track."""
    for number, track in enumerate(tracks):
        if all(span[1] < low or high < span[0] for low, high in track):
            track.append(span)
            return number
    tracks.append([span])
    return len(tracks) - 1


def _line(
    edge: tuple[str, str],
    layers: Mapping[str, int],
    boxes: Mapping[str, Point],
    gutters: Sequence[float],
    tracks: _Tracks,
) -> list[Point]:
    (x1, y1), (x2, y2) = boxes[edge[0]], boxes[edge[1]]
    x1, y1, y2 = x1 + BOX[0], y1 + BOX[1] / 2, y2 + BOX[1] / 2
    if edge not in tracks.gutter:
        return [(x1, y1), (x2, y2)]
    leave, enter = tracks.gap[edge]
    out = x1 + 8 + TRACK / 2 * (leave % 8)
    into = x2 - 8 - TRACK / 2 * (enter % 8)
    row, target = layers[edge[0]] // PER_ROW, layers[edge[1]] // PER_ROW
    across = gutters[target] + BETWEEN / 2 + TRACK * tracks.gutter[edge]
    path = [(x1, y1), (out, y1)]
    if target not in (row, row + 1):  # along the margin, past the rows between
        down = gutters[row + 1 if target > row else row] + BETWEEN / 2
        margin = TRACK / 2 * (1 + tracks.gutter[edge] % 8)
        path += [(out, down), (margin, down), (margin, across)]
    else:
        path += [(out, across)]
    return [*path, (into, across), (into, y2), (x2, y2)]
