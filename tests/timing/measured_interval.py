"""The steady-state interval as a run shows it, to compare with that of `cmir.timing.interval`."""

from __future__ import annotations

import numpy as np

from cmir.timing.report import RunReport


def measured_interval(report: RunReport) -> float:
    """Cycles between the ends of inferences in the second half of a stream; where these repeat, over whole periods."""
    ends = report.ends[(report.inferences - 1) // 2 :]
    steps = np.diff(ends)
    periods = (q for q in range(1, len(steps) // 2 + 1) if (steps[q:] == steps[:-q]).all())
    period = next(periods, 1)
    count = len(steps) // period * period
    return float(ends[-1] - ends[-1 - count]) / count
