"""Ways of a stage: how many its cores have crossbars for, and what they do for its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from math import ceil

import numpy as np

from cmir.analysis.own_results import interval_alone, reads_itself
from cmir.cost.firing import Firing
from cmir.cost.program_cost import Cost, firing_cost
from cmir.dialects.polyhedral import ArrayOp, StageOp
from cmir.hardware.description import Hardware
from cmir.isl.points import points_of


class WaysOf:
    """What ways, sets of the crossbars of a core that take turns, do for a stage."""

    def __init__(self, stage: StageOp, hardware: Hardware):
        self.stage, self.hardware = stage, hardware
        self.firing = Firing.of(stage)
        self.ways = self.firing.ways

    @cached_property
    def iterations(self) -> int:
        """Iterations of the busiest core in an inference."""
        points = points_of(self.stage.domain.points)
        _, counts = np.unique(points[:, : self.stage.core_dims], axis=0, return_counts=True)
        return int(counts.max())

    def _cost(self, ways: int) -> Cost:
        return firing_cost(replace(self.firing, ways=ways), self.hardware)

    def crossbars(self, ways: int) -> int:
        """Return the crossbars of a core with so many ways."""
        return self._cost(ways).crossbars

    @property
    def most(self) -> int | None:
        """Number of ways for which a core has crossbars; None if that is unlimited."""
        has, each = self.hardware.core.crossbars, self.crossbars(1)
        return None if has is None or not each else max(1, has // each)

    @property
    def useful(self) -> int:
        """Number of ways beyond which there is no crossbar left, or no iteration would start sooner."""
        if self.ways > 1 or not self.firing.matrices:
            return self.ways
        loads = dict(self._cost(1).loads)
        crossbar = loads.pop("crossbar", 0)
        enough = ceil(crossbar / max([1, *loads.values()]))
        return max(1, min(enough, self.most or enough))

    @property
    def best(self) -> Cost:
        """The cost of an iteration with as many ways as are useful."""
        return self._cost(self.useful)

    def interval(self, ways: int, arrays: Mapping[str, ArrayOp]) -> Fraction:
        """Return the cycles between inferences of the busiest core if it waits for nothing but its own results."""
        cost = self._cost(ways)
        if reads_itself(self.stage):
            return Fraction(interval_alone(self.stage, arrays, cost))
        return cost.pace.cycles(self.iterations)

    def fewest(self, target: Fraction, arrays: Mapping[str, ArrayOp]) -> int:
        """Return the fewest ways with which the interval is no longer than `target`."""
        low, high = self.ways, self.useful
        while low < high:
            middle = (low + high) // 2
            if self.interval(middle, arrays) <= target:
                high = middle
            else:
                low = middle + 1
        return low
