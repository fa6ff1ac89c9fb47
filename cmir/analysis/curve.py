"""Trade-off between the SRAM that buffers take and the throughput they allow."""

from __future__ import annotations

from dataclasses import dataclass

from cmir.analysis.size_cover import Sizes
from cmir.analysis.size_search import SizeSearch, SizeSolution
from cmir.analysis.sizing import Sizing
from cmir.timing.interval import steady_interval

_INTERVALS = 6
"""Steps between the interval of deadlock-free sizes and that of throughput-preserving ones."""


@dataclass(frozen=True)
class CurvePoint:
    """Buffer sizes, with their cost and the interval they achieve.

    sram_bytes: SRAM of all cores. bound: lower bound of the bytes of any sizes that achieve the interval. interval:
    steady-state interval, in cycles. fits: True if no core needs more SRAM than the machine gives it.
    """

    sram_bytes: int
    bound: int
    interval: float
    sizes: Sizes
    fits: bool


def buffer_curve(sizing: Sizing) -> list[CurvePoint]:
    """Return sizes from deadlock-free to throughput-preserving, by increasing memory and decreasing interval.

    Between the two, sizes are searched for geometrically spaced intervals. They are the smallest, or their bound is
    less than their bytes (`cmir.analysis.size_search`). Points that are dominated, with no less memory and no shorter
    interval than another, are omitted.
    """
    search = SizeSearch(sizing)
    live = _point(sizing, search.live())
    slowest = sizing.ticks * live.interval
    ratio = sizing.interval / slowest
    powers = (ratio ** (step / _INTERVALS) for step in range(1, _INTERVALS))
    intervals = [*(round(slowest * power) for power in powers), sizing.interval]
    points = [live, *(_point(sizing, search.lossless(interval)) for interval in intervals)]
    points.sort(key=lambda point: (point.sram_bytes, point.interval))
    curve = points[:1]
    for point in points[1:]:
        if point.interval < curve[-1].interval:
            curve.append(point)
    return curve


def _point(sizing: Sizing, found: SizeSolution) -> CurvePoint:
    interval = float(steady_interval(sizing.actors(found.sizes)) / sizing.ticks)
    fits = sizing.fits(found.sizes)
    return CurvePoint(found.sram_bytes, found.bound, interval, found.sizes, fits)
