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

    An iteration starts no earlier than `cost.latency` after those whose results it reads, on any core of the stage;
    with turns, after all iterations up to the last of these.
    """
    footprint, turns = Footprint(stage), stage.turns
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
                arrivals = (
                    max(theirs[max(0, last + 1 - turns) : last + 1]) + cost.latency
                    for theirs, last in needed
                    if last >= 0
                )
                again = (
                    mine[i - turns * back] + cycles
                    for back, cycles in cost.pace.bounds
                    if turns * back <= i
                )
                mine.append(max([0, *again, *arrivals]))
                moved = True
    copies = (mine[turn::turns] for mine in starts for turn in range(turns))
    return max((copy[-1] - copy[0] for copy in copies if copy), default=0) + cost.interval
