"""What sets and relations are made of, point by point."""

from __future__ import annotations

import islpy as isl

Point = tuple[int, ...]


def points(points: isl.Set) -> list[Point]:
    """The points of a set, in no particular order."""
    found: list[Point] = []

    def add(point: isl.Point) -> None:
        text = str(point)  # one call into ISL, where coordinates one by one would be many
        inside = text[text.index("[") + 1 : text.rindex("]")]
        found.append(tuple(map(int, inside.split(","))) if inside else ())

    points.foreach_point(add)
    return found


def pairs(relation: isl.Map) -> list[tuple[Point, Point]]:
    """The pairs of a relation, in no particular order."""
    split = relation.dim(isl.dim_type.in_)
    return [(p[:split], p[split:]) for p in points(relation.wrap().flatten())]
