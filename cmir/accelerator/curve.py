"""The trade-off between memory and throughput: what buffer sizes cost and what they give."""

from __future__ import annotations

from dataclasses import dataclass

from cmir.accelerator.recurrence import Recurrence
from cmir.accelerator.sizing import Sizes, Sizing

_INTERVALS = 6
"""Steps between the interval of the smallest live sizes and that of the smallest lossless ones."""

_INFERENCES = 8
"""Inferences that are timed to find a steady-state interval."""


@dataclass(frozen=True)
class Point:
    """sram_bytes: of all cores. interval: the steady-state interval, in cycles."""

    sram_bytes: int
    interval: float
    sizes: Sizes


def buffer_curve(sizing: Sizing) -> list[Point]:
    """From the smallest live sizes to the smallest lossless ones; more memory, shorter interval.

    In between, sizes are found for intervals that lie geometrically between the two. Sizes that need no less memory
    than others, and give no shorter interval, are left out.
    """
    smallest = _point(sizing, sizing.live())
    points = [smallest, _point(sizing, sizing.lossless())]
    ratio = sizing.interval / smallest.interval
    for step in range(1, _INTERVALS):
        interval = round(smallest.interval * ratio ** (step / _INTERVALS))
        points.append(_point(sizing, sizing.lossless(interval)))
    points.sort(key=lambda point: (point.sram_bytes, point.interval))
    curve = points[:1]
    for point in points[1:]:
        if point.interval < curve[-1].interval:
            curve.append(point)
    return curve


def _point(sizing: Sizing, sizes: Sizes) -> Point:
    report = Recurrence(sizing.actors(sizes), _INFERENCES).run()
    assert report.steady_interval is not None
    return Point(sum(sizing.sram_bytes(sizes).values()), report.steady_interval, sizes)
