"""How many events can be ahead of a control unit: bounds of its token counters, and so their widths.

When a unit has started r iterations, a neighbour that waits for the unit has started at most the iterations that need
no more than these r. Delays only make it fewer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cmir.dialects.core_name import CoreName
from cmir.rtl.waits import UnitWait


def most_tokens(
    unit: CoreName, wait: UnitWait, waits: Mapping[CoreName, Sequence[UnitWait]]
) -> int | None:
    """Return the most tokens that the counter of a wait ever holds; None if nothing bounds the events.

    waits: those of all units.
    """
    if wait.source == unit:
        allowed = [np.arange(len(wait.needs))]
    else:
        opposite = [other for other in waits[wait.source] if other.source == unit]
        allowed = [_allowed(len(wait.needs), other) for other in opposite]
    ahead = [int((count - wait.needs - 1).max()) for count in allowed]
    return max(wait.reset, min(ahead)) if ahead else None


def _allowed(iterations: int, opposite: UnitWait) -> np.ndarray:
    """Return how many iterations the source may have started when the unit has started 0, 1, … of its own.

    Both are counted from the start of an inference. Iteration p of the source's inference q needs iteration
    q·iterations + needs[p] of the unit; with needs[p] = a·iterations + b, it is among the first r for all q ≤ −a, but
    for q = −a only if b < r.
    """
    earlier, within = np.divmod(opposite.needs, iterations)
    return np.searchsorted(np.sort(within), np.arange(iterations)) - int(earlier.sum())


def signed_width(low: int, high: int) -> int:
    """Return the bits of a signed number from `low` to `high`."""
    return (
        max(value.bit_length() if value >= 0 else (~value).bit_length() for value in (low, high))
        + 1
    )


def unsigned_width(high: int) -> int:
    """Return the bits of a number from 0 to `high`."""
    return max(1, high.bit_length())
