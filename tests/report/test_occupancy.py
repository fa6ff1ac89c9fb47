"""Occupancy of buffers, against elements followed one by one."""

from __future__ import annotations

import numpy as np
import pytest
from enumeration import pairs
from hypothesis import given
from hypothesis import strategies as st
from report.runs import SLOW, residual_block

from cmir.dialects.polyhedral import ReadOp, WriteOp
from cmir.report.occupancy import Steps, occupancies


@pytest.mark.parametrize(
    ("kernels", "stride", "sizes", "machine"),
    [((3, 3), 1, "full", ""), ((3, 3), 1, "live", SLOW), ((3, 1), 2, "live", "")],
)
def test_elements_one_by_one(
    kernels: tuple[int, ...], stride: int, sizes: str, machine: str
) -> None:
    drawn = residual_block(kernels, stride, sizes, machine)
    engine, report = drawn.compiled.machine, drawn.report
    start = {core.name: core.start for core in report.cores}

    def accessed(op: ReadOp | WriteOp, core: str) -> dict[str, list[tuple[tuple[int, ...], int]]]:
        place = {tuple(p): k for k, p in enumerate(engine.cores[core].points.tolist())}
        return {
            array: [(x, place[i]) for i, x in pairs(relation.relation.domain_factor_domain())]
            for array, relation in op.arrays_and_maps()
        }

    stages = drawn.compiled.pipeline.stages
    found = list(occupancies(engine, report))
    assert {(o.core, o.array) for o in found} == {
        (name, array)
        for name, stage in stages.items()
        for read in stage.reads()
        for array, _ in read.arrays_and_maps()
        if any(array in accessed(w, other) for other, s in stages.items() for w in s.writes())
    }
    for occupancy in found:
        live = np.zeros(report.cycles + 1, np.int64)
        last: dict[tuple[int, ...], int] = {}
        for read in stages[occupancy.core].reads():
            for location, iteration in accessed(read, occupancy.core).get(occupancy.array, []):
                last[location] = max(last.get(location, -1), iteration)
        for name, stage in stages.items():
            for write in stage.writes():
                for location, iteration in accessed(write, name).get(occupancy.array, []):
                    for inference in range(report.inferences if location in last else 0):
                        arrival = start[name][inference, iteration]
                        arrival += engine.delay("raw", occupancy.core, name)
                        read = start[occupancy.core][inference, last[location]]
                        live[arrival : read + 1] += 1
        at = np.searchsorted(occupancy.live.times, np.arange(len(live)), side="right") - 1
        assert np.where(at < 0, 0, occupancy.live.values[at]).tolist() == live.tolist()
        assert 0 < occupancy.most <= occupancy.slots


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=20),
    st.integers(1, 12),
    st.integers(-3, 3),
)
def test_bounds(changes: list[tuple[int, int]], buckets: int, after: int) -> None:
    times = np.cumsum([wait for wait, _ in changes])
    steps = Steps(times, np.array([value for _, value in changes]))
    end = max(1, int(times[-1]) + after)
    values = np.zeros(end, np.int64)
    for time, (_, value) in zip(times.tolist(), changes, strict=True):
        values[time:] = value
    low, high = steps.bounds(end, buckets)
    assert len(low) == len(high) == buckets
    for k in range(buckets):
        # A part has all cycles of which some of the time is in it.
        first, last = k * end // buckets, -(-(k + 1) * end // buckets)
        assert (low[k], high[k]) == (values[first:last].min(), values[first:last].max())
