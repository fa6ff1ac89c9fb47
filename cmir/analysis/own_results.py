"""The interval of a stage that reads its own results: its iterations wait for each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from cmir.analysis.footprint import Footprint
from cmir.cost.program_cost import Cost
from cmir.dialects.polyhedral import ArrayOp, StageOp


def reads_itself(stage: StageOp) -> bool:
    """Return True if a stage reads an array that it writes."""
    return not stage.read_relations().keys().isdisjoint(stage.write_relations())


def interval_alone(stage: StageOp, arrays: Mapping[str, ArrayOp], cost: Cost) -> int:
    """Return the cycles between inferences of a stage that waits for nothing but its own results.

    An iteration starts no earlier than `cost.latency` after those whose results it reads, on any core of the stage.
    """
    footprint = Footprint(stage)
    waits: dict[int, list[tuple[int, np.ndarray]]] = defaultdict(list)
    for name in stage.read_relations().keys() & stage.write_relations().keys():
        writer = footprint.writer(arrays[name])
        needs = footprint.needs_data(arrays[name], footprint, writer)
        for (core, other), need in needs.items():
            waits[core].append((other, need))
    cores = range(len(footprint.cores))
    starts: list[list[int]] = [[] for _ in cores]
    moved = True
    while moved:
        moved = False
        for core in cores:
            mine = starts[core]
            while (i := len(mine)) < footprint.count(core):
                needed = [(starts[other], int(need[i])) for other, need in waits[core]]
                if any(last >= len(theirs) for theirs, last in needed):
                    break
                arrivals = (theirs[last] + cost.latency for theirs, last in needed if last >= 0)
                again = (mine[-back] + cycles for back, cycles in cost.pace.bounds if back <= i)
                mine.append(max([0, *again, *arrivals]))
                moved = True
    return max((mine[-1] - mine[0] for mine in starts if mine), default=0) + cost.interval
