"""Occupancy of buffers, against elements followed one by one."""

from __future__ import annotations

import numpy as np
import pytest
from enumeration import Point, pairs
from hypothesis import given
from hypothesis import strategies as st
from report.runs import SLOW, residual_block

from cmir.isl.dependence_kind import DependenceKind
from cmir.report.occupancy import StepFunction, occupancies

SPREAD = "polyhedral-replicate{stage=conv1 copies=2},polyhedral-replicate{stage=conv2 copies=3}"


@pytest.mark.parametrize(
    ("kernels", "stride", "sizes", "machine", "passes"),
    [
        ((3, 3), 1, "full", "", ""),
        ((3, 3), 1, "live", SLOW, ""),
        ((3, 1), 2, "live", "", ""),
        ((3, 3), 1, "live", SLOW, SPREAD),
    ],
)
def test_elements_one_by_one(
    kernels: tuple[int, ...], stride: int, sizes: str, machine: str, passes: str
) -> None:
    drawn = residual_block(kernels, stride, sizes, machine, passes)
    timed, report = drawn.compiled.timed, drawn.report
    start = {core.name: core.start for core in report.cores}
    stages = drawn.compiled.pipeline.stages
    accesses = {
        (name, kind): [
            (array, pairs(relation.relation.domain_factor_domain()))
            for op in ops
            for array, relation in op.arrays_and_maps()
        ]
        for name, stage in stages.items()
        for kind, ops in (("read", stage.reads()), ("write", stage.writes()))
    }

    def accessed(core: str, kind: str, array: str) -> list[tuple[Point, int]]:
        """The elements that a core reads or writes, and in which of its iterations."""
        place = {tuple(p): k for k, p in enumerate(timed.network.cores[core].points.tolist())}
        found = accesses[timed.network.cores[core].program.name, kind]
        return [
            (x, place[i])
            for name, points in found
            if name == array
            for i, x in points
            if i in place
        ]

    found = list(occupancies(timed, report))
    written = {
        store.array for core in timed.network.cores.values() for store in core.stores.values()
    }
    assert {(o.core, o.array) for o in found} == {
        (core, array)
        for core in timed.network.cores
        for array in written
        if accessed(core, "read", array)
    }
    for occupancy in found:
        live = np.zeros(report.cycles + 1, np.int64)
        last: dict[Point, int] = {}
        for location, iteration in accessed(occupancy.core, "read", occupancy.array):
            last[location] = max(last.get(location, -1), iteration)
        for name in timed.network.cores:
            for location, iteration in accessed(name, "write", occupancy.array):
                for inference in range(report.inferences if location in last else 0):
                    arrival = start[name][inference, iteration]
                    arrival += timed.delay(DependenceKind.RAW, occupancy.core, name)
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
    steps = StepFunction(times, np.array([value for _, value in changes]))
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
