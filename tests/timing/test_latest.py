"""Latest periodic schedules against longest paths between single iterations."""

from __future__ import annotations

from math import ceil

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from timing.longest_paths import distances
from timing.test_periodic import Network, networks

from cmir.elaboration.automata import NEVER
from cmir.timing.latest import latest_schedule
from cmir.timing.periodic import periodic_schedule


@settings(max_examples=200, deadline=None)
@given(networks(), st.integers(0, 30))
def test_latest_starts(actors: Network, more: int) -> None:
    check_latest_starts(actors, more)


def check_latest_starts(actors: Network, more: int) -> None:
    """Each iteration starts as late as all that follow it allow, at any distance, in an actor that is kept."""
    busiest = max(actor.cycles for actor in actors.values())
    period = ceil(busiest) + more
    found = distances(actors, period)
    assume(found is not None)
    assert found is not None
    nodes, longest = found
    starts = periodic_schedule(actors, period)
    waits = [
        (wait.source, name)
        for name, actor in actors.items()
        for wait in actor.dependences
        if (wait.needs > -NEVER).any() and wait.source != name
    ]
    ends = set(actors) - {source for source, _ in waits}
    reaches = {
        name
        for k, (name, _) in enumerate(nodes)
        for j, (other, _) in enumerate(nodes)
        if other in ends and name not in ends and longest[k, j] > -np.inf
    }
    kept = [k for k, (name, _) in enumerate(nodes) if name not in reaches]
    expected = [
        starts[k] if k in kept else min(starts[j] - longest[k, j] for j in kept)
        for k in range(len(nodes))
    ]
    assert latest_schedule(actors, period, starts).tolist() == expected
